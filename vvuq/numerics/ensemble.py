"""The serial ensemble update: observations of independent errors are taken one by one, each changing what is near it.

Rows are (d + m, N), members contiguous: the deviations of d states and then of m observables, by sqrt(N - 1), the
latter whitened, of error variance 1. Neighbours of observable j are the entries near[j] .. near[j + 1] - 1 of `index`
(states, then d + observable) with their weights; `place` says where among the m measured ones an observable stands,
-1 for one that was not measured.

Sources: Anderson, Mon. Weather Rev. 131 (2003) 634; the factor in the form of Whitaker & Hamill, Mon. Weather Rev. 130
(2002) 1913, which needs no spread above 0."""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from vvuq.numerics.jit import F8, INDICES, MATRIX, VECTOR, njit, types
from vvuq.numerics.lanes import dot


@njit(F8(VECTOR, VECTOR, F8, F8), error_model="numpy", cache=True, nogil=True)
def _pull(row, y, weight, shrink):
    """Regresses one row on the observable y, takes its share of it away, and returns their weighted covariance."""
    covariance = weight * dot(row, y)
    factor = shrink * covariance
    for n in range(y.size):
        row[n] -= factor * y[n]
    return covariance


@njit(
    types.void(MATRIX, VECTOR, VECTOR, INDICES, INDICES, INDICES, INDICES, VECTOR, INDICES, MATRIX, VECTOR),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def serial(rows, shift, innovation, kept, place, near, index, weight, placeless, extra, seen):
    """Conditions rows in place on innovations (m,) of the observables `kept`; adds to shift (d + m,) their means' way.

    placeless (k,): states that every observable moves, by the weights extra (k, m), beside the neighbours.
    seen (3,) = NIS, the log of the determinant of the innovations' covariance, the least forecast SD of one of them,
    each observable given those before it."""
    d, m = rows.shape[0] - innovation.size, innovation.size
    y = np.empty(rows.shape[1])
    seen[0], seen[1], seen[2] = 0.0, 0.0, np.inf
    for a in range(m):
        for n in range(y.size):
            y[n] = rows[d + a, n]
        variance = 1.0 + dot(y, y)
        rest = innovation[a] - shift[d + a]
        seen[0] += rest * rest / variance
        seen[1] += log(variance)
        seen[2] = min(seen[2], sqrt(variance))
        shrink, push = 1.0 / (variance + sqrt(variance)), rest / variance
        for e in range(near[kept[a]], near[kept[a] + 1]):
            i = index[e]
            if i >= d:
                if place[i - d] <= a:
                    continue
                i = d + place[i - d]
            shift[i] += push * _pull(rows[i], y, weight[e], shrink)
        for k in range(placeless.size):
            shift[placeless[k]] += push * _pull(rows[placeless[k]], y, extra[k, a], shrink)
