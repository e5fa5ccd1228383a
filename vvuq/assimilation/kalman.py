"""The Kalman filter: the exact reference for linear models with normal errors.

predict and update are its plain covariance form for given matrices, with nothing in common with the square-root
filters. Kalman is the same filter as a method for any system that is linear.

Sources: Kalman, J. Basic Eng. 82 (1960) 35; Bucy & Joseph, Filtering for Stochastic Processes (1968) (Joseph form);
Kailath, Sayed & Hassibi, Linear Estimation (2000), ch. 12 (array form)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from vvuq.assimilation import seen
from vvuq.assimilation.joint import Joint
from vvuq.assimilation.system import (
    Codes,
    Observation,
    System,
    check_times,
    check_values,
    error_sd,
    observe,
    process_sd,
    propagate,
    whiten,
)
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics import unscented
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Floats

_SCALES = np.array([1.0, -1.0, 1e-3, 1e3])  # of the points at which superposition is tried


def predict(mean: Floats, covariance: Floats, transition: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) after x -> F x + q, q ~ N(0, noise)."""
    return transition @ mean, transition @ covariance @ transition.T + noise


def update(mean: Floats, covariance: Floats, h: Floats, y: Floats, error: Floats) -> tuple[Floats, Floats, float]:
    """Conditions on y = H x + e, e ~ N(0, error); y (q,), H (q, d), error (q, q), which may be correlated.

    Not-a-number in y is what was not measured. Returns mean, covariance (Joseph form), log-likelihood of the rest."""
    kept = np.flatnonzero(~np.isnan(y))
    if kept.size == 0:
        return mean, covariance, 0.0
    h, error = h[kept], error[np.ix_(kept, kept)]
    spread = h @ covariance @ h.T + error
    gain = np.linalg.solve(spread, h @ covariance).T
    innovation = y[kept] - h @ mean
    rest = np.eye(mean.size) - gain @ h
    after = rest @ covariance @ rest.T + gain @ error @ gain.T
    nis = float(innovation @ np.linalg.solve(spread, innovation))
    log_determinant = float(np.linalg.slogdet(2.0 * np.pi * spread)[1])
    return mean + gain @ innovation, after, -0.5 * (log_determinant + nis)


@dataclass(frozen=True, slots=True)
class Kalman:
    """The exact filter of a system whose model and observables are linear, in square-root array form.

    The maps are found by running the model on unit vectors: Runge-Kutta steps of a linear model are linear. Raises
    InputError at a step for learned parameters, and for a model or observable that fails superposition by 1e-9."""

    def init(self, prior: Belief, draws: Draws) -> Belief:
        """The prior itself."""
        return prior

    def step(
        self, system: System, schedule: Schedule, state: Belief, observation: Observation, draws: Draws
    ) -> tuple[Belief, Diagnostics]:
        """The belief at the observation's time, conditioned on it. Nothing is drawn at random."""
        values = check_values(system, observation.values)
        ahead, code = forecast(system, schedule, state, observation.time)
        if code != 0:
            return state, seen.failed(observation.time, values, code)
        after, found = condition(system, schedule, ahead, values)
        return (replace(after, cycle=state.cycle + 1) if found.code == 0 else state), found

    def joint(self, system: System, schedule: Schedule, belief: Belief, time: float) -> Joint:
        """The belief now and its forecast for `time`."""
        _refuse_learned(system)
        through, root = transition(system, schedule, belief.time, time), belief.root
        size = np.abs(through.matrix) @ np.sqrt((root**2).sum(axis=1))
        mean, noise = through.matrix @ belief.mean + through.shift, process_sd(system, belief.time, time)
        now, ahead = np.ascontiguousarray(root.T), np.ascontiguousarray((through.matrix @ root).T)
        return Joint(mean, now, ahead, noise, 8.0 * np.finfo(float).eps * size, through.code)


@dataclass(frozen=True, slots=True)
class Affine:
    """x -> matrix x + shift, with a code (numerics/codes.py); its arrays are shared and must not be written to."""

    matrix: Floats
    shift: Floats
    code: int


def forecast(system: System, schedule: Schedule, belief: Belief, time: float) -> tuple[Belief, int]:
    """The belief carried to `time`, before any dose given then, and a code; `cycle` stays."""
    _refuse_learned(system)
    check_times(belief.time, time)
    if time == belief.time:
        return belief, 0
    through = transition(system, schedule, belief.time, time)
    if through.code != 0:
        return belief, through.code
    with np.errstate(all="ignore"):
        mean = through.matrix @ belief.mean + through.shift
        rows = np.ascontiguousarray((through.matrix @ belief.root).T)
    if not np.all(np.isfinite(mean)):
        return belief, int(Code.NOT_FINITE)
    root, work = np.empty((mean.size, mean.size)), unscented.triangle(0, mean.size)
    code = unscented.lower_root(rows, process_sd(system, belief.time, time), root, work)
    if code != 0:
        return belief, int(code)
    return Belief(time, belief.names, mean, root, belief.log_likelihood, belief.cycle), 0


