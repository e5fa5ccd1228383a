"""The dot product in fixed lanes: the right number, and the same one wherever its operands lie in memory."""

import math

import numpy as np
import pytest

from vvuq.numerics.lanes import dot


@pytest.mark.parametrize("size", [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 200, 1003])
def test_equals_the_exact_sum(size):
    rng = np.random.default_rng(size)
    a, b = rng.normal(size=size), rng.normal(size=size)
    assert dot(a, b) == pytest.approx(math.fsum(a * b), rel=1e-13, abs=1e-13)


def test_does_not_depend_on_where_the_numbers_lie():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=100), rng.normal(size=100)
    wanted = dot(a, b)
    for shift in range(9):
        room = np.empty(120)
        room[shift : shift + 100] = a
        assert dot(room[shift : shift + 100], b) == wanted


def test_the_order_of_the_sum_is_the_one_that_is_written():
    """Sixteen running sums, the second eight added to the first, then neighbours in pairs; what is left comes last."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=53), rng.normal(size=53)
    lanes = np.zeros(16)
    for start in range(0, 48, 16):
        lanes += a[start : start + 16] * b[start : start + 16]
    parts = lanes[:8] + lanes[8:]
    while parts.size > 1:
        parts = parts[::2] + parts[1::2]
    total = float(parts[0])
    for i in range(48, 53):
        total += a[i] * b[i]
    assert dot(a, b) == total


def test_not_a_number_and_infinity_pass_through():
    one = np.ones(40)
    for value in (np.nan, np.inf):
        a = one.copy()
        a[20] = value
        np.testing.assert_equal(dot(a, one), value)
