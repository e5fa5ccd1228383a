"""Cohort, cross-validation and hold-out: their numbers recomputed, and faults that they notice."""

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from strategies import UNITS

import vvuq.analyses.validation.cohort as cohort_module
import vvuq.analyses.validation.holdout as holdout_module
from vvuq.analyses.validation.next_measurement import covered, normals, of_cohort
from vvuq.analyses.validation.report import agreement, negative_of, values_of
from vvuq.calibration.foce import fit_population
from vvuq.data.cohort import make_cohort
from vvuq.errors import NotEvaluable
from vvuq.record import Quantity

AGREEMENT = "validation.assessment.output_comparison.agreement"


def scaled(cohort, by):
    """Held-out patients whose every measurement is `by` times what it was."""
    patients = [
        replace(p, measurements=tuple(replace(m, value=by * m.value) for m in p.measurements)) for p in cohort.patients
    ]
    return make_cohort(cohort.name, patients, UNITS)


def rung(evidence):
    return next(f.gradation for f in holdout_module.held_out_patients_agree.run(evidence) if f.leaf == AGREEMENT)


@pytest.fixture(scope="module")
def columns(found):
    """The table of single forecasts, by column."""
    table = found["holdout"].tables["predictions"]
    return {name: np.array(column) for name, column in zip(table.columns, zip(*table.rows, strict=True), strict=True)}


def test_counts_of_the_cohort_are_those_of_its_patients(found, parts):
    v = {name: q.value for name, q in found["cohort"].values.items()}
    build, sealed = parts
    assert (v["n_build"], v["n_held_out"], v["n_overlap"]) == (18, 12, 0)
    assert v["n_measurements"] == sum(len(p.measurements) for part in parts for p in part.patients)
    weights = [dict(p.covariates)["weight"] for p in sealed.patients]
    assert v["envelope_weight_covered"] == pytest.approx(100 * (min(max(weights), 3.6) - max(min(weights), 0.6)) / 3.0)
    assert build.digest != sealed.digest


def test_a_patient_in_both_parts_takes_every_rung_away(analyse, stand_in, found, parts):
    build, sealed = parts
    check = cohort_module.comparators_span_the_envelope
    assert len(check.run(found["cohort"])) >= 4
    for leaked in (build.patients[0], replace(build.patients[0], id="another name")):
        part = make_cohort("leak", (*sealed.patients, leaked), UNITS)
        evidence = analyse("cohort", stand_in("cohort", sealed_cohort=part))
        assert evidence.values["n_overlap"].value == 1
        assert check.run(evidence) == ()


@pytest.mark.parametrize("name", ["the same", "another name"])
def test_a_leaked_patient_is_counted_and_nothing_is_concluded(analyse, stand_in, found, parts, name):
    """A held-out patient who was among the fitted, under their own id or under another one."""
    build, sealed = parts
    assert found["holdout"].values["n_leaked"].value == 0 and found["cross_validation"].values["n_leaked"].value == 0
    leaked = build.patients[0] if name == "the same" else replace(build.patients[0], id=name)
    part = make_cohort("leak", (*sealed.patients, leaked), UNITS)
    evidence = analyse("holdout", stand_in("holdout", sealed_cohort=part))
    assert evidence.values["n_leaked"].value == 1
    assert holdout_module.held_out_patients_agree.run(evidence) == ()


def test_a_leaky_cross_validation_is_counted(analyse, stand_in, parts, monkeypatch):
    """Folds that fit to everybody, and a patient who stands twice under two ids, are both leaks."""
    import vvuq.analyses.validation.cross_validation as module

    def everybody(cohort, ids, label):
        return cohort if label == "fitted" else module_subset(cohort, ids, label)

    module_subset = module.subset
    build = parts[0]
    twice = make_cohort("twice", (*build.patients, replace(build.patients[0], id="another")), UNITS)
    evidence = analyse("cross_validation", stand_in("cross_validation", build_cohort=twice))
    assert evidence.values["n_leaked"].value == 2
    monkeypatch.setattr(module, "subset", everybody)
    assert analyse("cross_validation").values["n_leaked"].value == 18


