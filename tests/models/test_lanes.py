"""Lane kernels compute, bit for bit, what the generic kernels compute one run at a time, or they refuse."""

from functools import lru_cache

import numpy as np
import pytest
from examples import LOGISTIC, LOTKA_VOLTERRA, parameter, pk
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vvuq.models import Additive, Model, Observable
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lanes import LEAST_WIDTH, MOST_STATES, lane_kernels, lane_width
from vvuq.models.math import exp, log, maximum, minimum, sqrt, tanh, where
from vvuq.models.math import pow as power
from vvuq.models.straight import MOST_LINES, NotStraightError, Sink, Text, expand
from vvuq.numerics.rk4 import rk4_interval

RATES = (0.1, 0.2, 0.3)
SIZE = 3
WIDTH = 16


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
    """Each construct that has a straight-line form, and each function of vvuq.models.math."""
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


@lru_cache(maxsize=8)
def kernels(name: str):
    model = MODELS[name]
    return lane_kernels(model, WIDTH), observe_kernel(model).kernel


positive = st.floats(0.2, 2.0)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), begin=st.floats(0.0, 5.0), span=st.floats(0.01, 2.0), steps=st.integers(1, 7))
def test_each_lane_is_the_run_on_its_own_bit_for_bit(name, seed, begin, span, steps):
    model, (lanes, observe) = MODELS[name], kernels(name)
    n, p, q = len(model.states), len(model.parameters), len(model.observables)
    draws = np.random.default_rng(seed)
    x, theta = draws.uniform(0.2, 2.0, (n, WIDTH)), draws.uniform(0.1, 1.0, (p, WIDTH))
    u = draws.uniform(0.5, 1.0, len(model.inputs) + len(model.covariates))
    flat, seen = np.concatenate([x, theta]).ravel(), np.empty(q * WIDTH)
    lanes.carry.kernel(begin, begin + span, steps, u, flat)
    lanes.observe.kernel(begin + span, u, flat, seen)
    work, one = np.empty((5, n)), np.empty(q)
    pointer = rhs_kernel(model)
    for lane in range(WIDTH):
        state, own = x[:, lane].copy(), theta[:, lane].copy()
        rk4_interval(pointer, state, u, own, begin, begin + span, steps, work)
        observe(begin + span, state, u, own, one)
        np.testing.assert_array_equal(flat.reshape(-1, WIDTH)[:n, lane], state)
        np.testing.assert_array_equal(seen.reshape(-1, WIDTH)[:, lane], one)
    np.testing.assert_array_equal(flat.reshape(-1, WIDTH)[n:], theta)


def test_lanes_reach_the_vector_units():
    """A loop over lanes that stays scalar still passes every other test."""
    cached = lane_kernels(LOTKA_VOLTERRA, WIDTH).carry.kernel
    anew = njit(cached.nopython_signatures[0], error_model="numpy")(cached.py_func)  # what was loaded shows no text
    (text,) = anew.inspect_llvm().values()
    assert text.count("fmul <") > 0 or pytest.skip("this processor has no vector units for doubles")


def test_lanes_are_whole_vectors():
    assert [lane_width(runs) for runs in (1, 7, 16, 17, 24, 81)] == [LEAST_WIDTH, LEAST_WIDTH, 16, 24, 24, 88]


def branches(t, x, u, theta, dx):
    if x[0] > 0.0:
        dx[0] = 1.0


def forgets(t, x, u, theta, dx):
    dx[0] = x[0]


def reads_before(t, x, u, theta, dx):
    dx[0] += x[0]


def loops(t, x, u, theta, dx):
    while t > 0.0:
        t -= 1.0


def again(v):
    return again(v)


def recurses(t, x, u, theta, dx):
    dx[0] = again(x[0])


def indexes(t, x, u, theta, dx):
    dx[0] = x[x[0]]


def ranges(t, x, u, theta, dx):
    for i in range(x[0]):
        dx[i] = 1.0


def beyond(t, x, u, theta, dx):
    dx[0] = x[7]


def lists(t, x, u, theta, dx):
    flows = [x[0], x[1]]
    dx[0] = flows[0]


def writes_beyond(t, x, u, theta, dx):
    dx[3] = 1.0


def divides(t, x, u, theta, dx):
    dx[0] = 1 / 0


def infinite(t, x, u, theta, dx):
    dx[0] = 1e308 * 10 * x[0]


def builtin(t, x, u, theta, dx):
    dx[0] = abs(x[0])


def stars(t, x, u, theta, dx):
    dx[0] = hill(*x[:1])


def too_few(t, x, u, theta, dx):
    a, _ = x
    dx[0] = a


def misfits(t, x, u, theta, dx):
    dx[0] = hill()


def compares(t, x, u, theta, dx):
    dx[0] = x[0] % 2.0


def inverts(t, x, u, theta, dx):
    dx[0] = not x[0]


def endless(t, x, u, theta, dx):
    for _ in range(MOST_LINES):
        t = t + x[0]


REFUSED = (
    branches, forgets, reads_before, loops, recurses, indexes, ranges, beyond, lists, writes_beyond, divides, infinite,
    builtin, stars, too_few, misfits, compares, inverts, endless, lambda t, x, u, theta, dx: None,
)  # fmt: skip


@pytest.mark.parametrize("rhs", REFUSED, ids=lambda f: f.__name__)
def test_what_has_no_straight_line_form_is_refused(rhs):
    with pytest.raises(NotStraightError):
        expand(rhs, Text("t"), (["x0", "x1", "x2"], ["u0"], ["p0"]), SIZE, Sink())
    assert lane_kernels(built(rhs), WIDTH) is None


def test_a_model_with_many_states_is_refused():
    assert lane_kernels(built(forgets, states=MOST_STATES + 1), WIDTH) is None
