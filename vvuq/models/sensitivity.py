"""What a model predicts and its derivatives by parameters and initial states, from the variational equations.

S' = (df/dx) S + (df/dtheta) dtheta is integrated beside x' = f, by the model's own function on numbers that carry
slopes (variational.py). With RK4 the slopes are the exact derivatives of the discrete solution; the adaptive method
holds the states, and each column of S, to its tolerance. A bolus leaves S as it is, a reset acts on it as on the state,
delays.py says what a delayed event does. At a kink the way that is taken is differentiated.

Source: Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, 2nd ed., I.14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from vvuq.errors import InputError
from vvuq.models.delays import NO_LAGS, Lags, Moves, delayed, moved, moves
from vvuq.models.model import Model
from vvuq.models.schedule import Grid, Schedule, compile_grid
from vvuq.models.simulate import RK4, Adaptive, interval_steps, parameter_matrix
from vvuq.models.variational import columns_for, observe_with_slopes, rhs_with_slopes, width_for, with_slopes
from vvuq.numerics.dopri import dopri_paths
from vvuq.numerics.rk4 import observe_paths, rk4_paths
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Sensitive:
    """States (times, n) and observables (times, q), with their slopes (times, n, k) and (times, q, k).

    Not-a-number from a failure on; code: why (numerics/codes.py), 0 for none."""

    states: Floats
    state_slopes: Floats
    observed: Floats
    observed_slopes: Floats
    code: int


@dataclass(frozen=True, slots=True)
class _Directions:
    """Where derivatives are taken: slopes of theta (p, columns) and of the initial state (n, columns).

    Columns are scaled by what they are taken for, so that the tolerances of the states suit their slopes; those after
    the first `count` are 0 and fill the last block of `width`."""

    count: int
    width: int
    theta: Floats
    initial: Floats
    scale: Floats

    def flat(self, slopes: Floats) -> Floats:
        """(rows, columns) as the kernels have them: (blocks, rows, width), one after the other."""
        return slopes.reshape(slopes.shape[0], -1, self.width).swapaxes(0, 1).ravel()

    def columns(self, flat: Floats, rows: int) -> Floats:
        """(..., rows, columns) from what the kernels have."""
        whole = flat.reshape(*flat.shape[:-1], -1, rows, self.width).swapaxes(-3, -2)
        return whole.reshape(*flat.shape[:-1], rows, -1)


def simulate_with_derivatives(
    model: Model,
    schedule: Schedule,
    theta: Mapping[str, float] | Floats,
    parameters: Sequence[str],
    times: Sequence[float] | Floats,
    *,
    method: RK4 | Adaptive,
    x0: Floats | None = None,
    initial: Sequence[str] = (),
    lags: Lags = NO_LAGS,
) -> tuple[Floats, Floats]:
    """Observables (times, q) and their derivatives (times, q, k) by named parameters, then by named initial states.

    theta: a mapping by name, or (p,). x0 (n,): default zero; where it depends on a parameter, the chain rule over
    `initial` is the caller's. lags: parameters that delay events (delays.py).
    Raises InputError for what does not fit the model."""
    found = sensitive(model, schedule, theta, parameters, times, method=method, x0=x0, initial=initial, lags=lags)
    return found.observed, found.observed_slopes


def sensitive(
    model: Model,
    schedule: Schedule,
    theta: Mapping[str, float] | Floats,
    parameters: Sequence[str],
    times: Sequence[float] | Floats,
    *,
    method: RK4 | Adaptive,
    x0: Floats | None = None,
    initial: Sequence[str] = (),
    lags: Lags = NO_LAGS,
) -> Sensitive:
    """As `simulate_with_derivatives`, with the states and what became of the run."""
    values = parameter_matrix(model, theta)[:, 0]
    start = np.zeros(len(model.states)) if x0 is None else np.array(x0, dtype=float)
    if start.shape != (len(model.states),):
        raise InputError(model.name, "initial state", start.shape, f"({len(model.states)},)")
    to = _directions(model, values, start, parameters, initial)
    grid = compile_grid(model, delayed(model, schedule, values, lags), times)
    at = moves(model, schedule, values, lags, grid, to.theta)
    extended = np.append(values, to.flat(to.theta))
    states, code = _states(model, grid, extended, np.append(start, to.flat(to.initial)), method, to, at)
    n, q = len(model.states), len(model.observables)
    seen = np.full((states.shape[0], q * (1 + to.scale.size), 1), np.nan)
    work = np.empty(states.shape[1]), np.empty(extended.size), np.empty(seen.shape[1])
    kernel, paths = observe_with_slopes(model, to.width), np.ascontiguousarray(states[:, :, None])
    observe_paths(kernel, grid.t, grid.u, grid.record, extended[:, None], paths, seen, *work)
    x, y = states[grid.rows], seen[grid.rows, :, 0]
    slopes = [(to.columns(v[:, r:], r) / to.scale)[:, :, : to.count] for v, r in ((x, n), (y, q))]
    return Sensitive(x[:, :n], slopes[0], y[:, :q], slopes[1], code)


def _directions(
    model: Model, theta: Floats, x0: Floats, parameters: Sequence[str], initial: Sequence[str]
) -> _Directions:
    count = len(parameters) + len(initial)
    columns = columns_for(count)
    by_theta, by_x0, scale = np.zeros((theta.size, columns)), np.zeros((x0.size, columns)), np.ones(columns)
    places = [(theta, by_theta, model.parameter_index(name)) for name in parameters]
    places += [(x0, by_x0, model.state_index(name)) for name in initial]
    for j, (values, slopes, i) in enumerate(places):
        slopes[i, j] = scale[j] = abs(values[i]) or 1.0
    return _Directions(count, width_for(count), by_theta, by_x0, scale)


def _states(
    model: Model, grid: Grid, theta: Floats, state: Floats, method: RK4 | Adaptive, to: _Directions, at: Moves
) -> tuple[Floats, int]:
    """Extended states at the recorded boundaries (records, n (1 + columns)), and the code of the run.

    The walk stops at each boundary where delayed events move the slopes."""
    n, rows = len(model.states), int(grid.record.max()) + 1
    out, code = np.full((rows + 1, state.size, 1), np.nan), np.zeros(1, dtype=np.int64)
    jump, reset = with_slopes(grid, to.scale.size, to.width)
    jump[list(at)] = 0.0
    for a, b in pairwise([0, *(s for s in sorted(at) if s > 0), grid.t.size - 1] if grid.t.size > 1 else [0, 0]):
        record = grid.record[a : b + 1].copy()
        if a in at:
            out[record[0], :, 0], record[0] = state, -1  # what is recorded came before the event
            known = np.vstack([state[:n], to.columns(state[n:], n).T])
            known = moved(model, grid, a, at[a], theta[: len(model.parameters)], known)
            state = np.append(known[0], to.flat(known[1:].T))
        record[-1] = rows if record[-1] < 0 else record[-1]
        here = reset[(reset[:, 0] >= a + (a in at)) & (reset[:, 0] <= b)] - [a, 0, 0]
        part = grid.t[a : b + 1], grid.u[a : max(b, 1)], jump[a : b + 1], here, record
        _carry(model, method, to, (state[:, None], theta[:, None], *part), out, code)
        state = out[record[-1], :, 0].copy()
    return out[:rows, :, 0], int(code[0])


def _carry(
    model: Model,
    method: RK4 | Adaptive,
    to: _Directions,
    part: tuple[np.ndarray[Any, Any], ...],
    out: Floats,
    code: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    """Initial state, theta, t, u, jump, reset and record go through the integrator.

    Its error is a mean over all that it carries: a tolerance smaller by the root of the number of columns holds in the
    worst column, the state among them."""
    kernel = rhs_with_slopes(model, to.width)
    if isinstance(method, RK4):
        rk4_paths(kernel, *part, interval_steps(part[2], method.step, method.least), out, code)
    else:
        sharper = (1 + to.scale.size) ** -0.5
        dopri_paths(kernel, *part, sharper * method.rtol, sharper * method.atol, method.limit, out, code)
