"""Moments and update of numerics/unscented.py by sums of products, wherever these lose no digit that matters.

Products take a tenth of the work of orthogonal transformations, but square the condition. That is looked at before a
result is used; where it is too high the functions return false, and the caller turns to numerics/unscented.py. Nothing
is subtracted from a covariance: the update factors I + Y'Y, whose eigenvalues are 1 or more, Y (m, d) being what m
observations see of the root's d columns, in units of their error.

From LEAST_TILED columns on, the work goes by blocks held in registers (numerics/tiles.py). Loops beside them vectorise:
where one begins beyond 0 its index is unsigned, because a signed one could stand for an entry from the end.

Sources: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), ch. 10 (Cholesky's method is blind to
the scale of rows); Tippett et al., Mon. Weather Rev. 131 (2003) 1485 (the update in the space of the root)."""

from __future__ import annotations

from math import isfinite, log, pi, sqrt
from typing import Any

import numba
import numpy as np

from vvuq.numerics.jit import F8, I8, MATRIX, VECTOR, njit, types
from vvuq.numerics.tiles import (
    COLUMNS,
    ROWS,
    divide,
    halve,
    products_eight,
    products_twelve,
    reduce_eight,
    reduce_four,
    solve_eight,
    solve_four,
    turn,
    turn_apart,
    weigh,
)

LEAST_PIVOT = 1e-4  # of a variance, the share that the rows before it leave open: four digits of sixteen are lost
SHARPEST = 1e3  # the trace of Y'Y: three digits are lost
NO_MATTER = 1e-17  # added to 1 it vanishes
U = np.uint64
_0, _1, _2, _3, _4 = (U(i) for i in range(5))
LEAST_TILED = COLUMNS  # fewer columns than a block has go by plain loops
_NO_CORNER = (0.0,) * 10

# The two that other kernels call by their address: compiled into each of these they would cost seconds.
MOMENTS_SIGNATURE = types.boolean(MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, VECTOR)
UPDATE_SIGNATURE = types.boolean(
    VECTOR, MATRIX, I8, MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR,
    VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, MATRIX, VECTOR, VECTOR,
)  # fmt: skip

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}
_inner: Any = {**_options, "no_cfunc_wrapper": True}  # never called by address
_within: Any = {**_options, "inline": "always"}  # compiled where it is called, and nowhere else


@numba.njit(**_within)
def _products_by_blocks(rows, count, d, below, total):
    """What _products() finds, twelve columns at a time, or eight where that leaves less over."""
    for i in range(0, d, ROWS):
        top = min(i, d - ROWS)
        first, end = (0, top + ROWS) if below else (top, d)
        while first < end:
            left = end - first
            if d >= COLUMNS + ROWS and (COLUMNS < left <= COLUMNS + ROWS or left > 2 * COLUMNS):
                products_twelve(rows, count, top, min(first, d - COLUMNS - ROWS), total)
                first += COLUMNS + ROWS
            else:
                products_eight(rows, count, top, min(first, d - COLUMNS), total)
                first += COLUMNS


@njit(types.void(MATRIX, I8, I8, types.boolean, MATRIX), **_inner)
def _products(rows, count, d, below, total):
    """Rows' rows, of the first `count` rows and d columns, in the upper triangle of total (d, d), or in the lower one.

    What the other triangle then holds is of no use."""
    if d >= LEAST_TILED:
        _products_by_blocks(rows, count, d, below, total)
        return
    whole, size = U(count - count % 4), U(d)
    for i in range(size):
        for j in range(size):
            total[i, j] = 0.0
    for k in range(_0, whole, _4):
        for i in range(size):
            a, b, c, e = rows[k, i], rows[k + _1, i], rows[k + _2, i], rows[k + _3, i]
            for j in range(size):
                total[i, j] += (a * rows[k, j] + b * rows[k + _1, j]) + (c * rows[k + _2, j] + e * rows[k + _3, j])
    for k in range(whole, U(count)):
        for i in range(size):
            a = rows[k, i]
            for j in range(size):
                total[i, j] += a * rows[k, j]


@numba.njit(**_within)
def _corner(a, at, step):
    """The triangle of rows and columns at, at + step, ... of a: the inverses of its diagonal, and what is beside it."""
    b, c, e = at + step, at + 2 * step, at + 3 * step
    return (
        1.0 / a[at, at], 1.0 / a[b, b], 1.0 / a[c, c], 1.0 / a[e, e],
        a[at, b], a[at, c], a[at, e], a[b, c], a[b, e], a[c, e],
    )  # fmt: skip


