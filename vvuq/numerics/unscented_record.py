"""A whole record of one patient through the square-root unscented filter in one call: additive noise, any observables.

The same work as the filter's step, cycle by cycle: sigma points are carried by RK4 over the grid of events, their
moments taken, new points drawn and compared with what was measured. The model comes as function pointers: one run at a
time (width 0), or all points side by side in `width` lanes (numerics/abreast.py)."""

from __future__ import annotations

from math import isfinite, isnan, log, sqrt
from typing import Any

import numpy as np
from numba import njit

from vvuq.numerics.abreast import (
    CARRY,
    LOG,
    OBSERVE,
    back,
    carry_lanes,
    carry_singly,
    fill,
    gather,
    observe_linearly,
    observe_singly,
)
from vvuq.numerics.gram import means, moments_by_products, update_by_products
from vvuq.numerics.jit import CUBE, F8, FIELD, I8, INDICES, MATRIX, VECTOR, types
from vvuq.numerics.unscented import deviations, lower_root, paired, sigma_points, update_linear, weighted_mean

_OK, _NOT_FINITE, _SINGULAR = 0, 1, 4

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}

# What the parts of a cycle hand to each other.
GRID = types.Tuple((VECTOR, MATRIX, MATRIX, INDICES))  # t, u, jump, event
LEARNED = types.Tuple((INDICES, INDICES, MATRIX))  # which, by which transform, within which bounds
SIGMA = types.Tuple((F8, VECTOR, VECTOR))  # distance in SDs, weights in a mean, square roots of those in a covariance
OPERATOR = types.Tuple((INDICES, INDICES, VECTOR))  # starts of rows, columns, weights
NORMAL = types.Tuple((VECTOR, MATRIX))  # mean, root
LANES = types.Tuple((MATRIX, MATRIX, VECTOR))  # points (d, N), lanes (n + p, W), and these as one vector
RUN = types.Tuple((VECTOR, VECTOR, MATRIX))  # one run's state, parameters and room for RK4
SUMS = types.Tuple((MATRIX, MATRIX, VECTOR, VECTOR))  # rows (N, d), gram (d, d), line (max(d, q),), process noise (d,)
SEEN_LANES = types.Tuple((MATRIX, VECTOR, VECTOR))  # what the points measure (q, W), as one vector, and of one run
UPDATE = types.Tuple((MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, VECTOR))
SEEN = types.Array(F8, 2, "A")


@njit(types.void(MATRIX, VECTOR, VECTOR, VECTOR), **_options)
def _deviations(seen, v, middle, squares):
    """Sums over the points of (v (seen - middle))^2, by row; four rows at a time, so that no sum waits for another."""
    whole = squares.size - squares.size % 4
    for i in range(0, whole, 4):
        a, b, c, e = 0.0, 0.0, 0.0, 0.0
        for k in range(v.size):
            a += (v[k] * (seen[i, k] - middle[i])) ** 2
            b += (v[k] * (seen[i + 1, k] - middle[i + 1])) ** 2
            c += (v[k] * (seen[i + 2, k] - middle[i + 2])) ** 2
            e += (v[k] * (seen[i + 3, k] - middle[i + 3])) ** 2
        squares[i], squares[i + 1], squares[i + 2], squares[i + 3] = a, b, c, e
    for i in range(whole, squares.size):
        squares[i] = 0.0
        for k in range(v.size):
            squares[i] += (v[k] * (seen[i, k] - middle[i])) ** 2


