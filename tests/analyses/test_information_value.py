"""What knowing is worth: closed forms of a linear twin, the hour of the decision, and what speaks against a value."""

from __future__ import annotations

from dataclasses import replace

import deciding
import numpy as np
import pytest
from analyses.conftest import StandIn
from deciding import DECIDE, END, ERROR, SD_M, SD_N, TWIN
from examples import pk

from vvuq.analyses.uncertainty import information_value as module
from vvuq.analyses.uncertainty.information_value import draw_members, futures, information_value
from vvuq.calibration.foce import fit_population
from vvuq.calibration.subjects import personal_subject, prior_subject
from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.information_value import information, neighbours, perfect_information
from vvuq.models import Schedule

TOTAL = SD_M**2 + SD_N**2


def values(twin=TWIN, context=None, **changes):
    settings = deciding.SETTINGS | changes
    found = information_value.run(twin, context or StandIn("information_value"), **settings)
    assert {name: q.unit for name, q in found.values.items()} == information_value.metrics(twin, settings)
    return found


@pytest.fixture(scope="module")
def decided():
    return values()


def test_benefits_and_values_are_those_of_the_closed_form(decided):
    """Within 4 standard errors of the members, what the learned rule misses included."""
    v = decided.values
    for i, benefit in enumerate(deciding.expected(0.0, np.sqrt(TOTAL)), 1):
        assert abs(v[f"benefit_{i}"].value - benefit) < 4.0 * _error(v[f"benefit_{i}"])
    reading, twice = (TOTAL**2 / (TOTAL + ERROR**2 / k) for k in (1, 2))
    exact = {"evpi": TOTAL, "evppi_m": SD_M**2, "evppi_n": SD_N**2, "evsi_1": reading, "evsi_3": twice}
    for name, variance in exact.items():
        truth, q = deciding.worth(variance), v[name]
        assert abs(q.value - truth) < 4.0 * _error(q), (name, q.value, truth)
    assert v["chosen"].value == 1.0 + np.argmax(deciding.expected(0.0, np.sqrt(TOTAL)))
    assert abs(v["evsi_2"].value) < 4.0 * max(_error(v["evsi_2"]), 1e-3)


def test_everything_is_the_ceiling_and_two_readings_are_worth_more_than_one(decided):
    v = decided.values
    assert v["evsi_1"].value <= v["evsi_3"].value <= v["evpi"].value
    assert "The most valuable measurement is the level" in " ".join(decided.findings)
    assert not any("No measurement is surely" in text for text in decided.negative)
    kinds = [row[0] for row in decided.tables["information"].rows]
    assert kinds == ["measurement"] * 3 + ["parameter"] * 3 + ["all"]


def test_until_the_decision_all_is_as_it_is_and_then_as_the_action_says():
    """Under a current rate of 1 the level at the decision is DECIDE higher, whatever is done then."""
    subject = prior_subject(TWIN, Schedule(), 100)
    people = draw_members([subject], 300, np.random.default_rng(0))
    now = {"current": {"use": {"scenario": "given", "rate": 1.0}}}
    of = module.decision(TWIN, deciding.SETTINGS | now)
    measured = deciding.SETTINGS["measurements"]
    outcome, seen = futures(TWIN, of, people, measured, np.random.default_rng(1))
    own = people.theta[0] + people.theta[1]
    for rate, row in zip(deciding.RATES, outcome, strict=True):
        np.testing.assert_allclose(row, own + DECIDE + rate * (END - DECIDE), atol=1e-12)
    assert abs((seen[0][0] - own - DECIDE).std() / ERROR - 1.0) < 0.2
    np.testing.assert_array_equal(seen[0][0], seen[2][1])  # one reading, in two lists


def test_the_lowest_value_after_the_decision_is_taken_where_the_plan_says_so():
    subject = prior_subject(TWIN, Schedule(), 100)
    people = draw_members([subject], 300, np.random.default_rng(0))
    own = people.theta[0] + people.theta[1]
    for take, over, drop in (("lowest", 0.0, -0.3 * 6.0), ("highest", 0.0, 0.0), ("highest", 2.0, -0.3 * 4.0)):
        of = module.decision(TWIN, deciding.SETTINGS | {"take": take, "over": over})
        outcome, _ = futures(TWIN, of, people, deciding.SETTINGS["measurements"], np.random.default_rng(1))
        np.testing.assert_allclose(outcome[0], own + drop, atol=1e-12)


def test_no_measurement_that_is_worth_anything_is_a_negative_finding():
    found = values(measurements=[deciding.SETTINGS["measurements"][1]], samples=1000)
    assert any("No measurement is surely worth anything" in text for text in found.negative)
    assert not any("most valuable" in text for text in found.findings)


