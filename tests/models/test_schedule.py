"""What is done to a patient, as a grid: every event is hit, none counts twice, order and origin do not matter."""

import math
from dataclasses import replace

import numpy as np
import pytest
from examples import LOGISTIC, pk, pk_schedules, times
from hypothesis import given
from hypothesis import strategies as st

from vvuq.errors import InputError
from vvuq.models import RK4, Adaptive, Bolus, Infusion, Level, Schedule, simulate
from vvuq.models.schedule import compile_grid, inputs_before

MODEL = pk().model
FIXED = Level(0.0, "weight", 2.0), Level(0.0, "low_apgar", 0.0)
THETA = np.array([0.006, 1.0, 0.1])
sampled = st.lists(times, min_size=1, max_size=6).map(sorted)


def observed(schedule, at, method=None, **more):
    return simulate(MODEL, schedule, THETA, at, method=method or RK4(2.0), **more).observed[:, 0, 0]


@given(schedule=pk_schedules(), at=sampled)
def test_every_event_is_a_boundary_and_every_sample_is_recorded_at_its_time(schedule, at):
    grid = compile_grid(MODEL, schedule, at)
    events = {b.time for b in schedule.boluses} | {v for i in schedule.infusions for v in (i.start, i.stop)}
    assert set(grid.t) == {0.0, *at, *(e for e in events if e <= at[-1])}
    assert np.all(np.diff(grid.t) > 0)
    recorded = {int(r): t for t, r in zip(grid.t, grid.record, strict=True) if r >= 0}
    assert [recorded[row] for row in grid.rows] == at
    given_until = sum(b.amount for b in schedule.boluses if b.time <= at[-1])
    assert grid.jump.sum() == pytest.approx(given_until)


@given(schedule=pk_schedules(), at=sampled)
def test_inputs_of_an_interval_are_the_sum_of_what_runs_in_its_middle(schedule, at):
    grid = compile_grid(MODEL, schedule, at)
    for left, right, u in zip(grid.t[:-1], grid.t[1:], grid.u, strict=False):
        middle = 0.5 * (left + right)
        rate = sum(i.rate for i in schedule.infusions if i.start <= middle < i.stop)
        assert u[0] == pytest.approx(rate)
        assert u[1] == schedule.levels[0].value and u[2] == schedule.levels[1].value


