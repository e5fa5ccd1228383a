"""The unscented Kalman filter, in square-root form throughout: sigma points are model runs, the rest is orthogonal.

Additive noise: the forecast's points are drawn anew once the random walk has widened the belief. Augmented noise: the
walk has sigma points of its own, and the points that were carried meet the observation. In a linear model both are the
Kalman filter. All components measured at one time are taken together.

Sources: Julier & Uhlmann, Proc. IEEE 92 (2004) 401; van der Merwe & Wan, Proc. ICASSP 2001, 3461 (square-root form);
Wu, Hu, Wu & Hu, IEEE Signal Process. Lett. 12 (2005) 357 (additive and augmented noise)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from vvuq.assimilation import seen
from vvuq.assimilation.joint import Joint
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
from vvuq.assimilation.transforms import Log
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics import unscented
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Floats

ROUNDING = 8.0 * np.finfo(float).eps  # of what a sigma point is rounded to, relative to its size


@dataclass(frozen=True, slots=True)
class Unscented:
    """Sigma points of n dimensions at alpha sqrt(n + kappa) standard deviations; beta adds to the centre's weight.

    The defaults are the cubature rule, whose centre has no weight and is not run. augmented: the random walk's noise
    has sigma points of its own. Raises InputError for alpha <= 0 or kappa < 0 here, and at the first step for options
    that give the centre a negative weight."""

    kappa: float = 0.0
    alpha: float = 1.0
    beta: float = 0.0
    augmented: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.kappa < np.inf:
            raise InputError("filter", "kappa", self.kappa, "a finite value >= 0, so that no weight is negative")
        if not 0.0 < self.alpha < np.inf:
            raise InputError("filter", "alpha", self.alpha, "a finite value > 0")
        if not np.isfinite(self.beta):
            raise InputError("filter", "beta", self.beta, "a finite value")

    def init(self, prior: Belief, draws: Draws) -> Belief:
        """The prior itself."""
        return prior

    def step(
        self, system: System, schedule: Schedule, state: Belief, observation: Observation, draws: Draws
    ) -> tuple[Belief, Diagnostics]:
        """The belief at the observation's time, conditioned on it. Nothing is drawn at random."""
        values = check_values(system, observation.values)
        ahead, points, code = _carried(self, system, schedule, state, observation.time)
        if code != 0:
            return state, seen.failed(observation.time, values, code)
        carried = points if self.augmented else None
        after, found = _conditioned(self, system, schedule, ahead, values, carried)
        return (replace(after, cycle=state.cycle + 1) if found.code == 0 else state), found

    def joint(self, system: System, schedule: Schedule, belief: Belief, time: float) -> Joint:
        """The belief now and its forecast for `time`, by the sigma points before and after the model run."""
        now, ahead, of, noise, code = carried_points(self, system, schedule, belief, time)
        mean = np.empty_like(belief.mean)
        with np.errstate(all="ignore"):  # a failed run is told by its code
            unscented.weighted_mean(ahead, of.mean, mean)
            rows_now = np.ascontiguousarray(((now - belief.mean[:, None]) * of.root).T)
            rows_ahead = np.ascontiguousarray(((ahead - mean[:, None]) * of.root).T)
            return Joint(mean, rows_now, rows_ahead, noise, ROUNDING * np.abs(ahead).max(axis=1), code)


@dataclass(frozen=True, slots=True)
class Weights:
    """Of sigma points: their distance in SDs, weights in a mean (N,), square roots of weights in a covariance (N,)."""

    scale: float
    mean: Floats
    root: Floats


@lru_cache(maxsize=256)
def weights(method: Unscented, n: int) -> Weights:
    """The weights of the 2 n points, and of a centre before them where it has any.

    Raises InputError where the centre's would be negative."""
    squared = method.alpha**2 * (n + method.kappa)
    centre = (squared - n) / squared
    centre_root = centre + 1.0 - method.alpha**2 + method.beta
    if centre < 0.0 or centre_root < 0.0:
        options = {"alpha": method.alpha, "kappa": method.kappa, "beta": method.beta}
        remedy = f"options that give no negative weight in {n} dimensions; the centre's are {centre}, {centre_root}"
        raise InputError("filter", "sigma points", options, remedy)
    mean, square = np.full(2 * n, 0.5 / squared), np.full(2 * n, 0.5 / squared)
    if centre > 0.0 or centre_root > 0.0:
        mean, square = np.append(centre, mean), np.append(centre_root, square)
    return Weights(float(np.sqrt(squared)), mean, np.sqrt(square))


def forecast(method: Unscented, system: System, schedule: Schedule, belief: Belief, time: float) -> tuple[Belief, int]:
    """The belief carried to `time`, before any dose given then, and a code (numerics/codes.py); `cycle` stays.

    Raises InputError for a time before the belief's."""
    ahead, _, code = _carried(method, system, schedule, belief, time)
    return ahead, code


def update(
    method: Unscented, system: System, schedule: Schedule, belief: Belief, values: Floats
) -> tuple[Belief, Diagnostics]:
    """The belief conditioned on values (q,) measured at its own time; `cycle` stays. A failure leaves it as it was.

    A measured value without any error ends in a code, as does one that would drive a belief out of range."""
    return _conditioned(method, system, schedule, belief, check_values(system, values), None)


