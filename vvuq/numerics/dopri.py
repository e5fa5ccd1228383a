"""The adaptive explicit pair of Dormand and Prince, 5(4), with error control, over the grids of rk4.py.

Source: Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, 2nd ed., II.4 (step control), II.5."""

from __future__ import annotations

from math import isfinite

import numpy as np

from vvuq.numerics.jit import CUBE, F8, FIELD, I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.reset import reset_state
from vvuq.numerics.rk4 import all_finite

_OK, _NOT_FINITE, _TOO_MANY_STEPS, _STEP_TOO_SMALL = 0, 1, 2, 3


@njit(types.void(FIELD, VECTOR, VECTOR, VECTOR, F8, F8, MATRIX), error_model="numpy", cache=True)
def _dopri_stages(rhs, x, u, theta, t, h, work):
    """One Dormand-Prince 5(4) step from x: work rows 0..6 the stages (row 0 given), row 7 the new state."""
    k1, k2, k3, k4, k5, k6, k7, y = work[0], work[1], work[2], work[3], work[4], work[5], work[6], work[7]
    n = x.size
    for i in range(n):
        y[i] = x[i] + h * k1[i] / 5.0
    rhs(t + h / 5.0, y, u, theta, k2)
    for i in range(n):
        y[i] = x[i] + h * (3.0 * k1[i] + 9.0 * k2[i]) / 40.0
    rhs(t + 0.3 * h, y, u, theta, k3)
    for i in range(n):
        y[i] = x[i] + h * (44.0 / 45.0 * k1[i] - 56.0 / 15.0 * k2[i] + 32.0 / 9.0 * k3[i])
    rhs(t + 0.8 * h, y, u, theta, k4)
    for i in range(n):
        y[i] = x[i] + h * (
            19372.0 / 6561.0 * k1[i] - 25360.0 / 2187.0 * k2[i] + 64448.0 / 6561.0 * k3[i] - 212.0 / 729.0 * k4[i]
        )
    rhs(t + 8.0 / 9.0 * h, y, u, theta, k5)
    for i in range(n):
        y[i] = x[i] + h * (
            9017.0 / 3168.0 * k1[i]
            - 355.0 / 33.0 * k2[i]
            + 46732.0 / 5247.0 * k3[i]
            + 49.0 / 176.0 * k4[i]
            - 5103.0 / 18656.0 * k5[i]
        )
    rhs(t + h, y, u, theta, k6)
    for i in range(n):
        y[i] = x[i] + h * (
            35.0 / 384.0 * k1[i]
            + 500.0 / 1113.0 * k3[i]
            + 125.0 / 192.0 * k4[i]
            - 2187.0 / 6784.0 * k5[i]
            + 11.0 / 84.0 * k6[i]
        )
    rhs(t + h, y, u, theta, k7)


@njit(F8(VECTOR, F8, F8, F8, MATRIX), error_model="numpy", cache=True)
def _dopri_error(x, h, rtol, atol, work):
    """Root mean square of the embedded error over the tolerance; infinite where a stage is not finite."""
    total = 0.0
    for i in range(x.size):
        error = h * (
            71.0 / 57600.0 * work[0, i]
            - 71.0 / 16695.0 * work[2, i]
            + 71.0 / 1920.0 * work[3, i]
            - 17253.0 / 339200.0 * work[4, i]
            + 22.0 / 525.0 * work[5, i]
            - work[6, i] / 40.0
        )
        ratio = error / (atol + rtol * max(abs(x[i]), abs(work[7, i])))
        total += ratio * ratio
    return np.sqrt(total / x.size) if isfinite(total) else np.inf


@njit(I8(FIELD, VECTOR, VECTOR, VECTOR, F8, F8, F8, F8, I8, VECTOR, MATRIX), error_model="numpy", cache=True)
def dopri_interval(rhs, x, u, theta, t0, t1, rtol, atol, limit, memory, work):
    """Advances x in place from t0 to t1 under error control; memory[0] carries the step size between intervals."""
    t, h = t0, min(memory[0], t1 - t0)
    rhs(t, x, u, theta, work[0])
    for _ in range(limit):
        last = t + h >= t1 - 1e-14 * abs(t1)
        if last:
            h = t1 - t
        if not (last or h > 1e-15 * max(abs(t), abs(t1))):  # two events may be that close
            return _STEP_TOO_SMALL
        _dopri_stages(rhs, x, u, theta, t, h, work)
        error = _dopri_error(x, h, rtol, atol, work)
        factor = 0.2 if error == np.inf else min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
        if error <= 1.0:
            for i in range(x.size):
                x[i], work[0, i] = work[7, i], work[6, i]  # first same as last
            if last:
                memory[0] = max(memory[0], h * factor)
                return _OK if all_finite(x) else _NOT_FINITE
            t += h
            memory[0] = h * factor
        elif error == np.inf and not all_finite(work[0]):
            return _NOT_FINITE
        h *= factor
    return _TOO_MANY_STEPS


@njit(
    types.void(FIELD, MATRIX, MATRIX, VECTOR, MATRIX, MATRIX, ROWS, INDICES, F8, F8, I8, CUBE, INDICES),
    error_model="numpy",
    cache=True,
)
def dopri_paths(rhs, x0, theta, t, u, jump, reset, record, rtol, atol, limit, out, codes):
    """Dormand-Prince 5(4) with error control, restarted at every boundary, for each member."""
    n, members = x0.shape
    work, memory, x, parameters = np.empty((8, n)), np.empty(1), np.empty(n), np.empty(theta.shape[0])
    for m in range(members):
        for i in range(n):
            x[i] = x0[i, m]
        for i in range(parameters.size):
            parameters[i] = theta[i, m]
        memory[0] = 0.01 * (t[-1] - t[0]) + 1e-300
        code = _OK
        for s in range(t.size):
            if s > 0 and code == _OK:
                code = dopri_interval(rhs, x, u[s - 1], parameters, t[s - 1], t[s], rtol, atol, limit, memory, work)
            if record[s] >= 0:
                for i in range(n):
                    out[record[s], i, m] = x[i] if code == _OK else np.nan
            reset_state(x, reset, s)
            for i in range(n):
                x[i] += jump[s, i]
        codes[m] = code