@numba.njit(**_within)
def _four_pivots(a, at, step, least, diagonal):
    """The root of the 4x4 corner of a at `at`, in place; whether its pivots will do, and what _corner() then says.

    Square roots wait for no other: the pivots are found without them."""
    b, c, e = at + step, at + 2 * step, at + 3 * step
    p0, x01, x02, x03 = a[at, at], a[at, b], a[at, c], a[at, e]
    i0 = 1.0 / p0
    f1, f2, f3 = x01 * i0, x02 * i0, x03 * i0
    p1, x12, x13 = a[b, b] - f1 * x01, a[b, c] - f1 * x02, a[b, e] - f1 * x03
    i1 = 1.0 / p1
    g2, g3 = x12 * i1, x13 * i1
    p2, x23 = (a[c, c] - f2 * x02) - g2 * x12, (a[c, e] - f2 * x03) - g2 * x13
    p3 = ((a[e, e] - f3 * x03) - g3 * x13) - x23 * (x23 / p2)
    good = p0 > least * diagonal[at] and p1 > least * diagonal[b]
    good = good and p2 > least * diagonal[c] and p3 > least * diagonal[e]
    r0, r1, r2, r3 = sqrt(p0), sqrt(p1), sqrt(p2), sqrt(p3)
    i0, i1, i2, i3 = 1.0 / r0, 1.0 / r1, 1.0 / r2, 1.0 / r3
    x01, x02, x03, x12, x13, x23 = x01 * i0, x02 * i0, x03 * i0, x12 * i1, x13 * i1, x23 * i2
    a[at, at], a[b, b], a[c, c], a[e, e] = r0, r1, r2, r3
    a[at, b], a[at, c], a[at, e], a[b, c], a[b, e], a[c, e] = x01, x02, x03, x12, x13, x23
    good = good and isfinite(p0) and isfinite(p1) and isfinite(p2) and isfinite(p3)
    return good, (i0, i1, i2, i3, x01, x02, x03, x12, x13, x23)


@njit(types.boolean(MATRIX, I8, types.boolean, F8, VECTOR), **_inner)
def _factor(a, d, below, least, diagonal):
    """R in the upper triangle of a (d, d) = R'R, or in the lower one; false where a pivot is too small, or not finite.

    Too small: no more than `least` of the diagonal it began as. The lower triangle is found from the last row on. Rows
    that fill no block go first, one by one."""
    step, single = -1 if below else 1, d % ROWS if d >= LEAST_TILED else d
    for p in range(d):
        diagonal[p] = a[p, p]
    for t in range(single):
        k = U(d - 1 - t if below else t)
        pivot = a[k, k]
        if not (pivot > least * diagonal[k] and isfinite(pivot)):
            return False
        inverse = 1.0 / sqrt(pivot)
        low, high = (_0, k) if below else (k + _1, U(d))
        a[k, k] = sqrt(pivot)
        for j in range(low, high):
            a[k, j] *= inverse
        for i in range(low, high):
            f = a[k, i]
            for j in range(low, high):
                a[i, j] -= f * a[k, j]
    for t in range(single, d, ROWS):
        at, count = d - 1 - t if below else t, t - single
        start = at + 1 if below else single
        first, end = (0, at - 3) if below else (at + ROWS, d)
        odd = (end - first) % COLUMNS > 0
        if odd:
            reduce_eight(a, a, at, step, at - 7 if below else at, start, count, _NO_CORNER)
        else:
            reduce_four(a, a, at, step, at - 3 if below else at, start, count, _NO_CORNER)
        good, corner = _four_pivots(a, at, step, least, diagonal)
        if not good:
            return False
        if odd:
            solve_four(a, a, at, step, end - ROWS if below else first, start, 0, corner)
            first, end = (first, end - ROWS) if below else (first + ROWS, end)
        for j in range(first, end, COLUMNS):
            solve_eight(a, a, at, step, j, start, count, corner)
    return True


