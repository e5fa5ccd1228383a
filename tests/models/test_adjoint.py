"""The way back through RK4 gives what the variational equations give, for each run under its own schedule."""

from dataclasses import replace

import large
import numpy as np
import pytest
from constructs import EVERYTHING, ON, built
from examples import LOTKA_VOLTERRA, pk
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.errors import InputError
from vvuq.models import RK4, Bolus, Infusion, Level, Schedule
from vvuq.models.adjoint import back, go, runs
from vvuq.models.math import exp
from vvuq.models.sensitivity import sensitive
from vvuq.models.tape import passes, trace

SMOOTH = replace(ON, resets=())
QUIET = Schedule(0.0, (), (), (Level(0.0, "w", 0.8),))
LOW = (Level(0.0, "low_apgar", 1.0),)
NEONATES = tuple(
    Schedule(0.0, (Bolus(at, "A", 20.0),), (Infusion(10.0, 12.0, "R", 3.0),), LOW + (Level(0.0, "weight", weight),))
    for at, weight in ((0.0, 1.2), (7.0, 2.0), (30.0, 0.9))
)
CASES = {
    "everything": (EVERYTHING, (SMOOTH, QUIET, SMOOTH, QUIET, SMOOTH), 0.07, 1.0),
    "lotka_volterra": (LOTKA_VOLTERRA, (Schedule(),) * 2, 0.1, 2.0),
    "pk": (pk().model, NEONATES, 4.0, 40.0),
}


def agree(model, schedules, step, times, theta, x0, slopes, rtol=1e-12):
    over = runs(model, schedules, times, step)
    course = go(over, theta, x0)
    by_theta, by_x0 = back(over, course, slopes)
    names = [p.name for p in model.parameters]
    for i, schedule in enumerate(schedules):
        one = sensitive(
            model, schedule, theta[:, i], names, times[i], method=RK4(step), x0=x0[:, i], initial=list(model.states)
        )
        np.testing.assert_allclose(course.states[:, :, i], one.states, rtol=1e-12, atol=1e-12)
        exact = np.einsum("rn,rnk->k", slopes[:, :, i], one.state_slopes)
        found = np.concatenate([by_theta[:, i], by_x0[:, i]])
        scale = np.abs(np.einsum("rn,rnk->rnk", slopes[:, :, i], one.state_slopes)).max(axis=(0, 1))
        np.testing.assert_array_less(np.abs(found - exact) - rtol * scale, 1e-13)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_the_way_back_is_the_variational_one(name, seed):
    model, schedules, step, end = CASES[name]
    draws, count = np.random.default_rng(seed), len(schedules)
    n, p = len(model.states), len(model.parameters)
    theta, x0 = draws.uniform(0.3, 2.0, (p, count)), draws.uniform(0.3, 2.0, (n, count))
    times = np.array([[0.1, 0.6, 1.0]]) * end * draws.uniform(0.5, 1.0, (count, 1))  # no two runs end together
    agree(model, schedules, step, times, theta, x0, draws.normal(size=(3, n, count)))


def test_of_states_in_a_loop():
    model = large.ring(12).system.model
    draws = np.random.default_rng(1)
    x0 = draws.normal(2.0, 3.0, (12, 3))
    agree(model, [Schedule()] * 3, 0.05, np.full((3, 1), 0.4), np.full((1, 3), 8.0), x0, draws.normal(size=(1, 12, 3)))


def test_a_time_that_is_asked_for_twice_counts_twice_and_the_start_as_itself():
    x0, theta = np.array([[1.0], [0.5]]), np.array([[1.1], [0.4], [0.4]])
    over = runs(LOTKA_VOLTERRA, [Schedule()], [[0.0, 1.0, 1.0]], 0.1)
    course = go(over, theta, x0)
    slopes = np.zeros((3, 2, 1))
    slopes[0, 0] = 1.0
    by_theta, by_x0 = back(over, course, slopes)
    np.testing.assert_array_equal(by_theta, 0.0)
    np.testing.assert_array_equal(by_x0[:, 0], [1.0, 0.0])
    twice, once = np.zeros((3, 2, 1)), np.zeros((3, 2, 1))
    twice[1:, 0], once[1, 0] = 1.0, 2.0
    for a, b in zip(back(over, course, twice), back(over, course, once), strict=True):
        np.testing.assert_array_equal(a, b)


def test_runs_take_up_a_schedule_at_a_later_time():
    schedule, x0, theta = NEONATES[0], np.array([[3.0]]), np.array([[0.01], [1.0], [0.1]])
    whole = go(runs(pk().model, [schedule], [[11.0, 20.0]], 1.0), theta, np.zeros((1, 1)))
    rest = runs(pk().model, [schedule], [[11.0, 20.0]], 1.0, starts=[11.0])
    x0 = whole.states[0]
    np.testing.assert_allclose(go(rest, theta, x0).states, whole.states, rtol=1e-9)


