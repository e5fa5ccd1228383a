"""Runs a model forward for one or many members (parameter sets, initial states) under one schedule of inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vvuq.errors import InputError
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lane_paths import MUCH, PathKernel, path_kernel
from vvuq.models.model import Model
from vvuq.models.schedule import Amounts, Course, Grid, Integers, Schedule, amounts_on, compile_course, grid_of
from vvuq.numerics.dopri import dopri_paths
from vvuq.numerics.rk4 import observe_paths, rk4_paths
from vvuq.numerics.rows import LINE
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class RK4:
    """Classical fourth-order Runge-Kutta; every interval between events or records is cut into equal steps of at most
    `step`, at least `least` of them, where a model moves fastest just after an event. Filters step by `step` alone."""

    step: float
    least: int = 1


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Dormand-Prince 5(4) with local error control, restarted at every event; at most `limit` steps an interval."""

    rtol: float = 1e-8
    atol: float = 1e-10
    limit: int = 100_000


Tier = Literal["auto", "lanes", "pointer"]


@dataclass(frozen=True, slots=True)
class Paths:
    """Recorded trajectories: states (times, n, members), observed (times, observables, members), codes (members,).

    A member whose code is not 0 (numerics/codes.py) holds not-a-number from its failure on."""

    times: Floats
    states: Floats
    observed: Floats
    codes: Integers


def simulate(
    model: Model,
    schedule: Schedule,
    theta: Mapping[str, float] | Floats,
    times: Sequence[float] | Floats,
    *,
    method: RK4 | Adaptive,
    x0: Floats | None = None,
    start: float | None = None,
    tier: Tier = "auto",
    states: bool = True,
) -> Paths:
    """Simulates from `start` (default: the schedule's) and records at `times`, before any dose given then.

    theta: a mapping by name for one member, or (p,) or (p, members). x0: (n,) or (n, members), default zero.
    states: False leaves out Paths.states, (0, n, members), which is most of the memory of many members.
    tier: "lanes" runs members of RK4 side by side where the model has a form for it, which takes seconds to compile
    once, to the same bits; "auto" does where there is much to compute; "pointer" never.
    Raises InputError for what does not fit the model."""
    course = compile_course(model, schedule, times, start)
    amounts = amounts_on(model, [schedule], course)
    members = parameter_matrix(model, theta)
    initial = initial_states(model, x0, members.shape[1])
    if initial.shape[1] != members.shape[1]:
        members = np.array(np.broadcast_to(members, (members.shape[0], initial.shape[1])), order="C")
    if isinstance(method, RK4) and (kernel := kernel_for(model, course, method, members.shape[1], tier)) is not None:
        return abreast(model, kernel, course, amounts, members, initial, method, states)
    grid = grid_of(model, course, amounts)
    found, codes = _states(model, grid, members, initial, method)
    observed = np.full((found.shape[0], len(model.observables), members.shape[1]), np.nan)
    work = np.empty(len(model.states)), np.empty(members.shape[0]), np.empty(len(model.observables))
    observe_paths(observe_kernel(model), grid.t, grid.u, grid.record, members, found, observed, *work)
    return _paths(grid, found if states else found[:0], observed, codes)


def _states(model: Model, grid: Grid, theta: Floats, x0: Floats, method: RK4 | Adaptive) -> tuple[Floats, Integers]:
    out = np.full((int(grid.record.max()) + 1, *x0.shape), np.nan)
    codes = np.zeros(x0.shape[1], dtype=np.int64)
    common = rhs_kernel(model), x0, theta, grid.t, grid.u, grid.jump, grid.reset, grid.record
    if isinstance(method, RK4):
        rk4_paths(*common, interval_steps(grid.t, method.step, method.least), out, codes)
    else:
        dopri_paths(*common, method.rtol, method.atol, method.limit, out, codes)
    return out, codes


