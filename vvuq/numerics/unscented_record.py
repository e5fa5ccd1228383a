"""A whole record of one patient through the square-root unscented filter in one call: additive noise, any observables.

The same work as the filter's step, cycle by cycle: sigma points are carried by RK4 over the grid of events, their
moments taken, new points drawn and compared with what was measured; then the belief is conditioned on facts, if it is
to be (numerics/facts.py). The model comes as function pointers: one run at a time (width 0), or all points side by side
in `width` lanes (numerics/abreast.py)."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite, isnan, log, sqrt
from typing import Any

import numpy as np

from vvuq.numerics.abreast import (
    CARRY,
    FLAT,
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
from vvuq.numerics.facts import FACTS, FACTS_SIGNATURE, condition_on_facts, needs_points
from vvuq.numerics.gram import MOMENTS_SIGNATURE, UPDATE_SIGNATURE, means, moments_by_products, update_by_products
from vvuq.numerics.jit import CUBE, F8, FIELD, I8, INDICES, MATRIX, ROWS, VECTOR, Pointer, njit, types
from vvuq.numerics.unscented import (
    TRIANGLE,
    deviations,
    lower_root,
    paired,
    sigma_points,
    update_linear,
    weighted_mean,
)

_OK, _NOT_FINITE, _SINGULAR = 0, 1, 4

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}

# What the parts of a cycle hand to each other.
GRID = types.Tuple((VECTOR, MATRIX, MATRIX, ROWS, INDICES))  # t, u, jump, reset, event
LEARNED = types.Tuple((INDICES, INDICES, MATRIX))  # which, by which transform, within which bounds
OPERATOR = types.Tuple((INDICES, INDICES, VECTOR))  # starts of rows, columns, weights
SIGMA = types.Tuple((F8, VECTOR, VECTOR))  # distance in SDs, weights in a mean, square roots of those in a covariance
NORMAL = types.Tuple((VECTOR, MATRIX))  # mean, root
LANES = types.Tuple((MATRIX, MATRIX, FLAT))  # points (d, N), lanes (n + p, W), and these as CARRY takes them
RUN = types.Tuple((VECTOR, VECTOR, MATRIX))  # one run: state (n,), parameters (p,), room (5, n)
SUMS = types.Tuple((MATRIX, MATRIX, VECTOR, VECTOR))  # (N, d), (d, d), (max(d, q),), (d,): see moments_by_products
SEEN = types.Tuple((MATRIX, VECTOR, VECTOR))  # what the points measure (q, W), the same as one vector, and one's (q,)
# (q, N), (q,), (q,), (q,), (q, d), (N - d, q), (q, q), (d,): see update_by_products
ROOM = types.Tuple((MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, VECTOR))
# TRIANGLE: triangle(N - d, d + q), for what would lose digits by products
# What facts there are, whether their predictors need points (1) or not, and where they are worked on
CARE = types.Tuple((FACTS, I8, MATRIX))
# Found, cycle by cycle: mean, SDs (T, d), roots (T or 0, d, d), innovation, predicted, spread (T, q), and
# squared innovation, gain in log-likelihood, least pivot (T, 3), and code (T,)
FOUND = types.Tuple((MATRIX, MATRIX, CUBE, MATRIX, MATRIX, MATRIX, MATRIX, INDICES))
# What a record without loops takes (assimilation/straight.py). weights (2 W,): those in a mean and the roots of those
# in a covariance, 0 for lanes to spare; pattern (d W,) begins as zeros; lines (l W,) and seen (q W,): room for learned
# parameters and for what is measured. It begins at cycle `first` and returns the cycle that it leaves to others, or T;
# at (1,): the boundary that it has reached.
STRAIGHT_SIGNATURE = I8(
    CARRY, OBSERVE, GRID, VECTOR, INDICES, F8, F8, VECTOR, VECTOR, MATRIX, MATRIX, NORMAL, MATRIX, FLAT, VECTOR, VECTOR,
    VECTOR, FOUND, I8, INDICES,
)  # fmt: skip
EXACT_MOMENTS_SIGNATURE = I8(MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, TRIANGLE)
EXACT_UPDATE_SIGNATURE = I8(
    NORMAL, I8, MATRIX, VECTOR, VECTOR, VECTOR, NORMAL, VECTOR, VECTOR, MATRIX, MATRIX, TRIANGLE
)


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
    m, scale, product = 0, 0.0, 1.0
    for i in range(values.size):
        if isnan(values[i]):
            continue
        y[m] = values[i] / error[i]
        for k in range(h.shape[1]):
            h[m, k] = seen[i, k] / error[i]
        product *= error[i]
        if lower.shape[0] > 0:
            for j in range(m):
                y[m] -= lower[m, j] * y[j]
                for k in range(h.shape[1]):
                    h[m, k] -= lower[m, j] * h[j, k]
            y[m] /= lower[m, m]
            for k in range(h.shape[1]):
                h[m, k] /= lower[m, m]
            product *= lower[m, m]
        if not 1e-100 < product < 1e100:  # one logarithm for many factors
            scale, product = scale + log(product), 1.0
        m += 1
    return m, scale + log(product)


@njit(types.boolean(VECTOR, MATRIX, INDICES, MATRIX, F8), **_options)
def _in_range(mean, root, kinds, bounds, scale):
    """True where all points of a belief have learned parameters that are finite and, by a logarithm, above 0."""
    n = mean.size - kinds.size
    for j in range(kinds.size):
        reach = 0.0
        for i in range(mean.size):
            size = abs(root[n + j, i])
            reach = size if size > reach else reach
        low = back(kinds[j], bounds[j], mean[n + j] - scale * reach)
        high = back(kinds[j], bounds[j], mean[n + j] + scale * reach)
        if not (isfinite(low) and isfinite(high)) or (kinds[j] == LOG and not low > 0.0):
            return False
    return True


@njit(I8(VECTOR), **_options)
def _count(values):
    """How many were measured."""
    m = 0
    for i in range(values.size):
        m += not isnan(values[i])
    return m


@njit(F8(MATRIX), **_options)
def _least(root):
    """The smallest diagonal."""
    least = root[0, 0]
    for i in range(1, root.shape[0]):
        least = root[i, i] if root[i, i] < least else least
    return least


@njit(types.void(MATRIX, VECTOR), **_options)
def _norms(root, sd):
    """The length of each row of a lower-triangular matrix."""
    for i in range(sd.size):
        total = 0.0
        for j in range(i + 1):
            total += root[i, j] * root[i, j]
        sd[i] = sqrt(total)


@njit(types.void(NORMAL, NORMAL), **_options)
def _copy(belief, to):
    """Writes one belief over another."""
    (mean, root), (to_mean, to_root) = belief, to
    for i in range(mean.size):
        to_mean[i] = mean[i]
        for j in range(mean.size):
            to_root[i, j] = root[i, j]


@njit(types.void(I8, NORMAL, MATRIX, I8, F8, FOUND), **_options)
def _report(c, belief, values, m, least, found):
    """Cycle c has ended in a belief, of m measured values. Where it failed, or these are none, it saw nothing."""
    course, sds, roots, innovation, predicted, spread, numbers, codes = found
    (mean, root), failed = belief, codes[c] != _OK
    for i in range(innovation.shape[1]):
        if failed or m == 0:
            predicted[c, i] = spread[c, i] = np.nan
        innovation[c, i] = values[c, i] - predicted[c, i]
    for i in range(3):
        numbers[c, i] = np.nan if failed else least if i == 2 else numbers[c, i]
    for i in range(mean.size):
        course[c, i] = mean[i]
        for j in range(mean.size):
            if roots.shape[0] > 0:
                roots[c, i, j] = root[i, j]
    _norms(root, sds[c])


@njit(types.boolean(FIELD, CARRY, GRID, I8, I8, F8, I8, LEARNED, F8, NORMAL, LANES, RUN), **_options)
def _carry_on(rhs, carry, grid, begin, end, step, wide, how, scale, belief, side, run):
    """The points of a belief as they arrive at boundary `end`; true where they are finite."""
    (t, u, jump, reset, event), (learned, kinds, bounds) = grid, how
    (points, lanes, flat), (x, theta, work) = side, run
    sigma_points(belief[0], belief[1], scale, points)
    fill(points, x.size, learned, kinds, bounds, lanes)
    if wide > 0:
        carry_lanes(carry, t, u, jump, reset, event, begin, end, step, lanes, flat)
    else:
        carry_singly(rhs, t, u, jump, reset, event, begin, end, step, lanes, x, theta, work)
    return gather(lanes, x.size, points)


@njit(EXACT_MOMENTS_SIGNATURE, **_options)
def _exact_moments(points, w, v, noise, mean, root, rows, work):
    """What moments_by_products does not; a code."""
    deviations(points, w, v, mean, rows)
    return lower_root(rows, noise, root, work)


@njit(EXACT_UPDATE_SIGNATURE, **_options)
def _exact_update(belief, m, h, w, v, y, after, numbers, expected, observed, noise, work):
    """What update_by_products does not; a code."""
    weighted_mean(h[:m], w, expected)
    paired(h[:m], expected, v, noise, observed[:m], work)
    return update_linear(belief[0], belief[1], observed, noise, y[:m], expected, after[0], after[1], numbers, work)


@njit(types.void(FIELD, OBSERVE, F8, VECTOR, I8, LEARNED, OPERATOR, F8, NORMAL, LANES, RUN, SEEN), **_options)
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
        count = lanes.shape[1]
        see(t, u, flat[0], flat[1], count, count, count, flat_y)
    else:
        observe_singly(observe, t, u, lanes, x, theta, one, y)


@njit(
    I8(types.FunctionType(FACTS_SIGNATURE), CARE, FIELD, OBSERVE, I8, I8, F8, F8, VECTOR, LEARNED, OPERATOR, SIGMA,
       VECTOR, MATRIX, NORMAL, LANES, RUN, SEEN, VECTOR),
    **_options,
)  # fmt: skip
def _learn(
    facts_of, care, observe, see, wide, c, t, exposure, u, how, operator, sigma, values, error, belief, side, run,
    looked, numbers,
):  # fmt: skip
    """Conditions a belief on the facts of cycle c, which took `exposure`, by its points where needed. A code."""
    (facts, pointed, room), (scale, w, v) = care, sigma
    pointed = I8(pointed > 0 and needs_points(facts, c, belief[0].size, values))
    if pointed > 0:
        _look(observe, see, t, u, wide, how, operator, scale, belief, side, run, looked)
    return facts_of(
        facts, c, exposure, pointed, values, error, (side[0], looked[0], w, v, scale), belief, room, numbers
    )


@njit(FACTS_SIGNATURE, **_options)
def _no_facts(facts, c, exposure, pointed, values, error, points, belief, room, numbers):
    """What stands where there are none."""
    return _OK


@lru_cache(maxsize=2)
def facts_part(some: bool) -> Pointer:
    """How a belief is conditioned on facts, by address; compiled where there are some."""
    return Pointer(condition_on_facts if some else _no_facts, FACTS_SIGNATURE)


@lru_cache(maxsize=1)
def parts() -> tuple[Pointer, Pointer, Pointer, Pointer]:
    """The algebra of a cycle, by address: moments and update by products, and both as they are where these refuse."""
    return (
        Pointer(moments_by_products, MOMENTS_SIGNATURE),
        Pointer(_exact_moments, EXACT_MOMENTS_SIGNATURE),
        Pointer(update_by_products, UPDATE_SIGNATURE),
        Pointer(_exact_update, EXACT_UPDATE_SIGNATURE),
    )


@njit(
    types.void(
        *map(types.FunctionType, (MOMENTS_SIGNATURE, EXACT_MOMENTS_SIGNATURE)),
        *map(types.FunctionType, (UPDATE_SIGNATURE, EXACT_UPDATE_SIGNATURE, FACTS_SIGNATURE)), CARE,
        FIELD, FIELD, CARRY, OBSERVE, I8, GRID, VECTOR, INDICES, F8, LEARNED, OPERATOR, SIGMA, VECTOR, MATRIX, MATRIX,
        INDICES, CUBE, NORMAL, NORMAL, NORMAL, LANES, RUN, SUMS, SEEN, ROOM, TRIANGLE, FOUND, I8, I8, INDICES,
    ),
    **_options,
)  # fmt: skip
def unscented_record(
    moments, exact_moments, update, exact_update, facts_of, care,
    rhs, observe, carry, see, wide, grid, u0, row, step, how, operator, sigma, drift, error, values,
    pattern, lowers, belief, ahead, after, side, run, sums, looked, room, exact, found, first, last, at,
):  # fmt: skip
    """Filters values (T, q) at the boundaries row[1:] of a grid, cycles first .. last - 1, from the belief at boundary
    at[0]; both are carried on.

    moments .. exact_update: parts(); facts_of: facts_part(). wide: the lanes of carry and see, 0 where rhs and
    observe are to be called. grid: numerics/rk4.py, with event: 1 where the schedule itself has a boundary. u0: the
    inputs that a sample at the very start sees. operator: observes in the model's place where it is not empty. drift
    (d,); error (3, q): sd and cv. pattern (T,): which of the lower roots of the correlation of errors is a cycle's;
    there are none where errors are independent. lanes hold the parameters already. A cycle that fails leaves the
    belief, and the next begins there."""
    (t, u, _, _, _), (_, kinds, bounds), (scale, w, v), facts = grid, how, sigma, care[0][1].size
    (white, measured, expected, innovation, observed, shared, noise, pull), (rows, gram, line, sd) = room, sums
    numbers, codes, begin = found[6], found[7], at[0]
    for c in range(first, last):
        end, m = row[c + 1], _count(values[c])
        numbers[c, 0] = numbers[c, 1] = 0.0
        code = _OK
        if end == begin:
            _copy(belief, ahead)
        elif _carry_on(rhs, carry, grid, begin, end, step, wide, how, scale, belief, side, run):
            for i in range(drift.size):
                sd[i] = drift[i] * sqrt(t[end] - t[begin])
            if not moments(side[0], w, v, sd, ahead[0], ahead[1], rows, gram, line):
                code = exact_moments(side[0], w, v, sd, ahead[0], ahead[1], rows, exact)
        else:
            code = _NOT_FINITE
        least = _least(ahead[1])
        if code == _OK and m > 0:
            now = u[end - 1] if end > 0 else u0
            _look(observe, see, t[end], now, wide, how, operator, scale, ahead, side, run, looked)
            code = _compare(looked[0], values[c], error, w, v, found[4][c], found[5][c])
            if code == _OK:
                lower = lowers[pattern[c]] if lowers.shape[0] > 0 else error[:0]
                m, log_scale = _whiten(looked[0], values[c], error[2], lower, white, measured)
                if not update(
                    ahead[0], ahead[1], m, white, w, v, measured, after[0], after[1], numbers[c],
                    expected, innovation, observed, shared, noise, gram, line, pull,
                ):  # fmt: skip
                    code = exact_update(
                        ahead, m, white, w, v, measured, after, numbers[c], expected, observed, noise, exact
                    )
                numbers[c, 1] -= log_scale
        told = after if m > 0 else ahead
        if code == _OK and facts > 0:
            now = u[end - 1] if end > 0 else u0
            code = _learn(facts_of, care, observe, see, wide, c, t[end], t[end] - t[begin], now, how, operator, sigma,
                          values[c], error, told, side, run, looked, numbers[c])  # fmt: skip
        if m > 0 or facts > 0:
            code = code if code != _OK or _in_range(told[0], told[1], kinds, bounds, scale) else _NOT_FINITE
            other = _least(told[1])
            least = other if other < least else least
        codes[c] = code
        if code == _OK:
            _copy(told, belief)
            begin = end
        _report(c, belief, values, m, least, found)
    at[0] = begin
