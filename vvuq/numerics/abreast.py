"""Runs of a model side by side, one in each lane: what the generated kernels of vvuq.models.lanes take.

lanes (n + p, W): the n states, then the p parameters, a column for each run."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, tanh
from typing import Any

import numpy as np
from numba.extending import typeof_impl

from vvuq.numerics.jit import F8, FIELD, FIELD_SIGNATURE, I8, INDICES, MATRIX, ROWS, VECTOR, Pointer, njit, types
from vvuq.numerics.reset import reset_lanes, reset_state
from vvuq.numerics.rk4 import rk4_interval

# carry(t0, t1, steps, u, source, x, theta, theta_stride, stride, lanes, work, finite): runs 0 .. lanes - 1 from t0 to
# t1 in equal steps, from source into x, which may be one and the same. Entry i of run k stands at i stride + k; of
# theta at i theta_stride + k, k counted modulo theta_stride. work: 6 n numbers for each lane that goes at once; finite
# (lanes,): 0 where the run ended finite, else not-a-number.
CARRY_SIGNATURE = types.void(F8, F8, I8, VECTOR, VECTOR, VECTOR, VECTOR, I8, I8, I8, VECTOR, VECTOR)
CARRY = types.FunctionType(CARRY_SIGNATURE)
# observe(t, u, x, theta, theta_stride, stride, lanes, y): all observables of all runs; y is laid out as x is.
OBSERVE_SIGNATURE = types.void(F8, VECTOR, VECTOR, VECTOR, I8, I8, I8, VECTOR)
OBSERVE = types.FunctionType(OBSERVE_SIGNATURE)

FLAT = types.Tuple((VECTOR, VECTOR, VECTOR, VECTOR))  # states and parameters of lanes, work, finite

IDENTITY, LOG, LOGIT = 0, 1, 2

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(CARRY_SIGNATURE, cache=True)
def _carry_nothing(t0, t1, steps, u, source, x, theta, theta_stride, stride, lanes, work, finite):
    pass


@njit(OBSERVE_SIGNATURE, cache=True)
def _observe_nothing(t, u, x, theta, theta_stride, stride, lanes, y):
    pass


@njit(FIELD_SIGNATURE, cache=True)
def _field_of_nothing(t, x, u, theta, out):
    pass


@lru_cache(maxsize=64)
def _function_type(signature: Any) -> Any:
    return types.FunctionType(signature)


@typeof_impl.register(Pointer)
def _type_of_pointer(pointer: Pointer, context: Any) -> Any:
    """numba would put the type together anew at each call of a kernel, which takes longer than many a kernel."""
    return _function_type(pointer.signature())


@lru_cache(maxsize=1)
def unused() -> tuple[Pointer, Pointer, Pointer]:
    """What stands where a kernel does not call: a carry, an observe, and a model's function of one run at a time."""
    return (
        Pointer(_carry_nothing, CARRY_SIGNATURE),
        Pointer(_observe_nothing, OBSERVE_SIGNATURE),
        Pointer(_field_of_nothing, FIELD_SIGNATURE),
    )


@njit(F8(I8, VECTOR, F8), **_options)
def back(kind, bounds, line):
    """A learned parameter from its place on the line (assimilation/transforms.py)."""
    if kind == LOG:
        return exp(line)
    if kind == LOGIT:
        return bounds[0] + (bounds[1] - bounds[0]) * 0.5 * (1.0 + tanh(0.5 * line))
    return line


@njit(types.void(MATRIX, I8, INDICES, INDICES, MATRIX, MATRIX), **_options)
def fill(points, n, learned, kinds, bounds, lanes):
    """Points (d, N) into lanes (n + p, W); those beyond N repeat the first, so that nothing odd is computed there."""
    count = points.shape[1]
    for i in range(points.shape[0]):
        row = i if i < n else n + learned[i - n]
        if i < n:
            for k in range(count):
                lanes[row, k] = points[i, k]
        else:
            for k in range(count):
                lanes[row, k] = back(kinds[i - n], bounds[i - n], points[i, k])
        for k in range(count, lanes.shape[1]):
            lanes[row, k] = lanes[row, 0]