@njit(I8(MATRIX, VECTOR, MATRIX, VECTOR, VECTOR, VECTOR, VECTOR), **_options)
def _compare(seen, values, noise, w, v, predicted, spread):
    """Forecast mean and SD (q,) of what was measured, its error included; noise (3, q): sd, cv, and the error's SD."""
    singular, finite = False, True
    means(values.size, seen, w, predicted)
    _deviations(seen, v, predicted, spread)
    for i in range(values.size):
        if isnan(values[i]):
            predicted[i] = spread[i] = np.nan
            continue
        variance = noise[0, i] * noise[0, i]
        if noise[1, i] > 0.0:
            second = 0.0
            for k in range(w.size):
                second += w[k] * (seen[i, k] * seen[i, k])
            variance += noise[1, i] * noise[1, i] * second
        noise[2, i] = sqrt(variance)
        singular |= noise[2, i] == 0.0
        finite &= isfinite((abs(values[i]) + abs(predicted[i]) + sqrt(spread[i])) / noise[2, i])
        spread[i] = sqrt(spread[i] + variance)
    if singular:
        return _SINGULAR
    return _OK if finite else _NOT_FINITE


@njit(types.Tuple((I8, F8))(MATRIX, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR), **_options)
def _whiten(seen, values, error, lower, h, y):
    """Measured components with independent errors of variance 1 into h (m, N) and y (m,); m, and log of the scale.

    lower: the root of the correlation of the measured components' errors, of no rows where they are independent."""
    m, scale = 0, 0.0
    for i in range(values.size):
        if isnan(values[i]):
            continue
        y[m] = values[i] / error[i]
        for k in range(h.shape[1]):
            h[m, k] = seen[i, k] / error[i]
        scale += log(error[i])
        if lower.shape[0] > 0:
            for j in range(m):
                y[m] -= lower[m, j] * y[j]
                for k in range(h.shape[1]):
                    h[m, k] -= lower[m, j] * h[j, k]
            y[m] /= lower[m, m]
            for k in range(h.shape[1]):
                h[m, k] /= lower[m, m]
            scale += log(lower[m, m])
        m += 1
    return m, scale


@njit(types.boolean(VECTOR, MATRIX, I8, INDICES, MATRIX, F8), **_options)
def _in_range(mean, root, n, kinds, bounds, scale):
    """True where all points of a belief have learned parameters that are finite and, by a logarithm, above 0."""
    for j in range(kinds.size):
        reach = 0.0
        for i in range(mean.size):
            reach = max(reach, abs(root[n + j, i]))
        low = back(kinds[j], bounds[j], mean[n + j] - scale * reach)
        high = back(kinds[j], bounds[j], mean[n + j] + scale * reach)
        if not (isfinite(low) and isfinite(high)) or (kinds[j] == LOG and not low > 0.0):
            return False
    return True


@njit(F8(MATRIX), **_options)
def _least(root):
    """The smallest diagonal."""
    least = root[0, 0]
    for i in range(1, root.shape[0]):
        least = min(least, root[i, i])
    return least


@njit(types.void(MATRIX, VECTOR), **_options)
def _norms(root, sd):
    """The length of each row of a lower-triangular matrix."""
    for i in range(sd.size):
        total = 0.0
        for j in range(i + 1):
            total += root[i, j] * root[i, j]
        sd[i] = sqrt(total)


@njit(types.void(I8, I8, VECTOR, VECTOR, F8, F8, SEEN, VECTOR), **_options)
def _report(code, m, values, evidence, log_scale, least, seen, scalars):
    """What a cycle saw: innovation, predicted, spread (3, q); squared innovation, log-likelihood, least pivot (3,)."""
    if code != _OK or m == 0:
        seen[:] = np.nan
        scalars[:] = np.nan if code != _OK else 0.0
    else:
        for i in range(values.size):
            seen[0, i] = values[i] - seen[1, i]
        scalars[0], scalars[1] = evidence[0], evidence[1] - log_scale
    if code == _OK:
        scalars[2] = least


