"""Kernels of Gaussian filters in square-root form: sigma points, their moments, and the update in array form.

A belief is a mean (d,) and a lower-triangular root (d, d). The root is carried by orthogonal transformations alone: no
covariance is formed and nothing is subtracted, so it cannot lose definiteness. Points are columns (d, N), each a member
of a model run; w (N,) are their weights in a mean, v (N,) the square roots of their weights in a covariance. Nothing is
allocated here: what a kernel works in is made by `triangle`, and may be larger than it says.

Sources: Julier & Uhlmann, Proc. IEEE 92 (2004) 401; Arasaratnam & Haykin, IEEE TAC 54 (2009) 1254 (square roots);
Kailath, Sayed & Hassibi, Linear Estimation (2000), ch. 12 (array form)."""

from __future__ import annotations

from math import isfinite, log, pi, sqrt

import numpy as np

from vvuq.numerics.jit import F8, I8, MATRIX, VECTOR, njit, types
from vvuq.numerics.linalg import absorb
from vvuq.record import Floats

_OK, _NOT_FINITE = 0, 1

# What a triangle is made in: top (k, k), the rows (c, k) that it absorbs, their floor and a line (k,): see linalg.py.
TRIANGLE = types.Tuple((MATRIX, MATRIX, VECTOR, VECTOR))


