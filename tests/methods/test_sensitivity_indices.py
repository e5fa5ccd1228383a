"""Polynomial chaos on functions whose indices are known, and against Sobol' indices."""

import chaospy
import numpy as np
import pytest
from known_functions import A, B, ishigami
from scipy.special import ndtr

from vvuq.errors import NotEvaluable
from vvuq.methods.chaos import first_order, project, total_order
from vvuq.methods.sobol import sobol_indices

NORMAL = chaospy.Normal(0.0, 1.0)


def test_a_failed_run_is_not_left_out():
    def fails(germs):
        out = germs[0] + germs[1]
        out[7] = np.nan
        return out

    with pytest.raises(NotEvaluable, match=r"2 of .* model runs failed"):
        project(fails, [NORMAL] * 3, 3, 64, np.random.default_rng(0))


def polynomial(germs):
    a, b = germs
    return 3.0 + 2.0 * a + a * b + 0.5 * (b**2 - 1.0)


def test_a_polynomial_is_its_own_expansion():
    found = project(polynomial, [NORMAL] * 2, 3, 200, np.random.default_rng(0))
    whole = 4.0 + 1.0 + 0.5
    assert found.error.reported < 1e-20
    assert found.mean == pytest.approx(3.0, rel=1e-12) and found.variance == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(first_order(found), np.array([4.0, 0.5]) / whole, atol=1e-12)
    np.testing.assert_allclose(total_order(found), np.array([5.0, 1.5]) / whole, atol=1e-12)
    assert found.runs == 5**2 + 200


def test_a_product_of_growths_has_the_indices_of_its_closed_form():
    """exp(s_1 g_1 + s_2 g_2): a product, like clearance and volume in a model of a drug."""
    s = np.array([0.4, 0.2])
    found = project(lambda g: np.exp(s @ g), [NORMAL] * 2, 8, 500, np.random.default_rng(0))
    v = np.exp(s**2) - 1.0
    whole = np.prod(1.0 + v) - 1.0
    assert found.error.reported < 1e-8
    np.testing.assert_allclose(first_order(found), v / whole, rtol=1e-6)
    np.testing.assert_allclose(total_order(found), v * (1.0 + v[::-1]) / whole, rtol=1e-6)
    assert found.mean == pytest.approx(np.exp(0.5 * (s @ s)), rel=1e-8)


def test_both_methods_agree_on_a_smooth_periodic_function_and_the_error_tells_when_not_to_trust():
    def smooth(germs):  # Ishigami's shape over a quarter of its period
        x = 0.5 * np.pi * (ndtr(germs) - 0.5)
        return np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])

    from scipy.special import ndtri

    fine = project(smooth, [NORMAL] * 3, 8, 300, np.random.default_rng(0))
    net = sobol_indices(lambda p: smooth(ndtri(p)), 3, 256, 16, np.random.default_rng(0))
    slack = 2.0 * np.sqrt(fine.error.reported)
    assert fine.error.reported < 0.03
    assert np.all(np.abs(first_order(fine) - net.first) <= (net.first_high - net.first_low) + slack)
    assert np.all(np.abs(total_order(fine) - net.total) <= (net.total_high - net.total_low) + slack)
    rough = project(lambda g: ishigami(ndtr(g)), [NORMAL] * 3, 3, 500, np.random.default_rng(0))
    assert rough.error.reported > 0.2
