"""Scores and quantiles of normal mixtures against closed forms and numerical integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from vvuq.methods.scores import crps_mixture, mixture_cdf, mixture_quantiles, prediction_error

finite = st.floats(-50.0, 50.0)
spreads = st.floats(0.05, 20.0)
mixtures = st.lists(st.tuples(finite, spreads), min_size=1, max_size=6).map(
    lambda pairs: tuple(np.array(v) for v in zip(*pairs, strict=True))
)


@given(y=finite, mean=finite, sd=spreads)
def test_one_component_has_the_closed_form_of_the_normal(y, mean, sd):
    z = (y - mean) / sd
    expected = sd * (z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi))
    assert crps_mixture(y, np.array([mean]), np.array([sd])) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@settings(max_examples=12)
@given(y=finite, mixture=mixtures)
def test_it_is_the_integral_of_the_squared_distance_of_the_distributions(y, mixture):
    mean, sd = mixture

    def cdf(v):
        return norm.cdf(v, mean, sd).mean()

    low, high = min(y, (mean - 12 * sd).min()), max(y, (mean + 12 * sd).max())
    kinks = sorted({v for m, s in zip(mean, sd, strict=True) for v in (m - s, m, m + s) if low < v < high})
    below = quad(lambda v: cdf(v) ** 2, low, y, limit=300, points=[k for k in kinks if k < y] or None)[0]
    above = quad(lambda v: (1 - cdf(v)) ** 2, y, high, limit=300, points=[k for k in kinks if k > y] or None)[0]
    assert crps_mixture(y, mean, sd) == pytest.approx(below + above, rel=1e-5, abs=1e-6)


@given(mixture=mixtures, p=st.floats(0.001, 0.999))
def test_quantile_and_distribution_are_inverse(mixture, p):
    mean, sd = mixture
    q = mixture_quantiles(mean, sd, np.array([p]))[0]
    assert mixture_cdf(q, mean, sd) == pytest.approx(p, abs=1e-6)


@given(mean=finite, sd=spreads, p=st.floats(0.001, 0.999))
def test_quantiles_of_one_component_are_those_of_the_normal(mean, sd, p):
    found = mixture_quantiles(np.array([mean]), np.array([sd]), np.array([p]))[0]
    assert found == pytest.approx(norm.ppf(p, mean, sd), rel=1e-7, abs=1e-7)


def test_a_component_without_spread_is_a_point():
    mean, sd = np.array([1.0, 2.0, 4.0]), np.zeros(3)
    assert mixture_cdf(3.0, mean, sd) == pytest.approx(2 / 3)
    np.testing.assert_allclose(mixture_quantiles(mean, sd, np.array([0.05, 0.5, 0.95])), mean, atol=1e-8)
    np.testing.assert_allclose(mixture_quantiles(np.ones(2), np.zeros(2), np.array([0.1, 0.9])), 1.0, atol=1e-8)
    assert crps_mixture(3.0, np.array([1.0]), np.zeros(1)) == 2.0
    assert crps_mixture(3.0, np.array([3.0]), np.zeros(1)) == 0.0
    assert crps_mixture(2.0, np.array([1.0, 4.0]), np.zeros(2)) == pytest.approx((1 + 2) / 2 - 0.5 * 3 / 2)


def test_the_truth_scores_better_than_a_wrong_forecast_on_average():
    """The score is proper: it can tell a biased, a narrow and a wide forecast from the true one."""
    y = np.random.default_rng(0).normal(10.0, 2.0, 1500)

    def mean_score(m, s):
        return np.mean([crps_mixture(v, np.array([m]), np.array([s])) for v in y])

    best = mean_score(10.0, 2.0)
    assert all(mean_score(m, s) > best + 0.01 for m, s in ((11.0, 2.0), (10.0, 1.0), (10.0, 4.0)))


def test_prediction_error_is_relative_to_the_prediction():
    np.testing.assert_allclose(prediction_error(np.array([12.0, 8.0]), np.array([10.0, 10.0])), [20.0, -20.0])