@njit(types.void(I8, MATRIX, VECTOR, VECTOR), **_options)
def means(m, h, w, mean):
    """weighted_mean() of numerics/unscented.py of the first m rows, four sums at a time."""
    count = w.size
    whole, four = count - count % COLUMNS, m - m % ROWS
    for i in range(0, four, ROWS):
        first = h[i, 0], h[i + 1, 0], h[i + 2, 0], h[i + 3, 0]
        a, b, c, e = weigh(h, i, w, whole, first)
        for k in range(whole, count):
            a += w[k] * (h[i, k] - first[0])
            b += w[k] * (h[i + 1, k] - first[1])
            c += w[k] * (h[i + 2, k] - first[2])
            e += w[k] * (h[i + 3, k] - first[3])
        mean[i], mean[i + 1], mean[i + 2], mean[i + 3] = first[0] + a, first[1] + b, first[2] + c, first[3] + e
    for i in range(four, m):
        total = 0.0
        for k in range(1, count):
            total += w[k] * (h[i, k] - h[i, 0])
        mean[i] = h[i, 0] + total


@njit(types.void(MATRIX, VECTOR, VECTOR, MATRIX), **_inner)
def _apart(points, mean, v, rows):
    """rows[k, i] = v[k] (points[i, k] - mean[i])."""
    d, count = points.shape
    if d < LEAST_TILED:
        for k in range(count):
            for i in range(d):
                rows[k, i] = v[k] * (points[i, k] - mean[i])
        return
    for i in range(0, d, ROWS):
        for k in range(0, count, ROWS):
            turn_apart(points, min(i, d - ROWS), min(k, count - ROWS), mean, v, rows)


@njit(types.void(MATRIX, MATRIX), **_inner)
def _transposed(upper, lower):
    """The transpose of an upper triangle, zero above it."""
    d = lower.shape[0]
    if d >= LEAST_TILED:
        for i in range(0, d, ROWS):
            for j in range(0, i + 1, ROWS):
                turn(upper, min(j, d - ROWS), min(i, d - ROWS), lower)
    else:
        for i in range(d):
            for j in range(i + 1):
                lower[i, j] = upper[j, i]
    for i in range(U(d)):
        for j in range(i + _1, U(d)):
            lower[i, j] = 0.0


@njit(MOMENTS_SIGNATURE, **_options)
def moments_by_products(points, w, v, noise, mean, root, rows, gram, line):
    """deviations() and lower_root() of numerics/unscented.py; rows (N, d), gram (d, d) and line (d,) to work in."""
    d, count = points.shape
    means(d, points, w, mean)
    _apart(points, mean, v, rows)
    _products(rows, count, d, False, gram)
    for i in range(d):
        gram[i, i] += noise[i] * noise[i]
    if not _factor(gram, d, False, LEAST_PIVOT, line):
        return False
    _transposed(gram, root)
    return True


@njit(F8(I8, MATRIX, I8, VECTOR, VECTOR, MATRIX), **_inner)
def _halve(m, h, r, v, expected, observed):
    """Half differences of pairs into observed (m, r). Returns the squares of what pairs share beyond the mean."""
    first, whole, half, total = h.shape[1] - 2 * r, r - r % COLUMNS, sqrt(0.5), 0.0
    for i in range(m):
        middle = expected[i]
        total += halve(h, i, first, r, whole, v, middle, observed)
        for j in range(whole, r):
            plus, minus = h[i, first + j], h[i, first + r + j]
            factor = v[first + j] * half
            common = factor * ((plus - middle) + (minus - middle))
            observed[i, j] = factor * (plus - minus)
            total += common * common
        if first == 1:
            total += v[0] * (h[i, 0] - middle) * (v[0] * (h[i, 0] - middle))
    return total


@njit(F8(I8, MATRIX, I8, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX, MATRIX, VECTOR), **_inner)
def _absorb_common(m, h, r, v, expected, observed, innovation, rows, gram, line):
    """What pairs share is further noise, I + C'C in all: whitens observed and innovation by it.

    Returns the logarithm of the root of its determinant; negative where it failed. rows (N - r, m), gram (m, m)."""
    first, half, scale = h.shape[1] - 2 * r, sqrt(0.5), 1.0
    for i in range(m):
        if first == 1:
            rows[r, i] = v[0] * (h[i, 0] - expected[i])
        for j in range(r):
            shared = (h[i, first + j] - expected[i]) + (h[i, first + r + j] - expected[i])
            rows[j, i] = v[first + j] * half * shared
    _products(rows, first + r, m, False, gram)
    for i in range(m):
        gram[i, i] += 1.0
    if not _factor(gram, m, False, 0.0, line):
        return -1.0
    for i in range(m):
        for k in range(i):
            f = gram[k, i]
            innovation[i] -= f * innovation[k]
            for j in range(r):
                observed[i, j] -= f * observed[k, j]
        innovation[i] /= gram[i, i]
        for j in range(r):
            observed[i, j] /= gram[i, i]
        scale *= gram[i, i]
    return log(scale)


