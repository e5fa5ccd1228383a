"""Probability boxes: closed forms, extremes inside the box, nestedness, common random numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.probability_box import probability_box

GRID = np.linspace(-4.0, 6.0, 9)


def standard(n=500, inputs=1):
    """Quantiles of N(0, 1) in a random order: a sample without luck."""
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(norm.ppf((np.arange(n) + 0.5) / n)) for _ in range(inputs)])


def linear(z, e):
    return e[0] + e[1] * z[0]


def test_a_line_of_unknown_place_and_scale_has_the_bounds_of_its_closed_form():
    """y = a + b z, a in [0, 1], b in [1, 2]: monotone in both for each quantile, so that vertices are exact."""
    found = probability_box(
        linear,
        standard(),
        np.array([[0.0, 1.0], [1.0, 2.0]]),
        levels=(0.05, 0.5, 0.9),
        grid=GRID,
        thresholds=(-1.0, 3.0),
    )
    z = np.quantile(standard()[0], [0.05, 0.5, 0.9])  # quantiles of a line are those of its draws
    np.testing.assert_allclose(z, norm.ppf([0.05, 0.5, 0.9]), atol=0.01)
    np.testing.assert_allclose(found.quantiles.low, np.minimum(z, 2.0 * z), atol=1e-9)
    np.testing.assert_allclose(found.quantiles.high, 1.0 + np.maximum(z, 2.0 * z), atol=1e-9)
    corners = [norm.cdf((GRID - a) / b) for a in (0.0, 1.0) for b in (1.0, 2.0)]
    np.testing.assert_allclose(found.cdf.low, np.min(corners, axis=0), atol=1.01 / 500)
    np.testing.assert_allclose(found.cdf.high, np.max(corners, axis=0), atol=1.01 / 500)
    np.testing.assert_allclose([found.mean.low[0], found.mean.high[0]], [0.0, 1.0], atol=1e-9)
    np.testing.assert_allclose(found.below.high[0], norm.cdf(-0.5), atol=1.01 / 500)
    np.testing.assert_array_equal(found.quantiles.low_at[2], [0.0, 1.0])
    assert found.draws == 500 and found.evaluations > 4


def bowl(z, e):
    """The least scale, 0.5, is at e = 0.3, far from vertices and from the middle; the greatest at -1."""
    return (0.5 + (e[0] - 0.3) ** 2) * z[0]


def test_an_extreme_inside_is_found_where_vertices_and_net_would_miss_it():
    sample, box = standard(), np.array([[-1.0, 1.0]])
    found = probability_box(bowl, sample, box, levels=(0.95,), thresholds=(1.0,), points=4)
    coarse = probability_box(bowl, sample, box, levels=(0.95,), thresholds=(1.0,), points=4, local=0)
    least = 0.5 * np.quantile(sample[0], 0.95)
    assert found.quantiles.low[0] == pytest.approx(least, rel=1e-4) and found.quantiles.low_at[0] == pytest.approx(
        0.3, abs=0.01
    )
    assert coarse.quantiles.low[0] > 1.05 * least, "the test would not see a search that does nothing"
    assert found.below.high[0] == np.mean(0.5 * sample[0] < 1.0) > coarse.below.high[0]
    assert coarse.evaluations == 6 < found.evaluations, "middle, two vertices, and three more of the net"


def test_two_unknowns_whose_extreme_is_inside():
    def function(z, e):
        return z[0] - (e[0] - 0.4) ** 2 - (e[1] + 0.2) ** 2 - e[0] * e[1]

    found = probability_box(function, standard(200), np.array([[-1.0, 2.0], [-1.0, 1.0]]), points=16)
    hessian, slope = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([0.8, -0.4])
    top = np.linalg.solve(hessian, slope)
    assert found.mean.high[0] == pytest.approx(function(np.zeros((1, 1)), top)[0], abs=1e-4)
    np.testing.assert_allclose(found.mean.high_at[0], top, atol=0.02)


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_wider_intervals_make_a_wider_box(middle, half, more, seed):
    """Of a model that grows with the unknown at each draw, so that all extremes are at vertices."""
    z = np.random.default_rng(seed).normal(size=(1, 50))

    def function(z, e):
        return z[0] + (1.0 + z[0] ** 2) * np.arctan(e[0])

    narrow, wide = (
        probability_box(function, z, np.array([[middle - h, middle + h]]), grid=GRID, points=2, local=0)
        for h in (half, half + more)
    )
    for name in ("mean", "quantiles", "cdf"):
        one, other = getattr(narrow, name), getattr(wide, name)
        assert np.all(other.low <= one.low + 1e-12) and np.all(other.high >= one.high - 1e-12)
        assert np.all(one.low <= one.high)


def test_what_is_known_has_no_bounds_apart():
    found = probability_box(linear, standard(), np.array([[0.5, 0.5], [1.0, 1.0]]), grid=GRID)
    assert found.evaluations == 1
    np.testing.assert_array_equal(found.cdf.low, found.cdf.high)
    half = probability_box(linear, standard(), np.array([[0.5, 0.5], [1.0, 2.0]]), grid=GRID)
    assert np.all(half.cdf.low_at[:, 0] == 0.5) and np.any(half.cdf.low < half.cdf.high)


def test_shares_below_and_up_to_a_value_differ_where_it_is_met():
    found = probability_box(
        lambda z, e: np.round(z[0]) + 0.0 * e[0], standard(), np.array([[0.0, 1.0]]), grid=(0.0,), thresholds=(0.0,)
    )
    assert found.cdf.low[0] - found.below.low[0] == pytest.approx(norm.cdf(0.5) - norm.cdf(-0.5), abs=0.005)


def test_every_point_sees_the_same_draws():
    seen = []

    def function(z, e):
        seen.append(z.copy())
        return z[0] * e[0]

    found = probability_box(function, standard(20), np.array([[1.0, 2.0]]))
    assert len(seen) == found.evaluations and all(np.array_equal(z, seen[0]) for z in seen)


def test_what_cannot_be_bounded():
    z, box = standard(20), np.array([[0.0, 1.0]])
    with pytest.raises(NotEvaluable, match=r"20 of 20 runs failed at the epistemic point \[0.0\]"):
        probability_box(lambda z, e: z[0] / (e[0] > 0.0 or np.nan), z, box)
    with pytest.raises(InputError, match="a value for each of 20"):
        probability_box(lambda z, e: z, z, box)
    for ends, said in (
        ([[1.0, 0.0]], "the lower one first"),
        ([[0.0, np.inf]], "finite ends"),
        ([0.0, 1.0], "rows of two"),
    ):
        with pytest.raises(InputError, match=said):
            probability_box(linear, z, np.array(ends))
    with pytest.raises(InputError, match="12 of them"):
        probability_box(linear, z, np.tile(box, (13, 1)))
    for wrong in ({"levels": (2.0,)}, {"points": 3}, {"local": -1}, {"grid": (np.nan,)}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            probability_box(linear, z, np.tile(box, (2, 1)), **wrong)
    with pytest.raises(InputError, match="aleatory"):
        probability_box(linear, z[0], box)