@njit(I8(VECTOR, INDICES, I8, I8), **_options)
def _next(t, event, at, end):
    """The next boundary after `at` where something happens, or `end`."""
    at += 1
    while at < end and event[at] == 0:
        at += 1
    return at


@njit(I8(F8, F8, F8), **_options)
def _steps(t0, t1, step):
    """How many equal steps of at most `step` an interval takes (models/simulate.py)."""
    steps = ceil((t1 - t0) / step - 1e-9)
    return steps if steps > 1 else 1


@njit(types.void(CARRY, VECTOR, MATRIX, MATRIX, ROWS, INDICES, I8, I8, F8, MATRIX, FLAT), **_options)
def carry_lanes(carry, t, u, jump, reset, event, begin, end, step, lanes, flat):
    """All lanes from boundary `begin` to `end`; flat: views of their states and parameters, and room (see CARRY)."""
    (x, theta, work, finite), wide, at = flat, lanes.shape[1], begin
    while at < end:
        reset_lanes(lanes, reset, at)
        for i in range(jump.shape[1]):
            if jump[at, i] != 0.0:
                for k in range(wide):
                    lanes[i, k] += jump[at, i]
        after = _next(t, event, at, end)
        steps = _steps(t[at], t[after], step)
        carry(t[at], t[after], steps, u[at], x, x, theta, wide, wide, wide, work, finite)
        at = after


@njit(types.void(FIELD, VECTOR, MATRIX, MATRIX, ROWS, INDICES, I8, I8, F8, MATRIX, VECTOR, VECTOR, MATRIX), **_options)
def carry_singly(rhs, t, u, jump, reset, event, begin, end, step, lanes, x, theta, work):
    """carry_lanes by a model that runs one point at a time."""
    n = x.size
    for k in range(lanes.shape[1]):
        for i in range(n):
            x[i] = lanes[i, k]
        for i in range(theta.size):
            theta[i] = lanes[n + i, k]
        at = begin
        while at < end:
            reset_state(x, reset, at)
            for i in range(n):
                x[i] += jump[at, i]
            after = _next(t, event, at, end)
            rk4_interval(rhs, x, u[at], theta, t[at], t[after], _steps(t[at], t[after], step), work)
            at = after
        for i in range(n):
            lanes[i, k] = x[i]


@njit(types.void(FIELD, F8, VECTOR, MATRIX, VECTOR, VECTOR, VECTOR, MATRIX), **_options)
def observe_singly(observe, t, u, lanes, x, theta, y, seen):
    """All observables of each lane into seen (q, W)."""
    for k in range(lanes.shape[1]):
        for i in range(x.size):
            x[i] = lanes[i, k]
        for i in range(theta.size):
            theta[i] = lanes[x.size + i, k]
        observe(t, x, u, theta, y)
        for i in range(y.size):
            seen[i, k] = y[i]


@njit(types.void(MATRIX, INDICES, INDICES, VECTOR, MATRIX), **_options)
def observe_linearly(points, starts, columns, weights, seen):
    """A sparse operator (q, d), in compressed rows, on points (d, N), into seen (q, W)."""
    for i in range(starts.size - 1):
        for at in range(starts[i], starts[i + 1]):
            weight, row = weights[at], points[columns[at]]
            for k in range(row.size):
                seen[i, k] = weight * row[k] + (0.0 if at == starts[i] else seen[i, k])
        if starts[i] == starts[i + 1]:
            for k in range(points.shape[1]):
                seen[i, k] = 0.0


@njit(types.boolean(MATRIX, I8, MATRIX), **_options)
def gather(lanes, n, points):
    """The n states of lanes back into points (d, N); true where all are finite."""
    bad = 0
    for i in range(n):
        for k in range(points.shape[1]):
            points[i, k] = lanes[i, k]
            bad += 0 if abs(lanes[i, k]) < np.inf else 1
    return bad == 0