@njit(types.void(MATRIX, MATRIX, MATRIX), **_inner)
def _divided(root, w, quotient):
    """quotient w = root, all lower-triangular."""
    d = root.shape[0]
    fours = d - d % ROWS if d >= LEAST_TILED else 0
    for i in range(U(d)):
        for j in range(i + _1, U(d)):
            quotient[i, j] = 0.0
    for k in range(d - 1, fours - 1, -1):
        inverse = 1.0 / w[k, k]
        for i in range(k, d):
            total = root[i, k]
            for j in range(k + 1, i + 1):
                total -= quotient[i, j] * w[j, k]
            quotient[i, k] = total * inverse
    for j in range(fours - ROWS, -1, -ROWS):
        corner = _corner(w, j + ROWS - 1, -1)
        for end in range(d, j, -COLUMNS):
            top = max(end - COLUMNS, 0)
            divide(root, w, quotient, top, j, max(top + COLUMNS - ROWS - j, 0), corner)


@numba.njit(**_within)
def _one_and_products(m, observed, gram, line):
    """W in the lower triangle of gram (d, d): W'W = I + Y'Y, Y the first m of observed; false where it is sharp."""
    d, trace = gram.shape[0], 0.0
    _products(observed, m, d, True, gram)
    for i in range(d):
        trace += gram[i, i]
        gram[i, i] += 1.0
    return trace < SHARPEST and _factor(gram, d, True, 0.0, line)


@njit(types.Tuple((F8, F8))(I8, VECTOR, MATRIX, MATRIX, VECTOR), **_inner)
def _pulled(m, innovation, observed, w, pull):
    """W'^-1 Y' e into pull (d,); the innovation e squared by its covariance I + Y Y', and the log of its root's
    determinant."""
    nis, scale, d = 0.0, 1.0, pull.size
    for j in range(d):
        pull[j] = 0.0
    for k in range(m):
        nis += innovation[k] * innovation[k]
        for j in range(d):
            pull[j] += innovation[k] * observed[k, j]
    for k in range(d - 1, -1, -1):
        f = pull[k] * (1.0 / w[k, k])  # the division waits for nothing
        for j in range(k):
            pull[j] -= f * w[k, j]
        pull[k] = f
        nis -= f * f
        scale *= w[k, k]  # below exp(SHARPEST / 2)
    return nis, log(scale)


@njit(types.boolean(VECTOR, MATRIX, VECTOR, VECTOR), **_inner)
def _moved(mean, root, pull, after):
    """mean + root pull; true where it is finite."""
    good, four = True, mean.size - mean.size % ROWS
    for i in range(0, four, ROWS):
        whole = i + ROWS - (i + ROWS) % COLUMNS
        after[i], after[i + 1], after[i + 2], after[i + 3] = weigh(root, i, pull, whole, (0.0, 0.0, 0.0, 0.0))
    for i in range(mean.size):
        block = i - i % ROWS + ROWS
        whole, total = (block - block % COLUMNS, after[i]) if i < four else (0, 0.0)
        for j in range(whole, i + 1):
            total += root[i, j] * pull[j]
        after[i] = mean[i] + total
        good &= isfinite(after[i])
    return good


@njit(UPDATE_SIGNATURE, **_options)
def update_by_products(
    mean, root, m, h, w, v, y, after, after_root, seen, expected, innovation, observed, rows, noise, gram, line, pull
):
    """paired() and update_linear() of numerics/unscented.py by the first m rows of h (q, N) and y (q,), root (d, d).

    To work in: expected and innovation (q,), observed (q, d), rows (N - d, q), noise (q, q), gram (d, d), line (the
    larger of d and q), pull (d,)."""
    d, scale = mean.size, 0.0
    means(m, h, w, expected)
    for i in range(m):
        innovation[i] = y[i] - expected[i]
    common = _halve(m, h, d, v, expected, observed)
    if common > NO_MATTER:
        scale = _absorb_common(m, h, d, v, expected, observed, innovation, rows, noise, line)
    if not (common < SHARPEST and scale >= 0.0 and _one_and_products(m, observed, gram, line)):
        return False
    nis, own = _pulled(m, innovation, observed, gram, pull)
    _divided(root, gram, after_root)
    seen[0], seen[1] = nis, -0.5 * (m * log(2.0 * pi) + nis) - (scale + own)
    return _moved(mean, after_root, pull, after) and isfinite(nis)
