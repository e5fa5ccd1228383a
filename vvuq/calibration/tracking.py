"""Fits what a filter needs to follow patients over days: typical parameters, how much they drift, the sensor's error.

The fit minimises the CRPS of forecasts at several horizons, not the likelihood of the next reading: of a model that is
not the truth, the likelihood of one step asks for parameters that run wild over three hours. Forecasts are those of the
unscented filter without further readings, as normal distributions, so that the objective is smooth and draws nothing.

Sources: Gneiting et al., Mon Weather Rev 133 (2005) 1098 (estimation by minimum CRPS); Nelder & Mead, Comput J 7 (1965)
308, with the adaptive coefficients of Gao & Han, Comput Optim Appl 51 (2012) 259."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.system import Observations, System, gaussian, observe
from vvuq.assimilation.ukf import Unscented, weights
from vvuq.assimilation.ukf_run import Walk, filter_record, walk_of
from vvuq.calibration.stretches import Stretch, stretches
from vvuq.data.known import known_at
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.methods.ensembles import crps_normal
from vvuq.models.follow import Follow
from vvuq.models.parameter import Noise
from vvuq.models.schedule import Schedule, since
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Belief, Cohort, Floats, Patient

METHOD = Unscented()
HELD = 1e-3  # pull towards the priors, per squared standard deviation: it decides where the readings say nothing
STEEP = 0.3  # size of the first simplex, in logarithms
BAD = 1e6  # the score of a forecast that could not be made
Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Tracking:
    """What the fit found.

    theta (p,): typical parameters; omega (k,): SD between patients of the log of each personal one, as the priors
    declare it, since few patients do not tell it from drift; noise: the error of each observable; drift (d,): see
    Follow. objective, start_objective: mean over horizons of the CRPS by the mean absolute error of persistence."""

    theta: Floats
    omega: Floats
    noise: tuple[Noise, ...]
    drift: Floats
    objective: float
    start_objective: float
    evaluations: int
    patients: tuple[str, ...]
    cohort: Cohort | None = None  # what was handed to the fit, for whoever asks whom it has seen


def declared(twin: Twin) -> Tracking:
    """What the twin's own declaration says, before any patient: medians and spreads of the priors, declared drift."""
    follow = followed(twin)
    theta = np.array([p.prior.quantile(0.5) for p in twin.model.parameters])
    omega = np.array([_spread(twin, name) for name in twin.personal])
    noise = tuple(o.noise for o in twin.model.observables)
    return Tracking(theta, omega, noise, follow.drifts(twin), np.nan, np.nan, 0, ())


def followed(twin: Twin) -> Follow:
    """How the twin's patients are tracked. Raises InputError for a twin that follows nobody."""
    if twin.follow is None:
        raise InputError(f"twin {twin.name}", "follow", None, "a Follow: how its patients are tracked")
    return twin.follow


def tracking_system(twin: Twin, found: Tracking) -> System:
    """The system in which a patient's personal parameters are learned and drift."""
    return System(twin.model, found.theta, twin.personal, found.noise, found.drift, twin.method.step)


def first_belief(twin: Twin, found: Tracking, stretch: Stretch) -> Belief:
    """The belief at a stretch's first reading, before it: states as declared, parameters as in the population."""
    mean, sd = followed(twin).start(stretch.schedule, found.theta, float(stretch.values[0]))
    typical = np.log([found.theta[twin.model.parameter_index(name)] for name in twin.personal])
    spread = np.concatenate([sd, found.omega])
    system = tracking_system(twin, found)
    return gaussian(system, float(stretch.times[0]), np.concatenate([mean, typical]), np.diag(spread**2))


def track(twin: Twin, found: Tracking, stretch: Stretch, *, roots: bool = True, walk: Walk | None = None) -> Filtered:
    """The belief after each reading of a stretch."""
    system = tracking_system(twin, found)
    channel, q = twin.model.observable_index(followed(twin).observable), len(system.noise)
    values = np.full((stretch.times.size, q), np.nan)
    values[:, channel] = stretch.values
    prior = first_belief(twin, found, stretch)
    seen = Observations(stretch.times, values)
    return filter_record(METHOD, system, stretch.schedule, prior, seen, roots=roots, walk=walk)


