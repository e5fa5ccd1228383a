"""Particle filters: weighted members of any distribution, exact as their number grows; for few states.

The error of a member's measurement has the size that the member itself predicts, sd^2 + cv^2 h^2, not the forecast's
mean as in filters that assume normal beliefs: the likelihood is the model's own, and its estimate is unbiased."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from vvuq.assimilation import ensemble
from vvuq.assimilation.resampling import effective_number, log_sum, systematic, uniform_log_weights
from vvuq.assimilation.seen import failed, observed
from vvuq.assimilation.system import (
    Observation,
    System,
    check_times,
    check_values,
    observe,
    process_sd,
    propagate,
    whiten,
)
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Members move as the model moves them, and are weighed by the likelihood of what is measured.

    members: how many. threshold: a step begins with resampling where the effective number of members is below this
    share of them; 0 never, 1 wherever weights differ. Raises InputError for fewer than 2 members and another threshold.
    Source: Gordon, Salmond & Smith, IEE Proc. F 140 (1993) 107."""

    members: int
    threshold: float = 0.5

    def __post_init__(self) -> None:
        _check_members(self.members)
        if not 0.0 <= self.threshold <= 1.0:
            raise InputError("filter", "threshold", self.threshold, "a share between 0 and 1")

    def init(self, prior: Belief, draws: Draws) -> Ensemble:
        """Members drawn from the prior."""
        return ensemble.init(prior, self.members, draws)

    def step(
        self, system: System, schedule: Schedule, state: Ensemble, observation: Observation, draws: Draws
    ) -> tuple[Ensemble, Diagnostics]:
        """The members at the observation's time, weighed by it. Draws: purposes "resampling", "process"."""
        values = _checked(system, state, observation)
        before, log_weights = _even(state, self.threshold, draws)
        with np.errstate(all="ignore"):  # what overflows is found and becomes a code
            members, codes = propagate(system, schedule, before, state.time, observation.time)
            if np.any(codes):
                return state, failed(observation.time, values, int(codes[np.argmax(codes != 0)]))
            members = members + _walk(system, state, observation.time, draws, "process")
            predicted = observe(system, schedule, members, observation.time)
            if not (np.all(np.isfinite(predicted)) and np.all(np.isfinite(members))):
                return state, failed(observation.time, values, Code.NOT_FINITE)
            seen = _compared(system, observation.time, predicted, log_weights, values)
            likelihood = log_likelihoods(system, predicted, values)
        return _weighed(state, values, members, log_weights + likelihood, 0.0, seen)


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Members are chosen by how well they foretell what is measured before chance moves them on.

    A pilot likelihood, of what a member would measure without process noise and with the error widened by that noise,
    decides who is kept; the weights then make up for the choice. Resamples at every observation. Better than Bootstrap
    where observations are informative. Raises InputError for fewer than 2 members.
    Source: Pitt & Shephard, JASA 94 (1999) 590; likelihood: Pitt, dos Santos Silva, Giordani & Kohn, J. Econometrics
    171 (2012) 134."""

    members: int

    def __post_init__(self) -> None:
        _check_members(self.members)

    def init(self, prior: Belief, draws: Draws) -> Ensemble:
        """Members drawn from the prior."""
        return ensemble.init(prior, self.members, draws)

    def step(
        self, system: System, schedule: Schedule, state: Ensemble, observation: Observation, draws: Draws
    ) -> tuple[Ensemble, Diagnostics]:
        """The members at the observation's time, chosen and weighed by it. Draws: "pilot", "resampling", "process"."""
        values, time = _checked(system, state, observation), observation.time
        log_weights = _log_weights(state)
        with np.errstate(all="ignore"):  # what overflows is found and becomes a code
            means, codes = propagate(system, schedule, state.members, state.time, time)
            if np.any(codes):
                return state, failed(observation.time, values, int(codes[np.argmax(codes != 0)]))
            noise, measured = _walk(system, state, time, draws, "process"), not np.all(np.isnan(values))
            expected = observe(system, schedule, means, time)
            spread = means + _walk(system, state, time, draws, "pilot")
            moved = observe(system, schedule, spread, time)
            if not all(np.all(np.isfinite(part)) for part in (means + noise, expected, moved)):
                return state, failed(observation.time, values, Code.NOT_FINITE)
            seen = _compared(system, time, moved, log_weights, values)
            if not measured:
                return _weighed(state, values, means + noise, log_weights, 0.0, seen)
            pilot = log_likelihoods(system, expected, values, np.mean((moved - expected) ** 2, axis=1))
            total = log_sum(log_weights + pilot)
            if not np.isfinite(total):
                return state, failed(observation.time, values, Code.DEGENERATE)
            uniform = float(draws.uniform(state.cycle, "resampling"))
            kept = systematic(log_weights + pilot, uniform)
            members = means[:, kept] + noise
            predicted = observe(system, schedule, members, time)
            likelihood = log_likelihoods(system, predicted, values) - pilot[kept]
        return _weighed(state, values, members, likelihood - np.log(self.members), total, seen)


