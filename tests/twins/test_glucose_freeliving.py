"""The free-living structure: against its published equations written anew, a linear case, and its own equilibria."""

import math

import numpy as np
import pytest
from home import record, structures
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from vvuq.models import RK4, Adaptive, Bolus, Infusion, Level, Schedule, simulate
from vvuq.record import Dose
from vvuq.testing.strategies import parameters

TWIN = structures()["glucose"]
MODEL = TWIN.model
MEDIANS = {p.name: p.prior.quantile(0.5) for p in MODEL.parameters}
EXACT = Adaptive(rtol=1e-10, atol=1e-12)
WEIGHT = 70.0
module = __import__("sys").modules[MODEL.rhs.__module__]


def need(theta=MEDIANS):
    """Basal insulin that holds Gb [mIU/min]."""
    return theta["basal_share"] * theta["SG"] * theta["VI"] * WEIGHT / theta["SI"] * theta["ke"]


def day(*events, basal=0.0, end=1440.0):
    boluses = tuple(e for e in events if isinstance(e, Bolus))
    flows = [e for e in events if isinstance(e, Infusion)] + [Infusion(0.0, end, "basal", basal)] * (basal > 0.0)
    return Schedule(0.0, boluses, tuple(flows), (Level(0.0, "weight", WEIGHT),))


@given(theta=parameters(TWIN))
def test_the_basal_need_holds_the_basal_glucose(theta):
    plan = day(basal=need(theta))
    x0 = module.steady_start(plan, theta, theta["Gb"])
    seen = simulate(MODEL, plan, theta, [15.0, 1440.0], method=TWIN.method, x0=x0).observed
    np.testing.assert_allclose(seen, theta["Gb"], rtol=1e-9)
    assert module.basal_need(theta, WEIGHT) == pytest.approx(need(theta))


@given(theta=parameters(TWIN))
def test_at_rest_nothing_moves(theta):
    x0 = TWIN.rest(day(), np.array([[v] for v in theta.values()]))
    seen = simulate(MODEL, day(), theta, [15.0, 1440.0], method=TWIN.method, x0=x0).states
    np.testing.assert_allclose(seen, np.broadcast_to(x0, seen.shape), rtol=1e-9, atol=1e-12)


def published(t, x, theta, meal, insulin):
    """The equations as they are printed, per kg of body weight."""
    Q1, Q2, Qgut, I1, I2, Ip, X, G, IG = x
    p = theta
    Ipb = p["basal_share"] * p["SG"] * p["VI"] / p["SI"]
    low = max(G, 60.0)
    risk = math.log(low) ** 0.8124 - math.log(p["Gb"]) ** 0.8124
    rho = 1.0 if p["Gb"] <= G else 1.0 + 10.0 * 1.4407 * risk**2
    return [
        -p["kempt"] * Q1 + meal, p["kempt"] * (Q1 - Q2), p["kempt"] * Q2 - p["kabs"] * Qgut,
        -p["kd"] * I1 + insulin, p["kd"] * I1 - p["ka2"] * I2, p["ka2"] * I2 - p["ke"] * Ip,
        -p["p2"] * (X - p["SI"] / p["VI"] * (Ip - Ipb)),
        -(p["SG"] + rho * X) * G + p["SG"] * p["Gb"] + 0.9 * p["kabs"] * Qgut / p["VG"], -(IG - G) / p["alpha"],
    ]  # fmt: skip


@pytest.mark.parametrize(("food", "units"), [(60.0, 0.0), (60.0, 6.0), (0.0, 4.0)])
def test_a_meal_and_a_bolus_go_as_the_printed_equations_say(food, units):
    times = np.arange(15.0, 601.0, 15.0)
    plan = day(Infusion(30.0, 42.0, "carbohydrate", food * 1000 / 12), Infusion(30.0, 31.0, "insulin", 1000 * units),
               basal=need())  # fmt: skip
    x0 = module.steady_start(plan, MEDIANS, 150.0)
    ours = simulate(MODEL, plan, MEDIANS, times, method=EXACT, x0=x0).observed[:, :, 0]
    per_kg = x0[:9, 0] / np.array([WEIGHT] * 6 + [1.0] * 3)
    x, found = per_kg, []
    for begin, end in ((0.0, 30.0), (30.0, 31.0), (31.0, 42.0), (42.0, 600.0)):
        meal = food * 1000 / 12 / WEIGHT if 30.0 <= begin < 42.0 else 0.0
        insulin = (need() + (1000 * units if begin == 30.0 else 0.0)) / WEIGHT
        at = times[(times > begin) & (times <= end)]
        done = solve_ivp(published, (begin, end), x, method="DOP853", t_eval=np.unique([*at, end]), rtol=1e-10,
                         atol=1e-12, args=(MEDIANS, meal, insulin))  # fmt: skip
        x, found = done.y[:, -1], [*found, *done.y[[8, 7], : at.size].T]
    np.testing.assert_allclose(ours, np.array(found), rtol=1e-6)


