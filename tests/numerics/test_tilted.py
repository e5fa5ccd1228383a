"""A normal weighed by the probability of a fact: against a rule of many nodes, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, ndtr
from scipy.stats import norm

from vvuq.numerics.tilted import INTENSITY, LOGIT, PROBIT, tilted


def dense(link, sign, mu, v):
    """Z, mean and variance of a normal weighed by the probability of a fact, by a rule of many nodes."""
    z = mu + np.sqrt(v) * np.linspace(-12.0, 12.0, 24_001)
    likelihood = {
        PROBIT: lambda: ndtr(sign * z),
        LOGIT: lambda: expit(sign * z),
        INTENSITY: lambda: np.exp(-np.exp(z) + (z if sign > 0.0 else 0.0)),
    }[link]()
    weight = likelihood * norm.pdf(z, mu, np.sqrt(v))
    total = weight.sum()
    middle = (weight @ z) / total
    return total * np.sqrt(v) * 1e-3, middle, (weight @ (z - middle) ** 2) / total


@given(
    st.sampled_from((PROBIT, LOGIT, INTENSITY)), st.sampled_from((1.0, -1.0)), st.floats(-6.0, 3.0),
    st.floats(0.05, 9.0),
)  # fmt: skip
def test_a_single_update_equals_quadrature(link, sign, mu, v):
    """Z, mean and variance, by the prior's."""
    total, middle, variance = dense(link, sign, mu, v)
    value, pull, hold = tilted(link, sign, mu, v)
    assert abs(np.expm1(value - np.log(total))) < 1e-12
    assert mu + v * pull == pytest.approx(middle, abs=1e-12 * max(1.0, v))
    assert v - v * v * hold == pytest.approx(variance, abs=1e-12 * max(1.0, v))


@given(st.sampled_from((PROBIT, LOGIT, INTENSITY)), st.sampled_from((1.0, -1.0)), st.floats(-60, 60), st.floats(0, 400))
def test_a_fact_never_widens_and_what_it_says_is_finite(link, sign, mu, v):
    if link == INTENSITY:
        mu = min(mu, 5.0)  # a rate of exp(60) is none
    value, pull, hold = tilted(link, sign, mu, v)
    assert np.isfinite(value) and np.isfinite(pull)
    assert -1e-12 <= hold * v <= 1.0 + 1e-12
    assert link == INTENSITY or (pull * sign >= 0.0 and value <= 0.0)


@pytest.mark.parametrize("link", [PROBIT, LOGIT])
def test_one_of_two_facts_must_come_and_far_tails_keep_their_slope(link):
    both = np.exp(tilted(link, 1.0, 0.7, 2.0)[0]) + np.exp(tilted(link, -1.0, 0.7, 2.0)[0])
    assert both == pytest.approx(1.0, abs=1e-14)
    value, pull, _ = tilted(link, 1.0, -200.0, 0.0)
    assert (value, pull) == pytest.approx(
        (-20006.217 if link == PROBIT else -200.0, 200.005 if link == PROBIT else 1.0)
    )
    assert np.isnan(tilted(link, 1.0, np.nan, 1.0)[0])


def test_a_logistic_of_wide_spread_is_as_good_as_a_step():
    total, middle, variance = dense(LOGIT, 1.0, 10.0, 1700.0)
    value, pull, hold = tilted(LOGIT, 1.0, 10.0, 1700.0)
    assert (np.exp(value), 10.0 + 1700.0 * pull) == pytest.approx((total, middle), rel=1e-5)
    assert 1700.0 - 1700.0**2 * hold == pytest.approx(variance, rel=1e-4)
