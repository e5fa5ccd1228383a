"""Kernels of the square-root unscented Kalman filter over joint states and log parameters (tier 1).

A belief is a mean (d,) and a lower-triangular root (d, d), d = n states + learned parameters, these as logarithms.
The root is carried by triangularization alone: no covariance is formed and nothing is subtracted, so it cannot lose
definiteness. Sigma points: cubature with a centre, w0 = kappa / (d + kappa), the others 1 / (2 (d + kappa)).

Sources: Julier & Uhlmann, Proc. IEEE 92 (2004) 401; Arasaratnam & Haykin, IEEE TAC 54 (2009) 1254 (square roots)."""

from __future__ import annotations

from math import exp, isfinite, log, pi, sqrt

import numpy as np
from numba import njit

from vvuq.numerics.jit import F8, FIELD, I8, INDICES, MATRIX, VECTOR, types
from vvuq.numerics.linalg import triangularize
from vvuq.numerics.rk4 import rk4_interval

_OK, _NOT_FINITE, _SINGULAR = 0, 1, 4


@njit(types.void(VECTOR, MATRIX, F8, MATRIX), error_model="numpy", cache=True)
def sigma_points(mean, root, kappa, points):
    """points (2d + 1, d): the mean, then the mean plus and minus sqrt(d + kappa) times each column of the root."""
    d, scale = mean.size, sqrt(mean.size + kappa)
    for i in range(d):
        points[0, i] = mean[i]
        for j in range(d):
            points[1 + j, i] = mean[i] + scale * root[i, j]
            points[1 + d + j, i] = mean[i] - scale * root[i, j]


@njit(types.void(VECTOR, I8, INDICES, VECTOR, VECTOR, VECTOR), error_model="numpy", cache=True)
def _split(point, n, learned, base, x, theta):
    """One sigma point as state x (n,) and parameters theta (p,): base with the learned ones replaced."""
    for i in range(n):
        x[i] = point[i]
    for i in range(theta.size):
        theta[i] = base[i]
    for j in range(learned.size):
        theta[learned[j]] = exp(point[n + j])


@njit(I8(MATRIX, MATRIX, F8, VECTOR, MATRIX), error_model="numpy", cache=True)
def _moments(points, noise_root, kappa, mean, root):
    """Mean and root of the weighted points plus noise, written into mean and root; a code."""
    count, d = points.shape
    w0, w = kappa / (d + kappa), 0.5 / (d + kappa)
    for i in range(d):
        total = w0 * points[0, i]
        for k in range(1, count):
            total += w * points[k, i]
        if not isfinite(total):
            return _NOT_FINITE
        mean[i] = total
    wide = np.empty((d, count + d))
    for i in range(d):
        for k in range(count):
            wide[i, k] = sqrt(w0 if k == 0 else w) * (points[k, i] - mean[i])
        for j in range(d):
            wide[i, count + j] = noise_root[i, j]
    triangularize(wide)
    for i in range(d):
        for j in range(d):
            root[i, j] = wide[i, j]
    return _OK


@njit(
    I8(FIELD, VECTOR, MATRIX, I8, INDICES, VECTOR, VECTOR, MATRIX, MATRIX, INDICES, MATRIX, F8),
    error_model="numpy",
    cache=True,
)
def predict(rhs, mean, root, n, learned, base, t, u, jump, steps, noise_root, kappa):
    """Carries a belief in place over the grid (t, u, jump, steps): jumps at t[0] .. t[-2], then adds process noise.

    noise_root (d, d) is a root of the covariance added over the whole interval."""
    d = mean.size
    points, work = np.empty((2 * d + 1, d)), np.empty((5, n))
    x, theta = np.empty(n), np.empty(base.size)
    sigma_points(mean, root, kappa, points)
    for k in range(2 * d + 1):
        _split(points[k], n, learned, base, x, theta)
        for s in range(t.size - 1):
            for i in range(n):
                x[i] += jump[s, i]
            rk4_interval(rhs, x, u[s], theta, t[s], t[s + 1], steps[s], work)
        for i in range(n):
            points[k, i] = x[i]
    return _moments(points, noise_root, kappa, mean, root)


@njit(
    I8(FIELD, VECTOR, MATRIX, I8, INDICES, VECTOR, F8, VECTOR, I8, I8, F8, F8, F8, F8, VECTOR),
    error_model="numpy",
    cache=True,
)
def update(observe, mean, root, n, learned, base, t, u, channel, channels, y, sd, cv, kappa, seen):
    """Conditions a belief in place on one scalar y of observable `channel`; error variance sd^2 + cv^2 E[h^2].

    seen (6,) = innovation, predicted mean, total forecast SD, NIS, log-likelihood, least diagonal of the new root.
    y not a number: nothing is learned, seen still holds the forecast. Source of the array form: Kailath, Sayed &
    Hassibi, Linear Estimation (2000), ch. 12."""
    d = mean.size
    count = 2 * d + 1
    points, h = np.empty((count, d)), np.empty(count)
    x, theta, out = np.empty(n), np.empty(base.size), np.empty(channels)
    w0, w = kappa / (d + kappa), 0.5 / (d + kappa)
    sigma_points(mean, root, kappa, points)
    predicted, second = 0.0, 0.0
    for k in range(count):
        _split(points[k], n, learned, base, x, theta)
        observe(t, x, u, theta, out)
        h[k] = out[channel]
        weight = w0 if k == 0 else w
        predicted += weight * h[k]
        second += weight * h[k] * h[k]
    wide = np.zeros((d + 1, count + 1))
    for k in range(count):
        root_weight = sqrt(w0 if k == 0 else w)
        wide[0, k] = root_weight * (h[k] - predicted)
        for i in range(d):
            wide[1 + i, k] = root_weight * (points[k, i] - mean[i])
    wide[0, count] = sqrt(sd * sd + cv * cv * second)
    if not isfinite(predicted + second):
        return _NOT_FINITE
    triangularize(wide)
    spread = wide[0, 0]
    seen[1], seen[2] = predicted, spread
    if not isfinite(y):
        return _OK
    if not spread > 0.0:
        return _SINGULAR
    z = (y - predicted) / spread
    least = spread
    for i in range(d):
        mean[i] += wide[1 + i, 0] * z
        for j in range(d):
            root[i, j] = wide[1 + i, 1 + j]
        least = min(least, root[i, i])
    seen[0], seen[3], seen[5] = y - predicted, z * z, least
    seen[4] = -0.5 * (log(2.0 * pi) + 2.0 * log(spread) + z * z)
    return _OK
