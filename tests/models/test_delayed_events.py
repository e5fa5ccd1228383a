"""An event that a parameter delays moves the slopes as the closed form, and as a shift of the schedule, say."""

import numpy as np
import pytest
from examples import parameter
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.errors import InputError
from vvuq.models import RK4, Adaptive, Additive, Bolus, Infusion, Level, Model, Observable, Reset, Schedule, simulate
from vvuq.models.delays import delayed
from vvuq.models.sensitivity import sensitive, simulate_with_derivatives


def leak(t, x, u, theta, dx):
    A, B = x
    R, w = u
    k, _, _ = theta
    dx[0] = R - k * A
    dx[1] = k * A - 0.4 * w * B * B / (B + 1)


def second(t, x, u, theta, y):
    y[0] = x[1]


def first(t, x, u, theta, y):
    y[0] = x[0]


def made():
    model = object.__new__(Model)
    values = {
        "name": "leak", "states": {"A": "mg", "B": "mg"}, "inputs": {"R": "mg/h"}, "covariates": {"w": "1"},
        "parameters": (parameter("k", "1/h"), parameter("lag", "h"), parameter("wait", "h")),
        "observables": tuple(Observable(f.__name__, "mg", f, Additive(0.1)) for f in (first, second)), "rhs": leak,
        "time_unit": "h",
    }  # fmt: skip
    for name, value in values.items():
        object.__setattr__(model, name, value)
    return model


MODEL = made()
THETA = np.array([0.3, 0.5, 0.25])
TIMES = [0.25, 1.0, 2.75, 6.0]  # a delayed bolus falls on the second
LAGS = {"lag": ("A",), "wait": ("R", "B")}
PLAN = Schedule(
    0.0,
    (Bolus(0.0, "A", 2.0), Bolus(0.75, "B", 1.0), Bolus(0.5, "A", 1.0)),
    (Infusion(0.25, 1.75, "R", 3.0),),
    (Level(0.0, "w", 1.0), Level(1.0, "w", 2.0)),  # the bolus of 0.5 meets this change, that of 0.75 as well
    (Reset(1.0, "B", ("A", "B")),),
)


def test_a_delayed_bolus_and_infusion_have_the_slopes_of_the_closed_form():
    k, lag, wait = THETA
    _, slopes = simulate_with_derivatives(
        MODEL, PLAN, THETA, ["lag", "wait"], [6.0], method=Adaptive(1e-11, 1e-12), lags=LAGS
    )
    by_lag = sum(k * b.amount * np.exp(-k * (6.0 - b.time - lag)) for b in PLAN.boluses if b.state == "A")
    # A = rate / k (exp(-k (t - stop)) - exp(-k (t - start))), both ends later by the delay
    by_wait = 3.0 * (np.exp(-k * (6.0 - 1.75 - wait)) - np.exp(-k * (6.0 - 0.25 - wait)))
    np.testing.assert_allclose(slopes[0, 0], [by_lag, by_wait], rtol=1e-9)


def test_slopes_are_those_of_a_schedule_that_is_shifted():
    """Where delayed events meet others, the states are still smooth enough in the delay for central differences."""
    names, h, method = ["k", "lag", "wait"], 1e-4, Adaptive(1e-12, 1e-13)
    plan = Schedule(
        0.0, PLAN.boluses, PLAN.infusions, (Level(0.0, "w", 1.0), Level(0.9, "w", 2.0)), (Reset(3.0, "B", ("A",)),)
    )
    found = sensitive(MODEL, plan, THETA, names, TIMES[2:], method=method, lags=LAGS)
    for j in range(3):
        up, down = (THETA + s * h * np.eye(3)[j] for s in (1.0, -1.0))
        runs = [
            simulate(MODEL, delayed(MODEL, plan, one, LAGS), one, TIMES[2:], method=method).states[:, :, 0]
            for one in (up, down)
        ]
        np.testing.assert_allclose(found.state_slopes[:, :, j], (runs[0] - runs[1]) / (2 * h), rtol=1e-6, atol=2e-6)


def test_where_delayed_events_meet_others_the_slope_is_that_of_a_little_later():
    h, method = 1e-5, Adaptive(1e-12, 1e-13)
    found = sensitive(MODEL, PLAN, THETA, ["lag", "wait"], TIMES[1:], method=method, lags=LAGS)
    plain = simulate(MODEL, delayed(MODEL, PLAN, THETA, LAGS), THETA, TIMES[1:], method=method)
    np.testing.assert_allclose(found.states[1:], plain.states[1:, :, 0], rtol=1e-9)
    for j in (1, 2):
        later = THETA + h * np.eye(3)[j]
        run = simulate(MODEL, delayed(MODEL, PLAN, later, LAGS), later, TIMES[1:], method=method).states[:, :, 0]
        slope = (run - found.states) / h
        np.testing.assert_allclose(found.state_slopes[1:, :, j - 1], slope[1:], rtol=1e-3, atol=1e-4)


@settings(max_examples=10)
@given(lag=st.floats(0.0, 3.0))
def test_a_lag_that_no_derivative_is_asked_for_delays_alone(lag):
    theta, method = np.array([0.3, lag, 0.25]), RK4(0.05)
    found = sensitive(MODEL, PLAN, theta, ["k"], TIMES, method=method, lags=LAGS)
    plain = simulate(MODEL, delayed(MODEL, PLAN, theta, LAGS), theta, TIMES, method=method)
    np.testing.assert_allclose(found.states, plain.states[:, :, 0], rtol=1e-12, atol=1e-14)


def test_with_fixed_steps_the_slope_is_near_the_true_one():
    exact, found = (
        simulate_with_derivatives(MODEL, PLAN, THETA, ["lag", "wait"], TIMES, method=m, lags=LAGS)[1]
        for m in (Adaptive(1e-11, 1e-12), RK4(0.05))
    )
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("theta", "lags"),
    [
        (np.array([0.3, -0.1, 0.25]), LAGS),
        (THETA, {"lag": ("w",)}),
        (THETA, {"lag": ("A",), "wait": ("A",)}),
        (THETA, {"no": ("A",)}),
    ],
)
def test_what_cannot_be_delayed_is_refused(theta, lags):
    with pytest.raises(InputError):
        delayed(MODEL, PLAN, theta, lags)
