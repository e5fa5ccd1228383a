"""Exact derivatives of what a model predicts, by the complex step: f(theta + i h) / h has no cancellation, so h can be
1e-30 and the derivative of the discrete solution is exact to rounding.

Source: Squire & Trapp, SIAM Review 40 (1998) 110."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule, compile_grid
from vvuq.models.simulate import RK4, interval_steps
from vvuq.numerics.rk4 import observe_paths_complex, rk4_paths_complex
from vvuq.record import Floats

STEP = 1e-30


def predict_with_derivatives(
    model: Model,
    schedule: Schedule,
    theta: Floats,
    parameters: Sequence[str],
    times: Sequence[float] | Floats,
    *,
    method: RK4,
) -> tuple[Floats, Floats]:
    """Observables (times, q) at theta (p,) and their derivatives (times, q, k) by k named parameters.

    The initial state is zero, whatever theta. Not-a-number where a kink is hit or the solution is not finite."""
    grid = compile_grid(model, schedule, times)
    k = max(len(parameters), 1)
    members = np.repeat(np.asarray(theta, dtype=complex)[:, None], k, axis=1)
    for j, name in enumerate(parameters):
        members[model.parameter_index(name), j] += 1j * STEP
    rows = int(grid.record.max()) + 1
    states = np.full((rows, len(model.states), k), np.nan, dtype=complex)
    x0 = np.zeros((len(model.states), k), dtype=complex)
    steps = interval_steps(grid.t, method.step)
    kernel = rhs_kernel(model, complex_numbers=True)
    rk4_paths_complex(kernel, x0, members, grid.t, grid.u, grid.jump, grid.reset, grid.record, steps, states)
    out = np.full((rows, len(model.observables), k), np.nan, dtype=complex)
    sizes = len(model.states), members.shape[0], len(model.observables)
    work = tuple(np.empty(size, dtype=complex) for size in sizes)
    observe = observe_kernel(model, complex_numbers=True)
    observe_paths_complex(observe, grid.t, grid.u, grid.record, members, states, out, *work)
    return out[grid.rows, :, 0].real, out[grid.rows].imag[:, :, : len(parameters)] / STEP
