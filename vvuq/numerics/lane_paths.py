"""Whole paths of many runs side by side: what the kernels that vvuq.models.lane_paths generates do on rk4.py's grid of
events, apart from the model. Each run has, to the last bit, what rk4_paths and observe_paths make of it alone.

paths(t, u, which, given, amount, reset, event, record, steps, x0, theta, members, states, observed, codes):
vectors hold arrays whose last axis are the members, W or more, best in whole lines of the cache; the last W go at once,
some of them anew where W does not divide their number. x0 (n,), theta (p,), states (records, n), which may be empty,
observed (records, q), and inputs u (R, k), which are common to all without that axis; interval s has row which[s] of
them. given (J, 2) holds (boundary, state) of what is added, the boundaries ascending, and amount (J, 1) or (J, members)
how much; event (S + 1,) is not 0 where something is reset or added.
lanes (n, W): the states of the runs that go at once."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from vvuq.numerics.jit import I8, INDICES, MATRIX, ROWS, VECTOR, njit, types
from vvuq.numerics.reset import reset_lanes

PATHS_SIGNATURE = types.void(
    VECTOR, VECTOR, INDICES, ROWS, MATRIX, ROWS, INDICES, INDICES, INDICES, VECTOR, VECTOR, I8, VECTOR, VECTOR, INDICES
)
_OK, _NOT_FINITE = 0, 1

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(types.void(MATRIX, I8, INDICES), **_options)
def drop(lanes, first, codes):
    """The states of runs that are not finite become not-a-number, and remain so."""
    for k in range(lanes.shape[1]):
        for i in range(lanes.shape[0]):
            if not isfinite(lanes[i, k]):
                codes[first + k] = _NOT_FINITE
        for i in range(lanes.shape[0]):
            if codes[first + k] != _OK:
                lanes[i, k] = np.nan


@njit(types.void(MATRIX, I8, INDICES), **_options)
def begin(lanes, first, codes):
    """All runs are well but those that begin without a finite state."""
    for k in range(lanes.shape[1]):
        codes[first + k] = _OK
    drop(lanes, first, codes)


@njit(I8(MATRIX, ROWS, ROWS, MATRIX, I8, I8, I8), **_options)
def change(lanes, reset, given, amount, row, s, first):
    """Resets at boundary s, then adds what is given there, from `row` of given on; returns the next row."""
    reset_lanes(lanes, reset, s)
    while row < given.shape[0] and given[row, 0] == s:
        i = given[row, 1]
        for k in range(lanes.shape[1]):
            lanes[i, k] += amount[row, first + k if amount.shape[1] > 1 else 0]
        row += 1
    return row
