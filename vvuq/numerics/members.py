"""Members of a belief carried ahead side by side, with the random walk of states and learned parameters."""

from __future__ import annotations

from math import sqrt
from typing import Any

from vvuq.numerics.abreast import CARRY, FLAT, OBSERVE, carry_lanes, fill
from vvuq.numerics.jit import CUBE, F8, I8, INDICES, MATRIX, VECTOR, njit, types
from vvuq.numerics.unscented_record import GRID, LEARNED

SIDE = types.Tuple((MATRIX, FLAT))  # lanes (n + p, W), which hold the parameters, and these as CARRY takes them

_options: Any = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(
    types.void(CARRY, OBSERVE, I8, GRID, INDICES, F8, LEARNED, VECTOR, MATRIX, CUBE, SIDE, MATRIX),
    **_options,
)
def members_ahead(carry, see, n, grid, row, step, how, drift, points, normals, side, seen):
    """Carries points (d, N), of n states, through the boundaries row (T + 1,) of a grid, in steps of at most `step`.

    At each boundary after the first the walk of SD drift (d,) per square root of time is added, by normals (T, d, N),
    and what the points would measure is written into a row of seen (T, q W). A point that fails holds not-a-number."""
    (t, u, jump, reset, event), (learned, kinds, bounds), (lanes, flat) = grid, how, side
    wide, count = lanes.shape[1], points.shape[1]
    for c in range(row.size - 1):
        begin, end = row[c], row[c + 1]
        fill(points, n, learned, kinds, bounds, lanes)
        carry_lanes(carry, t, u, jump, reset, event, begin, end, step, lanes, flat)
        root = sqrt(t[end] - t[begin])
        for i in range(points.shape[0]):
            for k in range(count):
                now = lanes[i, k] if i < n else points[i, k]
                points[i, k] = now + drift[i] * root * normals[c, i, k]
        fill(points, n, learned, kinds, bounds, lanes)
        see(t[end], u[end - 1 if end > 0 else 0], flat[0], flat[1], wide, wide, wide, seen[c])
