"""Lane kernels compute, bit for bit, what the generic kernels compute one run at a time, or they refuse."""

import linecache

import large
import numpy as np
import pytest
from examples import EXPLOSIVE, LOGISTIC, LOTKA_VOLTERRA, parameter, pk
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vvuq.models import Additive, Model, Observable
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lanes import MOST_UNPACKED, Lanes, lane_kernels
from vvuq.models.math import exp, log, maximum, minimum, sqrt, tanh, where
from vvuq.models.math import pow as power
from vvuq.numerics.abreast import unused
from vvuq.numerics.rk4 import rk4_interval

RATES = (0.1, 0.2, 0.3)
SIZE = 3


def hill(v, n=2):
    """A helper with a default, whose exponent is an integer."""
    return power(v, n) / (1 + power(v, n))


def both(a, b):
    total = a + b
    return total * total, a - b


def into(out, at, value):
    """A helper that writes."""
    if at > 0:
        out[at] = value
    else:
        out[at] = -value


def everything_rhs(t, x, u, theta, dx):
    """Each construct that has a wide form, and each function of vvuq.models.math."""
    A, B, C = x
    k, V = theta
    R, w = u[0], u[1]
    total = 0
    for i, rate in enumerate(RATES):
        total += rate * x[i]
    for a in x[:2]:
        total -= 0.01 * a
    square, difference = both(A, B * k)
    z = hill(A) + hill(B, n=3) + hill(C, -1) + hill(A, 5) + where(1, A, B)
    z = z * maximum(0.0, A - 1.0) + minimum(B, C) * where(A - 1.2, 2 * A, -0.0)
    dx[0] = R - k * A + 0.1 * tanh(z) + 0 * t
    into(dx, 1, exp(-V * B) - 0.1 * sqrt(square) - total * 0.01 * +w)
    into(dx, 2, 0.01 * difference**3 - C**0.5 if len(x) == SIZE else 0.0)
    dx[2] += 0.1 * log(C + 1) - (1 / 7) * C * t / 10
    for i in range(SIZE):
        if i % 2 == 1:
            dx[i] *= 1.5


def sum_seen(t, x, u, theta, y):
    y[0] = x[0] / theta[1] + 0.5 * x[-1] * u[0] + 0.1 * t


def second_seen(t, x, u, theta, y):
    y[0] = 2.0


def built(rhs, states=SIZE, observables=(sum_seen, second_seen)) -> Model:
    """A model of names that a declared one would have; its checks of units are not what is looked at here."""
    model = object.__new__(Model)
    values = {
        "name": rhs.__name__,
        "states": {f"s{i}": "1" for i in range(states)},
        "inputs": {"R": "1/h"},
        "covariates": {"w": "1"},
        "parameters": (parameter("k", "1"), parameter("V", "1")),
        "observables": tuple(Observable(f.__name__, "1", f, Additive(0.1)) for f in observables),
        "rhs": rhs,
        "time_unit": "h",
    }
    for name, value in values.items():
        object.__setattr__(model, name, value)
    return model


EVERYTHING = built(everything_rhs)
MODELS = {model.name: model for model in (EVERYTHING, LOGISTIC, LOTKA_VOLTERRA, pk().model)}


positive = st.floats(0.2, 2.0)


def sizes(model):
    return len(model.states), len(model.parameters), len(model.observables)


@pytest.mark.parametrize(("name", "runs"), [*((name, 8) for name in MODELS), ("lotka_volterra", 4), ("logistic", 10)])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), begin=st.floats(0.0, 5.0), span=st.floats(0.01, 2.0), steps=st.integers(1, 7))
def test_each_lane_is_the_run_on_its_own_bit_for_bit(name, runs, seed, begin, span, steps):
    model = MODELS[name]
    lanes, observe, pointer = lane_kernels(model, runs), observe_kernel(model).kernel, rhs_kernel(model)
    (n, p, q), width = sizes(model), 3 * lanes.width
    draws = np.random.default_rng(seed)
    x, theta = draws.uniform(0.2, 2.0, (n, width)), draws.uniform(0.1, 1.0, (p, width))
    u = draws.uniform(0.5, 1.0, len(model.inputs) + len(model.covariates))
    end, seen, finite = np.empty(n * width), np.empty(q * width), np.ones(width)
    same = theta.ravel(), width, width, width
    room = np.empty(6 * n * lanes.width)
    lanes.carry.kernel(begin, begin + span, steps, u, x.ravel(), end, *same, room, finite)
    lanes.observe.kernel(begin + span, u, end, *same, seen)
    work, one = np.empty((5, n)), np.empty(q)
    for lane in range(width):
        state, own = x[:, lane].copy(), theta[:, lane].copy()
        rk4_interval(pointer, state, u, own, begin, begin + span, steps, work)
        observe(begin + span, state, u, own, one)
        np.testing.assert_array_equal(end.reshape(n, width)[:, lane], state)
        np.testing.assert_array_equal(seen.reshape(q, width)[:, lane], one)
        assert np.isfinite(state).all() == (finite[lane] == 0.0)


