"""Moments and update of numerics/unscented.py by sums of products, wherever these lose no digit that matters.

Products take a tenth of the work of orthogonal transformations, but square the condition. That is looked at before a
result is used; where it is too high the functions return false, and the caller turns to numerics/unscented.py. Nothing
is subtracted from a covariance: the update factors I + Y'Y, whose eigenvalues are 1 or more, Y (m, d) being what m
observations see of the root's d columns, in units of their error.

Innermost loops vectorise: none sums along a row, and where one begins beyond 0 its index is unsigned, because a signed
one could stand for an entry from the end.

Sources: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), ch. 10 (Cholesky's method is blind to
the scale of rows); Tippett et al., Mon. Weather Rev. 131 (2003) 1485 (the update in the space of the root)."""

from __future__ import annotations

from math import isfinite, log, pi, sqrt
from typing import Any

import numpy as np
from numba import njit

from vvuq.numerics.jit import F8, I8, MATRIX, VECTOR, types

LEAST_PIVOT = 1e-4  # of a variance, the share that the rows before it leave open: four digits of sixteen are lost
SHARPEST = 1e3  # the trace of Y'Y: three digits are lost
NO_MATTER = 1e-17  # added to 1 it vanishes
U = np.uint64
_0, _1, _2, _3, _4 = (U(i) for i in range(5))
_WHOLE_VECTORS = U(2**64 - 8)  # a loop that starts some entries early, at a multiple of 8, has no odd ends

# The two that other kernels call by their address: compiled into each of these they would cost seconds.
MOMENTS_SIGNATURE = types.boolean(MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, VECTOR)
UPDATE_SIGNATURE = types.boolean(
    VECTOR, MATRIX, I8, MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR,
    VECTOR, VECTOR, MATRIX, MATRIX, MATRIX, MATRIX, VECTOR, VECTOR,
)  # fmt: skip

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(types.void(MATRIX, I8, I8, MATRIX), **_options)
def _add_products_above(rows, count, d, total):
    """Adds rows' rows, of the first `count` rows and d columns, to the upper triangle of total (d, d)."""
    whole, size = U(count - count % 4), U(d)
    for k in range(_0, whole, _4):
        for i in range(size):
            a, b, c, e = rows[k, i], rows[k + _1, i], rows[k + _2, i], rows[k + _3, i]
            for j in range(i & _WHOLE_VECTORS, size):
                total[i, j] += (a * rows[k, j] + b * rows[k + _1, j]) + (c * rows[k + _2, j] + e * rows[k + _3, j])
    for k in range(whole, U(count)):
        for i in range(size):
            a = rows[k, i]
            for j in range(i & _WHOLE_VECTORS, size):
                total[i, j] += a * rows[k, j]


@njit(types.void(MATRIX, I8, I8, MATRIX), **_options)
def _add_products_below(rows, count, d, total):
    """Adds rows' rows, of the first `count` rows and d columns, to the lower triangle of total (d, d)."""
    whole = count - count % 4
    for k in range(0, whole, 4):
        for i in range(d):
            a, b, c, e = rows[k, i], rows[k + 1, i], rows[k + 2, i], rows[k + 3, i]
            for j in range(min(d, i + 8 - i % 8)):
                total[i, j] += (a * rows[k, j] + b * rows[k + 1, j]) + (c * rows[k + 2, j] + e * rows[k + 3, j])
    for k in range(whole, count):
        for i in range(d):
            a = rows[k, i]
            for j in range(min(d, i + 8 - i % 8)):
                total[i, j] += a * rows[k, j]


@njit(types.boolean(MATRIX, I8, F8, VECTOR), **_options)
def _upper(a, d, least, diagonal):
    """R in the upper triangle of a (d, d) = R'R; false where a pivot is no more than `least` of its diagonal."""
    size = U(d)
    for k in range(size):
        diagonal[k] = a[k, k]
    for k in range(size):
        pivot = a[k, k]
        if not (pivot > least * diagonal[k] and isfinite(pivot)):
            return False
        inverse = 1.0 / sqrt(pivot)
        for j in range(k, size):
            a[k, j] *= inverse
        for i in range(k + _1, size):
            f = a[k, i]
            for j in range(i & _WHOLE_VECTORS, size):
                a[i, j] -= f * a[k, j]
    return True


@njit(types.boolean(MATRIX), **_options)
def _lower(a):
    """W in the lower triangle of a = W'W."""
    d = a.shape[0]
    for k in range(d - 1, -1, -1):
        if not (a[k, k] > 0.0 and isfinite(a[k, k])):
            return False
        root = sqrt(a[k, k])
        inverse = 1.0 / root
        for j in range(k):
            a[k, j] *= inverse
        a[k, k] = root
        for i in range(k):
            f = a[k, i]
            for j in range(min(k, i + 8 - i % 8)):
                a[i, j] -= f * a[k, j]
    return True


