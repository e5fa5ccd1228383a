"""Scores of forecasts that are samples, one row of members a forecast.

Sources: Gneiting & Raftery, JASA 102 (2007) 359, eq. 21 (CRPS) and 43 (interval score); Ferro, QJRMS 140 (2014) 1917
(fair: what a forecast of infinitely many members of the same distribution would score, on average)."""

from __future__ import annotations

import numpy as np

from vvuq.record import Floats


def crps_fair(y: Floats, members: Floats) -> Floats:
    """Fair continuous ranked probability score (...,) of observations y (...,) under members (..., m); m is 2 or more.

    The mean |x - y| less half the mean |x - x'| over pairs of different members."""
    m, ordered = members.shape[-1], np.sort(members, axis=-1)
    pairs = (ordered * (2.0 * np.arange(1.0, m + 1.0) - m - 1.0)).sum(axis=-1) / (m * (m - 1.0) / 2.0)
    return np.abs(members - y[..., None]).mean(axis=-1) - 0.5 * pairs


def interval_score(y: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """Width of the central interval of `level`, and 2 / (1 - level) times how far y lies outside; 0 is perfect."""
    outside = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return (high - low) + 2.0 / (1.0 - level) * outside


def central(members: Floats, level: float) -> tuple[Floats, Floats]:
    """Ends (...,) of the central interval of `level` of members (..., m).

    Between order statistics as Weibull has them, so that members and observation being alike, the share inside is the
    level: Hyndman & Fan, Am Stat 50 (1996) 361, type 6."""
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(members, [tail, 1.0 - tail], axis=-1, method="weibull")
    return low, high


def relative_difference(y: Floats, predicted: Floats) -> Floats:
    """|predicted - y| / y in percent: its mean is the MARD of glucose sensors."""
    return 100.0 * np.abs(predicted - y) / y