def drawn(method: Unscented, belief: Belief) -> tuple[Floats, Weights]:
    """The sigma points (d, N) of a belief and their weights."""
    of = weights(method, belief.root.shape[1])
    points = np.empty((belief.mean.size, of.mean.size))
    unscented.sigma_points(belief.mean, belief.root, of.scale, points)
    return points, of


def carried_points(
    method: Unscented, system: System, schedule: Schedule, belief: Belief, time: float
) -> tuple[Floats, Floats, Weights, Floats, int]:
    """Points (d, N) now and as they arrive at `time`, their weights, the SD (d,) of noise not yet in them; a code."""
    noise = process_sd(system, belief.time, time)
    if not method.augmented:
        now, of = drawn(method, belief)
        ahead, codes = propagate(system, schedule, now, belief.time, time)
        return now, ahead, of, noise, _first(codes)
    d, moving = belief.mean.size, np.flatnonzero(noise)
    of = weights(method, d + moving.size)
    now = np.repeat(belief.mean[:, None], of.mean.size, axis=1)
    first = of.mean.size - 2 * (d + moving.size)
    plus, minus = slice(first, first + d), slice(first + d + moving.size, first + 2 * d + moving.size)
    now[:, plus] += of.scale * belief.root
    now[:, minus] -= of.scale * belief.root
    ahead, codes = propagate(system, schedule, now, belief.time, time)
    ahead[moving, first + d + np.arange(moving.size)] += of.scale * noise[moving]
    ahead[moving, first + 2 * d + moving.size + np.arange(moving.size)] -= of.scale * noise[moving]
    return now, ahead, of, np.zeros(d), _first(codes)


def _first(codes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """The first code that is not 0."""
    return int(codes[np.argmax(codes != 0)])


def _carried(
    method: Unscented, system: System, schedule: Schedule, belief: Belief, time: float
) -> tuple[Belief, tuple[Floats, Weights] | None, int]:
    """The belief at `time`, the points that stand for it there (None where they are still to be drawn), and a code."""
    check_times(belief.time, time)
    if time == belief.time:
        return belief, None, 0
    _, points, of, noise, code = carried_points(method, system, schedule, belief, time)
    if code != 0:
        return belief, None, code
    d, count = points.shape
    mean, rows, root = np.empty(d), np.empty((count, d)), np.empty((d, d))
    unscented.deviations(points, of.mean, of.root, mean, rows)
    code = unscented.lower_root(rows, noise, root, unscented.triangle(0, d))
    if code != 0:
        return belief, None, int(code)
    return Belief(time, belief.names, mean, root, belief.log_likelihood, belief.cycle), (points, of), 0


def _conditioned(
    method: Unscented,
    system: System,
    schedule: Schedule,
    belief: Belief,
    values: Floats,
    carried: tuple[Floats, Weights] | None,
) -> tuple[Belief, Diagnostics]:
    """The belief given values (q,), by the points that were carried to it or, without any, by new ones."""
    if np.all(np.isnan(values)):
        return belief, seen.unobserved(belief.time, values, _least(belief.root))
    points, of = carried or drawn(method, belief)
    predicted = observe(system, schedule, points, belief.time)
    with np.errstate(all="ignore"):  # what overflows ends in a code
        expected = predicted @ of.mean
        variance = (predicted - expected[:, None]) ** 2 @ of.root**2
        sd = error_sd(system, np.sqrt(predicted**2 @ of.mean)[:, None])
    code = seen.fault(values, expected, variance, sd)
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    white = whiten(system, predicted, sd, values)
    d, m = belief.mean.size, white.values.size
    mean, root, evidence, at = np.empty(d), np.empty((d, d)), np.empty(2), np.empty(m)
    work = unscented.triangle(points.shape[1], m + d)
    unscented.weighted_mean(white.predicted, of.mean, at)
    if carried is None:
        before, noise, observed = belief.root, np.empty((m, m)), np.empty((m, d))
        unscented.paired(white.predicted, at, of.root, noise, observed, work)
    else:
        before, noise = (points - belief.mean[:, None]) * of.root, np.eye(m)
        observed = (white.predicted - at[:, None]) * of.root
    code = unscented.update_linear(belief.mean, before, observed, noise, white.values, at, mean, root, evidence, work)
    if code == 0 and not _in_range(system, mean, root, of.scale):
        code = Code.NOT_FINITE
    if code != 0:
        return belief, seen.failed(belief.time, values, code)
    nis, gain = float(evidence[0]), float(evidence[1]) - white.log_scale
    least = min(_least(belief.root), _least(root))
    found = seen.observed(belief.time, values, expected, np.sqrt(variance + sd**2), (nis, gain), least)
    return Belief(belief.time, belief.names, mean, root, belief.log_likelihood + gain, belief.cycle), found


def _least(root: Floats) -> float:
    return float(root.diagonal().min())


def _in_range(system: System, mean: Floats, root: Floats, scale: float) -> bool:
    """True where all sigma points of a belief have learned parameters that are finite and, by a logarithm, above 0."""
    for row, transform in enumerate(system.transforms, start=system.states):
        reach = scale * float(np.abs(root[row]).max())
        ends = transform.back(mean[row] + np.array([-reach, reach]))
        if not np.all(np.isfinite(ends)) or (isinstance(transform, Log) and not ends[0] > 0.0):
            return False
    return True
