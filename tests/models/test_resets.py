"""A reset is what a hand does between two runs: read the state, set one of them to a sum, and go on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from examples import parameter, pk
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import synthetic_neonates

from vvuq.assimilation import system as systems
from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.system import Observation, System, gaussian, propagate
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.calibration.foce import _problem, marginal
from vvuq.errors import InputError
from vvuq.models import RK4, Adaptive, Additive, Bolus, Model, Observable, Reset, Schedule, simulate
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.numerics.streams import Draws


def rhs(t, x, u, theta, dx):
    A, B, M, _ = x
    k, e, S = theta
    dx[0] = -k * A
    dx[1] = k * A - e * B / (1.0 + M / S)
    dx[2] = 0.0
    dx[3] = 0.0


def content(t, x, u, theta, y):
    y[0] = x[1]


MODEL = Model(
    name="remembering",
    states={"A": "mg", "B": "mg", "M": "mg", "N": "1"},
    inputs={},
    parameters=(parameter("k", "1/h", 0.2), parameter("e", "1/h", 0.5), parameter("S", "mg", 10.0)),
    observables=(Observable("content", "mg", content, Additive(0.1)),),
    rhs=rhs,
)
THETA, START = np.array([0.2, 0.5, 10.0]), np.array([3.0, 1.0, 2.0, 0.0])
INDEX = {"A": 0, "B": 1, "M": 2}

instants = st.integers(0, 12).map(float)
names = st.sampled_from(("A", "B", "M"))


@st.composite
def schedules(draw):
    """Up to four resets, no two at one time, and boluses that may fall on them."""
    boluses = draw(st.lists(st.builds(Bolus, instants, names, st.floats(0.5, 5.0)), max_size=3))
    when = draw(st.lists(instants, max_size=4, unique=True))
    resets = [Reset(t, draw(names), tuple(draw(st.lists(names, min_size=1, max_size=3)))) for t in when]
    return Schedule(0.0, tuple(boluses), resets=tuple(resets))


def by_hand(schedule, theta, at, method, x0=START):
    """One run from each event to the next, its state read, reset, added to and handed on."""
    bare, x, now = Schedule(0.0), np.array(x0), 0.0
    found = np.full((len(at), 4), np.nan)
    events = {e.time for e in (*schedule.boluses, *schedule.resets)}
    for end in sorted({0.0, *at, *(e for e in events if e <= at[-1])}):
        if end > now:
            x = simulate(MODEL, bare, theta, [end], method=method, x0=x, start=now).states[0, :, 0]
        found[np.array(at) == end] = x
        before = x.copy()
        for r in (r for r in schedule.resets if r.time == end):
            x[INDEX[r.state]] = sum(before[INDEX[source]] for source in r.of)
        for b in (b for b in schedule.boluses if b.time == end):
            x[INDEX[b.state]] += b.amount
        now = end
    return found


@given(schedule=schedules(), at=st.lists(instants, min_size=1, max_size=5).map(sorted))
def test_runs_with_resets_are_runs_that_a_hand_takes_up(schedule, at):
    for method, tolerance in ((RK4(0.25), 1e-12), (Adaptive(1e-11, 1e-11), 1e-8)):
        found = simulate(MODEL, schedule, THETA, at, method=method, x0=START).states[:, :, 0]
        np.testing.assert_allclose(found, by_hand(schedule, THETA, at, method), rtol=tolerance, atol=tolerance)


@given(schedule=schedules(), at=st.lists(instants, min_size=1, max_size=5).map(sorted))
def test_slopes_go_through_resets(schedule, at):
    y, slopes = simulate_with_derivatives(MODEL, schedule, THETA, ("k", "e"), at, method=RK4(0.25))
    zero = np.zeros(4)
    np.testing.assert_allclose(y[:, 0], by_hand(schedule, THETA, at, RK4(0.25), zero)[:, 1], rtol=1e-12, atol=1e-12)
    for j in range(2):
        h = np.zeros(3)
        h[j] = 1e-6
        up, down = (by_hand(schedule, THETA + s * h, at, RK4(0.25), zero)[:, 1] for s in (1, -1))
        scale = max(1.0, float(np.abs(y).max()))
        np.testing.assert_allclose(slopes[:, 0, j], (up - down) / 2e-6, rtol=1e-6, atol=1e-7 * scale)


@settings(max_examples=25)
@given(schedule=schedules(), seed=st.integers(0, 2**32), ends=st.tuples(instants, instants).map(sorted))
def test_members_of_a_filter_are_reset_as_single_runs_are(schedule, seed, ends):
    system = System(MODEL, THETA, ("k",), MODEL_NOISE, np.zeros(5), 0.25)
    members = np.random.default_rng(seed).uniform(0.5, 3.0, (5, 19))
    members[4] = np.log(0.2)
    start, end = ends
    alone, codes = propagate(system, schedule, members, start, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "MUCH", 0)
        abreast, others = propagate(system, schedule, members, start, end)
    np.testing.assert_array_equal(abreast, alone)
    np.testing.assert_array_equal(codes, others)
    if end > start:
        one = simulate(MODEL, schedule, THETA, [end], method=RK4(0.25), x0=members[:4, 7], start=start)
        np.testing.assert_allclose(alone[:4, 7], one.states[0, :, 0], rtol=1e-12, atol=1e-14)


MODEL_NOISE = (MODEL.observables[0].noise,)
PRIOR = gaussian(
    System(MODEL, THETA, ("k",), MODEL_NOISE, np.zeros(5), 0.25),
    0.0, np.array([3.0, 1.0, 2.0, 0.0, np.log(0.2)]), np.diag([0.2, 0.1, 0.3, 0.1, 0.04]),
)  # fmt: skip


@settings(max_examples=20)
@given(schedule=schedules(), at=st.lists(instants, min_size=1, max_size=5).map(sorted))
def test_a_whole_record_with_resets_is_its_steps(schedule, at):
    """Also where a sample falls on a reset, or between two."""
    system = System(MODEL, THETA, ("k",), MODEL_NOISE, np.full(5, 0.05), 0.25)
    observed = [Observation(t, np.array([1.0 + 0.1 * i])) for i, t in enumerate(at)]
    steps = filter_steps(Unscented(), system, schedule, PRIOR, observed, Draws(0, "unused"))
    for tier in ("lanes", "pointer", "straight"):
        found = filter_record(Unscented(), system, schedule, PRIOR, observed, tier=tier)
        np.testing.assert_allclose(found.mean, steps.mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.sd, steps.sd, rtol=1e-8, atol=1e-9)


def test_a_population_fit_sees_resets():
    """Half of what was given, doubled before anybody looks, is the whole of it: the equations are linear."""
    cohort = synthetic_neonates(6, 3)
    twin, point = pk(), np.log([0.005, 0.95, 1.0, 0.18, 0.18, 1.0])

    def doubled(cohort, patient):
        plan, first = pk().schedule(cohort, patient), patient.measurements[0].time
        before = tuple(replace(b, amount=0.5 * b.amount) if b.time < first else b for b in plan.boluses)
        return replace(plan, boluses=before, resets=(Reset(first - 1e-6, "A", ("A", "A")),))

    plain = marginal(_problem(twin, cohort), point, np.zeros((6, 2)))
    other = marginal(_problem(replace(twin, schedule=doubled), cohort), point, np.zeros((6, 2)))
    assert other == pytest.approx(plain, rel=1e-9)
    alone = replace(twin, schedule=lambda c, p: replace(doubled(c, p), resets=()))
    assert marginal(_problem(alone, cohort), point, np.zeros((6, 2))) != pytest.approx(plain, rel=1e-3)


@given(schedule=schedules(), order=st.randoms(use_true_random=False))
def test_the_order_in_which_resets_are_listed_does_not_matter(schedule, order):
    turned = list(schedule.resets)
    order.shuffle(turned)
    one, other = (
        simulate(MODEL, s, THETA, [12.0], method=RK4(0.5), x0=START).states
        for s in (schedule, replace(schedule, resets=tuple(turned)))
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("resets", "wrong"),
    [
        ((Reset(1.0, "C", ("A",)),), "state: 'C'"),
        ((Reset(1.0, "M", ("C",)),), "state: 'C'"),
        ((Reset(1.0, "M", ()),), "one or more states"),
        ((Reset(-1.0, "M", ("A",)),), "a finite time from 0.0 on"),
        ((Reset(np.nan, "M", ("A",)),), "a finite time"),
        ((Reset(1.0, "M", ("N",)),), "states in mg, as M is"),
        ((Reset(1.0, "M", ("A",)), Reset(1.0, "M", ("B",))), "each state reset once at a time"),
        ((Reset(1.0, "M", ("A",)), Reset(1.0, "B", ("M",))), "not reset then, as M is"),
    ],
)
def test_resets_without_a_clear_meaning_are_refused(resets, wrong):
    with pytest.raises(InputError, match=wrong):
        simulate(MODEL, Schedule(resets=resets), THETA, [2.0], method=RK4(0.5))