def triangle(count: int, size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Room for a triangle of `size` columns and rows that absorbs `count` rows."""
    return np.empty((size, size)), np.empty((count, size)), np.empty(size), np.empty(size)


@njit(types.void(VECTOR, MATRIX, F8, MATRIX), error_model="numpy", cache=True, nogil=True)
def sigma_points(mean, root, scale, points):
    """Symmetric points (d, N) around the mean, at `scale` times each column of the root: the plus, then the minus.

    With an odd N the mean itself comes first. Rank r of the root (d, r) is (N - centre) / 2."""
    d, r = root.shape
    first = points.shape[1] - 2 * r
    for i in range(d):
        if first == 1:
            points[i, 0] = mean[i]
        for j in range(r):
            points[i, first + j] = mean[i] + scale * root[i, j]
            points[i, first + r + j] = mean[i] - scale * root[i, j]


@njit(types.void(MATRIX, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def weighted_mean(points, w, mean):
    """The mean (d,) of points (d, N), summed from the first point on: what they share is not rounded again."""
    for i in range(points.shape[0]):
        total, start = 0.0, points[i, 0]
        for k in range(1, points.shape[1]):
            total += w[k] * (points[i, k] - start)
        mean[i] = start + total


@njit(types.void(MATRIX, VECTOR), error_model="numpy", cache=True, nogil=True)
def _cleared(top, floor):
    """Zeros in the first k columns and rows of top and in floor (k,)."""
    for i in range(floor.size):
        floor[i] = 0.0
        for j in range(floor.size):
            top[i, j] = 0.0


@njit(I8(MATRIX, VECTOR, MATRIX, TRIANGLE), error_model="numpy", cache=True, nogil=True)
def lower_root(rows, noise, root, work):
    """The lower-triangular root (d, d) of rows' rows + diag(noise^2), written out; rows (c, d) are used up; a code.

    work: triangle(0, d)."""
    d, good = noise.size, True
    top, floor, line = work[0], work[2][:d], work[3][:d]
    _cleared(top, floor)
    for i in range(d):
        top[i, i] = noise[i]
        for k in range(rows.shape[0]):
            good &= isfinite(rows[k, i])
    absorb(top, rows, floor, line)
    for i in range(d):
        for j in range(d):
            root[i, j] = top[j, i] if j <= i else 0.0
            good &= isfinite(root[i, j])
    return _OK if good else _NOT_FINITE


@njit(types.void(MATRIX, VECTOR, VECTOR, VECTOR, MATRIX), error_model="numpy", cache=True, nogil=True)
def deviations(points, w, v, mean, rows):
    """The mean (d,) of weighted points (d, N), and rows (N, d) of which rows' rows is their covariance, written out."""
    weighted_mean(points, w, mean)
    for k in range(points.shape[1]):
        for i in range(points.shape[0]):
            rows[k, i] = v[k] * (points[i, k] - mean[i])


@njit(I8(VECTOR, MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def _conditioned(mean, top, y, expected, after, after_root, seen, z):
    """Reads the mean and root given y out of the triangle of [observed, state] (m + d, m + d); z (m,) to work in."""
    d, m = mean.size, y.size
    nis, scale = 0.0, 0.0
    for k in range(m):
        total = y[k] - expected[k]
        for j in range(k):
            total -= top[j, k] * z[j]
        if not top[k, k] > 0.0:
            return _NOT_FINITE
        z[k] = total / top[k, k]
        nis += z[k] * z[k]
        scale += log(top[k, k])
    seen[0], seen[1] = nis, -0.5 * (m * log(2.0 * pi) + nis) - scale
    good = isfinite(seen[1])
    for i in range(d):
        after[i] = mean[i]
        for k in range(m):
            after[i] += top[k, m + i] * z[k]
        good &= isfinite(after[i])
        for j in range(d):
            after_root[i, j] = top[m + j, m + i] if j <= i else 0.0
            good &= isfinite(after_root[i, j])
    return _OK if good else _NOT_FINITE


@njit(
    I8(VECTOR, MATRIX, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, TRIANGLE),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def update_linear(mean, root, observed, noise, y, expected, after, after_root, seen, work):
    """Conditions on y = expected + observed z + e, where the state is mean + root z; z ~ N(0, 1), e ~ N(0, N'N).

    y, expected (m,), observed (m, r), noise = N (m, m) an upper triangle, root (d, r). Writes the mean and root after,
    and seen (2,) = innovation squared by its covariance, log-likelihood; a code. work: triangle(r, m + d)."""
    d, r = root.shape
    m = y.size
    top, bottom, floor, line = work[0], work[1][:r], work[2][: m + d], work[3][: m + d]
    _cleared(top, floor)
    for i in range(m):
        for j in range(i, m):
            top[i, j] = noise[i, j]
        for j in range(r):
            bottom[j, i] = observed[i, j]
    for i in range(d):
        for j in range(r):
            bottom[j, m + i] = root[i, j]
    absorb(top, bottom, floor, line)
    return _conditioned(mean, top, y, expected, after, after_root, seen, line)


@njit(types.void(MATRIX, VECTOR, VECTOR, MATRIX, MATRIX, TRIANGLE), error_model="numpy", cache=True, nogil=True)
def paired(h, expected, v, noise, observed, work):
    """What h (m, N), at symmetric points of a root of rank r, tells of it: observed (m, r), noise (m, m), written out.

    expected (m,) is the mean of h, whose errors are N(0, 1). The plus and minus of a pair are turned into half their
    difference, which moves with the state, and what they have in common beyond the mean, which does not: the
    nonlinearity of h acts as further noise. work: triangle(N - r, m)."""
    m, r = observed.shape
    first, half = h.shape[1] - 2 * r, sqrt(0.5)
    common, floor, line = work[1][: first + r], work[2][:m], work[3][:m]
    for i in range(m):
        floor[i] = 0.0
        for j in range(m):
            noise[i, j] = 1.0 if i == j else 0.0
        if first == 1:
            common[0, i] = v[0] * (h[i, 0] - expected[i])
        for j in range(r):
            plus, minus = h[i, first + j], h[i, first + r + j]
            common[first + j, i] = v[first + j] * half * ((plus - expected[i]) + (minus - expected[i]))
            observed[i, j] = v[first + j] * half * (plus - minus)
    absorb(noise, common, floor, line)


@njit(
    types.void(VECTOR, VECTOR, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, MATRIX, TRIANGLE),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def smooth(now, ahead, rows_now, rows_ahead, noise, floor, later, later_root, mean, rows, work):
    """Conditions a state on what was learned later: its mean (d,), and rows (2 d, d) whose product is its covariance.

    now, ahead (d,): the means of the state and of its forecast; rows_now, rows_ahead (c, d): deviations whose products
    are their covariances, the forecast's without noise (d,), its SDs; floor (d,): sizes at which rows_ahead are mere
    rounding; later, later_root: the smoothed next state. No covariance is inverted: directions in which the forecast is
    certain are left out. work: triangle(the larger of c and d, 2 d). Source: Park & Kailath, IEEE TAC 40 (1995) 1629
    (array form)."""
    count, d = rows_now.shape
    top, bottom, floors, line = work[0], work[1][:count], work[2][: 2 * d], work[3][: 2 * d]
    _cleared(top, floors)
    for i in range(d):
        top[i, i], floors[i] = noise[i], floor[i]
        for k in range(count):
            bottom[k, i], bottom[k, d + i] = rows_ahead[k, i], rows_now[k, i]
    absorb(top, bottom, floors, line)
    # top is now [S', M'; 0, C'] where S is the forecast's root, M S^-1 the gain, C the root of what the gain leaves
    scaled = work[1]  # (d, d + 1) of what the triangle has used up
    for i in range(d):
        for c in range(d + 1):
            scaled[i, c] = 0.0
        if top[i, i] <= floor[i]:
            continue
        for c in range(d + 1):
            total = later[i] - ahead[i] if c == d else later_root[i, c]
            for j in range(i):
                total -= top[j, i] * scaled[j, c]
            scaled[i, c] = total / top[i, i]
    for i in range(d):
        mean[i] = now[i]
        for j in range(d):
            mean[i] += top[j, d + i] * scaled[j, d]
            rows[j, i], rows[d + j, i] = 0.0, top[d + j, d + i]
        for j in range(d):
            for c in range(d):
                rows[c, i] += top[j, d + i] * scaled[j, c]


@njit(I8(VECTOR, MATRIX, MATRIX, VECTOR, VECTOR, MATRIX, VECTOR, TRIANGLE), error_model="numpy", cache=True, nogil=True)
def update_reduced(mean, root, observed, innovation, after, after_root, seen, work):
    """update_linear for a root (d, r) of low rank, kept at that rank: nothing of size d x d or m x m is formed.

    observed (m, r), innovation (m,), errors N(0, 1). The triangle of [1 0; observed innovation] holds the root of
    U = 1 + observed' observed (r, r), and in its last column the posterior's mean and the innovation's size by its
    covariance. root U^-1 root' is the covariance after. work: triangle(m, r + 1). Source: Moireau & Chapelle, ESAIM:
    COCV 17 (2011) 380."""
    d, r = root.shape
    m, good = innovation.size, True
    top, bottom, floor, line = work[0], work[1][:m], work[2][: r + 1], work[3][: r + 1]
    _cleared(top, floor)
    for k in range(r):
        top[k, k] = 1.0
    for i in range(m):
        bottom[i, r] = innovation[i]
        good &= isfinite(innovation[i])
        for j in range(r):
            bottom[i, j] = observed[i, j]
            good &= isfinite(observed[i, j])
    absorb(top, bottom, floor, line)
    z, nis, scale = line, top[r, r] * top[r, r], 0.0  # (r,)
    for k in range(r - 1, -1, -1):
        total = top[k, r]
        for j in range(k + 1, r):
            total -= top[k, j] * z[j]
        z[k] = total / top[k, k]
        scale += log(top[k, k])
    seen[0], seen[1] = nis, -0.5 * (m * log(2.0 * pi) + nis) - scale
    good &= isfinite(seen[1])
    for i in range(d):
        after[i] = mean[i]
        for k in range(r):
            after[i] += root[i, k] * z[k]
            total = root[i, k]
            for j in range(k):
                total -= after_root[i, j] * top[j, k]
            after_root[i, k] = total / top[k, k]
            good &= isfinite(after_root[i, k])
        good &= isfinite(after[i])
    return _OK if good else _NOT_FINITE
