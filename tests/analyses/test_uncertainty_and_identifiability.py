"""Population fit, sensitivity and Fisher information: recomputed by closed forms, and faults that they notice."""

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from strategies import UNITS, synthetic_neonates

from vvuq.analyses.identifiability.fisher import of_patient, separates
from vvuq.analyses.uncertainty.sensitivity import inputs_are_ranked_and_propagated
from vvuq.calibration.foce import fit_population
from vvuq.data.cohort import make_cohort
from vvuq.errors import NotEvaluable
from vvuq.methods.fisher import Information
from vvuq.record import Dose, Measurement, Quantity


def test_the_fit_is_reported_as_it_is(found, parts):
    fit, v = fit_population(pk(), parts[0]), found["population_fit"].values
    for e in fit.estimates:
        assert (v[e.name].value, v[e.name].low, v[e.name].high, v[e.name].unit) == (e.value, e.low, e.high, e.unit)
    for j, name in enumerate(("CL", "V")):
        spread = np.sqrt(np.sum((fit.eta[:, j] - fit.eta[:, j].mean()) ** 2) / 17)
        assert v[f"shrinkage_{name}"].value == pytest.approx(100 * (1 - spread / fit.omega[j]))
    warned = " ".join(found["population_fit"].negative)
    for name in ("CL", "V"):
        assert (f"Shrinkage of {name}" in warned) == (v[f"shrinkage_{name}"].value > 30.0)


def trough(theta):
    """The scenario's trough for parameters (3, n), by the geometric series."""
    CL, V, effect = theta
    volume = V * 1.5 * (1 + effect)
    k = CL * 1.5 / volume
    left = np.exp(-12 * k)
    return 2.5 * 1.5 / volume * left * (1 - left**40) / (1 - left)


def members(fit, germs):
    error = next(e.standard_error for e in fit.estimates if e.name == "apgar_effect")
    shared = fit.theta[2] + error * germs[2]
    return np.array([*(fit.theta[:2, None] * np.exp(fit.omega[:, None] * germs[:2])), shared])


def test_the_distribution_is_that_of_the_closed_form(found, parts):
    fit, v = fit_population(pk(), parts[0]), found["sensitivity"].values
    sample = trough(members(fit, np.random.default_rng(0).standard_normal((3, 200_000))))
    assert v["qoi_mean"].value == pytest.approx(sample.mean(), rel=0.01)
    assert v["qoi_sd"].value == pytest.approx(sample.std(), rel=0.03)
    assert v["qoi_p05"].value == pytest.approx(np.quantile(sample, 0.05), rel=0.02)
    assert v["qoi_p95"].value == pytest.approx(np.quantile(sample, 0.95), rel=0.02)


def test_the_first_order_index_is_the_variance_of_the_conditional_mean(found, parts):
    fit, v = fit_population(pk(), parts[0]), found["sensitivity"].values
    rng = np.random.default_rng(1)
    for j, name in enumerate(("CL", "V", "apgar_effect")):
        germs = np.repeat(rng.standard_normal((3, 400, 1)), 400, axis=2)
        for i in {0, 1, 2} - {j}:
            germs[i] = rng.standard_normal((400, 400))
        values = np.array([trough(members(fit, g)) for g in germs.transpose(1, 0, 2)])
        noise = values.var(axis=1).mean() / 400
        share = (values.mean(axis=1).var() - noise) / values.var()
        assert v[f"S1_{name}"].value == pytest.approx(share, abs=0.12)
    assert v["S1_CL"].value > 0.5, "clearance drives a trough at steady state"


def test_both_methods_agree_and_their_runs_are_counted(found, contexts):
    evidence = found["sensitivity"]
    assert evidence.values["agreement"].value == 1.0
    assert [text.split(":")[0] for text in evidence.negative] == ["Extrapolation"]
    assert evidence.values["pce_validation_error"].value < 0.05
    v = {name: q.value for name, q in evidence.values.items()}
    assert v["n_runs_sobol"] == 8 * 64 * 5 and v["n_runs_pce"] == 7**3 + 128
    assert contexts["sensitivity"].runs == v["n_runs_sobol"] + v["n_runs_pce"] + 4096 + 8 * 5 * (8 + 16 + 32 + 64)
    density = evidence.tables["density"].rows
    assert sum(row[1] for row in density) * (density[1][0] - density[0][0]) == pytest.approx(1.0, abs=1e-6)


def test_disagreement_is_said_and_lowers_the_rung(found, monkeypatch, analyse):
    import vvuq.analyses.uncertainty.sensitivity as module

    def wrong(*arguments):
        chaos = module_chaos(*arguments)
        return replace(chaos, first=chaos.first[::-1])

    module_chaos = module.polynomial_chaos
    monkeypatch.setattr(module, "polynomial_chaos", wrong)
    evidence = analyse("sensitivity")
    assert evidence.values["agreement"].value == 0.0 and "disagree" in evidence.negative[0]
    assert evidence.values["largest_disagreement"].value > 0.3

    def rungs(e):
        return {f.leaf.rsplit(".", 1)[1]: f.gradation for f in inputs_are_ranked_and_propagated.run(e)}

    assert rungs(evidence)["input_sensitivities"] == "a" and rungs(found["sensitivity"])["input_sensitivities"] == "b"


