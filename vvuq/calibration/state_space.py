"""Fits a state-space twin to records in slots by maximum likelihood: rates and couplings, means and spreads of levels,
what a record begins with, random walks, errors of the channels.

The likelihood is that of the Kalman filter over each patient's whole record, exact for a linear twin to which nothing
is given: of the values alone, as if that they were measured said nothing of the state (orders.py drops this).

Source: Schweppe, IEEE Trans Inf Theory 11 (1965) 61 (likelihood by the filter's innovations); methods/scoring.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtri

from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.stacked import Stack, log_likelihoods, stack
from vvuq.assimilation.system import System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import Walk, filter_record, walk_of
from vvuq.calibration.slots import Slots, space_of
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.methods.scoring import covariance_of, least
from vvuq.models.parameter import LogNormal, Noise
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Belief, Floats

METHOD = Unscented()
STEP = 1e-4  # of a difference, in the coordinates of the fit, each of which is of the order of 1
ENOUGH = 0.05  # gain in log-likelihood of one iteration, of all records together, at which the search ends
Z = float(ndtri(0.975))
BAD = 1e6  # minus the log-likelihood of a record that could not be filtered


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """Numbers of a state-space twin: theta (p,), drift and first belief by rows of the states, error of each channel.

    level, start: {state: (mean, SD)} as in StateSpace."""

    theta: Floats
    level: dict[str, tuple[float, float]]
    start: dict[str, tuple[float, float]]
    drift: dict[str, float]
    noise: tuple[Noise, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A fitted number: name, unit, value, standard error, 95 % interval, and where the twin's declaration began.

    The interval is normal on the scale of the fit, so that what is above 0 stays there. Where the error is not known it
    and the interval are not-a-number."""

    name: str
    unit: str
    value: float
    error: float
    low: float
    high: float
    declared: float


@dataclass(frozen=True, eq=False)
class Fit:
    """What the fit found. log_likelihood of all records, start_log_likelihood by the declaration; evaluations of the
    likelihood of all records; converged: whether the search ended by itself. groups: persons that were fitted. begin:
    where the search began; point (k,) and its covariance (k, k), not-a-number where the records do not settle it, are
    in the coordinates of the fit from there."""

    candidate: Candidate
    numbers: tuple[Number, ...]
    log_likelihood: float
    start_log_likelihood: float
    evaluations: int
    converged: bool
    groups: tuple[str, ...]
    begin: Candidate
    point: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class Walks:
    """Ways through the slots that records of one length share, so that they are compiled once."""

    known: dict[tuple[float, int], Walk] = field(default_factory=dict)

    def through(self, system: System, slots: Slots) -> Walk:
        """The way through the slots of one record."""
        plain = not (slots.schedule.boluses or slots.schedule.infusions or slots.schedule.levels)
        times = np.append(slots.times[:1], slots.times)
        if not plain:
            return walk_of(system, slots.schedule, times)
        key = float(slots.times[0]), slots.times.size
        if key not in self.known:
            self.known[key] = walk_of(system, slots.schedule, times)
        return self.known[key]


def declared(twin: Twin) -> Candidate:
    """The twin's own declaration: medians of the priors, and its StateSpace."""
    space = space_of(twin)
    theta = np.array([p.prior.quantile(0.5) for p in twin.model.parameters])
    noise = tuple(o.noise for o in twin.model.observables)
    return Candidate(theta, dict(space.level), dict(space.start), dict(space.drift), noise)


def system_of(twin: Twin, candidate: Candidate) -> System:
    """All rows are states; nothing is learned."""
    drift = np.array([candidate.drift.get(name, 0.0) for name in twin.model.states])
    return System(twin.model, candidate.theta, (), candidate.noise, drift, twin.method.step)


