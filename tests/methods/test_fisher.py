"""Fisher information where the answer is known: two parameters, one sample, exact confounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.methods.fisher import combination, information


@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(2, 8))
def test_errors_and_correlation_are_those_of_the_inverse_information(seed, samples):
    s = np.random.default_rng(seed).normal(size=(samples, 2)) * [3.0, 0.5]
    if np.linalg.cond(s) > 1e4:
        return
    found, covariance = information(s), np.linalg.inv(s.T @ s)
    np.testing.assert_allclose(found.rse, np.sqrt(np.diag(covariance)), rtol=1e-6)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation == pytest.approx(expected, abs=1e-6)
    assert found.condition == pytest.approx(np.linalg.cond(s), rel=1e-6)
    assert found.rank == 2


def test_two_orthogonal_samples_are_independent():
    found = information(np.diag([10.0, 5.0]))
    np.testing.assert_allclose(found.rse, [0.1, 0.2])
    assert found.correlation == 0.0 and found.condition == 2.0
    np.testing.assert_allclose(found.weakest, [0.0, 1.0])


def test_more_samples_never_make_an_estimate_worse():
    s = np.random.default_rng(3).normal(size=(6, 2))
    assert np.all(information(s).rse <= information(s[:4]).rse)


@pytest.mark.parametrize("s", [[[3.0, 4.0]], [[3.0, 4.0], [6.0, 8.0]], [[3.0, 4.0]] * 5])
def test_one_sample_or_proportional_ones_have_rank_one(s):
    found = information(np.array(s))
    assert found.rank == 1 and found.condition == np.inf
    assert np.all(np.isinf(found.rse)) and np.isnan(found.correlation)
    np.testing.assert_allclose(np.abs(found.weakest @ np.array([3.0, 4.0])), 0.0, atol=1e-12)


def test_the_ratio_is_known_and_the_product_is_not_where_two_parameters_are_confounded():
    """A sensitivity to log k and log V of opposite sign: only k / V enters, k V is free."""
    found = information(np.array([[2.0, -2.0], [5.0, -5.0], [1.0, -1.0]]))
    assert found.rank == 1
    np.testing.assert_allclose(found.weakest, [np.sqrt(0.5), np.sqrt(0.5)], rtol=1e-12)
    assert combination(found.weakest, ("k", "V")) == "k^0.71 V^0.71"


def test_nearly_confounded_parameters_keep_their_rank_but_show_it():
    found = information(np.array([[1.0, -1.0], [1.0, -1.0001]]))
    assert found.rank == 2 and found.correlation > 0.999 and found.condition > 1e4


def test_no_sensitivity_at_all_has_rank_zero():
    assert information(np.zeros((3, 2))).rank == 0
    assert information(np.array([[0.5]])).rse.tolist() == [2.0]


def test_a_combination_leaves_out_what_does_not_matter():
    assert combination(np.array([1.0, 0.01]), ("CL", "V")) == "CL^1.00"
