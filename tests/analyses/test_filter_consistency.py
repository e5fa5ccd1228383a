"""Filter consistency: a right filter passes, each way of being wrong is found and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from scipy.stats import binom

import vvuq.analyses.verification.filter_consistency as module
from vvuq.analyses.verification import innovations, stays
from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate, personal_system, prior_belief
from vvuq.data.cohort import make_cohort
from vvuq.data.split import subset
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import LogNormal, Noise
from vvuq.models.simulate import simulate
from vvuq.numerics.streams import Draws
from vvuq.record import Diagnostics, Measurement

CODE = "verification.code.numerical_code_verification"
ALONE = {"scenario": "verification", "horizon_h": 240.0, "weight_kg": 1.5, "low_apgar": False}
POPULATION = Population(
    np.array([0.005, 0.95, 0.1]), np.array([0.2, 0.15]), 1.0, 0.0, 0.0, (), np.empty((0, 2)), (), 0, 0
)


def alike(spread=0.15):
    """The reference twin, its patients alike enough for a normal belief to be right."""
    twin = pk()
    first = tuple(replace(p, prior=LogNormal(p.prior.median, spread)) for p in twin.model.parameters[:2])
    return replace(twin, model=replace(twin.model, parameters=(*first, *twin.model.parameters[2:])))


class Nobody:
    """A study without patients."""

    def __init__(self, context):
        self.stream = context.stream

    def build(self):
        raise NotEvaluable("the study has no cohort")


def decisions(evidence, part):
    table = evidence.tables["decisions" if part == "build" else part]
    at = {name: i for i, name in enumerate(table.columns)}
    return {row[at["test"]]: (row[at["decision"]], row[at["adjusted_p"]]) for row in table.rows}


def rung(evidence):
    (finding,) = module.consistent_where_the_truth_is_known.run(evidence)
    assert finding.leaf == CODE
    return finding.gradation


@pytest.fixture(scope="module")
def right(analyse, stand_in):
    """Patients drawn from the twin under one scenario, enough of them to be sure."""
    context = Nobody(stand_in("filter_consistency"))
    return analyse("filter_consistency", context, twin=alike(), alone=ALONE, copies=20, samples=3, resamples=200)


def test_a_right_filter_passes_where_the_truth_is_known(right):
    assert rung(right) == "b" and right.values["failed_steps"].value == 0.0
    for name in innovations.FACTORS:
        factor = right.values[f"simulated_{name}_factor"]
        assert factor.lower95 < factor.value < factor.upper95 and factor.n == 600
        assert 0.9 < factor.lower95 < factor.upper95 < 1.1
    assert right.values["simulated_rejected"].low <= 5.0 and not right.negative
    assert {said for said, _ in decisions(right, "simulated").values()} == {"consistent"}


def test_without_patients_only_what_was_drawn_is_reported(right, analyses):
    declared = analyses["filter_consistency"].metrics(pk(), {"alone": ALONE})
    assert {key: q.unit for key, q in right.values.items()}.items() < declared.items()
    assert not [key for key in right.values if not key.startswith("simulated_") and key != "failed_steps"]
    assert {row[0] for row in right.tables["pit"].rows} == {"simulated"} and "decisions" not in right.tables


def test_without_patients_and_without_a_scenario_it_is_not_evaluable(analyse, stand_in):
    with pytest.raises(NotEvaluable, match="no cohort"):
        analyse("filter_consistency", Nobody(stand_in("filter_consistency")))
    with pytest.raises(InputError, match=r"filter_consistency\.alone\.scenario: 'verifikation'.*verification"):
        analyse("filter_consistency", Nobody(stand_in("filter_consistency")), alone={"scenario": "verifikation"})


def test_more_folds_than_patients_are_refused(analyse):
    with pytest.raises(InputError, match=r"filter_consistency\.folds: 99 .* 18 at most"):
        analyse("filter_consistency", folds=99)


def faulty(monkeypatch, *, noise=1.0, prior=1.0, drift=0.0, shift=0.0):
    """The personal filter with a fault: error SDs or prior SDs scaled, a random walk added, typical values moved."""

    def system(twin, population):
        made = personal_system(twin, population)
        wrong = tuple(Noise(n.sd * noise, n.cv * noise) for n in made.noise)
        return replace(made, noise=wrong, drift=np.where(np.arange(made.size) < made.states, 0.0, drift))

    def belief(twin, population, schedule):
        made, n = prior_belief(twin, population, schedule), len(twin.model.states)
        return replace(made, root=prior * made.root, mean=made.mean + shift * (np.arange(made.mean.size) >= n))

    monkeypatch.setattr(stays, "personal_system", system)
    monkeypatch.setattr(stays, "prior_belief", belief)


@pytest.mark.parametrize(
    ("fault", "test", "word"),
    [
        ({"noise": 0.5}, "nis", "overconfident"),
        ({"noise": 2.0}, "nis", "underconfident"),
        ({"prior": 0.5}, "nees of parameters", "overconfident"),
        ({"prior": 2.0, "samples": 1}, "nees of parameters", "underconfident"),
        ({"drift": 0.05}, "nees of parameters", "underconfident"),
        ({"shift": 0.3}, "pit", "observations lie above"),
        ({"noise": 4.0, "prior": 0.2}, "whiteness", "correlated in sequence"),
    ],
)
def test_a_wrong_filter_is_found_and_named(analyse, stand_in, monkeypatch, fault, test, word):
    fault = dict(fault)
    many = fault.pop("samples", 6)  # few, so that the prior still counts
    faulty(monkeypatch, **fault)
    context = Nobody(stand_in("filter_consistency"))
    evidence = analyse("filter_consistency", context, twin=alike(), alone=ALONE, copies=3, samples=many, resamples=100)
    said, p = decisions(evidence, "simulated")[test]
    assert said.startswith("rejected: ") and word in said and p < 0.05
    assert rung(evidence) == "a" and evidence.negative


def test_a_belief_that_the_models_curvature_makes_wrong_is_found(analyse, stand_in):
    """Where patients differ by half of everything, two log-normal parameters behind one sample are no normal belief."""
    context = Nobody(stand_in("filter_consistency"))
    evidence = analyse("filter_consistency", context, twin=alike(0.5), alone=ALONE, copies=5, resamples=100)
    assert evidence.values["simulated_parameter_factor"].lower95 > 1.2 and rung(evidence) == "a"
    assert decisions(evidence, "simulated")["nees of parameters"][0] == "rejected: overconfident"


def test_build_patients_are_judged_by_populations_that_do_not_hold_them(analyse, parts, monkeypatch):
    met = []

    def watched(twin, population, stay, normals):
        if stay.truth is None:
            met.append((population.cohort, stay))
        return stays.watch(twin, population, stay, normals)

    monkeypatch.setattr(module, "watch", watched)
    analyse("filter_consistency")
    twin, build = pk(), parts[0]
    assert len(met) == len(build.patients) == 18
    owners = {tuple(m.value for m in p.measurements): p.id for p in build.patients}
    for fitted, stay in met:
        owner = owners[tuple(m.value for m in stay.measurements)]
        assert owner not in {p.id for p in fitted.patients}
        assert stay.schedule == twin.schedule(build, subset(build, [owner], "one").patients[0])


def test_a_filter_that_is_wrong_on_build_patients_is_named(analyse, found, monkeypatch):
    """What is said of build patients comes from their own samples."""
    before = found["filter_consistency"].values["spread_factor"].value
    faulty(monkeypatch, noise=0.4)
    evidence = analyse("filter_consistency")
    assert evidence.values["n_rejected"].value >= 1.0 and evidence.values["spread_factor"].lower95 > 1.2 * before
    assert evidence.values["p_nis"].value < 0.05
    assert any(s.startswith("On build patients, nis: overconfident") for s in evidence.negative)


def test_what_would_be_rejected_alone_is_said(analyse, monkeypatch):
    """Among four tests one at p = 0.03 does not reject; the reader is told."""
    test = innovations.chi_square

    def close(name, values, degrees, level=0.05):
        if name == "nis" and len(values) < 100:  # of the build patients: just outside of its bounds
            values = np.full(len(values), 1.01 * test(name, values, degrees, level).high)
        return test(name, values, degrees, level)

    monkeypatch.setattr(innovations, "chi_square", close)
    evidence = analyse("filter_consistency", copies=2)
    said, p = decisions(evidence, "build")["nis"]
    assert said == "consistent" and p > 0.05
    assert any(s.startswith("On build patients, nis would be rejected if it stood alone (") for s in evidence.findings)


def test_a_test_that_cannot_be_made_is_said_and_not_passed(analyse, stand_in, parts, monkeypatch):
    monkeypatch.setattr(module, "fit_population", lambda twin, cohort, errors: POPULATION)  # one sample fits nothing
    few = [replace(p, measurements=p.measurements[:1]) for p in parts[0].patients]
    one = make_cohort("one sample each", few, dict(parts[0].units))
    evidence = analyse("filter_consistency", stand_in("filter_consistency", build_cohort=one))
    assert decisions(evidence, "build")["whiteness"][0] == "not tested" and "p_whiteness" not in evidence.values
    assert any(s.startswith("On build patients, whiteness is not tested: fewer than 4") for s in evidence.findings)


def test_a_failed_step_is_counted_and_never_passes(analyse, monkeypatch):
    def failing(system, belief, schedule, measurements):
        beliefs, seen = assimilate(system, belief, schedule, measurements)
        nothing = np.full(1, np.nan)
        broken = Diagnostics(seen[0].time, nothing, nothing, nothing, np.nan, 0, np.nan, code=4)
        return beliefs, (broken, *seen[1:])

    monkeypatch.setattr(stays, "assimilate", failing)
    evidence = analyse("filter_consistency", copies=2)
    assert evidence.values["failed_steps"].value == 3 * 18 and rung(evidence) == "a"
    assert "The filter failed on 54 measurements, which are left out." in evidence.negative


def test_an_error_where_the_filter_allows_none_is_no_pass(analyse, monkeypatch):
    faulty(monkeypatch, prior=0.0)
    evidence = analyse("filter_consistency", copies=2)
    assert "simulated_parameter_factor" not in evidence.values and rung(evidence) == "a"
    assert "On simulated patients errors of parameters lie where the filter allows none." in evidence.negative


def test_simulated_patients_follow_model_population_and_error():
    twin = pk()
    made = twin.scenarios["verification"](horizon_h=240.0, weight_kg=1.5, low_apgar=False)
    taken = [Measurement(t, "concentration", np.nan) for t in (30.0, 100.0, 100.0, 230.0)]
    few, many = (stays.drawn(twin, POPULATION, made.schedule, taken, n, Draws(1, "t")) for n in (3, 2000))
    assert all(a.measurements == b.measurements for a, b in zip(few, many, strict=False))
    truth = np.array([s.truth for s in many])
    assert np.allclose(truth[:, 1:].mean(axis=0), np.log(POPULATION.theta[:2]), atol=0.02)
    assert np.allclose(truth[:, 1:].std(axis=0), POPULATION.omega, rtol=0.06)
    theta = np.concatenate([np.exp(few[0].truth[1:]), POPULATION.theta[2:]])
    paths = simulate(twin.model, made.schedule, theta, [30.0, 100.0, 230.0], method=twin.method)
    assert few[0].truth[0] == pytest.approx(paths.states[-1, 0, 0])
    cv = twin.model.observables[0].noise.cv
    exact = [np.exp(s.truth[1:]) for s in many[:400]]
    first = [simulate(twin.model, made.schedule, np.append(e, POPULATION.theta[2]), [30.0], method=twin.method)
             .observed[0, 0, 0] for e in exact]  # fmt: skip
    errors = np.array([s.measurements[0].value for s in many[:400]]) / np.array(first) - 1.0
    assert errors.std() == pytest.approx(cv, rel=0.12) and abs(errors.mean()) < 0.2 * cv


def test_a_stay_that_nobody_knows_the_truth_of_has_no_estimation_error():
    twin = pk()
    made = twin.scenarios["verification"](horizon_h=240.0, weight_kg=1.5, low_apgar=False)
    stay = stays.Stay(made.schedule, (Measurement(30.0, "concentration", 15.0),))
    seen = stays.watch(twin, POPULATION, stay, np.random.default_rng(0).standard_normal((3, 8)))
    assert seen.parameters[1] == 0 and np.isnan(seen.states).all()
    assert seen.nis[0] == pytest.approx(seen.innovations[0] ** 2) and 0.0 < seen.pit[0] < 1.0


def test_enough_simulated_cohorts_show_what_is_usual(analyse, found, monkeypatch):
    assert {row[4] for row in found["filter_consistency"].tables["decisions"].rows} == {None}
    monkeypatch.setattr(innovations, "LEAST_COHORTS", 3)
    table = analyse("filter_consistency").tables["decisions"]
    at = {name: i for i, name in enumerate(table.columns)}
    assert at["usual_low"] == 4
    for row in table.rows:
        assert row[at["usual_low"]] <= row[at["usual_high"]] and row[at["usual_low"]] <= row[at["bound_high"]]


@pytest.mark.slow
def test_tests_of_a_right_filter_keep_their_level_over_cohorts(analyse, stand_in):
    """All four tests together, on 200 cohorts of 30 patients who are alike: rejected in 5 % of cohorts at most."""
    context = Nobody(stand_in("filter_consistency"))
    evidence = analyse("filter_consistency", context, twin=alike(0.1), alone=ALONE, copies=200, resamples=100)
    rejected = evidence.values["simulated_rejected"]
    assert binom.sf(round(rejected.value / 100.0 * 200) - 1, 200, 0.05) > 1e-3
    assert rejected.n == 200 and rung(evidence) == "b"