def first_belief(twin: Twin, candidate: Candidate) -> Belief:
    """Before the first slot, at time 0: levels as between patients, each moving state its level and a distance."""
    space, names = space_of(twin), list(twin.model.states)
    mean, covariance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for moving, level in space.levels.items():
        i, j = names.index(moving), names.index(level)
        (middle, spread), (away, scatter) = candidate.level[level], candidate.start[moving]
        mean[[i, j]] = middle + away, middle
        covariance[j, j] = covariance[i, j] = covariance[j, i] = spread**2
        covariance[i, i] = spread**2 + scatter**2
    return gaussian(system_of(twin, candidate), 0.0, mean, covariance)


def follow_slots(
    system: System, prior: Belief, slots: Slots, *, roots: bool = False, walks: Walks | None = None
) -> Filtered:
    """The belief after each slot of a record, from the prior at its beginning, whatever time the prior has. walks:
    shared where many records are followed."""
    start, walk = replace(prior, time=float(slots.times[0])), (walks or Walks()).through(system, slots)
    return filter_record(METHOD, system, slots.schedule, start, slots.observations, roots=roots, walk=walk)


def log_likelihood(filtered: Filtered) -> float:
    """Of a record that was filtered; minus infinity where a cycle failed."""
    return float(filtered.log_likelihood.sum()) if not filtered.codes.any() else -np.inf


def fit_state_space(
    twin: Twin, records: Sequence[Slots], *, iterations: int = 60, threads: int = 1,
    start: Candidate | None = None,
) -> Fit:  # fmt: skip
    """The candidate of the highest likelihood of all records; deterministic, whatever the threads.

    Raises IntegrityError for a held-out patient, NotEvaluable for fewer persons than numbers to fit, or where the
    declaration itself gives no likelihood, InputError for a twin that is not linear or to which something is given."""
    leaked = sum(one.sealed for one in records)
    if leaked:
        raise IntegrityError(f"leakage: {leaked} held-out patients reached a fit of {twin.name}")
    begin, groups = start or declared(twin), tuple(dict.fromkeys(one.group for one in records))
    coordinates, data = coordinates_of(twin, begin), stack([one.values for one in records])
    if len(groups) <= len(coordinates):
        raise NotEvaluable(f"fit of {twin.name}: {len(groups)} persons are too few for {len(coordinates)} numbers")

    def by_record(point: Floats) -> Floats:
        return _costs(twin, moved(begin, coordinates, point), data, threads)

    origin = np.zeros(len(coordinates))
    log_likelihoods(system_of(twin, begin), first_belief(twin, begin), space_of(twin).slot, data)  # or says why not
    if any(one.schedule != Schedule(one.schedule.start) for one in records):
        raise InputError(f"fit of {twin.name}", "schedule", "something given", "records to which nothing is given")
    if np.any(by_record(origin) >= BAD):
        raise NotEvaluable(f"fit of {twin.name}: the declaration gives a record no likelihood")
    best = least(by_record, origin, step=STEP, iterations=iterations, enough=ENOUGH)
    member = np.array([[one.group == group for one in records] for group in groups], dtype=float)
    covariance = covariance_of(best.scores, member)
    spread = np.sqrt(np.diag(covariance))
    found = moved(begin, coordinates, best.point)
    numbers = tuple(
        Number(
            one.name,
            one.unit,
            one.value(x),
            one.slope(x) * sd,
            one.value(x - Z * sd),
            one.value(x + Z * sd),
            one.value(0.0),
        )
        for one, x, sd in zip(coordinates, best.point, spread, strict=True)
    )
    return Fit(
        found, numbers, -best.cost, -best.start_cost, best.evaluations, best.converged, groups, begin, best.point,
        covariance,
    )  # fmt: skip


def drawn(twin: Twin, fit: Fit, normals: Floats) -> tuple[Candidate, ...]:
    """Candidates drawn from the fit's own errors, one for each column of the standard normals (k, draws): what else the
    records could have come from, by the normal approximation of the likelihood.

    Raises NotEvaluable where the records do not settle every number, InputError for normals of another size."""
    if normals.shape[0] != fit.point.size:
        raise InputError(f"fit of {twin.name}", "normals", normals.shape, f"({fit.point.size}, draws)")
    if not np.all(np.isfinite(fit.covariance)):
        raise NotEvaluable(f"fit of {twin.name}: the records do not settle every number, so that none can be drawn")
    coordinates = coordinates_of(twin, fit.begin)
    points = fit.point[:, None] + np.linalg.cholesky(fit.covariance) @ normals
    return tuple(moved(fit.begin, coordinates, point) for point in points.T)