def kernel_for(
    model: Model, course: Course, method: RK4, members: int, tier: Tier, *, own_inputs: bool = False
) -> PathKernel | None:
    """The kernel that runs members side by side; None where it is not wanted, not worth it, or does not exist."""
    if tier == "pointer":
        return None
    if tier == "auto":
        steps = int(interval_steps(course.t, method.step, method.least).sum())
        if len(model.states) * members * steps < MUCH:
            return None
    return path_kernel(model, members, own_inputs=own_inputs)


def abreast(
    model: Model, kernel: PathKernel, course: Course, of: Amounts, theta: Floats, x0: Floats, method: RK4, states: bool
) -> Paths:
    """The paths of all members by such a kernel: theta (p, members), x0 (n, members)."""
    count, members = int(course.record.max()) + 1, x0.shape[1]
    part = min(kernel.width, LINE // 8)
    wide = max(-(-members // part) * part, kernel.width)
    kept, codes = _on_lines(count if states else 0, x0.shape[0], wide), np.empty(wide, dtype=np.int64)
    observed = _on_lines(count, len(model.observables), wide)
    event = np.zeros(course.t.size, dtype=np.int64)
    event[np.concatenate([of.given[:, 0], course.reset[:, 0]])] = 1
    event[-1] = 0  # what is given at the end is not simulated
    u, amount = (one if one.shape[-1] == 1 else _filled(one, wide) for one in (of.u, of.amount))
    kernel.run(
        course.t, u.reshape(-1), of.which, of.given, amount, course.reset, event, course.record,
        interval_steps(course.t, method.step, method.least), _filled(x0, wide).reshape(-1),
        _filled(theta, wide).reshape(-1), wide, kept.reshape(-1), observed.reshape(-1), codes,
    )  # fmt: skip
    return _paths(course, *(np.ascontiguousarray(one[..., :members]) for one in (kept, observed, codes)))


def _on_lines(*shape: int) -> Floats:
    """Room that begins at a line of the cache: each number of a wide kernel would else be written to two, at length."""
    size = math.prod(shape)
    room = np.empty(size + LINE // 8)
    first = -room.ctypes.data % LINE // 8
    return room[first : first + size].reshape(shape)


def _filled(matrix: Floats, wide: int) -> Floats:
    """With the last column repeated up to `wide` columns."""
    missing = wide - matrix.shape[-1]
    if missing:
        matrix = np.concatenate([matrix, np.repeat(matrix[..., -1:], missing, axis=-1)], axis=-1)
    return np.ascontiguousarray(matrix)


def _paths(grid: Course | Grid, states: Floats, observed: Floats, codes: Integers) -> Paths:
    """Rows of the grid as rows of the times that were asked for."""
    if grid.rows.size != observed.shape[0]:  # else nothing is to be copied
        states, observed = states[grid.rows] if states.shape[0] else states, observed[grid.rows]
    return Paths(grid.t[np.flatnonzero(grid.record >= 0)][grid.rows], states, observed, codes)


def interval_steps(t: Floats, step: float, least: int = 1) -> Integers:
    """How many equal steps of at most `step`, and how many at least, each interval of the boundaries t takes."""
    if not step > 0.0:
        raise InputError("integrator", "step", step, "a positive step")
    if not least >= 1:
        raise InputError("integrator", "least steps", least, "1 or more")
    return np.maximum(least, np.ceil(np.diff(t) / step - 1e-9)).astype(np.int64)


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


def initial_states(model: Model, x0: Floats | None, members: int) -> Floats:
    """x0 as (n, members), zero by default. Raises InputError for a shape that does not fit."""
    if x0 is None:
        return np.zeros((len(model.states), members))
    matrix = np.asarray(x0, dtype=float)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape[0] != len(model.states) or (members not in (1, matrix.shape[1]) and matrix.shape[1] != 1):
        raise InputError(model.name, "initial state", matrix.shape, f"({len(model.states)},) or one column a member")
    return np.array(np.broadcast_to(matrix, (matrix.shape[0], max(members, matrix.shape[1]))), order="C")
