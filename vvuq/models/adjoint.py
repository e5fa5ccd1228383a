"""Gradients by many parameters at once: RK4 forwards over a grid of its own for each run, then exactly backwards.

The cost of a gradient does not grow with the number of parameters. Backwards, every stage's slope goes through the
transposed Jacobian of the model (tape.py), so that the result is the derivative of the discrete solution, to rounding.
Kept of a run are its states, the points of its stages, and there what is dear to compute.

Source: Hager, Numer Math 87 (2000) 247."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vvuq.errors import InputError
from vvuq.models import kernels
from vvuq.models.model import Model
from vvuq.models.schedule import Grid, Schedule, compile_grid
from vvuq.models.simulate import interval_steps
from vvuq.models.tape import passes, trace
from vvuq.record import Floats

COSTS = {4: 1.1, 8: 1.0}  # of a run, by how many go at once
Integers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Kernel = Callable[..., None]
_TEXT = """
from vvuq.numerics.jit import I8, VECTOR
from vvuq.numerics.rows import local_rows, part, rows



@njit(error_model="numpy")
def first(p, c):
{first}


@njit(error_model="numpy")
def slope(t, x, u, p, c, kept, out):
{slope}


@njit(error_model="numpy")
def pull(t, x, u, p, c, kept, d, dx, dp, dc):
{pull}


@njit(error_model="numpy")
def last(p, dc, dp):
{last}


@njit(types.void(I8, I8, *[VECTOR] * 6), error_model="numpy", cache=True, nogil=True)
def forward(blocks, steps, times, inputs, jumps, theta, path, stages):
    k1, k2, k3, k4, c = {room}, {room}, {room}, {room}, local_rows({c}, {w})
    for block in range(blocks):
        p = rows(theta, block * {p} * {w}, {p}, {w}, {w})
        first(p, c)
        for step in range(steps):
            at = block * steps + step
            t = rows(times, (at + block) * {w}, 2, {w}, {w})
            u = rows(inputs, at * {k} * {w}, {k}, {w}, {w})
            jump = rows(jumps, at * {n} * {w}, {n}, {w}, {w})
            x = rows(path, (at + block) * {n} * {w}, {n}, {w}, {w})
            after = rows(path, (at + block + 1) * {n} * {w}, {n}, {w}, {w})
            stage = rows(stages, at * 4 * {m} * {w}, 4 * {m}, {w}, {w})
            y, y2, y3, y4 = {points}
            h = t[1] - t[0]
            for i in range({n}):
                y[i] = x[i] + jump[i]
            slope(t[0], y, u, p, c, part(y, {n}, {kept}), k1)
            for i in range({n}):
                y2[i] = y[i] + 0.5 * h * k1[i]
            slope(t[0] + 0.5 * h, y2, u, p, c, part(y2, {n}, {kept}), k2)
            for i in range({n}):
                y3[i] = y[i] + 0.5 * h * k2[i]
            slope(t[0] + 0.5 * h, y3, u, p, c, part(y3, {n}, {kept}), k3)
            for i in range({n}):
                y4[i] = y[i] + h * k3[i]
            slope(t[0] + h, y4, u, p, c, part(y4, {n}, {kept}), k4)
            for i in range({n}):
                after[i] = y[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


@njit(types.void(I8, I8, *[VECTOR] * 8), error_model="numpy", cache=True, nogil=True)
def backward(blocks, steps, times, inputs, jumps, theta, path, stages, d_path, d_theta):
    d, dy, dx, c, dc = {room}, {room}, {room}, local_rows({c}, {w}), local_rows({c}, {w})
    for block in range(blocks):
        p = rows(theta, block * {p} * {w}, {p}, {w}, {w})
        dp = rows(d_theta, block * {p} * {w}, {p}, {w}, {w})
        first(p, c)
        for i in range({c}):
            dc[i] = 0.0
        for back in range(steps):
            step = steps - 1 - back
            at = block * steps + step
            t = rows(times, (at + block) * {w}, 2, {w}, {w})
            u = rows(inputs, at * {k} * {w}, {k}, {w}, {w})
            before = rows(d_path, (at + block) * {n} * {w}, {n}, {w}, {w})
            after = rows(d_path, (at + block + 1) * {n} * {w}, {n}, {w}, {w})
            stage = rows(stages, at * 4 * {m} * {w}, 4 * {m}, {w}, {w})
            y, y2, y3, y4 = {points}
            h = t[1] - t[0]
            for i in range({n}):
                d[i] = h / 6.0 * after[i]
            pull(t[0] + h, y4, u, p, c, part(y4, {n}, {kept}), d, dy, dp, dc)
            for i in range({n}):
                dx[i] = after[i] + dy[i]
                d[i] = h / 3.0 * after[i] + h * dy[i]
            pull(t[0] + 0.5 * h, y3, u, p, c, part(y3, {n}, {kept}), d, dy, dp, dc)
            for i in range({n}):
                dx[i] += dy[i]
                d[i] = h / 3.0 * after[i] + 0.5 * h * dy[i]
            pull(t[0] + 0.5 * h, y2, u, p, c, part(y2, {n}, {kept}), d, dy, dp, dc)
            for i in range({n}):
                dx[i] += dy[i]
                d[i] = h / 6.0 * after[i] + 0.5 * h * dy[i]
            pull(t[0], y, u, p, c, part(y, {n}, {kept}), d, dy, dp, dc)
            for i in range({n}):
                before[i] += dx[i] + dy[i]
        last(p, dc, dp)
"""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of a model, each under its own schedule, what is read of them and by what slopes are taken.

    For the kernels they stand in blocks of W, the last one filled up with copies of the first run; a shorter run ends
    with steps of length 0. t (blocks, S + 1, 1, W), u (blocks, S, k, W), jump (blocks, S, n, W). places: where in
    (blocks, S + 1, n, W) the states that are read stand, as (runs, R, states); once: no place twice."""

    model: Model
    parameters: Integers
    t: Floats
    u: Floats
    jump: Floats
    places: tuple[Integers, Integers, Integers, Integers]
    once: bool

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.places[0])