def _costs(twin: Twin, trial: Candidate, records: Stack, threads: int) -> Floats:
    """Minus the log-likelihood of each record."""
    try:
        system, prior = system_of(twin, trial), first_belief(twin, trial)
        costs = -log_likelihoods(system, prior, space_of(twin).slot, records, threads=threads)
    except InputError:  # numbers so far astray that no belief can be made of them
        return np.full(records.first.size - 1, BAD)
    return np.where(np.isfinite(costs), costs, BAD)


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One number that the fit moves: value = start exp(x) where it is above 0, else start + scale x."""

    name: str
    unit: str
    begin: float
    scale: float
    set: Callable[[Candidate, float], Candidate]

    def value(self, x: float) -> float:
        """At the coordinate x."""
        return self.begin * float(np.exp(x)) if self.scale == 0.0 else self.begin + self.scale * x

    def slope(self, x: float) -> float:
        """The derivative of value by x."""
        return self.value(x) if self.scale == 0.0 else self.scale


def moved(begin: Candidate, coordinates: Sequence[Coordinate], point: Floats) -> Candidate:
    """The candidate at a point of the fit's coordinates."""
    for coordinate, x in zip(coordinates, point.tolist(), strict=True):
        begin = coordinate.set(begin, coordinate.value(x))
    return begin


def coordinates_of(twin: Twin, begin: Candidate) -> tuple[Coordinate, ...]:
    """All numbers that a fit moves, in order; their names are those of values in evidence."""
    model, states, time = twin.model, dict(twin.model.states), twin.model.time_unit
    out = []
    for i, p in enumerate(model.parameters):
        prior = p.prior
        scale = 0.0 if isinstance(prior, LogNormal) else float(prior.quantile(0.8413447460685429) - prior.quantile(0.5))
        out.append(Coordinate(p.name, p.unit, float(begin.theta[i]), scale, _theta(i)))
    for what, pairs in (("level", begin.level), ("start", begin.start)):
        for name, (mean, sd) in pairs.items():
            stem = name if what == "level" else f"start_{name}"
            out.append(Coordinate(f"mean_{stem}", states[name], mean, sd, _pair(what, name, 0)))
            out.append(Coordinate(f"sd_{stem}", states[name], sd, 0.0, _pair(what, name, 1)))
    for name, value in begin.drift.items():
        out.append(Coordinate(f"drift_{name}", f"{states[name]}/{time}^0.5", value, 0.0, _drift(name)))
    for i, observable in enumerate(model.observables):
        out.append(Coordinate(f"error_{observable.name}", observable.unit, begin.noise[i].sd, 0.0, _noise(i)))
    return tuple(out)


def _theta(i: int) -> Callable[[Candidate, float], Candidate]:
    def set_(one: Candidate, value: float) -> Candidate:
        theta = one.theta.copy()
        theta[i] = value
        return replace(one, theta=theta)

    return set_


def _pair(what: str, name: str, part: int) -> Callable[[Candidate, float], Candidate]:
    def set_(one: Candidate, value: float) -> Candidate:
        pairs = dict(getattr(one, what))
        before = pairs[name]
        pairs[name] = (value, before[1]) if part == 0 else (before[0], value)
        return replace(one, level=pairs) if what == "level" else replace(one, start=pairs)

    return set_


def _drift(name: str) -> Callable[[Candidate, float], Candidate]:
    return lambda one, value: replace(one, drift={**one.drift, name: value})


def _noise(i: int) -> Callable[[Candidate, float], Candidate]:
    return lambda one, value: replace(
        one, noise=tuple(replace(n, sd=value) if j == i else n for j, n in enumerate(one.noise))
    )