def fit_tracking(
    twin: Twin,
    cohort: Cohort,
    *,
    ahead: Sequence[float],
    every: float,
    evaluations: int,
    start: Tracking | None = None,
    threads: int = 1,
) -> Tracking:
    """The fit to all patients of `cohort`. ahead: horizons, ascending; every: time between scored ones; evaluations: at
    most so many of the objective. Deterministic, whatever the threads. Raises IntegrityError for a held-out patient,
    NotEvaluable where no forecast can be scored."""
    if any(patient.sealed for patient in cohort.patients):
        raise IntegrityError(f"cohort {cohort.name}: a held-out patient was handed to a fit")
    begin = declared(twin) if start is None else start
    horizons = np.asarray(ahead, dtype=float)
    cases = cases_of(twin, cohort, horizons, every)
    sizes, point = _sizes(cases), _point(twin, begin)
    with ThreadPoolExecutor(max(threads, 1)) as pool:

        def objective(at: Floats) -> float:
            trial = _at(twin, begin, at)
            parts = list(pool.map(lambda case: _scores(twin, trial, case, horizons), cases))
            score = float(np.nanmean(np.nanmean(np.concatenate(parts), axis=0) / sizes))
            score += HELD * _far(twin, trial)
            return score if np.isfinite(score) else BAD

        simplex = np.vstack([point, point + STEEP * np.eye(point.size)])
        before = objective(point)
        done = minimize(
            objective, point, method="Nelder-Mead",
            options={"maxfev": evaluations, "initial_simplex": simplex, "adaptive": True},
        )  # fmt: skip
    best = done.x if done.fun < before else point
    found = _at(twin, begin, best)
    ids = tuple(p.id for p in cohort.patients)
    return replace(
        found, objective=float(min(done.fun, before)), start_objective=before,
        evaluations=int(done.nfev) + 1, patients=ids, cohort=cohort,
    )  # fmt: skip


def _spread(twin: Twin, name: str) -> float:
    prior = twin.model.parameters[twin.model.parameter_index(name)].prior
    return float(np.log(prior.quantile(0.8413447460685429) / prior.quantile(0.5)))


def _point(twin: Twin, begin: Tracking) -> Floats:
    """Logarithms of what is fitted: typical values, drifts that are not 0, the error of what is followed."""
    follow = followed(twin)
    names = (*twin.personal, *follow.shared)
    values = [begin.theta[twin.model.parameter_index(name)] for name in names]
    moving = begin.drift[begin.drift > 0.0]
    error = begin.noise[twin.model.observable_index(follow.observable)].sd
    return np.log(np.concatenate([values, moving, [error]]))


def _at(twin: Twin, begin: Tracking, point: Floats) -> Tracking:
    follow = followed(twin)
    names, values = (*twin.personal, *follow.shared), np.exp(point)
    theta, drift = begin.theta.copy(), begin.drift.copy()
    theta[[twin.model.parameter_index(name) for name in names]] = values[: len(names)]
    drift[drift > 0.0] = values[len(names) : -1]
    channel = twin.model.observable_index(follow.observable)
    noise = tuple(replace(n, sd=float(values[-1])) if i == channel else n for i, n in enumerate(begin.noise))
    return replace(begin, theta=theta, drift=drift, noise=noise)


def _far(twin: Twin, trial: Tracking) -> float:
    """Squared distance of typical values from the medians of their priors, in their SDs."""
    total = 0.0
    for name in (*twin.personal, *followed(twin).shared):
        i = twin.model.parameter_index(name)
        total += (np.log(trial.theta[i] / twin.model.parameters[i].prior.quantile(0.5)) / _spread(twin, name)) ** 2
    return float(total)


@dataclass(frozen=True, slots=True)
class Case:
    """A stretch, the readings (k,) at which scored forecasts begin, what is on record at each, and the truth (k, h)."""

    stretch: Stretch
    origins: Integers
    futures: tuple[Schedule, ...]
    walks: tuple[Walk, ...]
    walk: Walk
    truth: Floats


def cases_of(twin: Twin, cohort: Cohort, ahead: Floats, every: float) -> tuple[Case, ...]:
    """The cases of all patients; forecasts `every` so often, as long as there are readings at the last horizon."""
    per = factor(dict(cohort.units)["time"], twin.model.time_unit, cohort.name)
    return tuple(
        _case(twin, cohort, patient, stretch, ahead, every, per)
        for patient in cohort.patients
        for stretch in stretches(twin, cohort, patient)
    )


