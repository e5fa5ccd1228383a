"""exp, log and tanh as compiled models compute them: within 1 unit in the last place, and the same in every lane."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vvuq.numerics import elementary
from vvuq.numerics.jit import VECTOR
from vvuq.numerics.rows import rows

NAMES = ("exp", "log", "tanh")
WIDTHS = (4, 8, 12)
NEAR = {  # units in the last place; random trials of 20,000 points each found up to 0.75, 0.76 and 0.85
    "exp": (0.8, [(-0.35, 0.35), (-708.3, 709.7), (-745.1, -708.3)]),
    "log": (0.8, [(0.5, 2.0), (0.99, 1.01), (0.0, 1e-307), (0.0, 1e300)]),
    "tanh": (0.9, [(-0.6, 0.6), (-22.0, 22.0), (-1e-8, 1e-8)]),
}
SPECIAL = [0.0, 5e-324, 1e-310, 2.0**-1022, 1.0, 709.78, 709.79, 745.13, 745.14, 1e308, math.inf]
SPECIAL = np.array([*SPECIAL, *(-x for x in SPECIAL), math.nan, 19.0, 20.0, -20.0])


@cache
def compiled(name):
    """One at a time, and by lanes of each width."""
    function = getattr(elementary, name)

    @njit([(VECTOR, VECTOR)], error_model="numpy")
    def singly(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def abreast(width):
        @njit([(VECTOR, VECTOR)], error_model="numpy")
        def run(x, out):
            for first in range(0, x.size, width):
                rows(out, first, 1, width, width)[0] = function(rows(x, first, 1, width, width)[0])

        return run

    return singly, {width: abreast(width) for width in WIDTHS}


def one_by_one(name, x):
    out = np.empty_like(x)
    compiled(name)[0](x, out)
    return out


def off(name, x):
    """Distances from the true values in units of the last place of a double there."""
    with mpmath.workprec(140):
        for a, found in zip(x, one_by_one(name, x), strict=True):
            truth = getattr(mpmath, name)(mpmath.mpf(float(a)))
            yield float(abs(mpmath.mpf(float(found)) - truth) / mpmath.mpf(float(np.spacing(abs(float(truth))))))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_within_one_unit_in_the_last_place_of_the_true_value(name, seed):
    bound, ranges = NEAR[name]
    draws = np.random.default_rng(seed)
    for low, high in ranges:
        assert max(off(name, draws.uniform(low, high, 50))) < bound


@pytest.mark.parametrize("name", NAMES)
def test_each_lane_has_the_bits_of_the_float_alone(name):
    draws = np.random.default_rng(4)
    x = np.concatenate([SPECIAL, draws.normal(0.0, 3.0, 200), draws.uniform(-750.0, 750.0, 200)])
    x = x[: x.size // 24 * 24].copy()
    alone = one_by_one(name, x)
    for run in compiled(name)[1].values():
        out = np.empty_like(x)
        run(x, out)
        np.testing.assert_array_equal(out.view(np.int64)[~np.isnan(alone)], alone.view(np.int64)[~np.isnan(alone)])
        np.testing.assert_array_equal(np.isnan(out), np.isnan(alone))


def libm(name, x):
    try:
        return getattr(math, name)(x)
    except OverflowError:
        return math.inf
    except ValueError:
        return -math.inf if x == 0.0 else math.nan


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_those_of_ieee_754(name):
    for x, found in zip(SPECIAL, one_by_one(name, SPECIAL), strict=True):
        expected = libm(name, x)
        assert found == pytest.approx(expected, rel=3e-16, abs=5e-324, nan_ok=True), x
        assert math.copysign(1.0, found) == math.copysign(1.0, expected) or math.isnan(found), x


def test_exact_where_the_value_is_a_double():
    whole = np.array([0.0, -0.0, 1.0])
    np.testing.assert_array_equal(one_by_one("exp", whole[:2]), [1.0, 1.0])
    np.testing.assert_array_equal(one_by_one("log", whole[2:]), [0.0])
    assert [str(x) for x in one_by_one("tanh", whole[:2])] == ["0.0", "-0.0"]


def test_lanes_are_vector_code():
    (text,) = compiled("tanh")[1][8].inspect_llvm().values()
    assert "fma.v8f64" in text and "call double" not in text