@dataclass(frozen=True, slots=True)
class Course:
    """What a pass forwards leaves: what was read, states (R, states, runs), and what the way back needs."""

    states: Floats
    theta: Floats
    path: Floats
    stages: Floats


@lru_cache(maxsize=32)
def _compiled(model: Model, parameters: tuple[int, ...], width: int) -> tuple[Kernel, Kernel, int]:
    """The passes forwards and backwards, and how many numbers a stage keeps."""
    n, k, p = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    try:
        found = passes(trace(model.rhs, (n, k, p), n), parameters)
    except TypeError as error:
        raise InputError(model.name, "right-hand side", str(error), "no branches: where() chooses without") from error

    def body(lines: list[str]) -> str:
        return "\n".join(f"    {line}" for line in lines or ["pass"])

    m = n + found.kept
    text = kernels.head(model, "FIELD_SIGNATURE") + _TEXT.format(
        n=n, k=k, p=p, m=m, w=width, c=found.constants, kept=found.kept, room=f"local_rows({n}, {width})",
        points=", ".join(f"part(stage, {i * m}, {m})" for i in range(4)),
        first=body(found.first), slope=body(found.slope), pull=body(found.pull), last=body(found.last),
    )  # fmt: skip
    made = kernels.module(text)
    return made.forward, made.backward, m


