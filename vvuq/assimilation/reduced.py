"""The reduced-order unscented Kalman filter: uncertainty of rank r in a large state, at r + 1 or 2 r model runs.

The covariance is root root' with a root (d, r): L U^-1 L' of the source, where U is taken into L at every step. The
points are those of r dimensions; of a nonlinear model's response only what moves with a direction is kept. In a linear
model, with r the rank of the belief, it is the Kalman filter.

Sources: Moireau & Chapelle, ESAIM: COCV 17 (2011) 380; Pham, Verron & Roubaud, J. Mar. Syst. 16 (1998) 323 (process
noise projected on the directions of the belief)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from vvuq.assimilation import seen
from vvuq.assimilation.system import (
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


@dataclass(frozen=True, slots=True)
class ReducedUnscented:
    """rank r of the uncertainty, and its sigma points: a simplex of r + 1, or a star of 2 r in opposite pairs.

    Its beliefs have a rectangular root (d, r), or fewer columns where the prior has a lower rank. Process noise acts
    within the span of the root alone: what it adds beside is lost, unless r is the size of the state."""

    rank: int
    points: Literal["simplex", "star"] = "simplex"

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InputError("filter", "rank", self.rank, "1 or more")
        if self.points not in ("simplex", "star"):
            raise InputError("filter", "points", self.points, "simplex or star")

    def init(self, prior: Belief, draws: Draws) -> Belief:
        """The prior, its covariance cut to the `rank` directions of the largest variance."""
        if prior.root.shape[1] <= self.rank:
            return prior
        left, size, _ = np.linalg.svd(prior.root, full_matrices=False)
        kept = slice(0, max(1, min(self.rank, int(np.count_nonzero(size > 1e-15 * size[0])))))
        return replace(prior, root=np.ascontiguousarray(left[:, kept] * size[kept]))

    def step(
        self, system: System, schedule: Schedule, state: Belief, observation: Observation, draws: Draws
    ) -> tuple[Belief, Diagnostics]:
        """The belief at the observation's time, conditioned on it. Nothing is drawn at random."""
        values = check_values(system, observation.values)
        if state.root.shape[1] > self.rank:
            raise InputError("filter", "root", state.root.shape, f"at most {self.rank} columns: begin with init")
        with np.errstate(all="ignore"):  # what overflows ends in a code
            ahead, code = _forecast(self, system, schedule, state, observation.time)
            if code != 0:
                return state, seen.failed(observation.time, values, code)
            after, found = _conditioned(self, system, schedule, ahead, values)
        return (replace(after, cycle=state.cycle + 1) if found.code == 0 else state), found


@lru_cache(maxsize=64)
def directions(points: str, r: int) -> Floats:
    """Points (r, N) of equal weight with mean zero and unit covariance in r dimensions."""
    if points == "star":
        return np.sqrt(r) * np.concatenate([np.eye(r), -np.eye(r)], axis=1)
    # rows 1 .. r of a matrix of Helmert: orthonormal, and orthogonal to the row of ones
    corners = np.zeros((r, r + 1))
    for k in range(1, r + 1):
        corners[k - 1, :k], corners[k - 1, k] = 1.0, -k
        corners[k - 1] *= np.sqrt((r + 1.0) / (k * (k + 1.0)))
    return corners


def _linear_part(points: Floats, unit: Floats) -> tuple[Floats, Floats]:
    """Mean (k,) of points (k, N), and what moves with each direction (k, r): their product with the unit points."""
    mean = points.mean(axis=1)
    return mean, (points - mean[:, None]) @ unit.T / unit.shape[1]


def _forecast(
    method: ReducedUnscented, system: System, schedule: Schedule, belief: Belief, time: float
) -> tuple[Belief, int]:
    check_times(belief.time, time)
    if time == belief.time:
        return belief, 0
    unit = directions(method.points, belief.root.shape[1])
    now = belief.mean[:, None] + belief.root @ unit
    points, codes = propagate(system, schedule, now, belief.time, time)
    if np.any(codes != 0):
        return belief, int(codes[np.argmax(codes != 0)])
    mean, root = _linear_part(points, unit)
    root = _widened(root, process_sd(system, belief.time, time))
    if not (np.all(np.isfinite(mean)) and np.all(np.isfinite(root))):
        return belief, int(Code.NOT_FINITE)
    return Belief(time, belief.names, mean, root, belief.log_likelihood, belief.cycle), 0


def _widened(root: Floats, noise: Floats) -> Floats:
    """The root with independent noise of SD noise (d,) added within its span, or within all where that has room."""
    if not np.any(noise > 0.0) or not np.all(np.isfinite(root)):
        return root
    basis = np.linalg.qr(root)[0]
    rows, r = np.concatenate([root.T @ basis, noise[:, None] * basis]), root.shape[1]
    lower = np.empty((r, r))
    unscented.lower_root(rows, np.zeros(r), lower, unscented.triangle(0, r))
    return np.ascontiguousarray(basis @ lower)


def _conditioned(
    method: ReducedUnscented, system: System, schedule: Schedule, belief: Belief, values: Floats
) -> tuple[Belief, Diagnostics]:
    if np.all(np.isnan(values)):
        return belief, seen.unobserved(belief.time, values, np.nan)
    unit = directions(method.points, belief.root.shape[1])
    predicted = observe(system, schedule, belief.mean[:, None] + belief.root @ unit, belief.time)
    expected, moved = _linear_part(predicted, unit)
    variance, sd = (moved**2).sum(axis=1), error_sd(system, predicted)
    code = seen.fault(values, expected, variance, sd)
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    white = whiten(system, np.column_stack([expected, moved]), sd, values)
    innovation = white.values - white.predicted[:, 0]
    mean, root, evidence = np.empty_like(belief.mean), np.empty_like(belief.root), np.empty(2)
    observed = np.ascontiguousarray(white.predicted[:, 1:])
    work = unscented.triangle(innovation.size, root.shape[1] + 1)
    code = unscented.update_reduced(belief.mean, belief.root, observed, innovation, mean, root, evidence, work)
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    nis, gain = float(evidence[0]), float(evidence[1]) - white.log_scale
    found = seen.observed(belief.time, values, expected, np.sqrt(variance + sd**2), (nis, gain), np.nan)
    return Belief(belief.time, belief.names, mean, root, belief.log_likelihood + gain, belief.cycle), found
