"""Events that come later than the schedule says, by a parameter of the model, and what that does to derivatives.

Where an event at time T(theta) takes the state from x1 to x2 and the inputs from u1 to u2, the slopes of the state move
by (f(x1, u1) - f(x2, u2)) dT/dtheta. Source: Galan, Feehery & Barton, Appl Numer Math 31 (1999) 17."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.errors import InputError
from vvuq.models.kernels import rhs_kernel
from vvuq.models.model import Model
from vvuq.models.schedule import Grid, Schedule
from vvuq.numerics.reset import reset_state
from vvuq.record import Floats

Lags = Mapping[str, Sequence[str]]
NO_LAGS: Lags = {}


def delayed(model: Model, schedule: Schedule, theta: Floats, lags: Lags) -> Schedule:
    """The schedule as it takes effect: boluses, infusions and levels of the named states and inputs come later.

    lags: for a parameter that is a delay, in the model's unit of time, the states and inputs that it delays.
    Raises InputError for a negative delay, a covariate, or a name with two delays."""
    later: dict[str, float] = {}
    for parameter, names in lags.items():
        delay = float(theta[model.parameter_index(parameter)])
        if not delay >= 0.0:
            raise InputError(model.name, parameter, delay, "a delay of 0 or more")
        for name in names:
            if name in later or name not in (*model.states, *model.inputs):
                raise InputError(model.name, "lags", name, "states and inputs, each with one delay")
            later[name] = delay

    def at(time: float, name: str) -> float:
        return time + later.get(name, 0.0)

    return replace(
        schedule,
        boluses=tuple(replace(b, time=at(b.time, b.state)) for b in schedule.boluses),
        infusions=tuple(replace(i, start=at(i.start, i.input), stop=at(i.stop, i.input)) for i in schedule.infusions),
        levels=tuple(replace(v, time=at(v.time, v.input)) for v in schedule.levels),
    )


@dataclass(frozen=True, slots=True)
class Move:
    """Events at one boundary that one parameter delays: dT by direction (columns,), and whose events they are:
    states (n,) and inputs (k,), true or false."""

    rate: Floats
    states: np.ndarray[tuple[int], np.dtype[np.bool_]]
    inputs: np.ndarray[tuple[int], np.dtype[np.bool_]]


Moves = Mapping[int, Sequence[Move]]


def moves(model: Model, schedule: Schedule, theta: Floats, lags: Lags, grid: Grid, slopes: Floats) -> Moves:
    """For each boundary of the delayed schedule's grid its delayed events, where their delay has a slope.

    schedule: as it was before the delay. slopes (p, columns): of theta."""
    found: dict[int, list[Move]] = {}
    inputs = np.array([*model.inputs, *model.covariates], dtype=object)
    for parameter, names in lags.items():
        p = model.parameter_index(parameter)
        events = [b.time for b in schedule.boluses if b.state in names]
        events += [v for i in schedule.infusions if i.input in names for v in (i.start, i.stop)]
        events += [level.time for level in schedule.levels if level.input in names]
        late = np.array(sorted({event + float(theta[p]) for event in events}))
        move = Move(slopes[p], np.isin(list(model.states), list(names)), np.isin(inputs, list(names)))
        for s in np.flatnonzero(np.isin(grid.t[:-1], late)):
            found.setdefault(int(s), []).append(move)
    return found


def moved(model: Model, grid: Grid, s: int, by: Sequence[Move], theta: Floats, state: Floats) -> Floats:
    """What comes after boundary s of what comes before it: state (1 + columns, n), the state and then its slopes.

    What is not delayed happens first, resets before all else, then each parameter's events."""
    late_x, late_u = np.logical_or.reduce([m.states for m in by]), np.logical_or.reduce([m.inputs for m in by])
    before = grid.u[s - 1] if s > 0 else np.zeros_like(grid.u[0])
    u = np.where(late_u, before, grid.u[s])
    whole = state.copy()
    for row in whole:
        reset_state(row, grid.reset, s)
    x, slopes = whole[0] + np.where(late_x, 0.0, grid.jump[s]), whole[1:]
    rhs, old, new = rhs_kernel(model), np.empty(x.size), np.empty(x.size)
    for move in by:
        rhs(grid.t[s], x, u, theta, old)
        x, u = x + np.where(move.states, grid.jump[s], 0.0), np.where(move.inputs, grid.u[s], u)
        rhs(grid.t[s], x, u, theta, new)
        slopes += move.rate[:, None] * (old - new)
    return np.vstack([x, slopes])
