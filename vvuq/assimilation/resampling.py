"""Weights of members as logarithms, and how members are drawn anew by their weights."""

from __future__ import annotations

import numpy as np

from vvuq.record import Floats

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


def log_sum(log_weights: Floats) -> float:
    """The logarithm of the sum of weights (N,) given as logarithms; -inf where all are 0."""
    top = float(np.max(log_weights))
    return top + float(np.log(np.sum(np.exp(log_weights - top)))) if top > -np.inf else top


def uniform_log_weights(count: int) -> Floats:
    """Equal normalized log weights (N,)."""
    return np.full(count, -np.log(count))


def effective_number(log_weights: Floats) -> float:
    """How many members of equal weight the normalized weights (N,) are worth: 1 / sum w^2, between 1 and N.

    Source: Kong, Liu & Wong, JASA 89 (1994) 278."""
    return float(np.exp(-log_sum(2.0 * log_weights)))


def systematic(log_weights: Floats, uniform: float) -> Indices:
    """Indices (N,) of the members to keep, ascending: member i of weight w appears N w times, rounded up or down.

    One uniform number in [0, 1) places a comb of N teeth on the cumulated weights (N,); each member's expected count
    is N w. Source: Kitagawa, J. Comput. Graph. Stat. 5 (1996) 1."""
    weights = np.exp(log_weights - np.max(log_weights))
    count, upto = weights.size, np.cumsum(weights)
    teeth = (uniform + np.arange(count)) / count * upto[-1]
    last = np.flatnonzero(weights)[-1]  # rounding may put the last tooth on the end of the cumulated weights
    return np.minimum(np.searchsorted(upto, teeth, side="right"), last)