def test_a_decision_that_is_nearly_tied_is_a_negative_finding():
    """Two labels of one action are as good as each other, whoever is drawn."""
    use = deciding.SETTINGS["actions"][1]["use"]
    tied = values(actions=[{"label": label, "use": use} for label in ("one", "the same")], samples=500)
    assert any("nearly tied" in text for text in tied.negative) and tied.values["lead"].value == 0.0
    assert tied.values["evpi"].value == tied.values["changes_1"].value == 0.0
    apart = values(benefit=deciding.BENEFIT | {"harm_low": 0.1, "harm_high": 3.0}, samples=500)
    assert not any("nearly tied" in text for text in apart.negative), "0.21 apart, with an error near 0.05"


def test_members_that_fail_are_counted_and_too_many_leave_no_answer(monkeypatch):
    whole = module.futures

    def some(share):
        def lossy(*args):
            outcome, seen = whole(*args)
            outcome[0, : int(share * outcome.shape[1])] = np.nan
            return outcome, seen

        return lossy

    monkeypatch.setattr(module, "futures", some(0.01))
    found = values(samples=500)
    assert found.values["n_members_lost"].value == 5.0 and found.values["n_members"].value == 495.0
    assert any("5 members could not be simulated" in text for text in found.negative)
    monkeypatch.setattr(module, "futures", some(0.02))
    with pytest.raises(NotEvaluable, match="10 of 500 members could not be simulated"):
        values(samples=500)


def test_random_change_that_is_left_out_is_said(monkeypatch, decided):
    subjects = module.worlds

    def drifting(*args):
        one, drawn, said = subjects(*args)
        return replace(one, system=replace(one.system, drift=np.full(one.system.size, 0.1))), drawn, said

    monkeypatch.setattr(module, "worlds", drifting)
    assert any("Random change" in text for text in values(samples=400).negative)
    assert not any("Random change" in text for text in decided.negative)


def test_draws_of_the_population_are_dealt_to_the_members(analyse, parts):
    fitted = analyse("information_value")
    assert fitted.values["n_populations"].value > 3.0
    alone = analyse("information_value", populations=0)
    assert any("Ignorance of the population is left out" in text for text in alone.negative)
    assert not any("Ignorance of the population" in text for text in fitted.negative)
    fit = fit_population(pk(), parts[0])
    two = [personal_subject(pk(), replace(fit, theta=fit.theta * k), Schedule()) for k in (1.0, 2.0)]
    people = draw_members(two, 400, np.random.default_rng(0))
    ratio = np.median(people.theta[0, 1::2]) / np.median(people.theta[0, ::2])
    assert ratio == pytest.approx(2.0, rel=0.15) and people.worlds == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decide": 3.0}, r"information_value\.decide: 3\.0 .*last measurement, 4"),
        ({"decide": 10.0}, r"information_value\.decide: 10\.0 .*before the quantity"),
        ({"benefit": deciding.BENEFIT | {"low": 2.0}}, r"information_value\.benefit: \[2\.0, 1\.5\] .*low below high"),
        ({"actions": [deciding.SETTINGS["actions"][0]] * 2}, r"information_value\.actions: 'rate -0\.3' .*once"),
        ({"measurements": [{"label": "a", "observable": "lvl", "times": [1.0]}]}, r"0\.observable: 'lvl'"),
        ({"measurements": [{"label": "a", "observable": "level", "times": [2.0, 1.0]}]}, r"0\.times: .*ascending"),
        (
            {"measurements": [{"label": "a", "observable": "level", "times": [-1.0]}]},
            r"measurements: .*times from 0 on",
        ),
        ({"current": {"use": {"scenario": "gift"}}}, r"current\.use\.scenario: 'gift'"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    with pytest.raises(InputError, match=message):
        values(**change)


def test_a_tie_changes_no_decision():
    """Where two decisions are as good, the one now is kept, so that knowing all changes only what becomes better."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(2000)
    benefit = -np.array([x < -2.0, x > 1.0, x > 0.5], dtype=float)
    known = perfect_information(benefit)
    assert known.decision == 0 and known.changes == known.value > 0.0


def test_neighbours_on_a_line_are_those_of_any_dimension():
    """A second row that says the same twice leaves who is near; one row takes the way by ranks."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal(600)
    benefit = np.array([np.zeros(600), x + rng.standard_normal(600)])
    one = information(benefit, x, smoother=neighbours)
    same = information(benefit, np.array([x, x]), smoother=neighbours)
    assert one.value == pytest.approx(same.value, abs=1e-12) and one.changes == pytest.approx(same.changes, abs=1e-12)


def _error(q):
    return (q.high - q.low) / (2.0 * 1.959963984540054)
