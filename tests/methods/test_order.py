"""The observed order of a synthetic ladder of errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.methods.order import asymptotic, fitted_order, pairwise_orders

STEPS = np.array([8.0, 4.0, 2.0, 1.0, 0.5])


@given(p=st.floats(0.5, 6.0), c=st.floats(1e-6, 1e3))
def test_an_exact_ladder_shows_its_order(p, c):
    errors = c * STEPS**p
    np.testing.assert_allclose(pairwise_orders(STEPS, errors)[1:], p, rtol=1e-9)
    assert np.isnan(pairwise_orders(STEPS, errors)[0])
    slope, low, high = fitted_order(STEPS, errors)
    assert low - 1e-9 <= p <= high + 1e-9 and slope == pytest.approx(p, rel=1e-9)


def test_a_wrong_order_and_a_disturbed_ladder_are_seen():
    slope, low, high = fitted_order(STEPS, 1e-3 * STEPS**3.0)
    assert not low <= 4.0 <= high and slope == pytest.approx(3.0)
    disturbed = 1e-3 * STEPS**4.0 * np.array([1.0, 1.3, 0.8, 1.2, 1.0])
    slope, low, high = fitted_order(STEPS, disturbed)
    assert low < 4.0 < high and high - low > 0.2
    assert np.abs(pairwise_orders(STEPS, disturbed)[1:] - 4.0).max() > 0.3


def test_the_interval_of_the_slope_covers_as_often_as_it_says():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        _, low, high = fitted_order(STEPS, STEPS**4.0 * np.exp(rng.normal(0.0, 0.2, 5)))
        hits += low <= 4.0 <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_rounding_and_coarse_rungs_lie_outside_the_asymptotic_range():
    errors = np.array([5.0, 0.5, 1e-4, 1e-9, 1e-13])
    assert asymptotic(errors, 10.0).tolist() == [False, True, True, True, False]
