"""Scores and quantiles of forecasts that are equal-weight mixtures of normal distributions.

Sources: Gneiting & Raftery, JASA 102 (2007) 359; Grimit et al., QJRMS 132 (2006) 2925 (CRPS of a normal mixture)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from vvuq.record import Floats

LEAST = 1e-100  # stands for a standard deviation of 0: a point mass


def mixture_cdf(y: float, mean: Floats, sd: Floats) -> float:
    """P(Y <= y): the probability integral transform of an observation."""
    return float(ndtr((y - mean) / np.maximum(sd, LEAST)).mean())


def mixture_quantiles(mean: Floats, sd: Floats, p: Floats) -> Floats:
    """The values below which shares p of the mixture lie, by bracketing root search."""
    low, high = float((mean - 10.0 * sd).min()), float((mean + 10.0 * sd).max())
    margin = 1e-9 * max(abs(low), abs(high), 1.0)  # point masses at the ends lie inside, too
    low, high = low - margin, high + margin
    return np.array([brentq(lambda y, q=q: mixture_cdf(y, mean, sd) - q, low, high, xtol=1e-10) for q in p])


def crps_mixture(y: float, mean: Floats, sd: Floats) -> float:
    """Continuous ranked probability score of one observation, in its unit; 0 is perfect. O(members^2)."""
    spread = np.sqrt(sd[:, None] ** 2 + sd[None, :] ** 2)
    return float(_absolute(y - mean, sd).mean() - 0.5 * _absolute(mean[:, None] - mean[None, :], spread).mean())


def _absolute(mean: Floats, sd: Floats) -> Floats:
    """E|X| for X ~ N(mean, sd^2)."""
    z = mean / np.maximum(sd, LEAST)
    return mean * (2.0 * ndtr(z) - 1.0) + sd * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * z * z)


def prediction_error(observed: Floats, predicted: Floats) -> Floats:
    """(observed - predicted) / predicted, in percent: the performance error of pharmacokinetics.

    Source: Varvel, Donoho & Shafer, J Pharmacokinet Biopharm 20 (1992) 63."""
    return 100.0 * (observed - predicted) / predicted
