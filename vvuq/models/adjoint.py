"""Gradients by many parameters at once: RK4 forwards over a grid of its own for each run, then exactly backwards.

The cost of a gradient does not grow with the number of parameters. Backwards, every stage's slope goes through the
transposed Jacobian of the model (tape.py), so that the result is the derivative of the discrete solution, to rounding.
Kept of a run are its state at each boundary and the points of its stages.

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
from vvuq.models.tape import backward_text, forward_text, trace
from vvuq.record import Floats

WIDTH = 4  # runs that go at once
_TEXT = """
from vvuq.numerics.jit import I8, VECTOR
from vvuq.numerics.rows import local_rows, part, rows


@njit(error_model="numpy")
def slope(t, x, u, p, out):
{forward}


@njit(error_model="numpy")
def pull(t, x, u, p, d, dx, dp):
    for i in range({n}):
        dx[i] = 0.0
{backward}


@njit(types.void(I8, I8, *[VECTOR] * 6), error_model="numpy", cache=True, nogil=True)
def forward(blocks, steps, times, inputs, jumps, theta, path, stages):
    k1, k2, k3, k4 = {room}, {room}, {room}, {room}
    for block in range(blocks):
        p = rows(theta, block * {p} * {w}, {p}, {w}, {w})
        for step in range(steps):
            at = block * steps + step
            t = rows(times, (at + block) * {w}, 2, {w}, {w})
            u = rows(inputs, at * {k} * {w}, {k}, {w}, {w})
            jump = rows(jumps, at * {n} * {w}, {n}, {w}, {w})
            x = rows(path, (at + block) * {n} * {w}, {n}, {w}, {w})
            after = rows(path, (at + block + 1) * {n} * {w}, {n}, {w}, {w})
            y = rows(stages, at * 4 * {n} * {w}, 4 * {n}, {w}, {w})
            y2, y3, y4 = {points}
            h = t[1] - t[0]
            for i in range({n}):
                y[i] = x[i] + jump[i]
            slope(t[0], y, u, p, k1)
            for i in range({n}):
                y2[i] = y[i] + 0.5 * h * k1[i]
            slope(t[0] + 0.5 * h, y2, u, p, k2)
            for i in range({n}):
                y3[i] = y[i] + 0.5 * h * k2[i]
            slope(t[0] + 0.5 * h, y3, u, p, k3)
            for i in range({n}):
                y4[i] = y[i] + h * k3[i]
            slope(t[0] + h, y4, u, p, k4)
            for i in range({n}):
                after[i] = y[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


@njit(types.void(I8, I8, *[VECTOR] * 8), error_model="numpy", cache=True, nogil=True)
def backward(blocks, steps, times, inputs, jumps, theta, path, stages, d_path, d_theta):
    d, dy, dx = {room}, {room}, {room}
    for block in range(blocks):
        p = rows(theta, block * {p} * {w}, {p}, {w}, {w})
        dp = rows(d_theta, block * {p} * {w}, {p}, {w}, {w})
        for back in range(steps):
            step = steps - 1 - back
            at = block * steps + step
            t = rows(times, (at + block) * {w}, 2, {w}, {w})
            u = rows(inputs, at * {k} * {w}, {k}, {w}, {w})
            before = rows(d_path, (at + block) * {n} * {w}, {n}, {w}, {w})
            after = rows(d_path, (at + block + 1) * {n} * {w}, {n}, {w}, {w})
            y = rows(stages, at * 4 * {n} * {w}, 4 * {n}, {w}, {w})
            y2, y3, y4 = {points}
            h = t[1] - t[0]
            for i in range({n}):
                d[i] = h / 6.0 * after[i]
            pull(t[0] + h, y4, u, p, d, dy, dp)
            for i in range({n}):
                dx[i] = after[i] + dy[i]
                d[i] = h / 3.0 * after[i] + h * dy[i]
            pull(t[0] + 0.5 * h, y3, u, p, d, dy, dp)
            for i in range({n}):
                dx[i] += dy[i]
                d[i] = h / 3.0 * after[i] + 0.5 * h * dy[i]
            pull(t[0] + 0.5 * h, y2, u, p, d, dy, dp)
            for i in range({n}):
                dx[i] += dy[i]
                d[i] = h / 6.0 * after[i] + 0.5 * h * dy[i]
            pull(t[0], y, u, p, d, dy, dp)
            for i in range({n}):
                before[i] += dx[i] + dy[i]
"""


@dataclass(frozen=True, slots=True)
class Backwards:
    """The compiled passes of a model."""

    forward: Callable[..., None]
    backward: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of a model, each under its own schedule, as the kernels take them: blocks of WIDTH, the last one filled up
    with copies of the first run. A shorter run ends with steps of length 0.

    t (blocks, S + 1, 1, W), u (blocks, S, k, W), jump (blocks, S, n, W); rows (runs, R): the boundary of each time
    that was asked for."""

    count: int
    t: Floats
    u: Floats
    jump: Floats
    rows: np.ndarray[tuple[int, int], np.dtype[np.int64]]

    @property
    def steps(self) -> int:
        """Steps of each run."""
        return int(self.u.shape[1])


@dataclass(frozen=True, slots=True)
class Course:
    """What a pass forwards leaves: states (R, n, runs) at the times asked for, and what the way back needs."""

    states: Floats
    theta: Floats
    path: Floats
    stages: Floats


@lru_cache(maxsize=16)
def backwards(model: Model) -> Backwards:
    """The passes of a model. Raises InputError where its right-hand side branches on a value."""
    n, k, p = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    try:
        found = trace(model.rhs, (n, k, p), n)
    except TypeError as error:
        raise InputError(model.name, "right-hand side", str(error), "no branches: where() chooses without") from error

    def body(lines: list[str]) -> str:
        return "\n".join(f"    {line}" for line in lines)

    text = kernels.head(model, "FIELD_SIGNATURE") + _TEXT.format(
        n=n, k=k, p=p, w=WIDTH, room=f"local_rows({n}, {WIDTH})",
        points=", ".join(f"part(y, {i * n}, {n})" for i in (1, 2, 3)),
        forward=body(forward_text(found)), backward=body(backward_text(found)),
    )  # fmt: skip
    made = kernels.module(text)
    return Backwards(made.forward, made.backward)


def runs(
    model: Model,
    schedules: Sequence[Schedule],
    times: Sequence[Sequence[float]] | Floats,
    step: float,
    starts: Sequence[float] | None = None,
) -> Runs:
    """Runs under `schedules`, recorded at times (runs, R), in steps of at most `step` between events, from `starts` on
    (default: the schedules').

    Raises InputError for resets, which this way back does not know, and for what does not fit the model."""
    begins = [schedule.start for schedule in schedules] if starts is None else starts
    cases = zip(schedules, times, begins, strict=True)
    grids = [compile_grid(model, schedule, at, begin) for schedule, at, begin in cases]
    if any(len(grid.reset) for grid in grids):
        raise InputError(model.name, "resets", "some", "schedules without: there is no way back through them yet")
    walked = [_walked(grid, step) for grid in grids]
    longest = max(t.size for t, *_ in walked) - 1
    filled = [_filled(one, longest) for one in walked]
    filled += filled[:1] * (-len(filled) % WIDTH)
    t, u, jump = (_blocks(np.stack([one[i] for one in filled], axis=-1)) for i in range(3))
    return Runs(len(grids), t, u, jump, np.stack([one[3] for one in walked]))


def _walked(grid: Grid, step: float) -> tuple[Floats, Floats, Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
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


def _filled(
    one: tuple[Floats, Floats, Floats, np.ndarray[tuple[int], np.dtype[np.int64]]], steps: int
) -> tuple[Floats, Floats, Floats]:
    """Steps of length 0, without events, up to `steps`."""
    t, u, jump, _ = one
    more = steps - len(u)
    last = u[-1:] if len(u) else np.ones((1, u.shape[1]))
    return (
        np.concatenate([t, np.repeat(t[-1:], more, axis=0)]),
        np.concatenate([u, np.repeat(last, more, axis=0)]),
        np.concatenate([jump, np.zeros((more, jump.shape[1]))]),
    )


def _blocks(whole: Floats) -> Floats:
    """(..., runs) as (blocks, ..., WIDTH)."""
    return np.ascontiguousarray(np.moveaxis(whole.reshape(*whole.shape[:-1], whole.shape[-1] // WIDTH, WIDTH), -2, 0))


def _lanes(blocks: Floats) -> Floats:
    """(blocks, ..., WIDTH) as (..., runs)."""
    moved = np.moveaxis(blocks, 0, -2)
    return moved.reshape(*moved.shape[:-2], moved.shape[-2] * WIDTH)


def _of_runs(values: Floats, count: int) -> Floats:
    """(rows,) or (rows, runs), in blocks."""
    whole = np.broadcast_to(values if values.ndim == 2 else values[:, None], (values.shape[0], count))
    return _blocks(np.concatenate([whole, np.repeat(whole[:, :1], -count % WIDTH, axis=1)], axis=1))


def go(model: Model, over: Runs, theta: Floats, x0: Floats) -> Course:
    """All runs forwards; theta (p,) or (p, runs), x0 (n,) or (n, runs)."""
    n, blocks = len(model.states), len(over.t)
    path, stages = np.empty((blocks, over.steps + 1, n, WIDTH)), np.empty((blocks, over.steps, 4, n, WIDTH))
    path[:, 0] = _of_runs(x0, over.count)
    own = _of_runs(theta, over.count)
    flat = (over.t.ravel(), over.u.ravel(), over.jump.ravel(), own.ravel(), path.ravel(), stages.ravel())
    backwards(model).forward(blocks, over.steps, *flat)
    states = _lanes(path)[:, :, : over.count]
    return Course(np.stack([states[over.rows[i], :, i] for i in range(over.count)], axis=-1), own, path, stages)


def back(model: Model, over: Runs, course: Course, slopes: Floats) -> tuple[Floats, Floats]:
    """From the slopes of a loss by the states (R, n, runs) its slopes by theta (p, runs) and by x0 (n, runs)."""
    blocks, n = len(over.t), len(model.states)
    whole = np.zeros((over.steps + 1, n, blocks * WIDTH))
    for i in range(over.count):
        np.add.at(whole[:, :, i], over.rows[i], slopes[:, :, i])
    d_path, d_theta = _blocks(whole), np.zeros_like(course.theta)
    flat = (over.t, over.u, over.jump, course.theta, course.path, course.stages, d_path, d_theta)
    backwards(model).backward(blocks, over.steps, *(one.ravel() for one in flat))
    return _lanes(d_theta)[:, : over.count], _lanes(d_path)[0, :, : over.count]
