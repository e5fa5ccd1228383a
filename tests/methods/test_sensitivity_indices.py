"""Sobol' indices and polynomial chaos on functions whose indices are known."""

import numpy as np
import pytest
from scipy.special import ndtr

from vvuq.errors import NotEvaluable
from vvuq.methods.chaos import polynomial_chaos
from vvuq.methods.sobol import sobol_indices

A, B = 7.0, 0.1
VARIANCE = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
FIRST = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0]) / VARIANCE
TOTAL = FIRST + np.array([1.0, 0.0, 1.0]) * B**2 * np.pi**8 * 8 / 225 / VARIANCE
WEIGHTS = np.array([0.0, 1.0, 4.5, 9.0])


def ishigami(points):
    x = 2.0 * np.pi * points - np.pi
    return np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])


def g_function(points):
    a = WEIGHTS[:, None]
    return np.prod((np.abs(4.0 * points - 2.0) + a) / (1.0 + a), axis=0)


def g_indices():
    v = 1.0 / (3.0 * (1.0 + WEIGHTS) ** 2)
    whole = np.prod(1.0 + v) - 1.0
    return v / whole, np.array([v[i] * np.prod(np.delete(1.0 + v, i)) for i in range(4)]) / whole


CASES = [(ishigami, 3, (FIRST, TOTAL)), (g_function, 4, g_indices())]


@pytest.mark.parametrize(("function", "d", "truth"), CASES, ids=["ishigami", "g"])
def test_the_known_indices_lie_within_the_intervals(function, d, truth):
    found = sobol_indices(function, d, 256, 16, np.random.default_rng(2))
    for value, half, true in ((found.first, found.first_half, truth[0]), (found.total, found.total_half, truth[1])):
        np.testing.assert_allclose(value, true, atol=0.03)
        assert np.all(np.abs(value - true) <= 1.6 * half + 1e-12)
        assert np.all(half < 0.03)
    assert found.runs == 16 * 256 * (d + 2)


def test_indices_of_another_function_are_told_apart():
    found = sobol_indices(lambda p: p[0] + 0.1 * p[1], 3, 256, 8, np.random.default_rng(0))
    assert abs(found.first[1] - FIRST[1]) > 10 * found.first_half[1]
    np.testing.assert_allclose(found.first, np.array([1.0, 0.01, 0.0]) / 1.01, atol=0.01)


def test_the_same_stream_gives_the_same_indices():
    one, two, three = (sobol_indices(ishigami, 3, 64, 4, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.first, two.first)
    np.testing.assert_array_equal(one.total_half, two.total_half)
    assert not np.array_equal(one.first, three.first)


def test_a_failed_run_is_not_left_out():
    def fails(points):
        out = ishigami(points)
        out[7] = np.nan
        return out

    with pytest.raises(NotEvaluable, match="1 of 320 model runs failed"):
        sobol_indices(fails, 3, 64, 4, np.random.default_rng(0))
    with pytest.raises(NotEvaluable, match=r"2 of .* model runs failed"):
        polynomial_chaos(fails, 3, 3, 64, np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize(("function", "d", "truth"), CASES, ids=["ishigami", "g"])
def test_intervals_cover_as_often_as_they_say(function, d, truth):
    hits = []
    for seed in range(100):
        found = sobol_indices(function, d, 128, 16, np.random.default_rng(seed))
        hits.append(np.abs(found.first - truth[0]) <= found.first_half)
        hits.append(np.abs(found.total - truth[1]) <= found.total_half)
    assert 0.90 <= np.mean(hits) <= 0.99


def polynomial(germs):
    a, b = germs
    return 3.0 + 2.0 * a + a * b + 0.5 * (b**2 - 1.0)


def test_a_polynomial_is_its_own_expansion():
    found = polynomial_chaos(polynomial, 2, 3, 200, np.random.default_rng(0))
    whole = 4.0 + 1.0 + 0.5
    assert found.error < 1e-20
    assert found.mean == pytest.approx(3.0, rel=1e-12) and found.sd == pytest.approx(np.sqrt(whole), rel=1e-12)
    np.testing.assert_allclose(found.first, np.array([4.0, 0.5]) / whole, atol=1e-12)
    np.testing.assert_allclose(found.total, np.array([5.0, 1.5]) / whole, atol=1e-12)
    assert found.runs == 5**2 + 200


def test_a_product_of_growths_has_the_indices_of_its_closed_form():
    """exp(s_1 g_1 + s_2 g_2): a product, like clearance and volume in a model of a drug."""
    s = np.array([0.4, 0.2])
    found = polynomial_chaos(lambda g: np.exp(s @ g), 2, 8, 500, np.random.default_rng(0))
    v = np.exp(s**2) - 1.0
    whole = np.prod(1.0 + v) - 1.0
    assert found.error < 1e-8
    np.testing.assert_allclose(found.first, v / whole, rtol=1e-6)
    np.testing.assert_allclose(found.total, v * (1.0 + v[::-1]) / whole, rtol=1e-6)
    assert found.mean == pytest.approx(np.exp(0.5 * (s @ s)), rel=1e-8)


def test_both_methods_agree_on_a_smooth_periodic_function_and_the_error_tells_when_not_to_trust():
    def smooth(germs):  # Ishigami's shape over a quarter of its period
        x = 0.5 * np.pi * (ndtr(germs) - 0.5)
        return np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])

    from scipy.special import ndtri

    fine = polynomial_chaos(smooth, 3, 8, 300, np.random.default_rng(0))
    net = sobol_indices(lambda p: smooth(ndtri(p)), 3, 256, 16, np.random.default_rng(0))
    slack = 2.0 * np.sqrt(fine.error)
    assert fine.error < 0.03
    assert np.all(np.abs(fine.first - net.first) <= 2 * net.first_half + slack)
    assert np.all(np.abs(fine.total - net.total) <= 2 * net.total_half + slack)
    rough = polynomial_chaos(lambda g: ishigami(ndtr(g)), 3, 3, 500, np.random.default_rng(0))
    assert rough.error > 0.2
