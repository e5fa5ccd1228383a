"""Kernel of first-order conditional estimation with interaction (FOCE-I): one patient's mode and marginal likelihood.

With eta ~ N(0, diag(omega^2)), y = f(eta) + e, e ~ N(0, v), v = sd^2 + cv^2 f^2:
  g(eta) = sum (y - f)^2 / v + ln v  +  sum eta^2 / omega^2 + ln omega^2
  H = J' V^-1 J + c' c / 2 + Omega^-1,  J = df/deta, c = d ln v / deta   (Gauss-Newton form: no second derivatives of f)
  -2 ln L = g(eta_hat) + ln |H|, without n ln 2 pi, eta_hat the minimum of g.
Sources: Lindstrom & Bates, Biometrics 46 (1990) 673; Wang, J Pharmacokinet Pharmacodyn 34 (2007) 575."""

from __future__ import annotations

from math import exp, isfinite, log, sqrt

import numpy as np

from vvuq.numerics.jit import CUBE, F8, FIELD, I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.rk4 import observe_paths, rk4_paths

_FARTHEST = 100.0  # exp(100) times the typical value is no patient, and its square leaves the range of numbers soon
_OK, _NOT_FINITE, _TOO_MANY_STEPS, _SINGULAR = 0, 1, 2, 4


@njit(types.boolean(MATRIX), error_model="numpy", cache=True)
def cholesky(a):
    """Lower-triangular root of a symmetric a (k, k) in place (lower half); False where a is not positive definite."""
    for j in range(a.shape[0]):
        for i in range(j, a.shape[0]):
            total = a[i, j]
            for m in range(j):
                total -= a[i, m] * a[j, m]
            if i == j:
                if not total > 0.0:
                    return False
                a[j, j] = sqrt(total)
            else:
                a[i, j] = total / a[j, j]
    return True


@njit(types.void(MATRIX, VECTOR), error_model="numpy", cache=True)
def cholesky_solve(root, b):
    """Solves (root root') x = b in place."""
    k = b.size
    for i in range(k):
        for m in range(i):
            b[i] -= root[i, m] * b[m]
        b[i] /= root[i, i]
    for i in range(k - 1, -1, -1):
        for m in range(i + 1, k):
            b[i] -= root[m, i] * b[m]
        b[i] /= root[i, i]


