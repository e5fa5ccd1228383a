"""One cycle of any ensemble filter: carry the members on, compare with what was measured, condition, widen, rotate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation import inflation as inflations
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.rotation import mean_preserving
from vvuq.assimilation.spectrum import Evidence
from vvuq.assimilation.system import (
    Observation,
    System,
    check_times,
    check_values,
    error_sd_by,
    observe,
    process_sd,
    propagate,
    whiten,
)
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.ensemble import around, center
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, slots=True)
class Ahead:
    """A forecast before it is conditioned: its mean (d,), and m measured values in whitened units.

    deviations (d, N): the members' from the mean, divided by sqrt(N - 1): a root of the covariance. innovation (m,);
    observed (m, N): the same deviations of what the members would measure, so that the innovation's covariance is
    I + observed observed'. log_scale, kept (m,): as in system.Whitened. joint (d + m, N): where both stand in one
    array, which the rule may write over."""

    mean: Floats
    deviations: Floats
    innovation: Floats
    observed: Floats
    log_scale: float
    kept: np.ndarray[tuple[int], np.dtype[np.intp]]
    joint: Floats | None = None


@dataclass(frozen=True, slots=True)
class Conditioned:
    """The mean (d,) and deviations by sqrt(N - 1) (d, N) after the measured values."""

    mean: Floats
    deviations: Floats
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Care:
    """What is done against the loss of spread: inflation (see inflation.py) and random rotation of the members."""

    inflation: Inflation
    rotate: bool


def check(members: int, inflation: Inflation) -> None:
    """InputError for options that no ensemble filter can take."""
    if members < 2:
        raise InputError("filter", "members", members, "2 or more")
    inflations.check(inflation)


def init(prior: Belief, members: int, draws: Draws) -> Ensemble:
    """Members drawn from a Gaussian belief; purpose "initial" of cycle 0."""
    normals = draws.normal(0, "initial", (prior.mean.size, members))
    drawn = prior.mean[:, None] + prior.root @ normals
    return Ensemble(prior.time, prior.names, drawn, None, prior.log_likelihood, prior.cycle)


def forecast(system: System, schedule: Schedule, state: Ensemble, time: float, draws: Draws) -> tuple[Floats, int]:
    """The members (d, N) at `time`, each with a random walk of its own, and the first code that is not 0."""
    members, codes = propagate(system, schedule, state.members, state.time, time)
    sd = process_sd(system, state.time, time)
    moving = np.flatnonzero(sd)
    if moving.size:
        members[moving] += sd[moving, None] * draws.normal(state.cycle, "process", (moving.size, members.shape[1]))
    return members, int(codes[np.argmax(codes != 0)])


def cycle(
    system: System,
    schedule: Schedule,
    state: Ensemble,
    observation: Observation,
    draws: Draws,
    care: Care,
    condition: Callable[[Ahead], Conditioned],
) -> tuple[Ensemble, Diagnostics]:
    """One step of a filter whose rule is `condition`. A failed one leaves the state as it was, with the code."""
    _check(state)
    check_times(state.time, observation.time)
    values = check_values(system, observation.values)
    measured = not np.all(np.isnan(values))
    with np.errstate(all="ignore"):  # what overflows is found and becomes a code
        members, code = forecast(system, schedule, state, observation.time, draws)
        factor = inflations.before(care.inflation, state.inflation) if measured else 1.0
        if code == 0 and factor != 1.0:
            middle = members.mean(axis=1, keepdims=True)
            members = middle + factor * (members - middle)
        root = observe(system, schedule, members, observation.time) if code == 0 else members
        mean, variance = _centered(root, root)
        if code != 0 or variance is None:
            return state, _failed(observation, code or Code.NOT_FINITE)
        count = members.shape[1]
        sd = error_sd_by(system, mean**2 + variance * ((count - 1.0) / count))
        seen = _seen(observation.time, values, mean, np.sqrt(variance + sd**2), count)
        carried = replace(state, time=observation.time, members=members, cycle=state.cycle + 1)
        if not measured:
            return carried, seen
        ahead, wide = _ahead(members, system, root, sd, seen.innovation)
        learned = inflations.learned(care.inflation, carried.inflation, ahead.innovation, ahead.observed)
        new = _attempt(condition, ahead)
        if isinstance(new, Code):
            return state, _failed(observation, new)
        factors = inflations.after(care.inflation, wide, new.deviations)
        if not _widened(members, new, factors, care.rotate, draws, state.cycle):
            return state, _failed(observation, Code.NOT_FINITE)
    found = new.evidence
    likelihood = carried.log_likelihood + found.log_likelihood
    return replace(carried, log_likelihood=likelihood, inflation=learned), replace(
        seen,
        nis=found.nis,
        n=ahead.kept.size,
        log_likelihood=found.log_likelihood,
        least_pivot=found.least_pivot,
        inflation=factor * float(np.mean(factors)),
    )


def _check(state: Ensemble) -> None:
    if state.log_weights is not None:
        raise InputError("filter", "log_weights", "given", "members of equal weight")
    if state.members.shape[1] < 2:
        raise InputError("filter", "members", state.members.shape[1], "2 or more")


def _finite(values: Floats) -> bool:
    """True where the squares of all values have a finite sum."""
    flat = values.reshape(-1)
    return bool(np.isfinite(flat @ flat))


def _failed(observation: Observation, code: int) -> Diagnostics:
    nothing = np.full(np.size(observation.values), np.nan)
    return Diagnostics(observation.time, nothing, nothing, nothing, np.nan, 0, np.nan, inflation=np.nan, code=int(code))


def _seen(time: float, values: Floats, mean: Floats, spread: Floats, members: int) -> Diagnostics:
    """Diagnostics before anything was conditioned; not-a-number where nothing was measured."""
    shown = np.where(np.isnan(values), np.nan, (mean, spread))
    return Diagnostics(time, values - mean, shown[0], shown[1], 0.0, 0, 0.0, ess=float(members))


def _ahead(members: Floats, system: System, root: Floats, sd: Floats, innovation: Floats) -> tuple[Ahead, Floats]:
    """The forecast, and its SDs (d,). root (q, N): deviations of what the members would measure; innovation (q,),
    not-a-number where not measured."""
    d, measured = members.shape[0], int(np.count_nonzero(~np.isnan(innovation)))
    joint = np.empty((d + measured, members.shape[1]))
    white = whiten(system, root, sd, innovation, out=joint[d:])
    mean, variance = _centered(members, joint[:d])
    wide = np.full(d, np.nan) if variance is None else np.sqrt(variance)
    return Ahead(mean, joint[:d], white.values, joint[d:], white.log_scale, white.kept, joint), wide


def _centered(members: Floats, out: Floats) -> tuple[Floats, Floats | None]:
    """Means (d,) of the rows, and deviations from them by sqrt(N - 1) into out (d, N), which may be the members; their
    variances, None where something is not finite."""
    rows, count = members.shape
    mean, squares = np.empty(rows), np.empty(rows)
    total = center(members, 1.0 / np.sqrt(count - 1.0), np.ones(count), mean, squares, out)
    return mean, squares if np.isfinite(total) else None


def _attempt(condition: Callable[[Ahead], Conditioned], ahead: Ahead) -> Conditioned | Code:
    """The rule applied; a code where its whitened values overflow or a decomposition does not converge."""
    if not (_finite(ahead.observed) and _finite(ahead.innovation)):
        return Code.NOT_FINITE
    try:
        return condition(ahead)
    except np.linalg.LinAlgError:
        return Code.SINGULAR


def _widened(members: Floats, new: Conditioned, factors: Floats, rotate: bool, draws: Draws, at: int) -> bool:
    """Writes the ensemble after inflation and rotation over the members; false where it is not finite."""
    deviations, order = new.deviations, new.deviations.shape[1] - 1
    if rotate:
        deviations = deviations @ mean_preserving(draws.normal(at, "rotation", (order, order)))
    return bool(np.isfinite(around(np.ascontiguousarray(deviations), new.mean, factors * np.sqrt(order), members)))
