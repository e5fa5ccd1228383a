"""Conditions a belief on facts: that something was, or was not, measured. For a normal belief, and for members.

Each fact speaks through a linear predictor z of the state; tilted.py says what it does to z, and the rest moves with z
in proportion to its covariance with z. Facts are taken one after another, each given those before it. What a fact
consists of (FACTS): heads (4, m): link, kind, channel, and where its terms begin; terms: index, a row of the belief or,
from d on, d + observable, and weight; added (T, m): the predictor's part that is no such term, cycle by cycle,
not-a-number where nothing was decided."""

from __future__ import annotations

from math import isfinite, isnan, log, sqrt

import numpy as np

from vvuq.numerics.jit import F8, I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.lanes import dot
from vvuq.numerics.tilted import INTENSITY, tilted

STATE, VALUE = 0, 1  # kinds: the fact depends on the state, or on the very value that it is about
_LINK, _KIND, _CHANNEL, _FIRST = 0, 1, 2, 3
_OK, _NOT_FINITE = 0, 1

FACTS = types.Tuple((ROWS, INDICES, VECTOR, MATRIX))  # few arrays: a call hands on a dozen numbers for each
NORMAL = types.Tuple((VECTOR, MATRIX))
# (d, N), seen (q, N or more), weights in a mean (N,), roots of those in a covariance (N,), distance in SDs
POINTS = types.Tuple((MATRIX, MATRIX, VECTOR, VECTOR, F8))
FACTS_SIGNATURE = I8(FACTS, I8, F8, I8, VECTOR, MATRIX, POINTS, NORMAL, MATRIX, VECTOR)

_options = {"error_model": "numpy", "cache": True, "nogil": True}

# Rows of the room (3 m + 3, the largest of N, d and m): predictors of the points, their covariances with the root's
# coordinates, their covariances, their means, and C (see _moved).


@njit(I8(FACTS, I8), **_options)
def _end(facts, j):
    """Where the terms of a fact end."""
    return facts[0][_FIRST, j + 1] if j + 1 < facts[0].shape[1] else facts[1].size


@njit(types.boolean(FACTS, I8, I8, VECTOR), **_options)
def needs_points(facts, c, d, values):
    """True where a fact of cycle c asks for what a belief of d rows would measure. A value that is there does not: it
    is known itself."""
    heads, index, _, added = facts
    for j in range(heads.shape[1]):
        known = heads[_KIND, j] == VALUE and not isnan(values[heads[_CHANNEL, j]])
        if known or isnan(added[c, j]):
            continue
        for e in range(heads[_FIRST, j], _end(facts, j)):
            if index[e] >= d:
                return True
    return False


@njit(types.void(FACTS, VECTOR, MATRIX, MATRIX), **_options)
def _linear(facts, mean, root, room):
    """Moments of predictors that are sums of rows; of others, which are not asked for, of what they have of rows."""
    heads, index, weight, _ = facts
    m, d = heads.shape[1], mean.size
    for j in range(m):
        middle = 0.0
        for i in range(d):
            room[m + j, i] = 0.0
        for e in range(heads[_FIRST, j], _end(facts, j)):
            at, b = index[e], weight[e]
            if at >= d:
                continue
            middle += b * mean[at]
            for i in range(at + 1):
                room[m + j, i] += b * root[at, i]
        room[3 * m, j] = middle
        for k in range(j + 1):
            total = 0.0
            for i in range(d):
                total += room[m + j, i] * room[m + k, i]
            room[2 * m + j, k] = room[2 * m + k, j] = total


@njit(types.void(FACTS, POINTS, MATRIX), **_options)
def _pointed(facts, points, room):
    """Moments of predictors by sigma points: the centre, if there is one, then plus and minus each column."""
    (heads, index, weight, _), (at, seen, share, root_share, scale) = facts, points
    (d, count), m = at.shape, heads.shape[1]
    begin = count - 2 * d
    for j in range(m):
        middle = 0.0
        for k in range(count):
            z = 0.0
            for e in range(heads[_FIRST, j], _end(facts, j)):
                z += weight[e] * (at[index[e], k] if index[e] < d else seen[index[e] - d, k])
            room[j, k] = z
            middle += share[k] * z
        room[3 * m, j] = middle
        for i in range(d):
            room[m + j, i] = (room[j, begin + i] - room[j, begin + d + i]) / (2.0 * scale)
        for i in range(j + 1):
            total = 0.0
            for k in range(count):
                total += root_share[k] * root_share[k] * (room[i, k] - room[3 * m, i]) * (room[j, k] - middle)
            room[2 * m + i, j] = room[2 * m + j, i] = total


