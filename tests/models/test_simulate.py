"""Solvers against closed forms and against another solver: values, orders, tolerances, members, failures."""

import numpy as np
import pytest
from examples import EXPLOSIVE, LOGISTIC, LOTKA_VOLTERRA, pk, pk_parameters, pk_schedules, times
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from vvuq.errors import InputError
from vvuq.models import RK4, Adaptive, Bolus, Schedule, simulate
from vvuq.numerics.codes import MESSAGES, Code
from vvuq.numerics.dopri import dopri_interval
from vvuq.numerics.rk4 import rk4_interval

START = np.array([0.2])
RATES = np.array([0.8, 2.0])
HUNT = np.array([1.1, 0.4, 0.4])
PAIR = np.array([5.0, 2.0])


def logistic(t, rates=RATES, start=START[0]):
    r, K = rates
    return K / (1.0 + (K / start - 1.0) * np.exp(-r * np.asarray(t)))


def kernel(model):
    from vvuq.models.kernels import rhs_kernel

    return rhs_kernel(model)


@given(schedule=pk_schedules(), theta=pk_parameters, at=st.lists(times, min_size=1, max_size=6).map(sorted))
def test_both_solvers_equal_the_closed_form_for_any_doses_and_infusions(schedule, theta, at):
    twin, theta = pk(), np.array(theta)
    exact = twin.closed_form(schedule, theta, np.array(at))
    scale = max(1.0, float(np.abs(exact).max()))
    for method, tolerance in ((RK4(0.5), 1e-8), (Adaptive(), 1e-7)):
        paths = simulate(twin.model, schedule, theta, at, method=method)
        assert paths.codes.tolist() == [0]
        np.testing.assert_allclose(paths.observed[:, 0, 0], exact, rtol=0, atol=tolerance * scale)


def order(errors, ratio=2.0):
    return np.log(np.array(errors[:-1]) / np.array(errors[1:])) / np.log(ratio)


def test_runge_kutta_has_order_four_on_a_nonlinear_equation():
    steps = [0.8, 0.4, 0.2, 0.1]
    at = np.linspace(0.8, 8.0, 10)
    errors = []
    for h in steps:
        paths = simulate(LOGISTIC, Schedule(), RATES, at, method=RK4(h), x0=START)
        errors.append(np.abs(paths.states[:, 0, 0] - logistic(at)).max())
    np.testing.assert_allclose(order(errors)[1:], 4.0, atol=0.25)


def dormand_prince(steps, end=4.0):
    """The pair at a fixed number of steps: a tolerance that accepts everything."""
    x, work, h = START.copy(), np.empty((8, 1)), end / steps
    for i in range(steps):
        memory = np.array([1e9])
        code = dopri_interval(kernel(LOGISTIC), x, np.empty(0), RATES, i * h, (i + 1) * h, 1e9, 1e9, 10, memory, work)
        assert code == Code.OK
    return abs(x[0] - logistic(end))


def test_dormand_prince_has_order_five_on_a_nonlinear_equation():
    np.testing.assert_allclose(order([dormand_prince(n) for n in (8, 16, 32)]), 5.0, atol=0.4)


def test_a_wrong_coefficient_would_cost_an_order():
    """The observed order can fail: a first-order method shows order one by the same measure."""
    errors = []
    for steps in (40, 80, 160):
        x = START[0]
        for _ in range(steps):
            x += 4.0 / steps * RATES[0] * x * (1 - x / RATES[1])
        errors.append(abs(x - logistic(4.0)))
    np.testing.assert_allclose(order(errors), 1.0, atol=0.1)


def hunt(t, x):
    return [1.1 * x[0] - 0.4 * x[0] * x[1], 0.4 * x[0] * x[1] - 0.4 * x[1]]


def test_an_oscillating_system_equals_another_solver_far_below_its_tolerance():
    at = np.linspace(1.0, 30.0, 30)
    reference = solve_ivp(hunt, (0.0, 30.0), PAIR, method="DOP853", rtol=1e-13, atol=1e-13, t_eval=at).y.T
    tight = simulate(LOTKA_VOLTERRA, Schedule(), HUNT, at, method=Adaptive(1e-12, 1e-12), x0=PAIR)
    np.testing.assert_allclose(tight.states[:, :, 0], reference, rtol=1e-9)
    fixed = simulate(LOTKA_VOLTERRA, Schedule(), HUNT, at, method=RK4(0.002), x0=PAIR)
    np.testing.assert_allclose(fixed.states[:, :, 0], reference, rtol=1e-9)