@pytest.mark.parametrize(("factor", "same"), [(1.05, True), (2.0, False)])
def test_regimens_are_alike_within_a_quarter_whatever_the_unit(parts, factor, same):
    patient = next(p for p in parts[0].patients if len(p.doses) > 2)
    first, *later = patient.doses
    for dose in (0.002, 70.0, 5000.0):
        one = replace(patient, doses=(replace(first, amount=dose), *later))
        other = replace(patient, doses=(replace(first, amount=factor * dose), *later))
        near = abs(cohort_module.regimen(one)["dose"][0] - cohort_module.regimen(other)["dose"][0]) <= 1
        assert near == same
    assert cohort_module.regimen(replace(patient, doses=(first,)))["dose"][1:] == (None, None)
    assert cohort_module.regimen(patient, "weight") != cohort_module.regimen(patient)


def test_the_share_of_an_envelope(parts):
    part = parts[1]
    weights = [dict(p.covariates)["weight"] for p in part.patients]
    assert cohort_module.covered(part, "weight", min(weights), max(weights)) == 1.0
    assert cohort_module.covered(part, "weight", max(weights) + 1, max(weights) + 2) == 0.0
    assert cohort_module.covered(part, "weight", min(weights) - 1, max(weights)) < 1.0


def test_errors_and_coverage_are_those_of_the_single_forecasts(found, columns):
    v = found["holdout"].values
    later = columns["earlier_samples"] >= 1
    observed, median = columns["observed"][later], columns["median"][later]
    error = 100 * (observed - median) / median
    assert v["mdpe"].value == pytest.approx(np.median(error))
    assert v["mdape"].value == pytest.approx(np.median(np.abs(error)))
    inside = (columns["low90"][later] <= observed) & (observed <= columns["high90"][later])
    assert v["coverage_90"].value == pytest.approx(100 * inside.mean())
    base = columns["baseline_median"][later]
    gain = np.median(np.abs(100 * (observed - base) / base)) - v["mdape"].value
    assert v["mdape_gain"].value == pytest.approx(gain)
    assert v["crps_skill"].value == pytest.approx(1 - v["crps"].value / v["baseline_crps"].value)
    assert v["n_predictions"].value == later.sum()
    assert v["n_patients"].value == len(set(columns["patient"][later]))
    width = columns["high90"][later] - columns["low90"][later]
    assert v["interval90_width"].value == pytest.approx(width.mean())


def test_the_first_forecast_is_that_of_the_population_and_a_forecast_sees_no_later_sample(
    columns, parts, analyse, stand_in
):
    first = columns["earlier_samples"] == 0
    np.testing.assert_array_equal(columns["median"][first], columns["baseline_median"][first])
    assert np.all(columns["median"][~first] != columns["baseline_median"][~first])
    tampered = make_cohort("tampered", [
        replace(p, measurements=(*p.measurements[:-1], replace(p.measurements[-1], value=3 * p.measurements[-1].value)))
        for p in parts[1].patients
    ], UNITS)  # fmt: skip
    table = analyse("holdout", stand_in("holdout", sealed_cohort=tampered)).tables["predictions"]
    at = table.columns.index("median")
    np.testing.assert_array_equal([row[at] for row in table.rows], columns["median"])


def test_no_forecast_of_cross_validation_saw_its_patient(parts, monkeypatch, analyse):
    import vvuq.analyses.validation.cross_validation as module

    fitted, judged = [], []

    def fit(twin, cohort, **more):
        fitted.append({p.id for p in cohort.patients})
        return fit_population(twin, cohort, **more)

    def score(twin, population, cohort, draws):
        judged.append({p.id for p in cohort.patients})
        return of_cohort(twin, population, cohort, draws)

    monkeypatch.setattr(module, "fit_population", fit)
    monkeypatch.setattr(module, "of_cohort", score)
    analyse("cross_validation")
    everybody = {p.id for p in parts[0].patients}
    assert len(fitted) == len(judged) == 3
    assert all(f | j == everybody and not f & j for f, j in zip(fitted, judged, strict=True))
    assert set.union(*judged) == everybody and sum(map(len, judged)) == 18


def test_a_repeated_patient_changes_neither_value_nor_interval(parts):
    fit = fit_population(pk(), parts[0])
    rows = of_cohort(pk(), fit, parts[1], normals(pk(), 64, np.random.default_rng(0)))
    once, twice = (values_of(pk(), "mg/L", r, np.random.default_rng(1), 100) for r in (rows, rows + rows))
    assert once.keys() == twice.keys()
    for name in once:
        if name != "failed_members":
            assert twice[name].value == pytest.approx(once[name].value), name
            assert twice[name].n == once[name].n
            assert twice[name].low == pytest.approx(once[name].low) if once[name].low is not None else True


