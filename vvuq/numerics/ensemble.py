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

from vvuq.numerics.jit import F8, I8, INDICES, MATRIX, VECTOR, njit, types
from vvuq.numerics.lanes import dot, two_dots


@njit(F8(MATRIX, F8, VECTOR, VECTOR, VECTOR, MATRIX), error_model="numpy", cache=True, nogil=True)
def center(rows, scale, ones, mean, squares, out):
    """The mean of each row, and the deviations from it times `scale` into out, which may be rows, with the sums of
    their squares (r,). ones (N,) are ones. Returns what is finite where the squares of all rows have a finite sum."""
    total, count = 0.0, float(ones.size)
    for i in range(rows.shape[0]):
        row, to = rows[i], out[i]
        middle = dot(row, ones) / count
        for n in range(ones.size):
            to[n] = (row[n] - middle) * scale
        mean[i], squares[i] = middle, dot(to, to)
        total += middle * middle + squares[i]
    return total


@njit(F8(MATRIX, VECTOR, VECTOR, MATRIX), error_model="numpy", cache=True, nogil=True)
def around(deviations, mean, factor, out):
    """mean + factor deviations, row by row, into out; one factor (1,) or one for each row. Returns as `center` does."""
    total = 0.0
    for i in range(mean.size):
        row, to, by, middle = deviations[i], out[i], factor[i if factor.size > 1 else 0], mean[i]
        for n in range(row.size):
            to[n] = middle + by * row[n]
        total += dot(to, to)
    return total


# Of one observable: weighted covariances are pulled out by `shrink`, means pushed by `push`, each times the covariance.
_Reach = types.UniTuple(F8, 2)


@njit(_Reach(VECTOR, F8, VECTOR), error_model="numpy", cache=True, nogil=True)
def _met(y, rest, seen):
    """Adds what an observable says, `rest` being its innovation given those before it, to seen; its reach."""
    variance = 1.0 + dot(y, y)
    seen[0] += rest * rest / variance
    seen[1] += log(variance)
    seen[2] = min(seen[2], sqrt(variance))
    return 1.0 / (variance + sqrt(variance)), rest / variance


@njit(F8(VECTOR, VECTOR, VECTOR, F8, F8, F8, _Reach, _Reach), error_model="numpy", cache=True, nogil=True)
def _pull(row, y, z, between, weight, other, of_y, of_z):
    """Regresses a row on two observables, z given y, between = y'z; takes their shares away; its mean's way."""
    along_y, along_z = two_dots(row, y, z)
    along_y *= weight
    first = of_y[0] * along_y
    along_z = other * (along_z - first * between)
    second = of_z[0] * along_z
    for n in range(y.size):
        row[n] -= first * y[n] + second * z[n]
    return of_y[1] * along_y + of_z[1] * along_z


@njit(F8(I8, I8, INDICES, VECTOR, I8), error_model="numpy", cache=True, nogil=True)
def _weight_of(first, last, index, weight, of):
    """The weight of an entry; 0 where it is none."""
    for e in range(first, last):
        if index[e] == of:
            return weight[e]
    return 0.0


@njit(
    types.void(MATRIX, VECTOR, VECTOR, INDICES, INDICES, INDICES, INDICES, VECTOR, INDICES, MATRIX, VECTOR),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def serial(rows, shift, innovation, kept, place, near, index, weight, placeless, extra, seen):
    """Conditions rows in place on innovations (m,) of the observables `kept`; adds to shift (d + m,) their means' way.

    Two observables are taken at a time, the second given the first, so that a row comes from memory once for both.
    placeless (k,): states that every observable moves, by the weights extra (k, m), beside the neighbours.
    seen (3,) = NIS, the log of the determinant of the innovations' covariance, the least forecast SD of one of them,
    each observable given those before it."""
    d, m = rows.shape[0] - innovation.size, innovation.size
    y, z = np.empty(rows.shape[1]), np.zeros(rows.shape[1])
    seen[0], seen[1], seen[2] = 0.0, 0.0, np.inf
    for a in range(0, m, 2):
        for n in range(y.size):
            y[n] = rows[d + a, n]
        of_y = _met(y, innovation[a] - shift[d + a], seen)
        i, end_i = near[kept[a]], near[kept[a] + 1]
        j, end_j, of_z, between = 0, 0, (0.0, 0.0), 0.0
        if a + 1 < m:
            j, end_j = near[kept[a + 1]], near[kept[a + 1] + 1]
            along = _weight_of(i, end_i, index, weight, d + kept[a + 1]) * dot(rows[d + a + 1], y)
            for n in range(y.size):
                z[n] = rows[d + a + 1, n] - of_y[0] * along * y[n]
            of_z = _met(z, innovation[a + 1] - shift[d + a + 1] - of_y[1] * along, seen)
            between = dot(y, z)
        while i < end_i or j < end_j:
            at = min(index[i] if i < end_i else d + place.size, index[j] if j < end_j else d + place.size)
            one, other = 0.0, 0.0
            if i < end_i and index[i] == at:
                one, i = weight[i], i + 1
            if j < end_j and index[j] == at:
                other, j = weight[j], j + 1
            if at >= d:
                if place[at - d] <= a + 1:
                    continue
                at = d + place[at - d]
            shift[at] += _pull(rows[at], y, z, between, one, other, of_y, of_z)
        for k in range(placeless.size):
            other = extra[k, a + 1] if a + 1 < m else 0.0
            shift[placeless[k]] += _pull(rows[placeless[k]], y, z, between, extra[k, a], other, of_y, of_z)
