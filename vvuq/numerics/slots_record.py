"""Many records of a linear system in slots of equal length, by the Kalman filter aware of orders, in one call.

x <- F x + f + noise once a slot, then the values y_i = h_i x + g_i + error, one after the other, then the facts of the
slot (tilted.py), in covariance form: exact for the values, and the same as the filters of single records to rounding,
for a fraction of their time. Nothing is allocated."""

from __future__ import annotations

from math import isfinite, isnan, log, pi

import numpy as np

from vvuq.numerics.facts import VALUE
from vvuq.numerics.jit import CUBE, F8, I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.tilted import tilted

_LOG_2PI = log(2.0 * pi)

STEP = types.Tuple((MATRIX, VECTOR, VECTOR))  # F (d, d), f (d,), variances of the noise (d,)
SEEN = types.Tuple((MATRIX, VECTOR, VECTOR))  # h (q, d), g (q,), variances of errors (q,)
# heads (3, m): link, kind, channel; slopes on states (m, d); for VALUE the slope on the value (m,)
ORDERS = types.Tuple((ROWS, MATRIX, VECTOR))
WORK = types.Tuple((VECTOR, MATRIX, VECTOR, MATRIX))  # (d,), (d, d), (d,), (d, d)
FOUND = types.Tuple((MATRIX, CUBE, MATRIX, CUBE))  # forecast mean, covariance; after the slot; or all of no rows

_options = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(types.void(STEP, WORK), **_options)
def _forecast(step, work):
    """The belief a slot later."""
    (move, shift, noise), (mean, p, line, square) = step, work
    d = mean.size
    for i in range(d):
        line[i] = shift[i]
        for j in range(d):
            line[i] += move[i, j] * mean[j]
            total = 0.0
            for k in range(d):
                total += move[i, k] * p[k, j]
            square[i, j] = total
    for i in range(d):
        mean[i] = line[i]
        for j in range(i + 1):
            total = 0.0
            for k in range(d):
                total += square[i, k] * move[j, k]
            p[i, j] = p[j, i] = total
        p[i, i] += noise[i]


@njit(F8(VECTOR, WORK), **_options)
def _along(row, work):
    """The variance of row x; its covariance with x into the work's line."""
    _, p, line, _ = work
    total = 0.0
    for i in range(row.size):
        line[i] = 0.0
        for j in range(row.size):
            line[i] += p[i, j] * row[j]
        total += row[i] * line[i]
    return total


@njit(types.void(F8, F8, WORK), **_options)
def _moved(pull, hold, work):
    """mean + line pull, covariance - line line' hold."""
    mean, p, line, _ = work
    for i in range(mean.size):
        mean[i] += line[i] * pull
        for j in range(i + 1):
            p[i, j] -= line[i] * line[j] * hold
            p[j, i] = p[i, j]


@njit(F8(SEEN, VECTOR, WORK), **_options)
def _values(seen, values, work):
    """Conditions on what was measured; its log-density."""
    (rows, origin, error), total = seen, 0.0
    for i in range(values.size):
        if isnan(values[i]):
            continue
        variance = _along(rows[i], work) + error[i]
        rest = values[i] - origin[i]
        for j in range(rows.shape[1]):
            rest -= rows[i, j] * work[0][j]
        total -= 0.5 * (_LOG_2PI + log(variance) + rest * rest / variance)
        _moved(rest / variance, 1.0 / variance, work)
    return total


@njit(F8(ORDERS, SEEN, VECTOR, VECTOR, WORK), **_options)
def _facts(orders, seen, values, added, work):
    """Conditions on what was decided in a slot; the log-probability of it. added (m,): predictors' own part."""
    (heads, slopes, on_value), (rows, origin, error), total = orders, seen, 0.0
    for j in range(added.size):
        if isnan(added[j]):
            continue
        link, at, measured, base = heads[0, j], heads[2, j], not isnan(values[heads[2, j]]), added[j]
        if heads[1, j] == VALUE and measured:
            total += tilted(link, 1.0, base + on_value[j] * values[at], 0.0)[0]
            continue
        scale, row, extra = 1.0, slopes[j], 0.0
        if heads[1, j] == VALUE:
            scale, row, extra = on_value[j], rows[at], on_value[j] * on_value[j] * error[at]
            base += on_value[j] * origin[at]
        variance = scale * scale * _along(row, work) + extra
        for i in range(row.size):
            base += scale * row[i] * work[0][i]
        value, pull, hold = tilted(link, 1.0 if measured else -1.0, base, variance)
        total += value
        _moved(scale * pull, scale * scale * hold, work)
    return total


@njit(types.void(STEP, SEEN, ORDERS, VECTOR, MATRIX, MATRIX, MATRIX, INDICES, I8, I8, WORK, FOUND, VECTOR), **_options)
def slots_record(step, seen, orders, mean0, p0, values, added, first, begin, end, work, found, out):
    """Log-likelihoods out (N,) of the records begin .. end - 1, not-a-number for one that failed.

    mean0, p0: the belief in a record's first slot, before its values. values (S, q), added (S, m) of all slots, record
    i from first[i] to first[i + 1]; not-a-number: not measured, not decided."""
    mean, p, _, _ = work
    keep = found[0].shape[0] > 0
    for r in range(begin, end):
        mean[:] = mean0
        p[:] = p0
        total = 0.0
        for s in range(first[r], first[r + 1]):
            if s > first[r]:
                _forecast(step, work)
            if keep:
                found[0][s] = mean
                found[1][s] = p
            total += _values(seen, values[s], work)
            total += _facts(orders, seen, values[s], added[s], work)
            if keep:
                found[2][s] = mean
                found[3][s] = p
        out[r] = total if isfinite(total) else np.nan
