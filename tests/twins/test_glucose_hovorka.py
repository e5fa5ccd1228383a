"""The structure of Hovorka 2004: against its printed equations, its equilibria, and its kinks."""

import sys

import numpy as np
import pytest
from home import record, structures
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from vvuq.models import Adaptive, Bolus, Infusion, Level, Schedule, simulate
from vvuq.record import Dose
from vvuq.testing.strategies import parameters

TWIN = structures()["hovorka"]
MODEL = TWIN.model
MEDIANS = {p.name: p.prior.quantile(0.5) for p in MODEL.parameters}
EXACT = Adaptive(rtol=1e-10, atol=1e-12)
WEIGHT = 70.0
SUGAR = 180.156  # g/mol
module = sys.modules[MODEL.rhs.__module__]


def day(*events, basal=0.0, end=1440.0):
    boluses = tuple(e for e in events if isinstance(e, Bolus))
    flows = [e for e in events if isinstance(e, Infusion)] + [Infusion(0.0, end, "basal", basal)] * (basal > 0.0)
    return Schedule(0.0, boluses, tuple(flows), (Level(0.0, "weight", WEIGHT),))


@given(theta=parameters(TWIN), glucose=st.floats(60.0, 250.0))
def test_the_basal_need_holds_a_glucose_that_insulin_can_hold(theta, glucose):
    basal = float(module.basal_need(theta, WEIGHT, glucose)[0])
    plan = day(basal=basal)
    x0 = (
        module.steady_start(plan, theta, glucose) if basal else TWIN.rest(plan, np.array([[v] for v in theta.values()]))
    )
    seen = simulate(MODEL, plan, theta, [15.0, 1440.0], method=TWIN.method, x0=x0).observed[:, 0, 0]
    if basal:
        np.testing.assert_allclose(seen, glucose, rtol=1e-6)
    else:  # without any insulin glucose stays where it rests, which is lower
        assert seen[1] == pytest.approx(seen[0], rel=1e-9) and seen[0] <= glucose * (1 + 1e-9)


@given(theta=parameters(TWIN))
def test_at_rest_nothing_moves(theta):
    x0 = TWIN.rest(day(), np.array([[v] for v in theta.values()]))
    seen = simulate(MODEL, day(), theta, [15.0, 1440.0], method=TWIN.method, x0=x0).states
    np.testing.assert_allclose(seen, np.broadcast_to(x0, seen.shape), rtol=1e-9, atol=1e-12)


def printed(t, x, theta, food, insulin):
    """The equations as they are printed, with the absorption of a meal eaten at once in closed form."""
    S1, S2, plasma, x1, x2, x3, Q1, Q2, C = x
    p = theta
    VG, VI = p["VG"] * WEIGHT, p["VI"] * WEIGHT
    kb = [p[s] * p[k] for s, k in (("SIT", "ka1"), ("SID", "ka2"), ("SIE", "ka3"))]
    G = Q1 / VG
    F01c = p["F01"] * WEIGHT * (1.0 if G >= 4.5 else G / 4.5)
    FR = 0.003 * (G - 9.0) * VG if G >= 9.0 else 0.0
    UG = food * 0.8 * t * np.exp(-t / p["tmaxG"]) / p["tmaxG"] ** 2
    return [
        insulin - S1 / p["tmaxI"], (S1 - S2) / p["tmaxI"], S2 / (p["tmaxI"] * VI) - p["ke"] * plasma,
        -p["ka1"] * x1 + kb[0] * plasma, -p["ka2"] * x2 + kb[1] * plasma, -p["ka3"] * x3 + kb[2] * plasma,
        -(F01c / (VG * G) + x1) * Q1 + p["k12"] * Q2 - FR + UG + p["EGP0"] * WEIGHT * max(1.0 - x3, 0.0),
        x1 * Q1 - (p["k12"] + x2) * Q2, (G - C) / p["alpha"],
    ]  # fmt: skip


