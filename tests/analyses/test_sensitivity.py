"""Sensitivity: recomputed by closed forms, two methods that are made to disagree, and inputs that say too little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyses.conftest import FITTED, SETTINGS, StandIn
from examples import pk

import vvuq.analyses.uncertainty.sensitivity as module
from vvuq.analyses.uncertainty.inputs import declared
from vvuq.analyses.uncertainty.quantity import look_times, quantity
from vvuq.analyses.uncertainty.sensitivity import inputs_are_ranked_and_propagated, sensitivity
from vvuq.calibration.foce import fit_population
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import Normal, Uniform
from vvuq.paths import shipped

PRIORS = {"status": {"rest": "epistemic"}, "independent": "declared one at a time, for tests"}
FEW = {"base": 32, "most_runs": 5000, "points": 60, "fresh": 40, "bins": 10}


def by_priors(twin=None, inputs=PRIORS, **changes):
    settings = SETTINGS["sensitivity"] | FEW | {"known": "priors", "inputs": inputs} | changes
    found = sensitivity.run(twin or pk(), StandIn("sensitivity"), **settings)
    assert {name: q.unit for name, q in found.values.items()} == sensitivity.metrics(twin or pk(), settings)
    return found


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
    """20,000 trials: SDs of the mean 0.7 %, of the SD and of the ends of the interval near 1 % of it."""
    fit, v = fit_population(pk(), parts[0]), found["sensitivity"].values
    sample = trough(members(fit, np.random.default_rng(0).standard_normal((3, 400_000))))
    assert v["qoi_mean"].value == pytest.approx(sample.mean(), rel=0.01)
    assert v["qoi_sd"].value == pytest.approx(sample.std(), rel=0.04)
    assert v["qoi_low95"].value == pytest.approx(np.quantile(sample, 0.025), rel=0.03)
    assert v["qoi_high95"].value == pytest.approx(np.quantile(sample, 0.975), rel=0.03)
    density = found["sensitivity"].tables["density"].rows
    assert sum(row[1] for row in density) * (density[1][0] - density[0][0]) == pytest.approx(1.0, abs=1e-6)


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
    v = {name: q.value for name, q in evidence.values.items()}
    assert v["agreement"] == v["agreement_tells"] == 1.0 and v["n_repeated"] == 0.0
    assert v["pce_validation_error"] <= v["pce_error_bound"] < 0.05
    looks = evidence.tables["looks"].rows
    assert looks[-1] == (v["n_runs_sobol"], v["widest_half_width"]) and looks[0][0] == 16 * 32 * 5
    assert v["n_runs_pce"] == 60 + 64
    assert contexts["sensitivity"].runs == v["n_runs_sobol"] + v["n_runs_pce"] + v["n_trials"] + 16 * 32 * 5
    assert v["share_both"] + v["share_epistemic"] + v["share_mixed"] == pytest.approx(1.0)
    assert v["share_aleatory"] == 0.0, "no input of this study is called aleatory"


def test_the_course_ends_with_the_quantity_itself(found):
    """The observable at the last instant is the quantity; by nets of their own, so within both intervals."""
    v, rows = found["sensitivity"].values, found["sensitivity"].tables["course"].rows
    for name in ("CL", "V"):
        last = max((row for row in rows if row[0] == name), key=lambda row: row[1])
        assert last[1] == 480.0 and last[6] <= v[f"ST_{name}"].high and v[f"ST_{name}"].low <= last[7]


def wrong_way_round(monkeypatch):
    """An expansion that calls itself exact, with the indices of its inputs exchanged."""
    original = module.chaos.fit

    def swapped(*arguments, **options):
        found = original(*arguments, **options)
        return replace(found, terms=found.terms[:, ::-1].copy())

    monkeypatch.setattr(module.chaos, "fit", swapped)


def test_disagreement_is_looked_at_again_said_and_lowers_the_rung(found, monkeypatch, analyse):
    wrong_way_round(monkeypatch)
    evidence = analyse("sensitivity", most_runs=20_000)
    assert evidence.values["agreement"].value == 0.0 and evidence.values["n_repeated"].value >= 4 * 16 * 32 * 5
    assert "disagree beyond their errors" in evidence.negative[0] and "one of the two is wrong" in evidence.negative[0]
    assert evidence.values["largest_disagreement"].value > 0.3

    def rungs(e):
        return {f.leaf.rsplit(".", 1)[1]: f.gradation for f in inputs_are_ranked_and_propagated.run(e)}

    assert rungs(evidence)["input_sensitivities"] == "a" and rungs(found["sensitivity"])["input_sensitivities"] == "b"


def test_where_the_expansion_is_inexact_it_is_named_as_the_reason_and_agreement_tells_nothing(monkeypatch):
    original = module.chaos.fit

    def rough(*arguments, **options):
        found = original(*arguments, **options)
        return replace(found, error=replace(found.error, upper=0.3))

    monkeypatch.setattr(module.chaos, "fit", rough)
    found = by_priors()
    assert found.values["agreement"].value == 1.0 and found.values["agreement_tells"].value == 0.0
    assert any("may miss up to 30 % of the variance" in text for text in found.negative)


@pytest.mark.parametrize("nth", [1, 2, 5])
def test_a_failed_run_is_not_evaluable(analyse, stand_in, nth):
    """In whatever kind of runs: of the nets, of the expansion, of the distribution."""
    calls = [0]

    class Failing(stand_in):
        def evaluate(self, function, points):
            values = super().evaluate(function, points)
            calls[0] += 1
            if calls[0] == nth:
                values[..., 3] = np.nan
            return values

    with pytest.raises(NotEvaluable, match=r"failed|not finite"):
        analyse("sensitivity", Failing("sensitivity"))


def test_where_nothing_but_one_parameter_varies_it_makes_all_of_the_variance():
    alone = by_priors(inputs=PRIORS | {"held": ["V", "apgar_effect"]})
    assert alone.values["n_parameters"].value == 1.0
    assert alone.values["S1_CL"].value == pytest.approx(1.0, abs=0.05)
    held = tuple(
        replace(p, prior=Uniform(p.prior.quantile(0.5), p.prior.quantile(0.5))) if p.name != "CL" else p
        for p in pk().model.parameters
    )
    points = by_priors(replace(pk(), model=replace(pk().model, parameters=held)))
    assert points.values["S1_CL"] == alone.values["S1_CL"]


def test_a_lowest_value_is_not_above_the_last_and_a_highest_not_below():
    last, lowest, highest = (
        by_priors(take=take, over=24.0).values["qoi_low95"].value for take in ("last", "lowest", "highest")
    )
    assert lowest <= last * (1 + 1e-9) and highest >= last * (1 - 1e-9) and lowest < highest


def test_dependent_inputs_have_shapley_effects_that_add_up():
    dependent = {"status": {"rest": "both"}, "correlated": [{"between": ["CL", "V"], "coefficient": 0.6}],
                 "source": "made up for tests, as large ones are"}  # fmt: skip
    found = by_priors(inputs=dependent, shapley=16)
    rows = {row[0]: row for row in found.tables["shapley"].rows}
    assert sum(row[1] for row in rows.values()) == pytest.approx(1.0, abs=1e-9)
    assert rows["CL"][1] > rows["V"][1] >= -0.05 and all(row[2] <= row[1] <= row[3] for row in rows.values())
    assert any("Shapley effects are the shares of the inputs themselves" in text for text in found.findings)
    assert "Gaussian copula: made up for tests" in found.tables["inputs"].title


@pytest.mark.slow
def test_screening_ranks_by_four_other_measures():
    found = by_priors(screen=256)
    rows = {row[0]: row[1:] for row in found.tables["screening"].rows}
    assert set(rows) == {"CL", "V", "apgar_effect"}
    assert all(rows["CL"][i] > rows["apgar_effect"][i] for i in (0, 2, 4)), "Morris, PAWN and delta"


def test_aleatory_inputs_are_what_no_knowledge_removes():
    found = by_priors(inputs=PRIORS | {"status": {"CL": "aleatory", "rest": "epistemic"}})
    assert found.values["share_aleatory"].value > 0.5
    assert any("is aleatory alone: no knowledge of V, apgar_effect removes it" in text for text in found.findings)


def test_the_plan_may_give_a_distribution_of_its_own():
    mine = {"name": "CL", "distribution": {"triangular": {"low": 0.004, "mode": 0.005, "high": 0.006}},
            "source": "an interval that somebody measured", "n": 7}  # fmt: skip
    found = by_priors(inputs=PRIORS | {"other": [mine]})
    row = next(row for row in found.tables["inputs"].rows if row[0] == "CL")
    assert "triangular" in row[3] and row[4] == mine["source"] and row[5] == 7
    assert found.values["qoi_sd"].value < by_priors().values["qoi_sd"].value


CL = {"name": "CL", "source": "an interval that somebody measured"}
FLAT = replace(
    pk(),
    model=replace(
        pk().model,
        parameters=tuple(
            replace(p, prior=Uniform(0.8, 1.2)) if p.name == "V" else p for p in pk().model.parameters
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("twin", "inputs", "field"),
    [
        (None, {"status": {"rest": "both"}}, "independent"),
        (None, PRIORS | {"correlated": [{"between": ["CL", "V"], "coefficient": 0.5}]}, "independent"),
        (None, {"status": {"rest": "both"}, "correlated": [{"between": ["CL", "V"], "coefficient": 0.5}]}, "source"),
        (None, {"status": {"rest": "both"}, "source": "made up for the tests",
                "correlated": [{"between": ["CL", "CL"], "coefficient": 0.5}]}, "correlated"),
        (None, PRIORS | {"status": {"CL": "both"}}, "status"),
        (None, PRIORS | {"status": {"rest": "both", "k": "both"}}, "status"),
        (None, PRIORS | {"held": ["k"]}, "held"),
        (None, PRIORS | {"held": ["CL", "V", "apgar_effect"]}, "held"),
        (None, PRIORS | {"n": {"k": 3}}, "n"),
        (None, PRIORS | {"other": [CL | {"distribution": {"gauss": {"mean": 1.0}}}]}, "other"),
        (None, PRIORS | {"other": [CL | {"distribution": {"normal": {"mean": 1.0, "sd": 9.0}}}]}, "other"),
        (None, PRIORS | {"other": [CL | {"distribution": {"uniform": {"low": 0.004, "high": 0.006}}}]}, "uniform"),
        (FLAT, PRIORS, "uniform"),
    ],
)  # fmt: skip
def test_inputs_that_say_too_little_are_refused_before_a_run(twin, inputs, field):
    settings = SETTINGS["sensitivity"] | {"known": "priors", "inputs": inputs}

    def asked():  # what only a distribution shows is found when the inputs are made
        sensitivity.metrics(twin or pk(), settings)
        declared(twin or pk(), "priors", inputs, None, "sensitivity")

    with pytest.raises(InputError, match=rf"analyses\.sensitivity\.inputs\.{field}"):
        asked()


def test_a_uniform_prior_that_is_explained_is_taken():
    found = by_priors(FLAT, PRIORS | {"uniform": {"V": "a range, and nothing tells more"}})
    row = next(row for row in found.tables["inputs"].rows if row[0] == "V")
    assert "uniform: a range, and nothing tells more" in row[4]


def test_a_fit_without_variation_of_a_parameter_holds_it(parts):
    fit = fit_population(pk(), parts[0])
    still = replace(fit, omega=np.array([fit.omega[0], 0.0]))
    of = declared(pk(), "population_fit", FITTED, still, "sensitivity")
    assert of.inputs.names == ("CL", "apgar_effect") and of.rows == (0, 2)
    theta = of.parameters(np.array([[0.004, 0.005], [0.1, 0.2]]))
    np.testing.assert_array_equal(theta, [[0.004, 0.005], [fit.theta[1]] * 2, [0.1, 0.2]])


def test_the_quantity_can_be_sent_and_has_one_key():
    """As workers need it: pickled by the twin's path, equal keys for equal settings, equal values to the last bit."""
    import pickle

    middle = np.array([p.prior.quantile(0.5) for p in pk().model.parameters])
    use, shipped_ = SETTINGS["sensitivity"]["use"], replace(pk(), path=str(shipped("twins") / "pk"))
    one, same, other = (quantity(shipped_, use, "last", over, (0,), middle) for over in (0.0, 0.0, 1.0))
    assert one.key() == same.key() != other.key()
    points = np.array([[0.004, 0.005, 0.006]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one))(points), one(points))
    np.testing.assert_allclose(
        one(points), trough(np.array([points[0], *(np.full(3, m) for m in middle[1:])])), rtol=1e-6
    )


def test_times_to_look_at():
    from vvuq.analyses.settings import scenario

    problem = scenario(pk(), SETTINGS["sensitivity"]["use"], "use")
    np.testing.assert_array_equal(look_times(problem, 24.0, 3), [456.0, 468.0, 480.0])
    np.testing.assert_array_equal(look_times(problem, 0.0, 3), [0.0, 240.0, 480.0])


def test_normal_priors_are_cut_at_the_tails_that_a_twin_is_tried_up_to():
    assert any(isinstance(p.prior, Normal) for p in pk().model.parameters)
    of = declared(pk(), "priors", PRIORS, None, "sensitivity")
    ends = of.inputs.from_cube(np.array([[1e-9, 1.0 - 1e-9]] * 3))
    for p, (low, high) in zip(pk().model.parameters, ends, strict=True):
        np.testing.assert_allclose([low, high], [p.prior.quantile(0.001), p.prior.quantile(0.999)], rtol=1e-4)