def runs(
    model: Model,
    schedules: Sequence[Schedule],
    times: Sequence[Sequence[float]] | Floats,
    step: float,
    *,
    starts: Sequence[float] | None = None,
    states: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
) -> Runs:
    """Runs under `schedules` from `starts` on (default: the schedules'), in steps of at most `step` between events, of
    which `states` are read at times (runs, R), and slopes taken by `parameters` (default: all of both).

    Raises InputError for resets, which this way back does not know, and for what does not fit the model."""
    begins = [schedule.start for schedule in schedules] if starts is None else starts
    cases = zip(schedules, times, begins, strict=True)
    grids = [compile_grid(model, schedule, at, begin) for schedule, at, begin in cases]
    if any(len(grid.reset) for grid in grids):
        raise InputError(model.name, "resets", "some", "schedules without: there is no way back through them yet")
    walked = [_walked(grid, step) for grid in grids]
    longest = max(t.size for t, *_ in walked) - 1
    width = min(COSTS, key=lambda width: -(-len(grids) // width) * width * COSTS[width])
    filled = [_filled(one, longest) for one in walked]
    filled += filled[:1] * (-len(filled) % width)
    t, u, jump = (_blocks(np.stack([one[i] for one in filled], axis=-1), width) for i in range(3))
    at, run = np.stack([one[3] for one in walked])[:, :, None], np.arange(len(grids))[:, None, None]
    read = np.array([model.state_index(name) for name in (model.states if states is None else states)], dtype=np.int64)
    names = [p.name for p in model.parameters] if parameters is None else parameters
    by = np.array([model.parameter_index(name) for name in names], dtype=np.int64)
    once = bool(np.all(np.diff(at, axis=1) > 0)) and np.unique(read).size == read.size
    return Runs(model, by, t, u, jump, (run // width, at, read, run % width), once)


def _walked(grid: Grid, step: float) -> tuple[Floats, Floats, Floats, Integers]:
    """t (S + 1, 1), u (S, k), jump (S, n) by single steps, and the boundary of each recorded time."""
    steps = interval_steps(grid.t, step) if grid.t.size > 1 else np.zeros(0, dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(steps)])
    pieces = [np.linspace(a, b, m + 1)[:-1] for a, b, m in zip(grid.t, grid.t[1:], steps, strict=False)]
    jump = np.zeros((int(first[-1]), grid.jump.shape[1]))
    jump[first[:-1]] = grid.jump[:-1]
    recorded = np.empty(int(grid.record.max()) + 1, dtype=np.int64)
    recorded[grid.record[grid.record >= 0]] = first[grid.record >= 0]
    u = np.repeat(grid.u[: steps.size], steps, axis=0)
    return np.concatenate([*pieces, grid.t[-1:]])[:, None], u, jump, recorded[grid.rows]


def _filled(one: tuple[Floats, Floats, Floats, Integers], steps: int) -> tuple[Floats, Floats, Floats]:
    """Steps of length 0, without events, up to `steps`."""
    t, u, jump, _ = one
    more = steps - len(u)
    last = u[-1:] if len(u) else np.ones((1, u.shape[1]))
    return (
        np.concatenate([t, np.repeat(t[-1:], more, axis=0)]),
        np.concatenate([u, np.repeat(last, more, axis=0)]),
        np.concatenate([jump, np.zeros((more, jump.shape[1]))]),
    )


def _blocks(whole: Floats, width: int) -> Floats:
    """(..., runs) as (blocks, ..., width)."""
    apart = whole.reshape(*whole.shape[:-1], whole.shape[-1] // width, width)
    return np.ascontiguousarray(np.moveaxis(apart, -2, 0))


def _of_runs(values: Floats, over: Runs) -> Floats:
    """(rows,) or (rows, runs), in blocks."""
    count, width = over.count, over.t.shape[-1]
    whole = np.broadcast_to(values if values.ndim == 2 else values[:, None], (values.shape[0], count))
    return _blocks(np.concatenate([whole, np.repeat(whole[:, :1], -count % width, axis=1)], axis=1), width)


def _lanes(blocks: Floats, count: int) -> Floats:
    """(blocks, rows, width) as (rows, runs)."""
    moved = np.moveaxis(blocks, 0, 1)
    return moved.reshape(moved.shape[0], moved.shape[1] * moved.shape[2])[:, :count]


def go(over: Runs, theta: Floats, x0: Floats, into: Course | None = None) -> Course:
    """All runs forwards; theta (p,) or (p, runs), x0 (n,) or (n, runs). into: an earlier course over the same runs,
    whose memory is used again."""
    blocks, steps, n, width = over.jump.shape
    forward, _, kept = _compiled(over.model, tuple(over.parameters.tolist()), width)
    path = np.empty((blocks, steps + 1, n, width)) if into is None else into.path
    stages = np.empty((blocks, steps, 4, kept, width)) if into is None else into.stages
    own = _of_runs(theta, over)
    path[:, 0] = _of_runs(x0, over)
    forward(blocks, steps, *(one.ravel() for one in (over.t, over.u, over.jump, own, path, stages)))
    return Course(np.moveaxis(path[over.places], 0, -1), own, path, stages)


def back(over: Runs, course: Course, slopes: Floats) -> tuple[Floats, Floats]:
    """From the slopes of a loss by the states that were read (R, states, runs) its slopes by the parameters
    (parameters, runs) and by x0 (n, runs)."""
    blocks, steps, _, width = over.jump.shape
    d_path, d_theta, given = np.zeros_like(course.path), np.zeros_like(course.theta), np.moveaxis(slopes, -1, 0)
    if over.once:
        d_path[over.places] = given
    else:
        np.add.at(d_path, over.places, given)
    flat = (over.t, over.u, over.jump, course.theta, course.path, course.stages, d_path, d_theta)
    backward = _compiled(over.model, tuple(over.parameters.tolist()), width)[1]
    backward(blocks, steps, *(one.ravel() for one in flat))
    return _lanes(d_theta, over.count)[over.parameters], _lanes(d_path[:, 0], over.count)
