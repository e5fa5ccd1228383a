"""Runs a model forward for one or many members (parameter sets, initial states) under one schedule of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.model import Model
from vvuq.models.schedule import Grid, Schedule, compile_grid
from vvuq.numerics.dopri import dopri_paths
from vvuq.numerics.rk4 import observe_paths, rk4_paths
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class RK4:
    """Classical fourth-order Runge-Kutta; every interval between events is cut into equal steps of at most `step`."""

    step: float


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Dormand-Prince 5(4) with local error control, restarted at every event; at most `limit` steps an interval."""

    rtol: float = 1e-8
    atol: float = 1e-10
    limit: int = 100_000


@dataclass(frozen=True, slots=True)
class Paths:
    """Recorded trajectories: states (times, n, members), observed (times, observables, members), codes (members,).

    A member whose code is not 0 (numerics/codes.py) holds not-a-number from its failure on."""

    times: Floats
    states: Floats
    observed: Floats
    codes: np.ndarray[tuple[int], np.dtype[np.int64]]


def simulate(
    model: Model,
    schedule: Schedule,
    theta: Mapping[str, float] | Floats,
    times: Sequence[float] | Floats,
    *,
    method: RK4 | Adaptive,
    x0: Floats | None = None,
    start: float | None = None,
) -> Paths:
    """Simulates from `start` (default: the schedule's) and records at `times`, before any dose given then.

    theta: a mapping by name for one member, or (p,) or (p, members). x0: (n,) or (n, members), default zero.
    Raises InputError for what does not fit the model."""
    grid = compile_grid(model, schedule, times, start)
    members = parameter_matrix(model, theta)
    initial = _initial(model, x0, members.shape[1])
    if initial.shape[1] != members.shape[1]:
        members = np.array(np.broadcast_to(members, (members.shape[0], initial.shape[1])), order="C")
    states, codes = _states(model, grid, members, initial, method)
    observed = np.full((states.shape[0], len(model.observables), members.shape[1]), np.nan)
    work = np.empty(len(model.states)), np.empty(members.shape[0]), np.empty(len(model.observables))
    observe_paths(observe_kernel(model), grid.t, grid.u, grid.record, members, states, observed, *work)
    return Paths(np.asarray(times, dtype=float), states[grid.rows], observed[grid.rows], codes)


def _states(
    model: Model, grid: Grid, theta: Floats, x0: Floats, method: RK4 | Adaptive
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    out = np.full((int(grid.record.max()) + 1, *x0.shape), np.nan)
    codes = np.zeros(x0.shape[1], dtype=np.int64)
    common = rhs_kernel(model), x0, theta, grid.t, grid.u, grid.jump, grid.reset, grid.record
    if isinstance(method, RK4):
        rk4_paths(*common, interval_steps(grid.t, method.step), out, codes)
    else:
        dopri_paths(*common, method.rtol, method.atol, method.limit, out, codes)
    return out, codes


def interval_steps(t: Floats, step: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many equal steps of at most `step` each interval of the boundaries t takes."""
    if not step > 0.0:
        raise InputError("integrator", "step", step, "a positive step")
    return np.maximum(1, np.ceil(np.diff(t) / step - 1e-9)).astype(np.int64)


def parameter_matrix(model: Model, theta: Mapping[str, float] | Floats) -> Floats:
    """theta as (p, members), float64. Raises InputError for a missing or unknown name, a wrong length, not finite."""
    names = [p.name for p in model.parameters]
    if isinstance(theta, Mapping):
        if set(theta) != set(names):
            raise InputError(model.name, "parameters", sorted(theta), f"exactly {', '.join(names)}")
        theta = np.array([theta[name] for name in names])
    matrix = np.array(theta, dtype=float)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape[0] != len(names) or not np.all(np.isfinite(matrix)):
        raise InputError(
            model.name, "parameters", matrix.shape, f"finite values, one row for each of {', '.join(names)}"
        )
    return np.ascontiguousarray(matrix)


def _initial(model: Model, x0: Floats | None, members: int) -> Floats:
    if x0 is None:
        return np.zeros((len(model.states), members))
    matrix = np.asarray(x0, dtype=float)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape[0] != len(model.states) or (members not in (1, matrix.shape[1]) and matrix.shape[1] != 1):
        raise InputError(model.name, "initial state", matrix.shape, f"({len(model.states)},) or one column a member")
    return np.array(np.broadcast_to(matrix, (matrix.shape[0], max(members, matrix.shape[1]))), order="C")