def log_likelihoods(system: System, predicted: Floats, values: Floats, widening: Floats | None = None) -> Floats:
    """The log-density (N,) of measured values (q,) for each member, given what they would measure, (q, N).

    Missing components are left out. widening (q,): a variance added to each error's. -inf where a member's error has no
    spread. Raises InputError for a measured component without error."""
    kept = ~np.isnan(values)
    sd, cv = (np.array([getattr(n, name) for n in system.noise])[:, None] for name in ("sd", "cv"))
    if np.any((sd + cv)[kept] == 0.0):
        raise InputError("filter", "noise", system.noise, "an error SD above 0 for what was measured")
    error = np.sqrt(sd**2 + cv**2 * predicted**2 + (0.0 if widening is None else widening[:, None]))
    possible = np.all(error[kept] > 0.0, axis=0)
    error = np.where(error > 0.0, error, 1.0)
    residual = (values[:, None] - predicted) / error
    white = whiten(system, residual, np.ones(values.size), np.where(kept, 0.0, np.nan))
    squares = np.sum(white.predicted**2, axis=0)
    density = -0.5 * (squares + kept.sum() * np.log(2.0 * np.pi)) - np.log(error[kept]).sum(axis=0) - white.log_scale
    return np.where(possible, density, -np.inf)


def _check_members(members: int) -> None:
    if members < 2:
        raise InputError("filter", "members", members, "2 or more")


def _checked(system: System, state: Ensemble, observation: Observation) -> Floats:
    check_times(state.time, observation.time)
    return check_values(system, observation.values)


def _log_weights(state: Ensemble) -> Floats:
    return uniform_log_weights(state.members.shape[1]) if state.log_weights is None else state.log_weights


def _even(state: Ensemble, threshold: float, draws: Draws) -> tuple[Floats, Floats]:
    """Members and log weights, resampled where their effective number is below the threshold."""
    log_weights, count = _log_weights(state), state.members.shape[1]
    if state.log_weights is None or effective_number(log_weights) >= threshold * count:
        return state.members, log_weights
    kept = systematic(log_weights, float(draws.uniform(state.cycle, "resampling")))
    return np.ascontiguousarray(state.members[:, kept]), uniform_log_weights(count)


def _walk(system: System, state: Ensemble, time: float, draws: Draws, purpose: str) -> Floats:
    """What the random walk adds to each member until `time`: (d, N), or 0 where nothing walks."""
    sd = process_sd(system, state.time, time)
    steps, moving = np.zeros(state.members.shape), np.flatnonzero(sd)
    if moving.size:
        steps[moving] = sd[moving, None] * draws.normal(state.cycle, purpose, (moving.size, state.members.shape[1]))
    return steps


def _compared(system: System, time: float, predicted: Floats, log_weights: Floats, values: Floats) -> Diagnostics:
    """What the weighted forecast of the measured values, (q, N), says of them: the first two moments."""
    weights, missing = np.exp(log_weights), np.isnan(values)
    mean, rest = predicted @ weights, 1.0 - np.sum(weights**2)
    deviations = (predicted - mean[:, None]) * np.sqrt(weights / rest if rest > 0.0 else 0.0 * weights)
    sd, cv = np.array([n.sd for n in system.noise]), np.array([n.cv for n in system.noise])
    error = np.sqrt(sd**2 + cv**2 * (predicted**2 @ weights))
    spread = np.sqrt(np.sum(deviations**2, axis=1) + error**2)
    nis, pivot = 0.0, np.nan
    if not np.all(missing) and np.all(error[~missing] > 0.0):
        white = whiten(system, np.column_stack([deviations, mean]), error, values)
        anomalies, innovation = white.predicted[:, :-1], white.values - white.predicted[:, -1]
        root = np.linalg.qr(np.vstack([anomalies.T, np.eye(innovation.size)]), mode="r")  # of I + anomalies anomalies'
        scaled = solve_triangular(root, innovation, trans="T")
        nis, pivot = float(scaled @ scaled), float(np.min(np.abs(np.diag(root))))
    return observed(time, values, mean, spread, (nis, 0.0), pivot)


def _weighed(
    state: Ensemble, values: Floats, members: Floats, log_weights: Floats, gained: float, seen: Diagnostics
) -> tuple[Ensemble, Diagnostics]:
    """The state of members with unnormalized log weights; their sum and `gained` are the gain in log-likelihood."""
    total = log_sum(log_weights) if seen.n else 0.0
    if not np.isfinite(seen.nis):
        return state, failed(seen.time, values, Code.NOT_FINITE)
    if not np.isfinite(total):
        return state, failed(seen.time, values, Code.DEGENERATE)
    normalized = log_weights - total
    equal = bool(np.all(normalized == normalized[0]))
    after = replace(
        state,
        time=seen.time,
        members=members,
        log_weights=None if equal else normalized,
        log_likelihood=state.log_likelihood + gained + total,
        cycle=state.cycle + 1,
    )
    return after, replace(seen, log_likelihood=gained + total, ess=effective_number(normalized))
