"""An oracle of derivatives that shares no code with the shipped ones: RK4 in Python's own complex numbers.

f(theta + i h) / h has no cancellation, so that h can be 1e-30 and the derivative of the discrete solution is exact to
rounding. Source: Squire & Trapp, SIAM Review 40 (1998) 110."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from vvuq.models import Model, Schedule
from vvuq.models.schedule import compile_grid
from vvuq.record import Floats

STEP = 1e-30


def by_complex_step(
    model: Model,
    schedule: Schedule,
    theta: Sequence[float],
    parameters: Sequence[str],
    times: Sequence[float],
    step: float,
    x0: Sequence[float] | None = None,
    initial: Sequence[str] = (),
) -> tuple[Floats, Floats]:
    """Observables (times, q) and slopes (times, q, k). Raises KinkError where a kink is hit."""
    places = [(model.parameter_index(name), 0) for name in parameters]
    places += [(model.state_index(name), 1) for name in initial]
    columns = []
    for i, kind in places or [(-1, 0)]:
        p, x = list(map(complex, theta)), list(map(complex, x0 or [0.0] * len(model.states)))
        if i >= 0:
            (p, x)[kind][i] += 1j * STEP
        columns.append(observed(model, schedule, p, times, step, x))
    seen = np.stack(columns, axis=-1)
    return seen[:, :, 0].real, seen.imag[:, :, : len(places)] / STEP


def observed(
    model: Model, schedule: Schedule, theta: list[complex], times: Sequence[float], step: float, x: list[complex]
) -> np.ndarray[tuple[int, int], np.dtype[np.complex128]]:
    """Observables (times, q) at complex parameters, by the grid and the steps of the shipped integrator."""
    grid = compile_grid(model, schedule, times)
    found = np.full((int(grid.record.max()) + 1, len(model.observables)), np.nan, dtype=complex)

    def slope(t: float, x: list[complex], u: list[float]) -> list[complex]:
        dx: list[complex] = [0j] * len(x)
        model.rhs(t, tuple(x), u, theta, dx)
        return dx

    def along(x: list[complex], h: float, k: list[complex]) -> list[complex]:
        return [a + h * b for a, b in zip(x, k, strict=True)]

    for s in range(grid.t.size):
        u = tuple(map(float, grid.u[max(s - 1, 0)]))
        steps = max(1, ceil((grid.t[s] - grid.t[s - 1]) / step - 1e-9)) if s else 0
        h = float(grid.t[s] - grid.t[s - 1]) / steps if s else 0.0
        for j in range(steps):
            t = float(grid.t[s - 1]) + j * h
            k1 = slope(t, x, u)
            k2 = slope(t + h / 2, along(x, h / 2, k1), u)
            k3 = slope(t + h / 2, along(x, h / 2, k2), u)
            k4 = slope(t + h, along(x, h, k3), u)
            x = [a + h / 6 * (p + 2 * q + 2 * r + v) for a, p, q, r, v in zip(x, k1, k2, k3, k4, strict=True)]
        if grid.record[s] >= 0:
            for i, o in enumerate(model.observables):
                y = [0j]
                o.function(float(grid.t[s]), tuple(x), u, theta, y)
                found[grid.record[s], i] = y[0]
        before = list(x)
        for target in {int(row[1]) for row in grid.reset if row[0] == s}:
            x[target] = sum((before[row[2]] for row in grid.reset if row[0] == s and row[1] == target), 0j)
        x = along(x, 1.0, list(map(complex, grid.jump[s])))
    return found[grid.rows]