def test_without_insulin_action_it_is_linear_and_its_matrix_exponential():
    theta = MEDIANS | {"SI": 1e-12, "basal_share": 1e-12}
    k, kabs, SG, alpha = (theta[name] for name in ("kempt", "kabs", "SG", "alpha"))
    matrix = np.zeros((5, 5))
    matrix[0, 0], matrix[1, 0], matrix[1, 1], matrix[2, 1], matrix[2, 2] = -k, k, -k, k, -kabs
    matrix[3, 2], matrix[3, 3], matrix[4, 3], matrix[4, 4] = 0.9 * kabs / (1.45 * WEIGHT), -SG, 1 / alpha, -1 / alpha
    start = np.array([60_000.0, 0.0, 0.0, 30.0, 30.0])  # glucose as its distance from Gb
    x0 = np.array([60_000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, theta["Gb"] + 30.0, theta["Gb"] + 30.0, 0.0])
    times = [5.0, 30.0, 120.0, 400.0]
    seen = simulate(MODEL, day(), theta, times, method=EXACT, x0=x0).observed[:, 0, 0]
    np.testing.assert_allclose(seen, [theta["Gb"] + (expm(matrix * t) @ start)[4] for t in times], rtol=1e-8)


def test_the_standard_step_errs_by_less_than_a_tenth_of_a_unit():
    plan = day(Bolus(68.0, "Isc1", 6000.0), Infusion(60.0, 72.0, "carbohydrate", 5000.0), basal=need())
    x0, times = module.steady_start(plan, MEDIANS, 119.13), np.arange(0.0, 1440.0, 15.0)
    one, two = (simulate(MODEL, plan, MEDIANS, times, method=m, x0=x0).observed for m in (TWIN.method, EXACT))
    assert np.max(np.abs(one - two)) < 0.05
    coarse = simulate(MODEL, plan, MEDIANS, times, method=RK4(15.0), x0=x0).observed
    assert np.max(np.abs(coarse - two)) > 10.0  # the step of the sensor alone is not enough


@given(glucose=st.floats(20.0, 400.0), theta=parameters(TWIN))
def test_insulin_acts_more_the_lower_glucose_is_and_evenly_outside_the_risk_scale(glucose, theta):
    def pull(at):
        """Loss of glucose to insulin action of 0.01 per min, per mg/dL."""
        slopes = []
        for action in (0.0, 0.01):
            out = [0.0] * 10
            MODEL.rhs(0.0, (0.0,) * 6 + (action, at, at, 0.0), (0.0,) * 5 + (WEIGHT,), tuple(theta.values()), out)
            slopes.append(out[7])
        return (slopes[0] - slopes[1]) / (0.01 * at)

    risk = math.log(max(glucose, 60.0)) ** 0.8124 - math.log(theta["Gb"]) ** 0.8124
    rho = 1.0 + 14.407 * risk**2 if glucose < theta["Gb"] else 1.0
    assert pull(glucose) == pytest.approx(rho, rel=1e-6)
    assert pull(60.0 - 1e-9) == pytest.approx(pull(60.0 + 1e-9), rel=1e-6)


@pytest.mark.parametrize("flows", [False, True])
def test_a_start_shows_the_first_reading_and_insulin_that_does_not_move(flows):
    doses = (Dose(0.0, 1.0, 60.0, "basal_insulin"),) if flows else ()
    cohort = record(*doses, weight=WEIGHT)
    plan = TWIN.schedule(cohort, cohort.patients[0])
    x0 = module.steady_start(plan, MEDIANS, 200.0)
    rate = 1000.0 / 60.0 if flows else need()
    out = [0.0] * 10
    MODEL.rhs(0.0, tuple(x0[:, 0]), (0.0, rate, 0.0, 0.0, 0.0, WEIGHT), tuple(MEDIANS.values()), out)
    np.testing.assert_allclose(out[:7], 0.0, atol=1e-12)
    assert x0[[7, 8], 0].tolist() == [200.0, 200.0]
    many = module.steady_start(plan, np.repeat([[v] for v in MEDIANS.values()], 3, axis=1), 200.0)
    np.testing.assert_array_equal(many, np.repeat(x0, 3, axis=1))