@njit(I8(I8, I8, I8, I8), error_model="numpy", cache=True)
def _slope(rows, width, row, column):
    """Where the slope of one of `rows` numbers in a direction stands: after the numbers, in blocks of `width`."""
    return rows + (column // width) * rows * width + row * width + column % width


@njit(
    types.void(
        FIELD, FIELD, VECTOR, MATRIX, MATRIX, ROWS, INDICES, INDICES, INDICES, INDICES, I8, I8, VECTOR, INDICES, VECTOR,
        MATRIX, MATRIX, CUBE, CUBE, VECTOR, VECTOR, VECTOR, INDICES, VECTOR, MATRIX,
    ),
    error_model="numpy",
    cache=True,
)  # fmt: skip
def _predict(rhs, observe, t, u, jump, reset, record, steps, rows, channels, q, width, base, personal, eta,
             theta, x0, states, seen, wx, wp, wy, code, f, jacobian):  # fmt: skip
    """Predictions f (m,) and their derivatives by eta (m, k), a direction for each eta."""
    for i in range(base.size):
        theta[i, 0] = base[i]
    for j in range(personal.size):
        i = personal[j]
        theta[i, 0] = base[i] * exp(eta[j])
        theta[_slope(base.size, width, i, j), 0] = theta[i, 0]
    rk4_paths(rhs, x0, theta, t, u, jump, reset, record, steps, states, code)
    observe_paths(observe, t, u, record, theta, states, seen, wx, wp, wy)
    for r in range(rows.size):
        f[r] = seen[rows[r], channels[r], 0]
        for j in range(personal.size):
            jacobian[r, j] = seen[rows[r], _slope(q, width, channels[r], j), 0]


@njit(F8(VECTOR, VECTOR, VECTOR, INDICES, VECTOR, VECTOR, VECTOR), error_model="numpy", cache=True)
def _objective(y, f, eta, channels, sd, cv, omega):
    """g(eta); infinite where it is not finite."""
    total = 0.0
    for r in range(y.size):
        c = channels[r]
        v = sd[c] * sd[c] + cv[c] * cv[c] * f[r] * f[r]
        total += (y[r] - f[r]) ** 2 / v + log(v)
    for j in range(eta.size):
        total += (eta[j] / omega[j]) ** 2 + 2.0 * log(omega[j])
    return total if isfinite(total) else np.inf


@njit(
    types.void(VECTOR, VECTOR, MATRIX, VECTOR, INDICES, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX),
    error_model="numpy",
    cache=True,
)
def _gradient_and_hessian(y, f, jacobian, eta, channels, sd, cv, omega, gradient, hessian):
    """Half the gradient of g (k,), and H (k, k)."""
    k = eta.size
    for j in range(k):
        gradient[j] = eta[j] / omega[j] ** 2
        for i in range(k):
            hessian[i, j] = 1.0 / omega[j] ** 2 if i == j else 0.0
    for r in range(y.size):
        c = channels[r]
        v = sd[c] * sd[c] + cv[c] * cv[c] * f[r] * f[r]
        dlog = 2.0 * cv[c] * cv[c] * f[r] / v  # d ln v / d f
        e = y[r] - f[r]
        slope = -e / v + 0.5 * dlog * (1.0 - e * e / v)
        weight = 1.0 / v + 0.5 * dlog * dlog
        for j in range(k):
            gradient[j] += slope * jacobian[r, j]
            for i in range(k):
                hessian[i, j] += weight * jacobian[r, i] * jacobian[r, j]


@njit(F8(VECTOR, F8, VECTOR, VECTOR), error_model="numpy", cache=True)
def _moved(eta, jolt, step, trial):
    """trial = eta - jolt step; returns the largest size in it."""
    far = 0.0
    for j in range(eta.size):
        trial[j] = eta[j] - jolt * step[j]
        far = max(far, abs(trial[j]))
    return far


@njit(
    I8(
        FIELD, FIELD, VECTOR, MATRIX, MATRIX, ROWS, INDICES, INDICES, INDICES, INDICES, VECTOR, I8, I8, I8,
        VECTOR, INDICES, VECTOR, VECTOR, VECTOR, F8, I8, VECTOR, VECTOR,
    ),
    error_model="numpy",
    cache=True,
)  # fmt: skip
def individual(rhs, observe, t, u, jump, reset, record, steps, rows, channels, y, n, q, width,
               base, personal, sd, cv, omega, tolerance, limit, eta, result):  # fmt: skip
    """Finds eta_hat (in place, from the given start) by damped Gauss-Newton; result (1,) = -2 ln L; a code.

    rhs and observe carry slopes in blocks of `width` directions, and the grid's jump and reset are those of the states
    with their slopes. rows, channels, y (m,): each observation's record row, observable and value. base (p,): typical
    parameters."""
    k, m, records = personal.size, y.size, 1
    for s in range(record.size):
        records = max(records, record[s] + 1)
    each = 1 + -(-k // width) * width  # the numbers themselves, and their slopes in whole blocks
    theta, x0, code = np.zeros((base.size * each, 1)), np.zeros((n * each, 1)), np.zeros(1, np.int64)
    states, seen = np.zeros((records, n * each, 1)), np.zeros((records, q * each, 1))
    wx, wp, wy = np.empty(n * each), np.empty(base.size * each), np.empty(q * each)
    f, jacobian, gradient, hessian = np.empty(m), np.empty((m, k)), np.empty(k), np.empty((k, k))
    trial, before, jolt = np.empty(k), np.zeros(k), 1.0
    _predict(rhs, observe, t, u, jump, reset, record, steps, rows, channels, q, width, base, personal, eta,
             theta, x0, states, seen, wx, wp, wy, code, f, jacobian)  # fmt: skip
    value = _objective(y, f, eta, channels, sd, cv, omega)
    for _ in range(limit):
        _gradient_and_hessian(y, f, jacobian, eta, channels, sd, cv, omega, gradient, hessian)
        if not cholesky(hessian):
            return _NOT_FINITE if value == np.inf else _SINGULAR
        decrement, turn = 0.0, 0.0
        for j in range(k):
            trial[j] = gradient[j]
        cholesky_solve(hessian, trial)
        for j in range(k):
            decrement += gradient[j] * trial[j]
            gradient[j] = trial[j]  # from here on: the Newton step
            turn += gradient[j] * before[j]
            before[j] = gradient[j]
        if decrement < tolerance:
            result[0] = value
            for j in range(k):
                result[0] += 2.0 * log(hessian[j, j])
            return _OK
        jolt = 0.5 if turn < 0.0 else 1.0  # a step that turns back shows that whole ones swing around the mode
        while jolt > 1e-9:
            new = np.inf
            if _moved(eta, jolt, gradient, trial) < _FARTHEST:
                _predict(rhs, observe, t, u, jump, reset, record, steps, rows, channels, q, width, base, personal,
                         trial, theta, x0, states, seen, wx, wp, wy, code, f, jacobian)  # fmt: skip
                new = _objective(y, f, trial, channels, sd, cv, omega)
            if new < value + 1e-12 * abs(value):
                break
            jolt *= 0.5
        for j in range(k):
            eta[j] = trial[j]
        value = new
    return _TOO_MANY_STEPS


@njit(
    I8(
        FIELD, FIELD, INDICES, VECTOR, MATRIX, MATRIX, INDICES, ROWS, INDICES, INDICES, INDICES, INDICES, INDICES,
        VECTOR, I8, I8, I8, VECTOR, INDICES, VECTOR, VECTOR, VECTOR, F8, I8, MATRIX, VECTOR,
    ),
    error_model="numpy",
    cache=True,
)  # fmt: skip
def population(rhs, observe, boundaries, t, u, jump, resets, reset, record, steps, samples, rows, channels, y,
               n, q, width, base, personal, sd, cv, omega, tolerance, limit, eta, result):  # fmt: skip
    """`individual` for each patient, whose grids and samples stand one behind the other: patient i has rows
    boundaries[i] .. boundaries[i + 1] of t, u, jump, record and steps (the last of u and steps is not used), rows
    resets[i] .. resets[i + 1] of reset, and rows samples[i] .. samples[i + 1] of rows, channels and y.
    eta (patients, k); result (patients,). The first failure's code ends it."""
    for i in range(eta.shape[0]):
        a, b, c, d = boundaries[i], boundaries[i + 1], samples[i], samples[i + 1]
        code = individual(
            rhs, observe, t[a:b], u[a:b], jump[a:b], reset[resets[i] : resets[i + 1]], record[a:b], steps[a:b],
            rows[c:d], channels[c:d], y[c:d], n, q, width, base, personal, sd, cv, omega, tolerance, limit,
            eta[i], result[i : i + 1],
        )  # fmt: skip
        if code != _OK:
            return code
    return _OK
