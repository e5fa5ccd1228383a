"""Fits how a channel comes to be measured, by the likelihood of values and orders together, slot by slot.

P(measured in a slot | record before, state) = link(intercept + weights of drivers + slopes of states + a constant of
the patient's own, its frailty): a CareProcess. States and constants are summed out by the filter that is aware of
orders, so that a slope is learned from how well orders agree with what values, before and after, say of the state:
what the data cannot settle shows as a flat profile. Means and spreads of the channel's level and beginning are fitted
too: of patients who were never measured, orders are all that is known.

Sources: Diggle & Kenward, Appl Stat 43 (1994) 49; Wu & Carroll, Biometrics 44 (1988) 175."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.stacked import Stack, log_likelihoods, stack
from vvuq.calibration.slots import Slots, space_of
from vvuq.calibration.state_space import (
    BAD,
    STEP,
    Candidate,
    Coordinate,
    coordinates_of,
    first_belief,
    moved,
    system_of,
)
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.record import Complete
from vvuq.errors import InputError, IntegrityError, NotEvaluable, near
from vvuq.methods.scoring import errors_of, least
from vvuq.models.twin import Twin
from vvuq.record import Floats

ENOUGH = 0.05  # gain in log-likelihood, of all records together, below which the search ends
HELD = (
    0.05  # pull of weights and slopes towards 0, per squared unit of their scale: it decides where orders say nothing
)


@dataclass(frozen=True, eq=False, slots=True)
class Decided:
    """A record in slots with what its drivers were in each (T, h); 0 where one is not known."""

    slots: Slots
    history: Floats


@dataclass(frozen=True, eq=False)
class OrdersFit:
    """What was found. process: with the fitted numbers; candidate: of the twin; names, values, errors (k,): of all that
    was moved, slopes by the state that they stand for. log_likelihood: of values and orders of all records."""

    process: CareProcess
    candidate: Candidate
    names: tuple[str, ...]
    values: Floats
    errors: Floats
    log_likelihood: float
    evaluations: int
    converged: bool
    groups: int


def processes_of(twin: Twin) -> dict[str, CareProcess]:
    """How each channel comes to be measured, as the twin declares it; slopes and weights are where a fit begins.

    Raises NotEvaluable for a twin that does not say, InputError for a channel or a state that it has not."""
    if not twin.orders:
        raise NotEvaluable(f"twin {twin.name} does not say how channels come to be measured: Twin(orders=...)")
    known = [channel.observable for channel in space_of(twin).channels]
    for process in twin.orders:
        name, where = process.routine.observable, f"twin {twin.name}"
        if name not in known:
            raise InputError(where, "orders", name, f"one of its channels{near(name, known)}")
        for state, _ in process.slopes:
            if state not in twin.model.states:
                raise InputError(where, "orders", state, f"one of its states{near(state, twin.model.states)}")
    return {process.routine.observable: process for process in twin.orders}


def decided(twin: Twin, records: Sequence[Slots], process: CareProcess) -> tuple[Decided, ...]:
    """Records with their drivers, each from what was measured before the slot."""
    names = tuple(o.name for o in twin.model.observables)
    out = []
    for one in records:
        record = Complete(one.patient, one.times, names, np.nan_to_num(one.values))
        seen, every = one.measured.astype(float), slice(0, one.times.size)
        out.append(Decided(one, process.routine.columns(record, seen, every)))
    return tuple(out)


def without_state(process: CareProcess) -> CareProcess:
    """The same without any effect of the state: missing at random, given the record."""
    return replace(process, slopes=tuple((name, 0.0) for name, _ in process.slopes))


def weights_of(process: CareProcess) -> Floats:
    """Of the drivers (h,)."""
    return np.array([weight for _, weight in process.routine.drivers])


def fit_orders(
    twin: Twin, candidate: Candidate, records: Sequence[Decided], process: CareProcess, *,
    hold: Mapping[str, float] | None = None, iterations: int = 30, threads: int = 1,
) -> OrdersFit:  # fmt: skip
    """The process, and the channel's level and beginning, of the highest likelihood; the same whatever the threads.

    hold: slopes that are not fitted, {state: slope}. Raises IntegrityError for a held-out patient, NotEvaluable for
    fewer persons than numbers or where the start has no likelihood."""
    leaked = sum(one.slots.sealed for one in records)
    if leaked:
        raise IntegrityError(f"leakage: {leaked} held-out patients reached a fit of {twin.name}'s orders")
    held = dict(hold or {})
    begin = replace(process, slopes=tuple((name, held.get(name, slope)) for name, slope in process.slopes))
    moving = _Moving(twin, candidate, begin, tuple(held))
    groups = tuple(dict.fromkeys(one.slots.group for one in records))
    if len(groups) <= moving.scales.size:
        said = f"{len(groups)} persons are too few for {moving.scales.size} numbers"
        raise NotEvaluable(f"fit of {twin.name}'s orders: {said}")
    data = stack([one.slots.values for one in records]), np.concatenate([one.history for one in records])

    def by_record(point: Floats) -> Floats:
        return _costs(twin, *moving.at(point), *data, threads) + HELD * moving.far(point) / len(records)

    origin = np.zeros(moving.scales.size)
    if np.any(by_record(origin) >= BAD):
        raise NotEvaluable(f"fit of {twin.name}'s orders: the start gives a record no likelihood")
    best = least(by_record, origin, step=STEP, iterations=iterations, enough=ENOUGH)
    member = np.array([[one.slots.group == group for one in records] for group in groups], dtype=float)
    spread = errors_of(best.scores, member)
    (found, fitted), numbers = moving.at(best.point), moving.values(best.point)
    errors = np.abs(moving.slopes(best.point)) * spread
    return OrdersFit(
        fitted, found, moving.names, numbers, errors, -best.cost, best.evaluations, best.converged, len(groups)
    )


def _costs(twin: Twin, trial: Candidate, process: CareProcess, records: Stack, history: Floats, threads: int) -> Floats:
    """Minus the log-likelihood of each record."""
    try:
        system, prior = system_of(twin, trial), first_belief(twin, trial)
        added, slot = (history @ weights_of(process))[:, None], space_of(twin).slot
        own = (process.frailty,)
        costs = -log_likelihoods(system, prior, slot, records, (process.shared,), added, own, threads=threads)
    except InputError:  # numbers so far astray that no belief can be made of them
        return np.full(records.first.size - 1, BAD)
    return np.where(np.isfinite(costs), costs, BAD)


class _Moving:
    """What a fit moves: the intercept, weights, slopes that are not held, the frailty if there is one, as a logarithm,
    and numbers of the channel's own states."""

    def __init__(self, twin: Twin, candidate: Candidate, process: CareProcess, held: Sequence[str]) -> None:
        self.candidate, self.process = candidate, process
        self.free = [i for i, (name, _) in enumerate(process.slopes) if name not in held]
        self.weights = len(process.routine.drivers)
        self.coordinates = _own(twin, candidate, process)
        sizes = [_size(candidate, twin, process.slopes[i][0]) for i in self.free]
        self.frail = int(process.frailty > 0.0)
        self.last = 1 + self.weights + len(self.free)  # coordinates before the frailty
        ones = np.ones(self.frail + len(self.coordinates))
        self.scales = np.concatenate([np.ones(1 + self.weights), 1.0 / np.array(sizes), ones])
        drivers = [f"weight_{driver.name}" for driver, _ in process.routine.drivers]
        slopes = [f"slope_{process.slopes[i][0]}" for i in self.free]
        frailty, own = ("frailty",) * self.frail, (one.name for one in self.coordinates)
        self.names = ("intercept", *drivers, *slopes, *frailty, *own)

    def at(self, point: Floats) -> tuple[Candidate, CareProcess]:
        """The candidate and the process at a point."""
        moves, m = point * self.scales, 1 + self.weights
        routine, slopes = self.process.routine, list(self.process.slopes)
        drivers = tuple((d, w + float(by)) for (d, w), by in zip(routine.drivers, moves[1:m], strict=True))
        for i, by in zip(self.free, moves[m : m + len(self.free)], strict=True):
            slopes[i] = (slopes[i][0], slopes[i][1] + float(by))
        routine = replace(routine, intercept=routine.intercept + float(moves[0]), drivers=drivers)
        candidate = moved(self.candidate, self.coordinates, point[self.last + self.frail :])
        frailty = self.process.frailty * (float(np.exp(point[self.last])) if self.frail else 1.0)
        return candidate, replace(self.process, routine=routine, slopes=tuple(slopes), frailty=frailty)

    def far(self, point: Floats) -> float:
        """The sum of squares of weights and slopes, by their scales."""
        _, process = self.at(point)
        numbers = [*weights_of(process), *(process.slopes[i][1] for i in self.free)]
        return float(np.sum((np.array(numbers) / self.scales[1 : self.last]) ** 2))

    def values(self, point: Floats) -> Floats:
        """The numbers at a point, in the order of the names."""
        _, process = self.at(point)
        own = [one.value(float(x)) for one, x in zip(self.coordinates, point[self.last + self.frail :], strict=True)]
        slopes, frailty = [process.slopes[i][1] for i in self.free], [process.frailty] * self.frail
        return np.array([process.routine.intercept, *weights_of(process), *slopes, *frailty, *own])

    def slopes(self, point: Floats) -> Floats:
        """Derivatives of the numbers by the coordinates."""
        own = [one.slope(float(x)) for one, x in zip(self.coordinates, point[self.last + self.frail :], strict=True)]
        frailty = [self.at(point)[1].frailty] * self.frail
        return np.concatenate([self.scales[: self.last], frailty, own])


def _own(twin: Twin, candidate: Candidate, process: CareProcess) -> tuple[Coordinate, ...]:
    """Mean and spread of the level and of the beginning of the state that the channel shows."""
    place = [channel.observable for channel in space_of(twin).channels].index(process.routine.observable)
    moving, level = list(space_of(twin).levels.items())[place]
    wanted = {f"{what}_{stem}" for what in ("mean", "sd") for stem in (level, f"start_{moving}")}
    return tuple(one for one in coordinates_of(twin, candidate) if one.name in wanted)


def _size(candidate: Candidate, twin: Twin, state: str) -> float:
    """How much a state differs between patients: the scale of its slope."""
    level = space_of(twin).levels.get(state, state)
    return candidate.level[level][1] if level in candidate.level else 1.0