@given(schedule=pk_schedules(), at=sampled, order=st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_listed_does_not_matter(schedule, at, order):
    def shuffled(items):
        items = list(items)
        order.shuffle(items)
        return tuple(items)

    other = Schedule(0.0, shuffled(schedule.boluses), shuffled(schedule.infusions), shuffled(schedule.levels))
    np.testing.assert_allclose(observed(other, at), observed(schedule, at), rtol=1e-12)


@given(schedule=pk_schedules(), at=sampled, shift=st.integers(-300, 300))
def test_the_origin_of_time_does_not_matter(schedule, at, shift):
    moved = Schedule(
        float(shift),
        tuple(replace(b, time=b.time + shift) for b in schedule.boluses),
        tuple(replace(i, start=i.start + shift, stop=i.stop + shift) for i in schedule.infusions),
        tuple(replace(level, time=level.time + shift) for level in schedule.levels),
    )
    later = observed(moved, [t + shift for t in at], Adaptive())
    np.testing.assert_allclose(later, observed(schedule, at, Adaptive()), rtol=1e-7, atol=1e-8)


def test_a_sample_at_the_time_of_a_dose_is_taken_before_it():
    schedule = Schedule(0.0, (Bolus(0.0, "A", 10.0), Bolus(5.0, "A", 7.0)), (), FIXED)
    k = 0.006 * 2.0 / 2.0
    at_start, before, after = observed(schedule, [0.0, 5.0, 5.0 + 1e-9], RK4(0.5))
    assert at_start == 0.0
    assert before == pytest.approx(5.0 * math.exp(-5 * k), rel=1e-9)
    assert after - before == pytest.approx(3.5, rel=1e-6)


def test_simultaneous_doses_add():
    one = Schedule(0.0, (Bolus(3.0, "A", 10.0),), (), FIXED)
    two = Schedule(0.0, (Bolus(3.0, "A", 4.0), Bolus(3.0, "A", 6.0)), (), FIXED)
    np.testing.assert_array_equal(observed(one, [4.0]), observed(two, [4.0]))


def test_overlapping_infusions_add():
    one = Schedule(
        0.0, (), (Infusion(0.0, 2.0, "R", 3.0), Infusion(2.0, 4.0, "R", 8.0), Infusion(4.0, 6.0, "R", 5.0)), FIXED
    )
    two = Schedule(0.0, (), (Infusion(0.0, 4.0, "R", 3.0), Infusion(2.0, 6.0, "R", 5.0)), FIXED)
    np.testing.assert_array_equal(observed(one, [1.0, 3.0, 5.0, 7.0]), observed(two, [1.0, 3.0, 5.0, 7.0]))


def test_a_covariate_steps_at_its_time_and_a_sample_then_still_sees_the_old_value():
    weights = Level(0.0, "weight", 1.0), Level(10.0, "weight", 2.0), Level(0.0, "low_apgar", 0.0)
    schedule = Schedule(0.0, (Bolus(0.0, "A", 10.0),), (), weights)
    left = 10.0 * math.exp(-0.06)
    np.testing.assert_allclose(observed(schedule, [10.0, 10.0 + 1e-9]), [left, left / 2.0], rtol=1e-7)
    assert inputs_before(MODEL, schedule, 10.0)[1] == 1.0
    assert inputs_before(MODEL, schedule, 10.1)[1] == 2.0
    assert inputs_before(MODEL, schedule, 0.0)[1] == 1.0


@given(schedule=pk_schedules(), at=times)
def test_inputs_before_a_sample_are_those_of_the_interval_that_ends_there(schedule, at):
    expected = compile_grid(MODEL, schedule, [at]).u[-1]
    np.testing.assert_array_equal(inputs_before(MODEL, schedule, at), expected)


@given(schedule=pk_schedules(), cut=times, gap=st.floats(0.01, 50.0))
def test_splitting_an_interval_changes_an_adaptive_result_by_less_than_its_tolerance(schedule, cut, gap):
    whole = observed(schedule, [cut + gap], Adaptive(1e-10, 1e-10))
    split = observed(schedule, [cut, cut + gap], Adaptive(1e-10, 1e-10))
    np.testing.assert_allclose(split[1:], whole, rtol=1e-7, atol=1e-8)


@given(schedule=pk_schedules(), cut=times, gap=st.floats(0.01, 50.0))
def test_a_run_can_be_taken_up_from_its_state(schedule, cut, gap):
    """Doses at the time of the cut come after it: they count once."""
    whole = simulate(MODEL, schedule, THETA, [cut, cut + gap], method=RK4(1.0))
    rest = simulate(MODEL, schedule, THETA, [cut + gap], method=RK4(1.0), x0=whole.states[0], start=cut)
    np.testing.assert_allclose(rest.observed[0], whole.observed[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("at", [[], [math.nan], [1.0, math.inf], [2.0, 1.0], [-1.0], [[1.0]]])
def test_times_that_cannot_be_recorded_are_refused(at):
    with pytest.raises(InputError, match="schedule of logistic: times"):
        simulate(LOGISTIC, Schedule(), np.array([1.0, 1.0]), at, method=RK4(1.0))


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (Schedule(boluses=(Bolus(math.nan, "A", 1.0),)), "bolus"),
        (Schedule(boluses=(Bolus(0.0, "A", math.inf),)), "bolus"),
        (Schedule(boluses=(Bolus(-1.0, "A", 1.0),)), "bolus"),
        (Schedule(boluses=(Bolus(0.0, "B", 1.0),)), "state"),
        (Schedule(infusions=(Infusion(0.0, 1.0, "S", 1.0),)), "input"),
        (Schedule(infusions=(Infusion(1.0, 1.0, "R", 1.0),)), "infusion"),
        (Schedule(infusions=(Infusion(-1.0, 1.0, "R", 1.0),)), "infusion"),
        (Schedule(infusions=(Infusion(0.0, math.inf, "R", 1.0),)), "infusion"),
        (Schedule(infusions=(Infusion(0.0, 1.0, "R", math.nan),)), "infusion"),
        (Schedule(levels=(Level(0.0, "height", 1.0),)), "input"),
        (Schedule(levels=(Level(0.0, "weight", math.nan),)), "level"),
        (Schedule(levels=(Level(0.0, "weight", 1.0),)), "covariate: 'low_apgar'"),
        (Schedule(levels=(FIXED[0], Level(1.0, "low_apgar", 1.0))), "covariate: 'low_apgar'"),
        (Schedule(start=math.nan), "start"),
        (Schedule(start=-math.inf), "start"),
    ],
)
def test_a_schedule_with_a_fault_is_refused_by_its_field(schedule, field):
    with pytest.raises(InputError, match=field):
        compile_grid(MODEL, schedule, [5.0])