@njit(types.void(NORMAL, I8, I8, F8, F8, MATRIX), **_options)
def _moved(belief, j, m, pull, hold, room):
    """The belief after fact j of m, whose predictor has the covariance w (d,) with the root's coordinates: mean + root
    w pull, root C, where C C' = 1 - hold w w' is lower-triangular: its diagonal, and below it -w_i by a second row."""
    (mean, root), left = belief, 1.0
    at, diagonal, below = m + j, 3 * m + 1, 3 * m + 2  # rows of the room
    for i in range(mean.size):
        w = room[at, i]
        after = left - hold * w * w
        room[diagonal, i], room[below, i] = sqrt(after / left), hold * w / sqrt(after * left)
        left = after
    for i in range(mean.size):
        along = 0.0
        for k in range(i, -1, -1):
            before = root[i, k]
            root[i, k] = before * room[diagonal, k] - room[below, k] * along
            along += before * room[at, k]
        mean[i] += along * pull


@njit(types.void(I8, I8, I8, F8, F8, MATRIX), **_options)
def _given(d, j, m, pull, hold, room):
    """The moments of the predictors after j, given its fact, in the coordinates of the new root."""
    w, v, diagonal, below = room[m + j], room[2 * m + j], room[3 * m + 1], room[3 * m + 2]
    for k in range(j + 1, m):
        room[3 * m, k] += v[k] * pull
        total, other = 0.0, room[m + k]
        for i in range(d):  # solves C x = other - hold cov w
            other[i] = (other[i] - hold * v[k] * w[i] + w[i] * total) / diagonal[i]
            total += below[i] * other[i]
        for i in range(j + 1, m):
            room[2 * m + k, i] -= hold * v[k] * v[i]


@njit(types.UniTuple(F8, 3)(FACTS, I8, I8, F8, F8, F8, F8, F8), **_options)
def _fact(facts, c, j, exposure, y, mu, v, error):
    """(log p, pull, hold) of fact j in cycle c, as in tilted.py: y is not-a-number where it was not measured, mu and v
    are the predictor's moments without what the cycle adds, error the variance of y's error; zeros where nothing was
    decided. An intensity sees an event as a density in time."""
    heads, _, weight, added = facts
    base, link, measured = added[c, j], heads[_LINK, j], not isnan(y)
    if isnan(base):
        return 0.0, 0.0, 0.0
    if heads[_KIND, j] == VALUE:
        slope = weight[heads[_FIRST, j]]
        if measured:  # the value is known: it tells all that its being there does
            return tilted(link, 1.0, base + slope * y, 0.0)[0], 0.0, 0.0
        v += slope * slope * error
    if link != INTENSITY:
        return tilted(link, 1.0 if measured else -1.0, base + mu, v)
    if exposure == 0.0:  # an event at the very beginning: e^z alone
        return (base + mu + 0.5 * v, 1.0, 0.0) if measured else (0.0, 0.0, 0.0)
    value, pull, hold = tilted(INTENSITY, 1.0 if measured else -1.0, base + mu + log(exposure), v)
    return value - (log(exposure) if measured else 0.0), pull, hold


