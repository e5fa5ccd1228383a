"""UVA/Padova against the same equations written and solved by another hand, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uva import BOLUSES, MEALS, day, drawn, module, uva
from uva_by_hand import course, derived

from vvuq.errors import InputError
from vvuq.models import Adaptive, Infusion, Level, Range, Reset, Schedule, simulate
from vvuq.models.units import factor
from vvuq.testing import check_conformance

TIGHT, FAST = Adaptive(1e-9, 1e-9), uva().method
END = 420
INSULIN = (5, 9, 10, 11)  # states in pmol here, in pmol/kg there
seeds = st.integers(0, 2**32 - 1)


@cache
def by_hand(seed):
    """cgm and fingerstick minute by minute (END + 1, 2)."""
    theta, weight = drawn(seed)
    _, _, basal = derived(theta)
    hand = course(theta, weight, END, MEALS, lambda minute: basal + 6000.0 * BOLUSES.get(minute, 0.0) / weight)
    return hand[:, [12, 3]] / theta["Vg"]


def ours(seed, method, change=lambda plan: plan):
    theta, weight = drawn(seed)
    _, _, basal = derived(theta)
    plan = change(day(basal * weight, weight, MEALS, BOLUSES, float(END)))
    x0 = module().steady_start(plan, theta, theta["Gb"])
    return simulate(uva().model, plan, theta, np.arange(END + 1.0), method=method, x0=x0).observed[:, :, 0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_hands_find_the_same_glucose(seed):
    """The verification setting to 1e-4 mg/dL, the twin's own step to 1e-2, where glucose moves by 30 and more."""
    hand = by_hand(seed)
    assert np.ptp(hand[:, 0]) > 30.0
    np.testing.assert_allclose(ours(seed, TIGHT), hand, rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours(seed, FAST), hand, rtol=0, atol=1e-2)


def in_grams(plan):
    """The memory raised by grams, as if they were milligrams."""
    return replace(plan, boluses=tuple(replace(b, amount=b.amount / 1000.0) for b in plan.boluses))


DEFECTS = {
    "grams in a memory in mg": in_grams,
    "a memory that is never reset": lambda plan: replace(plan, resets=()),
    "each bite a meal of its own": lambda plan: replace(
        plan, resets=tuple(Reset(b.time, "Db", ("q1", "q2")) for b in plan.boluses)
    ),
    "the food of a minute counted at its end": lambda plan: replace(
        plan, boluses=tuple(replace(b, time=b.time + 1.0) for b in plan.boluses)
    ),
    "insulin in IU/h": lambda plan: replace(
        plan, infusions=tuple(replace(i, rate=i.rate / 60.0) if i.input == "insulin" else i for i in plan.infusions)
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_comparison_sees_a_defect(name):
    """By fifty times what is allowed for the fast setting, and more."""
    assert np.abs(ours(2, FAST, DEFECTS[name]) - by_hand(2)).max() > 0.5


@settings(max_examples=20)
@given(seed=seeds)
def test_with_the_insulin_that_it_needs_a_patient_stays_at_basal_glucose(seed):
    theta, weight = drawn(seed)
    plan = day(float(module().basal_need(theta, weight)[0]), weight, {1: 0.0}, {}, 1440.0)
    x0 = module().steady_start(plan, theta, theta["Gb"])
    _, start, basal = derived(theta)
    expected = start.copy()
    expected[list(INSULIN)] *= weight
    np.testing.assert_allclose(x0[:13, 0], expected, rtol=1e-9, atol=1e-9)
    assert plan.infusions[0].rate == pytest.approx(basal * weight, rel=1e-12)
    slope, u = [0.0] * 14, (0.0, plan.infusions[0].rate, 0.0, 0.0, 0.0, 0.0, weight)
    uva().model.rhs(0.0, tuple(x0[:, 0].tolist()), u, tuple(theta.values()), slope)
    np.testing.assert_allclose(slope, 0.0, atol=1e-9)


@settings(max_examples=20)
@given(seed=seeds)
def test_a_titrated_rate_of_one_is_the_need(seed):
    theta, weight = drawn(seed)
    need = float(module().basal_need(theta, weight)[0])
    flows = (Infusion(0.0, 600.0, "titrated", 1.0),), (Infusion(0.0, 600.0, "basal", need),)
    one, other = (
        simulate(uva().model, Schedule(0.0, (), flow, (Level(0.0, "weight", weight),)), theta, [600.0], method=FAST)
        for flow in flows
    )
    np.testing.assert_allclose(one.states, other.states, rtol=1e-12, atol=1e-12)


@given(seed=seeds, glucose=st.floats(60.0, 300.0), rate=st.floats(10.0, 200.0))
def test_a_start_at_any_reading_has_insulin_and_tissue_at_rest(seed, glucose, rate):
    theta, weight = drawn(seed)
    plan = day(rate, weight, {1: 0.0}, {}, 1440.0)
    x0 = module().steady_start(plan, theta, glucose)[:, 0]
    slope, u = [0.0] * 14, (0.0, rate, 0.0, 0.0, 0.0, 0.0, weight)
    uva().model.rhs(0.0, tuple(x0.tolist()), u, tuple(theta.values()), slope)
    np.testing.assert_allclose(np.delete(slope, 3), 0.0, atol=1e-9)  # plasma glucose alone goes its way
    assert x0[3] / theta["Vg"] == pytest.approx(glucose) and x0[12] == x0[3]
    assert np.all(np.delete(x0, 6) >= 0.0)


@settings(max_examples=10)
@given(seed=seeds)
def test_before_a_titrated_meal_glucose_is_near_basal_and_the_meal_raises_it(seed):
    theta, weight = drawn(seed)
    plan = uva().scenarios["titrated_meal"](weight_kg=weight, bolus_IU=0.0)
    seen = simulate(uva().model, plan.schedule, theta, [1440.0, 1500.0, plan.time], method=FAST).observed[:, 0, 0]
    assert seen[0] == pytest.approx(theta["Gb"], rel=0.1) and seen[1:].max() > seen[0]
    assert plan.observable == "cgm" and "titrated" in plan.meaning


@pytest.mark.parametrize(("name", "value"), [("weight_kg", 0.0), ("bolus_IU", -1.0), ("ahead_min", np.inf)])
def test_a_setting_without_meaning_is_refused(name, value):
    with pytest.raises(InputError, match=f"titrated_meal: {name}"):
        uva().scenarios["titrated_meal"](**{name: value})


def test_a_state_below_zero_is_not_led_further_and_comes_back():
    """Where simglucose 0.2.11 stays for good: there, a state below zero does not move at all."""
    theta, weight = drawn(1)
    clamped = {"Gp": 3, "Gt": 4, "Ip": 5, "Il": 9, "Isc1": 10, "Isc2": 11, "Gc": 12}
    x = module().steady_start(day(50.0, weight, {1: 0.0}, {}, 60.0), theta, 120.0)[:, 0]
    for index in clamped.values():
        below, slope = x.copy(), [0.0] * 14
        below[index] = -1e-3
        uva().model.rhs(
            0.0, tuple(below.tolist()), (0.0, 50.0, 0.0, 0.0, 0.0, 0.0, weight), tuple(theta.values()), slope
        )
        assert slope[index] >= 0.0
    empty, slope = np.zeros(14), [0.0] * 14
    empty[[8, 3, 4]] = 1e4, -1e-3, -1e-3  # no glucose is made, and some is used
    uva().model.rhs(0.0, tuple(empty.tolist()), (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, weight), tuple(theta.values()), slope)
    assert slope[3] == 0.0


meals = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 12)), max_size=4)