@njit(
    I8(FIELD, CARRY, GRID, I8, I8, F8, I8, LEARNED, SIGMA, VECTOR, VECTOR, MATRIX, LANES, RUN, SUMS, NORMAL), **_options
)
def _forecast(rhs, carry, grid, begin, end, step, wide, how, sigma, drift, mean, root, side, run, sums, ahead):
    """The belief at boundary `end` into `ahead`; a code."""
    (t, u, jump, event), (learned, kinds, bounds), (scale, w, v) = grid, how, sigma
    (points, lanes, flat), (x, theta, work), (rows, gram, line, sd) = side, run, sums
    sigma_points(mean, root, scale, points)
    fill(points, x.size, learned, kinds, bounds, lanes)
    if wide > 0:
        carry_lanes(carry, t, u, jump, event, begin, end, step, lanes, flat)
    else:
        carry_singly(rhs, t, u, jump, event, begin, end, step, lanes, x, theta, work)
    if not gather(lanes, points[: x.size]):
        return _NOT_FINITE
    for i in range(drift.size):
        sd[i] = drift[i] * sqrt(t[end] - t[begin])
    if moments_by_products(points, w, v, sd, ahead[0], ahead[1], rows, gram, line):
        return _OK
    deviations(points, w, v, ahead[0], rows)
    return lower_root(rows, sd, ahead[1])


@njit(types.void(FIELD, OBSERVE, F8, VECTOR, I8, LEARNED, OPERATOR, F8, NORMAL, LANES, RUN, SEEN_LANES), **_options)
def _look(observe, see, t, u, wide, how, operator, scale, belief, side, run, seen):
    """What the points of a belief would measure, without error."""
    (learned, kinds, bounds), (starts, columns, weights) = how, operator
    (points, lanes, flat), (x, theta, _), (y, flat_y, one) = side, run, seen
    sigma_points(belief[0], belief[1], scale, points)
    if starts.size > 0:
        observe_linearly(points, starts, columns, weights, y)
        return
    fill(points, x.size, learned, kinds, bounds, lanes)
    if wide > 0:
        see(t, u, flat, flat_y)
    else:
        observe_singly(observe, t, u, lanes, x, theta, one, y)


@njit(types.Tuple((I8, F8))(NORMAL, MATRIX, VECTOR, MATRIX, MATRIX, SIGMA, UPDATE, SUMS, NORMAL, VECTOR), **_options)
def _condition(ahead, looked, values, noise, lower, sigma, room, sums, after, evidence):
    """The belief given values (q,), its points having looked (q, W), into `after`; a code, and log of the scale."""
    _, w, v = sigma
    white, measured, expected, innovation, observed, shared, between, pull = room
    m, log_scale = _whiten(looked, values, noise[2], lower, white, measured)
    if update_by_products(
        ahead[0], ahead[1], m, white, w, v, measured, after[0], after[1], evidence,
        expected, innovation, observed, shared, between, sums[1], sums[2], pull,
    ):  # fmt: skip
        return _OK, log_scale
    weighted_mean(white[:m], w, expected)
    independent, seen = np.empty((m, m)), observed[:m]
    paired(white[:m], expected, v, independent, seen)
    y, at = measured[:m], expected[:m]
    return update_linear(ahead[0], ahead[1], seen, independent, y, at, after[0], after[1], evidence), log_scale