@njit(FACTS_SIGNATURE, **_options)
def condition_on_facts(facts, c, exposure, pointed, values, error, points, belief, room, numbers):
    """Conditions a belief (mean (d,), lower root (d, d)), in place, on the facts of cycle c; a code.

    values (q,): not-a-number where not measured; exposure: time since the last cycle; error (2 or 3, q): sd and cv of
    each observable's error. pointed: 1 where predictors are to be taken from sigma points of the belief and from what
    these would measure, 0 where every one that is asked for is a sum of rows (needs_points). Adds the facts'
    log-probability to numbers[1]."""
    heads, (mean, root) = facts[0], belief
    m, total = heads.shape[1], 0.0
    if pointed > 0:
        _pointed(facts, points, room)
    else:
        _linear(facts, mean, root, room)
    for j in range(m):
        at = heads[_CHANNEL, j]
        hidden = heads[_KIND, j] == VALUE and isnan(values[at]) and not isnan(facts[3][c, j])
        noise = _error(error, at, points[1], points[2]) if hidden else 0.0
        value, pull, hold = _fact(facts, c, j, exposure, values[at], room[3 * m, j], room[2 * m + j, j], noise)
        if not (isfinite(value) and isfinite(pull) and isfinite(hold)):
            return _NOT_FINITE
        numbers[1] += value
        if pull != 0.0 or hold != 0.0:
            _moved(belief, j, m, pull, hold, room)
            _given(mean.size, j, m, pull, hold, room)
    for i in range(mean.size):
        total += mean[i] + root[i, i]
    return _OK if isfinite(total) else _NOT_FINITE


@njit(F8(MATRIX, I8, MATRIX, VECTOR), **_options)
def _error(error, at, seen, share):
    """The variance of an observable's error."""
    variance = error[0, at] * error[0, at]
    if error[1, at] > 0.0:
        for k in range(share.size):
            variance += error[1, at] * error[1, at] * share[k] * (seen[at, k] * seen[at, k])
    return variance


@njit(F8(MATRIX, I8, FACTS, I8, F8, VECTOR, VECTOR, INDICES, INDICES, VECTOR, INDICES, INDICES, VECTOR, MATRIX, INDICES,
         VECTOR), **_options)  # fmt: skip
def move_members(
    rows, d, facts, c, exposure, values, error, near, near_index, near_weight, among, among_index, among_weight,
    extra, placeless, work,
):  # fmt: skip
    """Conditions members in place on the facts of cycle c; the log-probability of the facts, or what is not finite.

    rows (d + m, N): members, then their predictors without what the cycle adds. error (q,): the variance of each
    observable's error. States near the predictor j are the entries near[j] .. near[j + 1] - 1 of their lists, with
    weights; among: the same between predictors; placeless (k,): states moved by weights extra (k, m) besides.
    work (N,). Source: Anderson, Mon. Weather Rev. 131 (2003) 634 (two steps: the predictor, then regression on it)."""
    heads, count, total = facts[0], rows.shape[1], 0.0
    for j in range(rows.shape[0] - d):
        z, at, middle = rows[d + j], heads[_CHANNEL, j], 0.0
        for n in range(count):
            middle += z[n]
        middle /= count
        for n in range(count):
            work[n] = z[n] - middle
        variance = dot(work, work) / (count - 1.0)
        value, pull, hold = _fact(facts, c, j, exposure, values[at], middle, variance, error[at])
        total += value
        if not isfinite(value + pull + hold):
            return np.nan
        if variance == 0.0 or (pull == 0.0 and hold == 0.0):
            continue
        shrink = hold / (1.0 + sqrt(1.0 - variance * hold))  # deviations lose this times the covariance with z
        for e in range(near[j], near[j + 1]):
            _regress(rows[near_index[e]], work, near_weight[e] / (count - 1.0), pull, shrink)
        for k in range(placeless.size):
            _regress(rows[placeless[k]], work, extra[k, j] / (count - 1.0), pull, shrink)
        for e in range(among[j], among[j + 1]):
            if among_index[e] > j:
                _regress(rows[d + among_index[e]], work, among_weight[e] / (count - 1.0), pull, shrink)
    return total


@njit(types.void(VECTOR, VECTOR, F8, F8, F8), **_options)
def _regress(row, z, share, pull, shrink):
    """Moves a row as z (N,), deviations from their mean, moves: its covariance with z is share times its product."""
    along = share * dot(row, z)
    for n in range(z.size):
        row[n] += along * (pull - shrink * z[n])