@given(eaten=meals, length=st.sampled_from((1.0, 2.5, 12.0)))
def test_the_memory_is_raised_by_all_that_is_eaten_and_reset_once_a_meal(eaten, length):
    flows = tuple(Infusion(float(t), t + length, "carbohydrate", 1000.0 * g) for t, g in eaten)
    plan = module("stomach").with_meals(Schedule(0.0, (), flows), "carbohydrate")
    assert sum(b.amount for b in plan.boluses) == pytest.approx(sum(1000.0 * g * length for _, g in eaten))
    flowing = np.zeros(200)
    for t, _ in eaten:
        flowing[int(t) : int(np.ceil(t + length))] = 1
    if length != 2.5:  # meals that begin and end on the minute
        begins = np.flatnonzero(np.diff(flowing, prepend=0.0) > 0)
        assert sorted(r.time for r in plan.resets) == begins.tolist()
    assert {r.of for r in plan.resets} <= {("q1", "q2")} and plan.infusions == flows


def test_meals_that_touch_are_one():
    flows = (Infusion(0.0, 3.0, "carbohydrate", 5000.0), Infusion(3.0, 4.0, "carbohydrate", 2000.0))
    plan = module("stomach").with_meals(Schedule(0.0, (), flows), "carbohydrate")
    assert plan.resets == (Reset(0.0, "Db", ("q1", "q2")),)
    assert [(b.time, b.amount) for b in plan.boluses] == [(0.0, 5e3), (1.0, 5e3), (2.0, 5e3), (3.0, 2e3)]


def test_an_unknown_patient_of_the_table_is_read_by_the_names_of_its_columns():
    row = {p.name: str(i + 1.0) for i, p in enumerate(uva().model.parameters)} | {"Fsnc": "0.9", "BW": "71.5"}
    theta, weight = module().virtual_patient(row)
    assert (theta["Fcns"], theta["EGPb"], weight) == (0.9, 1.0, 71.5)


def test_a_memory_in_grams_is_refused_when_it_is_declared():
    """The defect 41 of simglucose: a stomach content in mg held against food in g."""
    model = uva().model
    with pytest.raises(InputError, match=r"uva_padova_2008.rhs: units: .*(g|milligram)"):
        replace(model, states={**model.states, "Db": "g"})


def blind_to_units(cohort, patient):
    """The memory is raised by the numbers of the record, in whatever unit they stand there."""
    own = factor(dict(cohort.units).get("carbohydrate", "mg"), "mg")
    plan = uva().schedule(cohort, patient)
    return replace(
        plan, boluses=tuple(replace(b, amount=b.amount / own) if b.state == "Db" else b for b in plan.boluses)
    )


@pytest.mark.slow
def test_a_memory_raised_by_the_records_own_numbers_is_found_by_the_conformance_suite():
    inside, food = uva().claims.envelope, "carbohydrate"
    short = replace(
        inside, duration=256.0, doses={food: inside.doses[food]}, dose_units={food: "g"}, samples=Range(4, 8, "1", True)
    )
    report = check_conformance(replace(uva(), schedule=blind_to_units), envelope=short, only=("units",), examples=60)
    assert not report.ok and "carbohydrate" in str(report), str(report)


def test_a_reset_in_another_unit_is_refused():
    plan = Schedule(0.0, (), (), (Level(0.0, "weight", 70.0),), (Reset(1.0, "Db", ("Gp",)),))
    with pytest.raises(InputError, match="states in mg, as Db is"):
        simulate(uva().model, plan, drawn(1)[0], [2.0], method=FAST)
