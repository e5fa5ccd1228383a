"""Slopes by variational equations are those of the complex step, on every twin and on every construct of a model."""

import large
import numpy as np
import pytest
from complex_step import by_complex_step
from constructs import EVERYTHING, ON, built
from examples import LOGISTIC, LOTKA_VOLTERRA
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.models import RK4, Adaptive, Schedule, simulate
from vvuq.models.math import KinkError, maximum, where
from vvuq.models.sensitivity import sensitive, simulate_with_derivatives
from vvuq.models.twin import load_twins
from vvuq.numerics.codes import Code
from vvuq.paths import shipped
from vvuq.testing.cases import courses
from vvuq.testing.strategies import envelope_for

PATHS = [path for path in sorted(shipped("twins").iterdir()) if (path / "__init__.py").is_file()]
LOADED = [one for path in PATHS for twin, rivals in [load_twins(path)] for one in (twin, *rivals.values())]
TWINS = {twin.name: twin for twin in LOADED if twin.claims.envelope is not None}
COARSE, SOME = 300, 6  # steps a course, and slopes: the oracle walks them in Python


def close(slopes, exact, rtol):
    """Equal, as a share of the largest slope of each observable by each parameter, or a small one of all slopes."""
    scale = np.maximum(np.abs(exact).max(axis=0, keepdims=True), 1e-6 * np.abs(exact).max())
    np.testing.assert_array_less(np.abs(slopes - exact) - rtol * scale, 1e-250)


def agree(model, schedule, theta, times, step, x0, rtol=1e-11, some=None):
    """some: the names of parameters and initial states by which slopes are taken, if not by all."""
    parameters = [p.name for p in model.parameters if some is None or p.name in some]
    initial = [name for name in model.states if some is None or name in some]
    try:
        y, exact = by_complex_step(model, schedule, theta, parameters, times, step, x0, initial)
    except (KinkError, ArithmeticError):
        return  # there is no derivative, or complex numbers do not reach so far
    if not np.isfinite(exact).all():
        return
    of = model, schedule, np.array(theta), parameters, times
    seen, slopes = simulate_with_derivatives(*of, method=RK4(step), x0=np.array(x0), initial=initial)
    np.testing.assert_allclose(seen, y, rtol=1e-10, atol=1e-12 * np.abs(y).max())
    close(slopes, exact, rtol)


@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=5)
@given(data=st.data())
def test_on_every_twin_that_claims_an_envelope(name, data):
    twin = TWINS[name]
    course = data.draw(courses(twin, envelope_for(twin)))
    names = data.draw(st.permutations([*course.theta, *twin.model.states]))
    step, x0 = max(twin.method.step, course.times[-1] / COARSE), [x + 0.01 for x in course.x0]  # 0 may be a kink
    agree(twin.model, course.schedule, [*course.theta.values()], course.times, step, x0, some=names[:SOME])


def test_on_a_ring_of_forty_states_by_all_of_them():
    model = large.ring(40).system.model
    x0 = np.random.default_rng(2).normal(2.0, 3.0, 40)
    agree(model, Schedule(), [8.0], [0.4], 0.05, list(x0))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_on_every_construct(seed):
    draws = np.random.default_rng(seed)
    agree(EVERYTHING, ON, list(draws.uniform(0.3, 2.0, 3)), [0.1, 0.6, 1.0], 0.07, list(draws.uniform(0.3, 2.0, 3)))


@pytest.mark.parametrize("model", [LOGISTIC, LOTKA_VOLTERRA, EVERYTHING], ids=lambda m: m.name)
def test_the_adaptive_method_holds_slopes_to_its_tolerance(model):
    schedule = ON if model is EVERYTHING else Schedule()
    theta, n = np.array([p.prior.quantile(0.5) for p in model.parameters]), len(model.states)
    names, states, x0 = [p.name for p in model.parameters], list(model.states), np.linspace(0.5, 0.9, n)
    exact = sensitive(model, schedule, theta, names, [0.3, 0.7, 2.0], method=RK4(1e-3), x0=x0, initial=states)
    for tolerance in (1e-6, 1e-9):
        method = Adaptive(tolerance, tolerance)
        found = sensitive(model, schedule, theta, names, [0.3, 0.7, 2.0], method=method, x0=x0, initial=states)
        np.testing.assert_allclose(found.states, exact.states, rtol=0.0, atol=20 * tolerance)
        scale = np.concatenate([theta, x0])
        np.testing.assert_allclose(found.state_slopes * scale, exact.state_slopes * scale, rtol=0, atol=50 * tolerance)


def test_values_are_those_of_a_plain_run_bit_for_bit():
    theta, x0 = np.array([0.4, 1.1, 0.7]), np.array([1.3, 0.8, 0.5])
    plain = simulate(EVERYTHING, ON, theta, [0.1, 0.6, 1.0], method=RK4(0.07), x0=x0)
    found = sensitive(EVERYTHING, ON, theta, ["V"], [0.1, 0.6, 1.0], method=RK4(0.07), x0=x0)
    np.testing.assert_array_equal(found.states, plain.states[:, :, 0])
    np.testing.assert_array_equal(found.observed, plain.observed[:, :, 0])


def kinked(t, x, u, theta, dx):
    dx[0] = where(x[0] - 1.0, theta[0], 2.0 * theta[0])
    dx[1] = theta[0] if x[0] > 1.0 else 2.0 * theta[0]
    dx[2] = maximum(x[0] - 1.0, 0.0) * 0.0


def test_at_a_kink_the_way_that_is_taken_is_differentiated():
    """x0 = 1 is not above 1: the slope is that of the other side, there and in a branch of Python's own."""
    model = built(kinked)
    rhs = sensitive(model, Schedule(), np.ones(3), ["k"], [0.0, 1e-9], method=RK4(1.0), x0=np.array([1.0, 0.0, 0.0]))
    assert rhs.state_slopes[-1, :2, 0] == pytest.approx([2e-9 / 6 + 5e-9 / 6, 2e-9 / 6 + 5e-9 / 6])


def explodes(t, x, u, theta, dx):
    dx[0] = theta[0] * x[0] * x[0]
    dx[1] = dx[0] * 0.0
    dx[2] = 0.0


@pytest.mark.parametrize("method", [RK4(0.01), Adaptive()])
def test_a_run_that_does_not_stay_finite_says_so(method):
    found = sensitive(built(explodes), Schedule(), np.ones(3), ["k"], [0.5, 60.0], method=method, x0=np.ones(3))
    assert found.code != Code.OK
    assert found.states[0, 0] == pytest.approx(2.0, rel=1e-6) and found.state_slopes[0, 0, 0] == pytest.approx(2, 1e-5)
    assert np.isnan(found.observed[1]).any() and np.isnan(found.observed_slopes[1, 0]).all()
