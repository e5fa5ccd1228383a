"""Whole paths of many runs side by side: rk4.py's grid of events, walked by the lane kernels of a model (abreast.py).

Inputs u (S, k, 1) and amounts (J, 1) are common to all runs, or (S, k, members) and (J, members) are each run's own;
given (J, 2) holds (boundary, state) of what is added, the boundaries ascending. Each run has, to the last bit, what
rk4_paths and observe_paths make of it alone; states is left out where it has no rows."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from vvuq.numerics.abreast import CARRY, OBSERVE
from vvuq.numerics.jit import CUBE, I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.reset import reset_lanes

_OK, _NOT_FINITE = 0, 1
_BLOCKS = 8  # of lanes that go through an interval together: their states and parameters stay in the nearest cache

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(types.void(MATRIX, MATRIX, I8, I8, MATRIX, INDICES), **_options)
def _begin(x0, theta, first, count, lanes, codes):
    """States and parameters of `count` runs from `first` on; the lanes beyond repeat the first run."""
    n = x0.shape[0]
    for i in range(lanes.shape[0]):
        for k in range(lanes.shape[1]):
            run = first + k if k < count else first
            lanes[i, k] = x0[i, run] if i < n else theta[i - n, run]
    for k in range(count):
        codes[first + k] = _OK
        for i in range(n):
            if not isfinite(lanes[i, k]):
                codes[first + k] = _NOT_FINITE
        for i in range(n):
            if codes[first + k] != _OK:
                lanes[i, k] = np.nan


@njit(types.void(VECTOR, I8, I8, I8, MATRIX, INDICES), **_options)
def _drop(finite, first, count, n, lanes, codes):
    """States of runs that did not end finite become not-a-number, and remain so."""
    for k in range(count):
        if finite[k] != 0.0:
            codes[first + k] = _NOT_FINITE
            for i in range(n):
                lanes[i, k] = np.nan


@njit(types.void(CUBE, I8, I8, I8, I8, VECTOR), **_options)
def _inputs(u, s, first, count, wide, us):
    """The inputs on interval s: one for all lanes, or input j of lane k at j wide + k."""
    for j in range(u.shape[1]):
        if u.shape[2] == 1:
            us[j] = u[s, j, 0]
        else:
            for k in range(wide):
                us[j * wide + k] = u[s, j, first + k if k < count else first]


@njit(I8(ROWS, MATRIX, I8, I8, I8, I8, MATRIX), **_options)
def _give(given, amount, row, s, first, count, lanes):
    """Adds what is given at boundary s, from `row` on; returns the next row."""
    while row < given.shape[0] and given[row, 0] == s:
        i = given[row, 1]
        for k in range(count):
            lanes[i, k] += amount[row, first + k if amount.shape[1] > 1 else 0]
        row += 1
    return row


@njit(types.void(MATRIX, I8, I8, MATRIX), **_options)
def _keep(lanes, first, count, out):
    """Some of the lanes into columns of out (rows, members)."""
    for i in range(out.shape[0]):
        columns, lane = out[i, first : first + count], lanes[i]
        for k in range(count):
            columns[k] = lane[k]


@njit(I8(VECTOR, I8), **_options)
def _failed(finite, count):
    """How many of the runs did not end finite."""
    failed = 0
    for k in range(count):
        failed += 1 if finite[k] != 0.0 else 0
    return failed


@njit(
    types.void(
        CARRY, OBSERVE, I8, VECTOR, CUBE, ROWS, MATRIX, ROWS, INDICES, INDICES, MATRIX, MATRIX, CUBE, CUBE, INDICES
    ),
    **_options,
)
def lane_paths(carry, observe, width, t, u, given, amount, reset, record, steps, x0, theta, states, observed, codes):
    """Classical RK4, steps[s] steps on interval s, for each run; observed (records, q, members) as states (records, n,
    members)."""
    (n, members), wide = x0.shape, width * _BLOCKS
    lanes = np.empty((n + theta.shape[0], wide))
    flat, seen = lanes.reshape(lanes.size), np.empty((observed.shape[1], wide))
    x, parameters, found = flat[: n * wide], flat[n * wide :], seen.reshape(seen.size)
    us, work, finite = np.empty(u.shape[1] * wide), np.empty(6 * n * width), np.empty(wide)
    for first in range(0, members, wide):
        count, row = min(wide, members - first), 0
        active = (count + width - 1) // width * width
        _begin(x0, theta, first, count, lanes, codes)
        for s in range(t.size):
            _inputs(u, max(s - 1, 0), first, count, wide, us)
            if s > 0:
                carry(t[s - 1], t[s], steps[s - 1], us, x, x, parameters, wide, wide, active, work, finite)
                if _failed(finite, count) > 0:
                    _drop(finite, first, count, n, lanes, codes)
            if record[s] >= 0:
                if states.shape[0] > 0:
                    _keep(lanes, first, count, states[record[s]])
                observe(t[s], us, x, parameters, wide, wide, active, found)
                _keep(seen, first, count, observed[record[s]])
            if s < t.size - 1:
                reset_lanes(lanes, reset, s)
                row = _give(given, amount, row, s, first, count, lanes)