@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_failed_run_is_not_evaluable(analyse, stand_in, nth):
    """In any of the three kinds of runs: of the nets, of the expansion, of the density."""
    calls = [0]

    class Failing(stand_in):
        def evaluate(self, function, points):
            values = super().evaluate(function, points)
            calls[0] += 1
            if calls[0] == nth:
                values[3] = np.nan
            return values

    with pytest.raises(NotEvaluable, match="model runs failed"):
        analyse("sensitivity", Failing("sensitivity"))


def test_information_is_that_of_the_closed_form(found, parts):
    build, fit = parts[0], fit_population(pk(), parts[0])
    rows = {row[0]: row for row in found["fisher"].tables["patients"].rows}
    for patient in build.patients:
        if len(patient.measurements) < 3:
            continue
        schedule, at = pk().schedule(build, patient), np.array([m.time for m in patient.measurements])
        y, slopes = pk().closed_form(schedule, fit.theta, at), []
        for j in range(2):
            shifted = fit.theta.astype(complex)
            shifted[j] += 1e-30j
            slopes.append(pk().closed_form(schedule, shifted, at).imag / 1e-30 * fit.theta[j])
        s = np.array(slopes).T / (0.1 * fit.noise_scale * y)[:, None]
        covariance = np.linalg.inv(s.T @ s)
        _, samples, rank, _, rse_CL, rse_V, correlation, _, apart = rows[patient.id]
        assert (samples, rank) == (len(at), 2)
        np.testing.assert_allclose([rse_CL, rse_V], 100 * np.sqrt(np.diag(covariance)), rtol=1e-5)
        expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        assert correlation == pytest.approx(expected, abs=1e-6)
        assert apart == (abs(expected) <= 0.95 and max(rse_CL, rse_V) <= 100.0)


def test_patients_with_one_sample_have_rank_one_and_are_counted(found, parts):
    rows = found["fisher"].tables["patients"].rows
    single = [row for row in rows if row[1] == 1]
    assert single and all(row[2] == 1 and row[3] == row[4] == "unbounded" and not row[8] for row in single)
    assert all("CL^" in row[7] for row in single), "an early sample says nothing of clearance"
    v = found["fisher"].values
    assert v["n_patients"].value == sum(bool(p.measurements) for part in parts for p in part.patients)
    assert v["n_rank_deficient"].value == sum(row[2] < 2 for row in rows) >= len(single)
    assert v["n_cannot_separate"].value == sum(not row[8] for row in rows)
    assert v["share_cannot_separate"].value == pytest.approx(100 * v["n_cannot_separate"].value / v["n_patients"].value)
    by = {row[0]: row for row in found["fisher"].tables["by_samples"].rows}
    assert by[1][2] == 0 and by[1][4] is None and sum(row[1] for row in by.values()) == len(rows)


def test_measured_values_of_held_out_patients_are_not_used(found, analyse, stand_in, parts):
    silenced = make_cohort("silenced", [
        replace(p, measurements=tuple(replace(m, value=1.0) for m in p.measurements)) for p in parts[1].patients
    ], UNITS)  # fmt: skip
    again = analyse("fisher", stand_in("fisher", sealed_cohort=silenced))
    assert (again.values, again.tables) == (found["fisher"].values, found["fisher"].tables)
    tables = analyse("cohort", stand_in("cohort", sealed_cohort=silenced)).tables
    assert tables == found["cohort"].tables


def test_a_sample_before_any_dose_teaches_nothing(parts):
    fit, first = fit_population(pk(), parts[0]), synthetic_neonates(1, 0).patients[0]
    late = replace(first, doses=(Dose(50.0, 20.0),), measurements=tuple(
        Measurement(t, "concentration", 1.0) for t in (10.0, 20.0, 60.0)
    ))  # fmt: skip
    assert of_patient(pk(), fit, parts[0], late).rank == 1


@pytest.mark.parametrize(
    ("correlation", "rse", "apart"),
    [(0.95, 0.9, True), (0.96, 0.9, False), (-0.96, 0.9, False), (0.0, 1.01, False), (float("nan"), 0.5, False)],
)
def test_the_limits_of_telling_apart(correlation, rse, apart):
    found = Information(2, 3.0, np.array([0.1, rse]), correlation, np.array([1.0, 0.0]))
    assert separates(found) == apart
    assert not separates(replace(found, rank=1))


def test_quantities_carry_their_direction_of_doubt(found):
    assert found["population_fit"].values["CL"].kind == "epistemic"
    assert found["sensitivity"].values["S1_CL"].kind == "numerical"
    assert isinstance(found["fisher"].values["median_rse_CL"], Quantity)