def _case(
    twin: Twin, cohort: Cohort, patient: Patient, stretch: Stretch, ahead: Floats, every: float, per: float
) -> Case:
    times = stretch.times
    wanted = np.arange(times[0] + every, times[-1] - ahead[-1] + 1e-9, every)
    origins = np.unique(np.searchsorted(times, wanted)) if wanted.size else np.zeros(0, dtype=np.int64)
    memory = followed(twin).memory
    futures = tuple(
        since(twin.schedule(cohort, known_at(patient, t / per, (t + ahead[-1]) / per, memory / per)), t)
        for t in times[origins].tolist()
    )
    system, steps = tracking_system(twin, declared(twin)), _steps(twin, ahead)
    walks = tuple(walk_of(system, f, np.append(f.start, f.start + steps)) for f in futures)
    walk = walk_of(system, stretch.schedule, np.append(times[0], times))
    return Case(stretch, origins.astype(np.int64), futures, walks, walk, _truth(stretch, origins, ahead))


def _steps(twin: Twin, ahead: Floats) -> Floats:
    """The times after an origin at which a forecast moves at random, as it does at each reading."""
    step = followed(twin).step
    return np.arange(1.0, ahead[-1] / step + 0.5) * step


def _truth(stretch: Stretch, origins: Integers, ahead: Floats) -> Floats:
    """Readings (k, h) nearest to origin + horizon, not-a-number where none lies within a fifth of the first horizon."""
    times = stretch.times
    wanted = times[origins][:, None] + ahead
    right = np.clip(np.searchsorted(times, wanted), 1, max(times.size - 1, 1))
    near = np.where(wanted - times[right - 1] <= times[np.minimum(right, times.size - 1)] - wanted, right - 1, right)
    near = np.minimum(near, times.size - 1)
    return np.where(np.abs(times[near] - wanted) <= 0.2 * ahead[0], stretch.values[near], np.nan)


def _sizes(cases: Sequence[Case]) -> Floats:
    """The mean absolute error of persistence at each horizon. Raises NotEvaluable where there is nothing to score."""
    errors = np.concatenate([np.abs(c.truth - c.stretch.values[c.origins, None]) for c in cases]) if cases else None
    if errors is None or not np.isfinite(errors).any(axis=0).all():
        raise NotEvaluable("no stretch of readings is as long as the last horizon")
    return np.asarray(np.nanmean(errors, axis=0))


def _scores(twin: Twin, trial: Tracking, case: Case, ahead: Floats) -> Floats:
    """CRPS (k, h) of normal forecasts from the filter's belief at each origin; large where there is none."""
    if not case.origins.size:
        return np.zeros((0, ahead.size))
    try:
        filtered = track(twin, trial, case.stretch, walk=case.walk)
        middle, spread = normal_ahead(twin, trial, case, filtered, ahead)
    except (InputError, ArithmeticError, np.linalg.LinAlgError):
        return np.full((case.origins.size, ahead.size), BAD)
    score = crps_normal(middle, spread, case.truth)
    return np.where(np.isfinite(case.truth) & ~np.isfinite(score), BAD, score)


def normal_ahead(twin: Twin, found: Tracking, case: Case, filtered: Filtered, ahead: Floats) -> tuple[Floats, Floats]:
    """Mean and SD (k, h) of a reading at each horizon after each origin, by the filter; not-a-number if it failed."""
    follow, system = followed(twin), tracking_system(twin, found)
    channel, q = twin.model.observable_index(follow.observable), len(system.noise)
    if filtered.roots is None:
        raise InputError("filter", "roots", None, "a record that was filtered with its roots")
    steps = _steps(twin, ahead)
    kept = np.searchsorted(steps, ahead - 1e-9)
    of, error, nothing = weights(METHOD, system.size), system.noise[channel].sd, np.full((steps.size, q), np.nan)
    middle, spread = np.full((2, case.origins.size, ahead.size), np.nan)
    for row, (i, schedule, walk) in enumerate(zip(case.origins, case.futures, case.walks, strict=True)):
        belief = Belief(schedule.start, system.names, filtered.mean[i], filtered.roots[i])
        none = Observations(belief.time + steps, nothing)
        future = filter_record(METHOD, system, schedule, belief, none, roots=True, walk=walk)
        if future.roots is None or future.codes.any():
            continue
        roots = of.scale * future.roots[kept]
        points = future.mean[kept][:, :, None] + np.concatenate([roots, -roots], axis=2)
        flat = np.ascontiguousarray(points.transpose(1, 0, 2).reshape(system.size, -1))
        seen = observe(system, schedule, flat, float(future.times[-1]))[channel].reshape(ahead.size, -1)
        middle[row], spread[row] = seen.mean(axis=1), np.sqrt(seen.var(axis=1) + error**2)
    return middle, spread