def test_the_error_follows_the_tolerance():
    reference = solve_ivp(hunt, (0.0, 10.0), PAIR, method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    errors = []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        paths = simulate(LOTKA_VOLTERRA, Schedule(), HUNT, [10.0], method=Adaptive(tolerance, tolerance), x0=PAIR)
        errors.append(np.abs(paths.states[0, :, 0] - reference).max())
    assert np.all(np.array(errors) < [1e-2, 1e-4, 1e-6, 1e-8])
    slope = np.polyfit(np.log10([1e-4, 1e-6, 1e-8, 1e-10]), np.log10(errors), 1)[0]
    assert 0.7 < slope < 1.3


@given(seed=st.integers(0, 2**32 - 1), schedule=pk_schedules())
def test_members_equal_single_runs_bit_for_bit_in_any_order(seed, schedule):
    rng = np.random.default_rng(seed)
    theta = np.exp(rng.normal([[-5.0], [0.0], [-2.0]], 0.3, (3, 5)))
    model, turn = pk().model, rng.permutation(5)
    for method in (RK4(4.0), Adaptive()):
        together = simulate(model, schedule, theta, [10.0, 50.0], method=method)
        turned = simulate(model, schedule, theta[:, turn], [10.0, 50.0], method=method)
        np.testing.assert_array_equal(turned.states, together.states[:, :, turn])
        for m in range(5):
            alone = simulate(model, schedule, theta[:, m], [10.0, 50.0], method=method)
            np.testing.assert_array_equal(alone.states[:, :, 0], together.states[:, :, m])
            np.testing.assert_array_equal(alone.observed[:, :, 0], together.observed[:, :, m])


@pytest.mark.parametrize(("method", "code"), [(RK4(0.01), {1}), (Adaptive(limit=500), {1, 2, 3})])
def test_a_member_that_blows_up_says_so_and_the_others_do_not_notice(method, code):
    starts = np.array([[0.1, 10.0, 0.2]])  # infinite at t = 10, 0.1, 5
    at = [0.05, 0.5, 1.0]
    paths = simulate(EXPLOSIVE, Schedule(), np.array([1.0]), at, method=method, x0=starts)
    assert paths.codes[[0, 2]].tolist() == [0, 0] and paths.codes[1] in code
    exact = 1.0 / (1.0 / starts - np.array(at)[:, None])
    np.testing.assert_allclose(paths.states[:, 0, [0, 2]], exact[:, [0, 2]], rtol=1e-6)
    assert paths.states[0, 0, 1] == pytest.approx(exact[0, 1], rel=1e-3)
    assert np.all(np.isnan(paths.states[1:, :, 1])) and np.all(np.isnan(paths.observed[1:, :, 1]))


def test_too_many_steps_is_a_code_and_each_code_has_words():
    paths = simulate(LOTKA_VOLTERRA, Schedule(), HUNT, [1.0, 30.0], method=Adaptive(limit=20), x0=PAIR)
    assert paths.codes.tolist() == [Code.TOO_MANY_STEPS]
    assert np.all(np.isfinite(paths.states[0])) and np.all(np.isnan(paths.states[1]))
    assert set(MESSAGES) == set(Code)


def test_a_start_that_is_not_finite_is_a_failure_of_that_member():
    starts = np.array([[0.1, np.inf]])
    for method in (RK4(0.1), Adaptive()):
        paths = simulate(LOGISTIC, Schedule(), RATES, [1.0], method=method, x0=starts)
        assert paths.codes.tolist() == [0, Code.NOT_FINITE]
        assert np.isnan(paths.states[0, 0, 1])


def test_two_events_closer_than_the_resolution_of_a_step_are_both_hit():
    near = float(np.nextafter(36.0, 40.0))
    schedule = Schedule(boluses=(Bolus(36.0, "A", 0.1), Bolus(near, "A", 0.1)))
    both = [simulate(LOGISTIC, schedule, RATES, [40.0], method=m, x0=START) for m in (RK4(0.01), Adaptive())]
    assert [paths.codes[0] for paths in both] == [0, 0]
    assert both[0].states[0, 0, 0] == pytest.approx(both[1].states[0, 0, 0], rel=1e-6)
    assert both[0].states[0, 0, 0] > 2.0


def test_fixed_steps_end_exactly_at_every_boundary():
    work = np.empty((5, 1))
    for steps in (1, 3, 7):
        x = START.copy()
        rk4_interval(kernel(LOGISTIC), x, np.empty(0), RATES, 0.0, 0.7, steps, work)
        whole = simulate(LOGISTIC, Schedule(), RATES, [0.7], method=RK4(0.7 / steps), x0=START)
        assert whole.states[0, 0, 0] == x[0]


def test_repeated_times_are_recorded_twice_and_a_lone_start_is_observed():
    paths = simulate(LOGISTIC, Schedule(), RATES, [0.0, 1.0, 1.0], method=RK4(0.01), x0=START)
    assert paths.observed[:, 0, 0] == pytest.approx([0.2, logistic(1.0), logistic(1.0)])
    assert simulate(LOGISTIC, Schedule(), RATES, [0.0], method=Adaptive(), x0=START).observed[0, 0, 0] == 0.2


@pytest.mark.parametrize(
    "theta",
    [{"r": 1.0}, {"r": 1.0, "K": 1.0, "z": 1.0}, np.array([1.0]), np.array([np.nan, 1.0]), {"r": 1.0, "K": np.inf}],
)
def test_parameters_that_do_not_fit_are_refused(theta):
    with pytest.raises(InputError, match="logistic: parameters"):
        simulate(LOGISTIC, Schedule(), theta, [1.0], method=RK4(0.1))


@pytest.mark.parametrize("x0", [np.zeros(2), np.zeros((1, 3)), np.zeros((3, 1))])
def test_a_start_that_does_not_fit_is_refused(x0):
    with pytest.raises(InputError, match="logistic: initial state"):
        simulate(LOGISTIC, Schedule(), np.ones((2, 2)), [1.0], method=RK4(0.1), x0=x0)


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan])
def test_a_step_that_is_not_positive_is_refused(step):
    with pytest.raises(InputError, match="integrator: step"):
        simulate(LOGISTIC, Schedule(), RATES, [1.0], method=RK4(step))


def test_names_and_positions_of_parameters_mean_the_same():
    by_name = simulate(LOGISTIC, Schedule(), {"K": 2.0, "r": 0.8}, [3.0], method=RK4(0.1), x0=START)
    by_place = simulate(LOGISTIC, Schedule(), RATES, [3.0], method=RK4(0.1), x0=START)
    np.testing.assert_array_equal(by_name.states, by_place.states)