def test_intervals_need_three_patients(parts):
    fit = fit_population(pk(), parts[0])
    rows = of_cohort(pk(), fit, parts[1], normals(pk(), 64, np.random.default_rng(0)))
    many = [r for r in rows if len(r.values) >= 2]
    with pytest.raises(NotEvaluable, match="2 patients with two measurements"):
        values_of(pk(), "mg/L", many[:2], np.random.default_rng(1), 100)


def test_patients_like_those_of_the_fit_agree(found):
    assert rung(found["holdout"]) in ("b", "c")
    assert found["holdout"].values["mdape"].upper95 < 30.0


@pytest.mark.parametrize("by", [0.4, 2.5])
def test_biased_predictions_lower_the_agreement(analyse, stand_in, parts, by):
    """Every sample is `by` times what the twin was fitted to, from the first on; the twin sees one, then the next."""
    sealed = scaled(parts[1], by)
    evidence = analyse("holdout", stand_in("holdout", sealed_cohort=sealed))
    assert rung(evidence) == "a"
    assert any("is too narrow" in sentence for sentence in evidence.negative)


def test_too_small_a_noise_lowers_the_agreement(monkeypatch, analyse):
    def sure(twin, cohort):
        return replace(fit_population(twin, cohort), noise_scale=0.2, omega=np.full(2, 0.02))

    monkeypatch.setattr(holdout_module, "fit_population", sure)
    evidence = analyse("holdout")
    assert evidence.values["coverage_90"].value < 70.0 and rung(evidence) == "a"


@pytest.mark.parametrize(
    ("changes", "letter"),
    [
        ({}, "c"),
        ({"crps_skill": Quantity(0.2, "1", lower95=-0.01)}, "b"),
        ({"crps_skill": Quantity(0.2, "1")}, "b"),
        ({"mdape": Quantity(20.0, "%", upper95=31.0)}, "a"),
        ({"mdape": Quantity(20.0, "%")}, "a"),
        ({"coverage_90": Quantity(80.0, "%", 70.0, 89.0)}, "a"),
        ({"coverage_90": Quantity(97.0, "%", 92.0, 99.0)}, "a"),
    ],
)
def test_the_rung_of_agreement(found, changes, letter):
    good = {
        "mdape": Quantity(15.0, "%", upper95=25.0),
        "coverage_90": Quantity(89.0, "%", 80.0, 95.0),
        "crps_skill": Quantity(0.3, "1", lower95=0.1),
    }
    assert agreement(replace(found["holdout"], values={**good, **changes})).gradation == letter


def test_what_speaks_against_the_twin_is_said(found):
    values = dict(found["holdout"].values)
    values |= {f"coverage_{p}": Quantity(float(p), "%", p - 1.0, p + 1.0) for p in (50, 80, 90, 95)}
    values["crps_skill"] = Quantity(0.3, "1", lower95=0.1)
    before = negative_of(pk(), values, "them")
    assert not any("interval" in s or "skill" in s for s in before)
    values["coverage_80"] = Quantity(60.0, "%", 50.0, 70.0)
    values["coverage_50"] = Quantity(70.0, "%", 60.0, 80.0)
    values["crps_skill"] = Quantity(0.1, "1", lower95=-0.1)
    text = " ".join(negative_of(pk(), values, "them"))
    assert "80 % forecast interval is too narrow" in text and "50 % forecast interval is too wide" in text
    assert "gain over the population-only forecast is not certain" in text


def test_the_central_interval_holds_what_its_transform_says():
    pit = np.array([0.04, 0.05, 0.5, 0.95, 0.96])
    np.testing.assert_array_equal(covered(pit, 0.9), [0, 1, 1, 1, 0])


def test_groups_count_their_patients(found):
    table = found["holdout"].tables["by_group"]
    counts = {row[0]: row[1] for row in table.rows}
    assert counts["weight < 1.5"] + counts["weight >= 1.5"] == found["holdout"].values["n_patients"].value
    assert counts["apgar < 5"] + counts["apgar >= 5"] == found["holdout"].values["n_patients"].value


def test_bands_of_the_example_start_where_the_belief_stands(found):
    rows = found["holdout"].tables["bands"].rows
    assert len({row[0] for row in rows}) == 1
    for k in {row[1] for row in rows}:
        times = [row[2] for row in rows if row[1] == k]
        assert times == sorted(times)
    assert all(low < median < high for _, _, _, median, low, high, _, _ in rows)
    assert all(low <= inner_low <= inner_high <= high for _, _, _, _, low, high, inner_low, inner_high in rows)