@pytest.mark.parametrize("name", ["ring", "tree"])
def test_long_states_run_side_by_side_in_place_or_not(name):
    """The ring writes its slopes and keeps none: there the rule of the last stage is another sum, equal to rounding.
    The tree reads the slopes that it has written, which are kept: the same bits."""
    model = (large.ring(100) if name == "ring" else large.tree()).system.model
    lanes, pointer, n = lane_kernels(model, 16), rhs_kernel(model), len(model.states)
    draws = np.random.default_rng(3)
    x, theta = draws.normal(size=(n, 16)), np.array([of.prior.quantile(0.5) for of in model.parameters])
    room, finite, end = np.empty(6 * n * lanes.width), np.empty(16), np.empty(n * 16)
    common = np.repeat(theta, lanes.width), lanes.width, 16, 16, room, finite
    lanes.carry.kernel(0.0, 0.3, 6, np.zeros(0), x.ravel(), end, *common)
    within = x.flatten()
    lanes.carry.kernel(0.0, 0.3, 6, np.zeros(0), within, within, *common)
    np.testing.assert_array_equal(within, end)
    work, tolerance = np.empty((5, n)), 1e-13 if name == "ring" else 0.0
    for lane in range(16):
        state = x[:, lane].copy()
        rk4_interval(pointer, state, np.zeros(0), theta, 0.0, 0.3, 6, work)
        np.testing.assert_allclose(end.reshape(n, 16)[:, lane], state, rtol=tolerance, atol=tolerance)
    assert not finite.any()
    x[n // 2, 5] = np.inf
    lanes.carry.kernel(0.0, 0.3, 6, np.zeros(0), x.ravel(), end, *common)
    assert np.flatnonzero(np.isnan(finite)).tolist() == [5]


def test_runs_in_place_and_with_parameters_of_their_own_or_in_common():
    model, lanes = LOTKA_VOLTERRA, lane_kernels(LOTKA_VOLTERRA, 8)
    (n, p, _), width = sizes(model), 2 * lanes.width
    x, theta = np.random.default_rng(1).uniform(0.5, 1.5, (n, width)), np.linspace(0.2, 0.9, p)
    room, finite = np.empty(6 * n * lanes.width), np.empty(width)
    own, common = np.repeat(theta, width), np.repeat(theta, lanes.width)
    first, second = x.flatten(), x.flatten()
    lanes.carry.kernel(0.0, 1.0, 5, np.zeros(0), first, first, own, width, width, width, room, finite)
    lanes.carry.kernel(0.0, 1.0, 5, np.zeros(0), second, second, common, lanes.width, width, width, room, finite)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, x.ravel())


def test_a_run_that_does_not_stay_finite_is_told_and_disturbs_no_other():
    model, lanes = EXPLOSIVE, lane_kernels(EXPLOSIVE, 8)
    (n, p, _), width = sizes(model), lanes.width
    x, theta = np.full((n, width), 0.1), np.ones(p * width)
    x[0, 1] = 1e200
    room, finite = np.empty(6 * n * width), np.empty(width)
    lanes.carry.kernel(0.0, 1.0, 5, np.zeros(0), x.ravel(), x.ravel(), theta, width, width, width, room, finite)
    assert np.isnan(finite[1]) and not np.delete(finite, 1).any()


def test_lanes_reach_the_vector_units():
    """Wide numbers that were taken apart again would still pass every other test."""
    cached = lane_kernels(LOTKA_VOLTERRA, 8).carry.kernel
    anew = njit(cached.nopython_signatures[0], error_model="numpy")(cached.py_func)  # what was loaded shows no text
    (text,) = anew.inspect_llvm().values()
    assert text.count("fmul <") > 0


def test_the_width_is_the_cheapest_for_the_runs():
    assert [lane_kernels(LOTKA_VOLTERRA, runs).width for runs in (1, 4, 6, 8, 10, 14, 200)] == [4, 4, 8, 8, 12, 8, 8]


def test_lanes_are_whole_vectors():
    lanes = Lanes(4, *unused()[:2])
    assert [lanes.count(runs) for runs in (1, 4, 5, 10)] == [4, 4, 8, 12]


def branches(t, x, u, theta, dx):
    if x[0] > 0.0:
        dx[0] = 1.0


def indexes(t, x, u, theta, dx):
    dx[0] = x[x[0]]


def ranges(t, x, u, theta, dx):
    for i in range(x[0]):
        dx[i] = 1.0


def beyond(t, x, u, theta, dx):
    dx[0] = x[7]


def too_few(t, x, u, theta, dx):
    a, _ = x
    dx[0] = a


def misfits(t, x, u, theta, dx):
    dx[0] = hill()


def compares(t, x, u, theta, dx):
    dx[0] = x[0] % 2.0


def inverts(t, x, u, theta, dx):
    dx[0] = not x[0]


REFUSED = (branches, indexes, ranges, beyond, too_few, misfits, compares, inverts)


@pytest.mark.parametrize("rhs", REFUSED, ids=lambda f: f.__name__)
def test_what_has_no_wide_form_is_refused(rhs):
    assert lane_kernels(built(rhs), 8) is None


def test_a_model_that_names_very_many_states_is_refused():
    names = ", ".join(f"s{i}" for i in range(MOST_UNPACKED + 1))
    rows = "".join(f"    dx[{i}] = -s{i}\n" for i in range(MOST_UNPACKED + 1))
    text = f"def names_all(t, x, u, theta, dx):\n    {names} = x\n{rows}"
    scope = {}
    path = "names_all.py"
    linecache.cache[path] = len(text), None, text.splitlines(keepends=True), path
    exec(compile(text, path, "exec"), scope)
    assert lane_kernels(built(scope["names_all"], states=MOST_UNPACKED + 1), 8) is None