@njit(
    types.void(
        FIELD, FIELD, CARRY, OBSERVE, I8,
        VECTOR, MATRIX, MATRIX, INDICES, INDICES, VECTOR, F8,
        VECTOR, INDICES, INDICES, MATRIX, VECTOR, MATRIX, INDICES, INDICES, VECTOR,
        MATRIX, INDICES, CUBE, F8, VECTOR, VECTOR,
        VECTOR, MATRIX, MATRIX, MATRIX, CUBE, CUBE, MATRIX, INDICES,
    ),
    **_options,
)  # fmt: skip
def unscented_record(
    rhs, observe, carry, see, wide,
    t, u, jump, event, row, u0, step,
    base, learned, kinds, bounds, drift, error, starts, columns, weights,
    values, pattern, lowers, scale, w, v,
    mean, root, course, sds, roots, seen, scalars, codes,
):  # fmt: skip
    """Filters values (T, q) at the boundaries row[1:] of a grid, from the belief (mean, root) at row[0].

    wide: the lanes of carry and see, 0 where rhs and observe are to be called. Grid: t, u, jump as in numerics/rk4.py;
    event: 1 where the schedule itself has a boundary; u0: the inputs that a sample at the very start sees. base (p,):
    parameters; learned: the indices of the learned ones, kinds and bounds (k, 2): how. drift (d,), error (2, q): sd and
    cv. starts (q + 1,), columns, weights: a linear operator that observes in the model's place, or empty. pattern (T,):
    which of the lower roots of the error's correlation belongs to a cycle. Written: mean, root, course and sds (T, d),
    roots (T or 0, d, d), seen (3, T, q): innovation, predicted, spread; scalars (T, 3): squared innovation, gain in
    log-likelihood, least pivot; codes (T,). A cycle that fails leaves the belief, and the next begins there."""
    n, d, count, q = jump.shape[1], mean.size, w.size, values.shape[1]
    grid, how, sigma, operator = (
        (t, u, jump, event),
        (learned, kinds, bounds),
        (scale, w, v),
        (starts, columns, weights),
    )
    width, begin, noise = wide if wide > 0 else count, row[0], np.empty((3, q))
    flat, flat_y = np.empty((n + base.size) * width), np.empty(q * (count if starts.size > 0 else width))
    lanes, y = flat.reshape((n + base.size, width)), flat_y.reshape((q, flat_y.size // max(q, 1)))
    side, run = (np.empty((d, count)), lanes, flat), (np.empty(n), np.empty(base.size), np.empty((5, n)))
    sums = np.empty((count, d)), np.empty((d, d)), np.empty(max(d, q)), np.empty(d)
    room = (
        np.empty((q, count)), np.empty(q), np.empty(q), np.empty(q), np.empty((q, d)), np.empty((count - d, q)),
        np.empty((q, q)), np.empty(d),
    )  # fmt: skip
    looked = y, flat_y, np.empty(q)
    ahead, after, evidence = (np.empty(d), np.empty((d, d))), (np.empty(d), np.empty((d, d))), np.empty(2)
    noise[0], noise[1] = error[0], error[1]
    for i in range(base.size):
        lanes[n + i] = base[i]
    for c in range(codes.size):
        end, code, m, log_scale = row[c + 1], _OK, 0, 0.0
        for i in range(q):
            m += not isnan(values[c, i])
        ahead[0][:], ahead[1][:] = mean, root
        if end > begin:
            code = _forecast(
                rhs, carry, grid, begin, end, step, wide, how, sigma, drift, mean, root, side, run, sums, ahead
            )
        least = _least(ahead[1])
        if code == _OK and m > 0:
            _look(
                observe,
                see,
                t[end],
                u[end - 1] if end > 0 else u0,
                wide,
                how,
                operator,
                scale,
                ahead,
                side,
                run,
                looked,
            )
            code = _compare(y, values[c], noise, w, v, seen[1, c], seen[2, c])
            if code == _OK:
                lower = lowers[pattern[c]] if lowers.shape[0] > 0 else noise[:0]
                code, log_scale = _condition(ahead, y, values[c], noise, lower, sigma, room, sums, after, evidence)
            if code == _OK and not _in_range(after[0], after[1], n, kinds, bounds, scale):
                code = _NOT_FINITE
            least = min(least, _least(after[1]))
        codes[c] = code
        _report(code, m, values[c], evidence, log_scale, least, seen[:, c], scalars[c])
        if code == _OK:
            mean[:], root[:], begin = after[0] if m > 0 else ahead[0], after[1] if m > 0 else ahead[1], end
        course[c] = mean
        _norms(root, sds[c])
        if roots.shape[0] > 0:
            roots[c] = root
