"""Fixed-step RK4 over a grid of event times. The model comes in as a typed function pointer, so that these kernels
are compiled once on a machine and serve every model (tier 1).

A grid has S intervals: boundaries t (S+1,), inputs u (S, k) constant on each interval, jump (S+1, n) added to the
state at a boundary, reset (R, 3) what is set there before that (reset.py), record (S+1,) the row of `out` that takes
the state there, or -1. It is recorded before both: a sample at the time of a dose is taken before the dose. Every
boundary is hit exactly; no step crosses one.

Shapes: x0 (n, members), theta (p, members), out (records, n, members), codes (members,).
Source: Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, 2nd ed., II.1."""

from __future__ import annotations

from math import isfinite

import numpy as np

from vvuq.numerics.jit import (
    CUBE,
    F8,
    FIELD,
    I8,
    INDICES,
    MATRIX,
    ROWS,
    VECTOR,
    njit,
    types,
)
from vvuq.numerics.reset import reset_state

_OK, _NOT_FINITE = 0, 1
_BLOCK = 8  # doubles on one line of the cache


@njit(types.void(FIELD, VECTOR, VECTOR, VECTOR, F8, F8, I8, MATRIX), error_model="numpy", cache=True)
def rk4_interval(rhs, x, u, theta, t0, t1, steps, work):
    """Advances x (n,) in place from t0 to t1 in `steps` equal steps; work (5, n)."""
    h = (t1 - t0) / steps
    k1, k2, k3, k4, y = work[0], work[1], work[2], work[3], work[4]
    for s in range(steps):
        t = t0 + s * h
        rhs(t, x, u, theta, k1)
        for i in range(x.size):
            y[i] = x[i] + 0.5 * h * k1[i]
        rhs(t + 0.5 * h, y, u, theta, k2)
        for i in range(x.size):
            y[i] = x[i] + 0.5 * h * k2[i]
        rhs(t + 0.5 * h, y, u, theta, k3)
        for i in range(x.size):
            y[i] = x[i] + h * k3[i]
        rhs(t + h, y, u, theta, k4)
        for i in range(x.size):
            x[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


@njit(types.boolean(VECTOR), error_model="numpy", cache=True)
def all_finite(x):
    """True where every entry of x is finite."""
    for value in x:
        if not isfinite(value):
            return False
    return True


@njit(types.void(MATRIX, I8, I8, MATRIX), error_model="numpy", cache=True)
def _take(columns, first, size, rows):
    """Copies `size` columns from `first` on into rows."""
    for i in range(columns.shape[0]):
        for b in range(size):
            rows[b, i] = columns[i, first + b]


@njit(types.void(MATRIX, INDICES, I8, I8, MATRIX), error_model="numpy", cache=True)
def _give(rows, codes, first, size, columns):
    """Copies rows into `size` columns from `first` on; those of failed members become not-a-number."""
    for i in range(columns.shape[0]):
        for b in range(size):
            columns[i, first + b] = rows[b, i] if codes[first + b] == _OK else np.nan


@njit(
    types.void(FIELD, MATRIX, MATRIX, VECTOR, MATRIX, MATRIX, ROWS, INDICES, INDICES, CUBE, INDICES),
    error_model="numpy",
    cache=True,
)
def rk4_paths(rhs, x0, theta, t, u, jump, reset, record, steps, out, codes):
    """Classical RK4, steps[s] steps on interval s, for each member.

    Members are taken up, and written back, _BLOCK at a time: their numbers lie side by side in x0 and out."""
    n, members = x0.shape
    work, x, parameters = np.empty((5, n)), np.empty((_BLOCK, n)), np.empty((_BLOCK, theta.shape[0]))
    for first in range(0, members, _BLOCK):
        size = min(_BLOCK, members - first)
        _take(x0, first, size, x)
        _take(theta, first, size, parameters)
        for b in range(size):
            codes[first + b] = _OK if all_finite(x[b]) else _NOT_FINITE
        for s in range(t.size):
            for b in range(size):
                if s > 0 and codes[first + b] == _OK:
                    rk4_interval(rhs, x[b], u[s - 1], parameters[b], t[s - 1], t[s], steps[s - 1], work)
                    codes[first + b] = _OK if all_finite(x[b]) else _NOT_FINITE
            if record[s] >= 0:
                _give(x, codes, first, size, out[record[s]])
            if s < t.size - 1:
                for b in range(size):
                    reset_state(x[b], reset, s)
                    for i in range(n):
                        x[b, i] += jump[s, i]


@njit(
    types.void(FIELD, VECTOR, MATRIX, INDICES, MATRIX, CUBE, CUBE, VECTOR, VECTOR, VECTOR),
    error_model="numpy",
    cache=True,
)
def observe_paths(observe, t, u, record, theta, states, out, x, parameters, y):
    """Observables at the recorded boundaries: out (records, q, members) from states (records, n, members).

    The inputs seen are those of the interval that ends at the boundary (at the first boundary: that begins there).
    x (n,), parameters (p,), y (q,) are workspace."""
    for m in range(theta.shape[1]):
        for i in range(parameters.size):
            parameters[i] = theta[i, m]
        for s in range(t.size):
            r = record[s]
            if r < 0:
                continue
            for i in range(x.size):
                x[i] = states[r, i, m]
            observe(t[s], x, u[max(s - 1, 0)], parameters, y)
            for i in range(y.size):
                out[r, i, m] = y[i]
