"""Resets: at a boundary of a grid, a state takes the sum of states, as they stand before anything is given then.

reset (R, 3) holds rows (boundary, target, source), all rows of a boundary and of a target one behind the other, the
boundaries ascending. No target of a boundary is a source of another one there, so that their order does not matter.
The map is linear: derivatives of the state go the same way."""

from __future__ import annotations

from vvuq.numerics.jit import I8, MATRIX, ROWS, VECTOR, njit, types


@njit(I8(ROWS, I8), error_model="numpy", cache=True, nogil=True)
def first_of(reset, boundary):
    """The first row of a boundary or of a later one."""
    low, high = 0, reset.shape[0]
    while low < high:
        middle = (low + high) // 2
        if reset[middle, 0] < boundary:
            low = middle + 1
        else:
            high = middle
    return low


@njit(types.void(VECTOR, ROWS, I8), error_model="numpy", cache=True, nogil=True)
def reset_state(x, reset, boundary):
    """The resets of one boundary on the state x (n,), in place."""
    row = first_of(reset, boundary)
    while row < reset.shape[0] and reset[row, 0] == boundary:
        target, total = reset[row, 1], x[reset[row, 2]]
        row += 1
        while row < reset.shape[0] and reset[row, 0] == boundary and reset[row, 1] == target:
            total += x[reset[row, 2]]
            row += 1
        x[target] = total


@njit(types.void(MATRIX, ROWS, I8), error_model="numpy", cache=True, nogil=True)
def reset_lanes(lanes, reset, boundary):
    """reset_state on each column of lanes (n or more, W)."""
    row = first_of(reset, boundary)
    while row < reset.shape[0] and reset[row, 0] == boundary:
        begin, target = row, reset[row, 1]
        while row < reset.shape[0] and reset[row, 0] == boundary and reset[row, 1] == target:
            row += 1
        for k in range(lanes.shape[1]):
            total = lanes[reset[begin, 2], k]
            for r in range(begin + 1, row):
                total += lanes[reset[r, 2], k]
            lanes[target, k] = total
