"""Points (t, x, u) that a course passes through, just after and between its events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.models.schedule import compile_grid, given_at
from vvuq.models.simulate import simulate
from vvuq.models.twin import Twin
from vvuq.record import Floats
from vvuq.testing.cases import Course, reference, watch


@dataclass(frozen=True, slots=True)
class Point:
    """A state x (n,) under the inputs u (k,) at t; `piece` numbers, from 1, the stretch between events it lies on."""

    t: float
    x: Floats
    u: Floats
    piece: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """A course cut at its events: instants t (S+1,), inputs u (S, k), and states (S, n) at the begin of each stretch,
    after what is given then, and at its end."""

    t: Floats
    u: Floats
    begins: Floats
    ends: Floats


def stretches(twin: Twin, course: Course) -> Stretches:
    """The course from its start to the last of its times, by the reference solver."""
    grid = compile_grid(twin.model, course.schedule, [course.times[-1]])
    states = _states(twin, course, grid.t)
    begins = np.array([given_at(grid, s, x) for s, x in enumerate(states[:-1])])
    return Stretches(grid.t, grid.u, begins, states[1:])


def points(twin: Twin, course: Course) -> list[Point]:
    """The finite points at the begin of every stretch and inside it, ascending."""
    cut = stretches(twin, course)
    begins = [Point(float(t), x, u, i + 1) for i, (t, x, u) in enumerate(zip(cut.t, cut.begins, cut.u, strict=False))]
    between = at_instants(twin, course, watch(course.schedule, course.times[-1]))
    finite = [point for point in begins if np.all(np.isfinite(point.x))]
    return sorted([*finite, *between], key=lambda point: point.t)


def at_instants(twin: Twin, course: Course, instants: Floats) -> list[Point]:
    """The finite points of the course at those of the ascending instants where nothing happens."""
    bare = compile_grid(twin.model, course.schedule, [course.times[-1]])
    out = []
    for time, x in zip(instants, _states(twin, course, instants), strict=True):
        piece = int(np.searchsorted(bare.t, time))
        if time not in bare.t and np.all(np.isfinite(x)):
            out.append(Point(float(time), x, bare.u[piece - 1], piece))
    return out


def _states(twin: Twin, course: Course, instants: Floats) -> Floats:
    method, x0 = reference(course.schedule, course.x0), np.array(course.x0)
    paths = simulate(twin.model, course.schedule, course.theta, instants, method=method, x0=x0)
    return np.ascontiguousarray(paths.states[:, :, 0])
