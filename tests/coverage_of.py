"""Whether intervals cover as often as they say, index by index, by binomial tests with a bounded family-wise error."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

LEAST, MOST, FAMILY = 0.90, 0.99, 0.01


def outside(hits, repeats: int, least: float = LEAST, most: float = MOST, family: float = FAMILY) -> np.ndarray:
    """Which counts (m,) of covering intervals in `repeats` are significantly below `least` or above `most`.

    Each index is tested alone, in each direction at the level family / m: were every true coverage within the range,
    some index would be called outside with probability `family` at most. With 1,000 repeats and 6 indices, counts below
    869 or of 999 and more are outside. most = 1 leaves the upper test out."""
    hits = np.asarray(hits)
    level = family / hits.size
    too_few = binom.cdf(hits, repeats, least) <= level
    too_many = (binom.sf(hits - 1, repeats, most) <= level) & (most < 1.0)
    return np.asarray(too_few | too_many)


def hits_of(low, high, truth) -> np.ndarray:
    """Whether intervals hold the truth, up to rounding."""
    return np.asarray((low <= truth + 1e-12) & (truth - 1e-12 <= high))