@njit(MOMENTS_SIGNATURE, **_options)
def moments_by_products(points, w, v, noise, mean, root, rows, gram, line):
    """deviations() and lower_root() of numerics/unscented.py; rows (N, d), gram (d, d) and line (d,) to work in."""
    d, count = points.shape
    for i in range(d):
        for k in range(count):
            rows[k, i] = points[i, k]
        line[i] = 0.0
    for k in range(1, count):
        for i in range(d):
            line[i] += w[k] * (rows[k, i] - rows[0, i])
    for i in range(d):
        mean[i] = rows[0, i] + line[i]
        for j in range(d):
            gram[i, j] = 0.0
        gram[i, i] = noise[i] * noise[i]
    for k in range(count):
        for i in range(d):
            rows[k, i] = v[k] * (rows[k, i] - mean[i])
    _add_products_above(rows, count, d, gram)
    if not _upper(gram, d, LEAST_PIVOT, line):
        return False
    for i in range(d):
        for j in range(d):
            root[i, j] = gram[j, i] if j <= i else 0.0
    return True


@njit(types.void(I8, MATRIX, VECTOR, VECTOR), **_options)
def means(m, h, w, mean):
    """weighted_mean() of numerics/unscented.py of the first m rows, four sums at a time."""
    whole = m - m % 4
    for i in range(0, whole, 4):
        a, b, c, e = 0.0, 0.0, 0.0, 0.0
        for k in range(1, w.size):
            a += w[k] * (h[i, k] - h[i, 0])
            b += w[k] * (h[i + 1, k] - h[i + 1, 0])
            c += w[k] * (h[i + 2, k] - h[i + 2, 0])
            e += w[k] * (h[i + 3, k] - h[i + 3, 0])
        mean[i], mean[i + 1], mean[i + 2], mean[i + 3] = h[i, 0] + a, h[i + 1, 0] + b, h[i + 2, 0] + c, h[i + 3, 0] + e
    for i in range(whole, m):
        total = 0.0
        for k in range(1, w.size):
            total += w[k] * (h[i, k] - h[i, 0])
        mean[i] = h[i, 0] + total


@njit(F8(I8, MATRIX, I8, VECTOR, VECTOR, MATRIX, VECTOR), **_options)
def _halve(m, h, r, v, expected, observed, line):
    """Half differences of pairs into observed (m, r). Returns the squares of what pairs share beyond the mean."""
    first, size, half, total = U(h.shape[1] - 2 * r), U(r), sqrt(0.5), 0.0
    for j in range(size):
        line[j] = 0.0
    for i in range(m):
        middle = expected[i]
        for j in range(size):
            plus, minus = h[i, first + j], h[i, first + size + j]
            factor = v[first + j] * half
            common = factor * ((plus - middle) + (minus - middle))
            observed[i, j] = factor * (plus - minus)
            line[j] += common * common
        if first == _1:
            total += v[0] * (h[i, 0] - middle) * (v[0] * (h[i, 0] - middle))
    for j in range(size):
        total += line[j]
    return total


@njit(F8(I8, MATRIX, I8, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX, MATRIX, VECTOR), **_options)
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
        for j in range(m):
            gram[i, j] = 0.0
        gram[i, i] = 1.0
    _add_products_above(rows, first + r, m, gram)
    if not _upper(gram, m, 0.0, line):
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


@njit(types.void(MATRIX, MATRIX, MATRIX), **_options)
def _divided(root, w, quotient):
    """quotient w = root, all lower-triangular."""
    d = root.shape[0]
    for i in range(d):
        for j in range(d):
            quotient[i, j] = root[i, j]
    for k in range(d - 1, -1, -1):
        inverse = 1.0 / w[k, k]
        for i in range(k, d):
            f = quotient[i, k] * inverse
            for j in range(k):
                quotient[i, j] -= f * w[k, j]
            quotient[i, k] = f


@njit(types.boolean(I8, MATRIX, MATRIX), **_options)
def _one_and_products(m, observed, gram):
    """W in the lower triangle of gram (d, d): W'W = I + Y'Y, Y the first m of observed; false where it is sharp."""
    d, trace = gram.shape[0], 0.0
    for i in range(d):
        for j in range(d):
            gram[i, j] = 0.0
    _add_products_below(observed, m, d, gram)
    for i in range(d):
        trace += gram[i, i]
        gram[i, i] += 1.0
    return trace < SHARPEST and _lower(gram)


@njit(types.Tuple((F8, F8))(I8, VECTOR, MATRIX, MATRIX, VECTOR), **_options)
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
        pull[k] /= w[k, k]
        for j in range(k):
            pull[j] -= pull[k] * w[k, j]
        nis -= pull[k] * pull[k]
        scale *= w[k, k]  # below exp(SHARPEST / 2)
    return nis, log(scale)


@njit(types.boolean(VECTOR, MATRIX, VECTOR, VECTOR), **_options)
def _moved(mean, root, pull, after):
    """mean + root pull; true where it is finite."""
    good = True
    for i in range(mean.size):
        total = mean[i]
        for j in range(i + 1):
            total += root[i, j] * pull[j]
        after[i] = total
        good &= isfinite(total)
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
    common = _halve(m, h, d, v, expected, observed, line)
    if common > NO_MATTER:
        scale = _absorb_common(m, h, d, v, expected, observed, innovation, rows, noise, line)
    if not (common < SHARPEST and scale >= 0.0 and _one_and_products(m, observed, gram)):
        return False
    nis, own = _pulled(m, innovation, observed, gram, pull)
    _divided(root, gram, after_root)
    seen[0], seen[1] = nis, -0.5 * (m * log(2.0 * pi) + nis) - (scale + own)
    return _moved(mean, after_root, pull, after) and isfinite(nis)
