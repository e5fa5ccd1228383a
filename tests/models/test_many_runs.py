"""Members side by side have the paths that each has alone, bit for bit: under one schedule, or each under its own."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from examples import EXPLOSIVE, parameter
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.errors import InputError
from vvuq.models import (
    RK4,
    Adaptive,
    Additive,
    Bolus,
    Infusion,
    Level,
    Model,
    Observable,
    Reset,
    Schedule,
    simulate,
    simulate_cohort,
)
from vvuq.models.math import maximum, tanh


def rhs(t, x, u, theta, dx):
    A, B, M = x
    k, e = theta
    R, w = u
    dx[0] = R - k * A * (1.0 + 0.1 * tanh(w * (A - M) / (A + M + 1.0)))
    dx[1] = k * A - e * maximum(B, 0.5 * A)
    dx[2] = 0.0


def seen(t, x, u, theta, y):
    y[0] = x[1] * u[1]


def weight(t, x, u, theta, y):
    y[0] = u[1]


def model(**changes):
    given_ = {
        "name": "side_by_side",
        "states": {"A": "1", "B": "1", "M": "1"},
        "inputs": {"R": "1/h"},
        "covariates": {"w": "1"},
        "parameters": (parameter("k", "1/h", 0.2), parameter("e", "1/h", 0.5)),
        "observables": (
            Observable("seen", "1", seen, Additive(0.1)),
            Observable("weight", "1", weight, Additive(0.1)),
        ),
        "rhs": rhs,
    }
    return Model(**(given_ | changes))


MODEL = model()
METHOD = RK4(0.5)
amounts = st.floats(0.1, 9.0)
members = st.sampled_from([6, 8, 70])  # of one width, so that little is compiled


@st.composite
def courses(draw):
    """What happens when; how much of it is drawn anew for each member."""
    when = st.integers(0, 8).map(float)
    doses = draw(st.lists(st.tuples(when, st.sampled_from("AB")), max_size=3))
    rates = draw(st.lists(st.tuples(when, st.floats(0.25, 3.0)), max_size=2))
    levels = draw(st.lists(when, max_size=2))
    resets = draw(st.lists(when, max_size=2, unique=True))
    return doses, rates, levels, tuple(Reset(t, "M", ("A", "M")) for t in resets)


def drawn(course, draws):
    doses, rates, levels, resets = course
    return Schedule(
        0.0,
        tuple(Bolus(t, name, draws.uniform(0.0, 5.0)) for t, name in doses),
        tuple(Infusion(t, t + long, "R", draws.uniform(0.0, 2.0)) for t, long in rates),
        tuple(Level(t, "w", draws.uniform(0.5, 2.0)) for t in [0.0, *levels]),
        resets,
    )


def same(a, b):
    for name in ("times", "states", "observed", "codes"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def population(draws, count):
    return draws.uniform(0.1, 1.0, (2, count)), draws.uniform(0.0, 3.0, (3, count))


@settings(max_examples=25)
@given(course=courses(), count=members, seed=st.integers(0, 2**32), times=st.lists(amounts, min_size=1, max_size=5))
def test_members_under_one_schedule(course, count, seed, times):
    draws = np.random.default_rng(seed)
    theta, x0 = population(draws, count)
    common = MODEL, drawn(course, draws), theta, sorted(times)
    given_ = {"method": METHOD, "x0": x0}
    abreast, alone = (simulate(*common, **given_, tier=tier) for tier in ("lanes", "pointer"))
    same(abreast, alone)
    less = simulate(*common, **given_, tier="lanes", states=False)
    same(replace(less, states=alone.states), alone)
    assert less.states.shape == (0, 3, count)


@settings(max_examples=25)
@given(
    several=st.lists(courses(), min_size=1, max_size=2), count=st.sampled_from([14, 130]), seed=st.integers(0, 2**32)
)
def test_members_each_under_a_schedule_of_its_own(several, count, seed):
    draws = np.random.default_rng(seed)
    theta, x0 = population(draws, count)
    schedules = [drawn(several[m % len(several)], draws) for m in range(count)]
    given_ = {"method": METHOD, "x0": x0}
    found = simulate_cohort(MODEL, schedules, theta, [1.0, 2.5, 9.0], **given_, tier="lanes")
    alone = [
        simulate(MODEL, s, theta[:, m], [1.0, 2.5, 9.0], method=METHOD, x0=x0[:, m]) for m, s in enumerate(schedules)
    ]
    for m, one in enumerate(alone):
        np.testing.assert_array_equal(found.states[:, :, m], one.states[:, :, 0])
        np.testing.assert_array_equal(found.observed[:, :, m], one.observed[:, :, 0])
    same(simulate_cohort(MODEL, schedules, theta, [1.0, 2.5, 9.0], **given_), found)


def test_members_each_under_a_schedule_of_its_own_by_the_adaptive_method():
    schedules = [Schedule(levels=(Level(0.0, "w", w),), boluses=(Bolus(1.0, "A", w),)) for w in (1.0, 2.0)]
    method, theta = Adaptive(), np.array([0.2, 0.5])
    found = simulate_cohort(MODEL, schedules, theta, [3.0], method=method)
    for m, schedule in enumerate(schedules):
        one = simulate(MODEL, schedule, theta, [3.0], method=method)
        np.testing.assert_array_equal(found.observed[:, :, m], one.observed[:, :, 0])


def test_a_member_that_fails_is_told_and_disturbs_no_other():
    x0 = np.linspace(0.1, 1.0, 70)[None, :]
    x0[0, 3], x0[0, 66] = np.nan, 1e200
    given_ = {"method": RK4(0.1), "x0": x0}
    common = EXPLOSIVE, Schedule(boluses=(Bolus(0.5, "A", 1.0),)), np.array([1.0]), [0.0, 0.4, 0.6]
    abreast, alone = (simulate(*common, **given_, tier=tier) for tier in ("lanes", "pointer"))
    same(abreast, alone)
    assert np.flatnonzero(abreast.codes).tolist() == [3, 66]


def test_much_work_runs_side_by_side(monkeypatch):
    asked = []
    monkeypatch.setattr(
        sys.modules["vvuq.models.simulate"], "path_kernel", lambda of, count, **how: asked.append(count)
    )
    schedule, theta = Schedule(levels=(Level(0.0, "w", 1.0),)), np.full((2, 1000), 0.3)
    simulate(MODEL, schedule, theta, [10.0], method=RK4(0.1))
    simulate(MODEL, schedule, theta, [100.0], method=RK4(0.1), tier="pointer")
    assert asked == []
    simulate(MODEL, schedule, theta, [100.0], method=RK4(0.1))
    simulate(MODEL, schedule, theta[:, :8], [1.0], method=RK4(0.1), tier="lanes")
    assert asked == [1000, 8]


@pytest.mark.parametrize("tier", ["lanes", "pointer"])
def test_the_least_number_of_steps_counts_in_short_intervals(tier):
    schedule, theta = Schedule(levels=(Level(0.0, "w", 1.0),)), np.full((2, 8), 0.3)
    given_ = {"x0": np.ones(3), "tier": tier}
    few, many = (simulate(MODEL, schedule, theta, [0.5, 1.0], method=of, **given_) for of in (RK4(9.0, 2), RK4(0.25)))
    same(few, many)
    with pytest.raises(InputError, match="least steps"):
        simulate(MODEL, schedule, theta, [0.5], method=RK4(0.5, 0), **given_)


def test_long_states_that_are_not_named_one_by_one():
    long = model(states={f"s{i}": "1" for i in range(17)}, rhs=chain, observables=MODEL.observables[1:])
    schedule = Schedule(levels=(Level(0.0, "w", 1.0),), boluses=(Bolus(0.5, "s0", 3.0),))
    theta, x0 = np.full((2, 6), 0.3), np.random.default_rng(5).uniform(0.0, 1.0, (17, 6))
    abreast, alone = (
        simulate(long, schedule, theta, [0.5, 2.0], method=METHOD, x0=x0, tier=tier) for tier in ("lanes", "pointer")
    )
    same(abreast, alone)


def chain(t, x, u, theta, dx):
    dx[0] = u[0] - theta[0] * x[0]
    for i in range(1, 17):
        dx[i] = theta[0] * x[i - 1] - theta[1] * u[1] * x[i]


def test_what_does_not_fit_is_refused():
    schedule, theta = Schedule(levels=(Level(0.0, "w", 1.0),)), np.full((2, 3), 0.3)
    with pytest.raises(InputError, match="one for each member"):
        simulate_cohort(MODEL, [], theta, [1.0], method=METHOD)
    with pytest.raises(InputError, match="2 schedules"):
        simulate_cohort(MODEL, [schedule] * 2, theta, [1.0], method=METHOD)
    wrong = replace(schedule, boluses=(Bolus(0.5, "A", np.inf),))
    right = replace(schedule, boluses=(Bolus(0.5, "A", 1.0),))
    for tier in ("lanes", "pointer"):
        with pytest.raises(InputError, match="finite amount"):
            simulate_cohort(MODEL, [right, *[wrong] * 5], theta[:, :1], [1.0], method=METHOD, tier=tier)