def condition(system: System, schedule: Schedule, belief: Belief, values: Floats) -> tuple[Belief, Diagnostics]:
    """The belief conditioned on values (q,) measured at its own time; `cycle` stays. A failure leaves it as it was."""
    _refuse_learned(system)
    before = float(belief.root.diagonal().min())
    if np.all(np.isnan(values)):
        return belief, seen.unobserved(belief.time, values, before)
    of = observation_matrix(system, schedule, belief.time)
    with np.errstate(all="ignore"):  # what overflows ends in a code
        expected, observed = of.matrix @ belief.mean + of.shift, of.matrix @ belief.root
        variance = (observed**2).sum(axis=1)
        sd = error_sd(system, np.sqrt(expected**2 + variance)[:, None])
    code = seen.fault(values, expected, variance, sd)
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    white = whiten(system, np.column_stack([expected, observed]), sd, values)
    mean, root, evidence = np.empty_like(belief.mean), np.empty((belief.mean.size,) * 2), np.empty(2)
    at, moved = np.ascontiguousarray(white.predicted[:, 0]), np.ascontiguousarray(white.predicted[:, 1:])
    noise, work = np.eye(at.size), unscented.triangle(belief.root.shape[1], at.size + mean.size)
    code = unscented.update_linear(belief.mean, belief.root, moved, noise, white.values, at, mean, root, evidence, work)
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    nis, gain = float(evidence[0]), float(evidence[1]) - white.log_scale
    least = min(before, float(root.diagonal().min()))
    found = seen.observed(belief.time, values, expected, np.sqrt(variance + sd**2), (nis, gain), least)
    return Belief(belief.time, belief.names, mean, root, belief.log_likelihood + gain, belief.cycle), found


@lru_cache(maxsize=128)
def transition(system: System, schedule: Schedule, start: float, end: float) -> Affine:
    """What the model does to a state from start to end: (d, d) and (d,), or InputError where that is not affine."""
    return _affine(system, "states", system.size, lambda x: propagate(system, schedule, x, start, end))


@lru_cache(maxsize=128)
def observation_matrix(system: System, schedule: Schedule, time: float) -> Affine:
    """What the observables make of a state at `time`: (q, d) and (q,), or InputError where that is not affine."""
    if system.operator is not None:
        return Affine(system.operator.toarray(), np.zeros(system.operator.shape[0]), 0)
    none = np.zeros(1, dtype=np.int64)
    return _affine(system, "observables", system.size, lambda x: (observe(system, schedule, x, time), none))


def _refuse_learned(system: System) -> None:
    if system.learned:
        raise InputError("Kalman filter", "learned", system.learned, "none: their effect is not linear")


def _affine(system: System, what: str, d: int, run: Callable[[Floats], tuple[Floats, Codes]]) -> Affine:
    """Unit vectors are taken on the scale of the shift, where the difference of two runs loses least."""
    origin, codes = run(np.zeros((d, 1)))
    shift = origin[:, 0]
    if codes[0] != 0 or not np.all(np.isfinite(shift)):
        return Affine(np.zeros((shift.size, d)), shift, int(codes[0]) or int(Code.NOT_FINITE))
    unit = max(1.0, float(np.abs(shift).max(initial=0.0)))
    probes = unit * _SCALES * Draws(0, what).normal(0, "superposition", (d, _SCALES.size))
    out, codes = run(np.concatenate([unit * np.eye(d), probes], axis=1))
    with np.errstate(all="ignore"):
        matrix = (out[:, :d] - shift[:, None]) / unit
        expected = matrix @ probes + shift[:, None]
        size = np.abs(matrix) @ np.abs(probes) + np.abs(shift)[:, None]
    if np.any(codes != 0) or not np.all(np.isfinite(out)):
        return Affine(matrix, shift, int(codes[np.argmax(codes != 0)]) or int(Code.NOT_FINITE))
    if np.any(np.abs(out[:, d:] - expected) > 1e-9 * size):
        remedy = f"{what} that are linear (affine): superposition fails; the unscented filter takes any"
        raise InputError("Kalman filter", "model", system.model.name, remedy)
    return Affine(np.ascontiguousarray(matrix), shift, 0)