@pytest.mark.parametrize(("food", "units", "glucose"), [(60.0, 0.0, 120.0), (60.0, 6.0, 250.0), (0.0, 3.0, 90.0)])
def test_a_meal_and_a_bolus_go_as_the_printed_equations_say(food, units, glucose):
    times, mmol = np.arange(15.0, 601.0, 15.0), food * 1000.0 / SUGAR
    basal = float(module.basal_need(MEDIANS, WEIGHT)[0])
    plan = day(Bolus(0.0, "D1", 0.8 * mmol), Bolus(0.0, "S1", 1000.0 * units), basal=basal)
    x0 = module.steady_start(plan, MEDIANS, glucose)
    ours = simulate(MODEL, plan, MEDIANS, times, method=EXACT, x0=x0).observed[:, 0, 0]
    start = np.array([*x0[2:4, 0], x0[4, 0] / (0.12 * WEIGHT), *x0[5:, 0]])
    start[0] += 1000.0 * units
    done = solve_ivp(printed, (0.0, 600.0), start, method="DOP853", t_eval=times, rtol=1e-10, atol=1e-12,
                     args=(MEDIANS, mmol, basal))  # fmt: skip
    np.testing.assert_allclose(ours, done.y[8] * SUGAR / 10.0, rtol=1e-6)


def test_grams_of_food_become_millimoles_of_glucose_and_come_back_as_mg_per_dl():
    cohort = record(Dose(0.0, 18.0156, 10.0, "carbohydrate"), weight=WEIGHT)
    (meal,) = TWIN.schedule(cohort, cohort.patients[0]).infusions
    assert meal.rate == pytest.approx(10.0)  # 100 mmol over 10 min
    y = [0.0]
    MODEL.observables[0].function(0.0, (0.0,) * 10 + (5.0,), (0.0,) * 5, tuple(MEDIANS.values()), y)
    assert y[0] == pytest.approx(90.078)


@pytest.mark.parametrize("state", [{"Q1": 4.5 * 0.16 * WEIGHT}, {"Q1": 9.0 * 0.16 * WEIGHT}, {"x3": 1.0}])
def test_every_kink_is_continuous(state):
    ((name, at),) = state.items()
    slopes = []
    for value in (at * (1 - 1e-9), at * (1 + 1e-9)):
        x = [10.0] * 5 + [0.02, 0.003, 0.5, 60.0, 20.0, 5.0]
        x[MODEL.state_index(name)] = value
        out = [0.0] * 11
        MODEL.rhs(0.0, tuple(x), (0.0, 6.0, 0.0, 0.0, 0.0, WEIGHT), tuple(MEDIANS.values()), out)
        slopes.append(out)
    np.testing.assert_allclose(*slopes, rtol=1e-6, atol=1e-7)


def test_the_standard_step_errs_by_less_than_a_tenth_of_a_unit():
    plan = day(Bolus(60.0, "S1", 6000.0), Infusion(60.0, 72.0, "carbohydrate", 5000.0 / SUGAR), basal=6.3)
    x0, times = module.steady_start(plan, MEDIANS, 119.13), np.arange(0.0, 1440.0, 15.0)
    one, two = (simulate(MODEL, plan, MEDIANS, times, method=m, x0=x0).observed for m in (TWIN.method, EXACT))
    assert np.max(np.abs(one - two)) < 0.01


def test_above_the_renal_threshold_insulin_may_raise_glucose_hours_later_so_that_is_not_claimed():
    """What insulin moved into tissue returns, and while it was there the kidneys let less of it pass."""
    start = np.array([0.0] * 8 + [184.0, 300.0, 22.0])
    levels = (Level(0.0, "weight", 40.0),)
    one, more = (
        simulate(MODEL, Schedule(0.0, (), flows, levels), MEDIANS, [120.0, 574.0], method=EXACT, x0=start).observed[
            :, 0
        ]
        for flows in ((), (Infusion(38.0, 48.0, "basal", 20.0),))
    )
    assert one[0] - more[0] > 3.0 and more[1] - one[1] == pytest.approx(0.36, abs=0.05)
    assert not any(claim.given in ("S1", "Ip", "basal", "insulin") for claim in TWIN.claims.monotone)