def parameters_alone(t, x, u, theta, dx):
    dx[0] = theta[0]
    dx[1] = theta[0]
    dx[2] = exp(theta[1]) + theta[2] * theta[2]


def test_where_the_slope_is_a_parameter_or_depends_on_parameters_alone():
    theta, slopes = np.array([[0.5], [0.2], [0.3]]), np.array([[[1.0], [10.0], [1.0]]])
    over = runs(built(parameters_alone), [QUIET], [[2.0]], 0.5)
    by_theta, by_x0 = back(over, go(over, theta, np.zeros(3)), slopes)
    np.testing.assert_allclose(by_theta[:, 0], [22.0, 2.0 * np.exp(0.2), 2.0 * 0.6])
    np.testing.assert_array_equal(by_x0[:, 0], slopes[0, :, 0])


def branches(t, x, u, theta, dx):
    dx[0] = 1.0 if x[0] > 0.0 else theta[0]


def compares(t, x, u, theta, dx):
    dx[0] = 1.0 if x[0] == 0.0 else theta[0]


@pytest.mark.parametrize("rhs", [branches, compares])
def test_a_branch_has_no_way_back_and_is_refused(rhs):
    model = built(rhs)
    with pytest.raises(InputError, match="where"):
        go(runs(model, [QUIET], [[1.0]], 0.5), np.ones((3, 1)), np.ones((3, 1)))


def test_resets_are_refused():
    with pytest.raises(InputError, match="resets"):
        runs(EVERYTHING, [ON], [[1.0]], 0.5)


def test_what_is_read_and_by_what_slopes_are_taken_may_be_chosen():
    model, theta, x0 = LOTKA_VOLTERRA, np.array([1.1, 0.4, 0.4]), np.array([1.0, 0.5])
    of = model, [Schedule()] * 2, [[0.5, 1.0]] * 2, 0.1
    over, less = runs(*of), runs(*of, states=["hunters"], parameters=["death", "birth"])
    slopes = np.zeros((2, 2, 2))
    slopes[:, 1] = 1.0
    course, some = go(over, theta, x0), go(less, theta, x0)
    np.testing.assert_array_equal(some.states[:, 0], course.states[:, 1])
    whole, part = back(over, course, slopes), back(less, some, np.ones((2, 1, 2)))
    np.testing.assert_array_equal(part[0], whole[0][[2, 0]])
    np.testing.assert_array_equal(part[1], whole[1])


def test_memory_that_is_used_again_changes_nothing():
    theta, x0 = np.array([1.1, 0.4, 0.4]), np.array([1.0, 0.5])
    over = runs(LOTKA_VOLTERRA, [Schedule()] * 2, [[0.5, 1.0]] * 2, 0.1)
    first = go(over, theta, x0)
    slopes = back(over, first, np.ones((2, 2, 2)))
    again = go(over, theta, x0, into=go(over, 1.5 * theta, x0, into=first))
    np.testing.assert_array_equal(again.states, first.states)
    for one, other in zip(back(over, again, np.ones((2, 2, 2))), slopes, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_runs_do_not_depend_on_how_many_go_together(count):
    x0, theta = np.linspace(0.5, 1.5, 2 * count).reshape(2, count), np.array([1.1, 0.4, 0.4])
    together = go(runs(LOTKA_VOLTERRA, [Schedule()] * count, [[1.0]] * count, 0.1), theta, x0)
    for i in range(count):
        alone = go(runs(LOTKA_VOLTERRA, [Schedule()], [[1.0]], 0.1), theta, x0[:, i])
        np.testing.assert_array_equal(together.states[:, :, i], alone.states[:, :, 0])


def shared(t, x, u, theta, dx):
    a = theta[0] * x[0]
    theta[1] * x[1]  # never read
    dx[0] = a + theta[0] * x[0] + exp(theta[1]) * u[0] * exp(x[0])
    dx[1] = 2.0
    dx[2] = x[2] * 1 / 1 - 0


def test_a_tape_holds_each_operation_once_and_what_is_needed():
    """exp of a parameter is computed once for all steps, exp of a state kept for the way back."""
    found = passes(trace(shared, (3, 1, 2), 3), [0, 1])
    assert found.first == ["v5 = p[1]", "v10 = exp(v5)", "c[0] = v10"]
    assert sum("p[0]" in line for line in found.slope) == sum(" * v0" in line for line in found.slope) == 1
    assert found.slope[-3:] == ["out[1] = 2.0", "v2 = x[2]", "out[2] = v2"]
    assert (found.constants, found.kept) == (1, 1)
    assert not any("exp" in line for line in found.pull)
    assert "dx[1] = 0.0" in found.pull
    assert found.last == ["d10 = dc[0]", "v5 = p[1]", "v10 = exp(v5)", "dp[1] = dp[1] + d10 * v10"]


def test_the_way_back_leaves_out_what_is_not_wanted():
    found = passes(trace(shared, (3, 1, 2), 3), [])
    assert found.last == [] and not any("dp[" in line or "dc[" in line for line in found.pull)
