"""Forecasts in layers: numbers of the population, of them a patient, of the patient a course, of it a measured value.

A patient is drawn from the twin, measured, followed under each set of numbers of the population, and forecast for one
later time after more and more values. What the layers add to the variance is what is not known of the population, of
the patient, of the random changes to come, and the error of the instrument. The first two are ignorance, which more
data remove; the last two are noise, which no earlier value removes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.method import State
from vvuq.assimilation.system import Observations, observe, process_sd, propagate
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import Walk, filter_record, walk_of
from vvuq.calibration.subjects import Subject
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecast import forecast_members
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Ensemble, Floats

Places = np.ndarray[tuple[int], np.dtype[np.signedinteger]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What is forecast: `observable` at `target`, after the first `after` (ascending counts) of the values at `times`.

    seen (q,): which observables are measured at these times. outer members of each belief have `inner` courses each.
    pace: where a patient moves at random, the longest time without a move, after the last value and between values."""

    observable: str
    target: float
    times: Floats
    seen: Mask
    after: tuple[int, ...]
    outer: int = 64
    inner: int = 8
    pace: float = float("inf")

    def __post_init__(self) -> None:
        ascending = self.times.size and np.all(np.diff(self.times) > 0.0) and self.times[-1] < self.target
        if not ascending or not np.all(np.isfinite(self.times)):
            remedy = f"ascending times before the target, {self.target:g}"
            raise InputError("nested forecast", "times", self.times.tolist(), remedy)
        counts = list(self.after)
        if not counts or counts != sorted(set(counts)) or not 0 <= counts[0] <= counts[-1] <= self.times.size:
            raise InputError("nested forecast", "after", counts, f"ascending counts from 0 to {self.times.size}")
        if not np.any(self.seen):
            raise InputError("nested forecast", "seen", [], "one observable or more that is measured")

    def moves(self, start: float) -> list[float]:
        """The times after `start` at which a patient moves at random: each measured one, the target, and between."""
        ends, out = [*(t for t in self.times.tolist() if t > start), self.target], [start]
        for end in ends:
            parts = max(int(np.ceil((end - out[-1]) / self.pace - 1e-9)), 1)
            out += np.linspace(out[-1], end, parts + 1)[1:].tolist()
        return out[1:]


@dataclass(frozen=True, eq=False, slots=True)
class Met:
    """Patients (N) drawn from subjects: values (N, T, q), not-a-number where not measured; what is measured at the
    target (N,), and whose numbers they have (N,)."""

    values: Floats
    target: Floats
    world: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """Noise-free values h and variances of their error (after, worlds, outer, inner) of one patient; not-a-number where
    a member could not be simulated, or the filter lost the patient."""

    values: Floats
    variances: Floats


def draw_patients(worlds: Sequence[Subject], asked: Asked, count: int, draws: Draws) -> Met:
    """`count` patients, dealt to the worlds in turn; each is a draw from its world's first belief, moves at random as
    the world says and is measured with its errors. Those that leave the model's range stay not-a-number."""
    q, t = len(worlds[0].system.noise), asked.times.size
    values, target = np.full((count, t, q), np.nan), np.full(count, np.nan)
    world = np.arange(count) % len(worlds)
    for number, subject in enumerate(worlds[:count]):
        mine = np.flatnonzero(world == number)
        found = _measured(subject, asked, draws, mine)
        values[mine], target[mine] = found[:, :-1], found[:, -1, channel_of(subject, asked.observable)]
    values[:, :, ~asked.seen] = np.nan
    return Met(values, target, world)


def channel_of(subject: Subject, observable: str) -> int:
    """Its place among what is measured: a system with an operator measures the model's observable by its first row."""
    return 0 if subject.system.operator is not None else subject.system.model.observable_index(observable)


def _measured(subject: Subject, asked: Asked, draws: Draws, mine: Places) -> Floats:
    """(patients, T + 1, q): what is read at each time and at the target."""
    system, prior, read = subject.system, subject.prior, {*asked.times.tolist(), asked.target}
    keyed = [_keyed(draws, i) for i in mine.tolist()]
    normals = np.array([one.normal(0, "patient", (system.size,)) for one in keyed]).T
    members, before, out = prior.mean[:, None] + prior.root @ normals, prior.time, []
    first = [prior.time] if prior.time in read else []
    for cycle, time in enumerate([*first, *asked.moves(prior.time)]):
        if time > before:
            members, codes = propagate(system, subject.schedule, members, before, time)
            members = np.where(codes == 0, members, np.nan)
            walk = np.array([one.normal(cycle, "course", (system.size,)) for one in keyed]).T
            members, before = members + process_sd(system, before, time)[:, None] * walk, time
        if time in read:
            error = np.array([one.normal(cycle, "error", (len(system.noise),)) for one in keyed]).T
            out.append(_read(subject, members, time, error))
    return np.array(out).transpose(1, 0, 2)


def _read(subject: Subject, members: Floats, time: float, error: Floats) -> Floats:
    """(patients, q): what is read of members (d, patients), with standard normal errors (q, patients)."""
    seen, there = np.full(error.shape, np.nan), np.all(np.isfinite(members), axis=0)
    seen[:, there] = observe(subject.system, subject.schedule, np.ascontiguousarray(members[:, there]), time)
    sd, cv = subject.system.errors
    return (seen + np.hypot(sd[:, None], cv[:, None] * seen) * error).T


def _keyed(draws: Draws, patient: int) -> Draws:
    return Draws(draws.seed, draws.stream, f"patient {patient}")


def ways(worlds: Sequence[Subject], asked: Asked) -> list[Walk]:
    """For each world the way through its schedule and the times, which all its patients take."""
    return [walk_of(one.system, one.schedule, np.append(one.prior.time, asked.times)) for one in worlds]


def layers(
    worlds: Sequence[Subject], asked: Asked, values: Floats, walks: Sequence[Walk], draws: Draws, *, step: float = 1.0
) -> Layers:
    """The forecasts of a patient with values (T, q); step: a factor on the integrator's step of the forecast alone, to
    see what it changes.

    All counts share their random numbers; each world has its own: with the same in all, what sampling adds to the mean
    of a world would be in every mean, and what is taken off for it would make the part of the population too small."""
    shape = (len(asked.after), len(worlds), asked.outer, asked.inner)
    found, error = np.full(shape, np.nan), np.full(shape, np.nan)
    for j, (subject, walk) in enumerate(zip(worlds, walks, strict=True)):
        unscented, own = isinstance(subject.method, Unscented), replace(draws, patient=f"{draws.patient}, world {j}")
        met = _beliefs(subject, asked, values, walk) if unscented else _ensembles(subject, asked, values, own)
        for k, state in enumerate(met):
            if state is not None:
                found[k, j], error[k, j] = _forecast(subject, asked, state, own, step)
    return Layers(found, error**2)


def _beliefs(subject: Subject, asked: Asked, values: Floats, walk: Walk) -> list[State | None]:
    """After each count of values; None where the filter had failed by then."""
    prior = subject.prior
    if not asked.after[-1]:
        return [prior]
    seen = Observations(asked.times, values)
    course = filter_record(Unscented(), subject.system, subject.schedule, prior, seen, roots=True, walk=walk)
    out: list[State | None] = []
    for count in asked.after:
        if count == 0:
            out.append(prior)
        elif course.roots is None or np.any(course.codes[:count] != 0):
            out.append(None)
        else:
            time = float(asked.times[count - 1])
            out.append(Belief(time, prior.names, course.mean[count - 1], course.roots[count - 1], cycle=count))
    return out


def _ensembles(subject: Subject, asked: Asked, values: Floats, draws: Draws) -> list[State | None]:
    """As _beliefs, by the steps of a filter of as many members as the forecast has outer ones."""
    state = subject.method.init(subject.prior, draws)
    if not isinstance(state, Ensemble) or state.members.shape[1] != asked.outer:
        raise InputError(
            "nested forecast", "outer", asked.outer, "as many members as the subject's ensemble filter has"
        )
    out: dict[int, State | None] = {0: state}
    for count, observation in enumerate(Observations(asked.times, values), 1):
        before = out[count - 1]
        if before is None:
            out[count] = None
            continue
        after, seen = subject.method.step(subject.system, subject.schedule, before, observation, draws)
        out[count] = after if seen.code == 0 else None
    return [out[count] for count in asked.after]


def _forecast(subject: Subject, asked: Asked, state: State, draws: Draws, step: float) -> tuple[Floats, Floats]:
    """Noise-free values and the SDs of their error (outer, inner) at the target."""
    system = replace(subject.system, step=step * subject.system.step)
    a, b, d = asked.outer, asked.inner, system.size
    if isinstance(state, Belief):
        members = state.mean[:, None] + state.root @ draws.normal(0, "members", (d, a))
    else:
        members = state.members
    moving, walk, times = np.asarray(system.drift) > 0.0, None, [asked.target]
    if np.any(moving):
        times = asked.moves(state.time)
        walk = np.zeros((len(times), d, a * b))
        walk[:, moving] = draws.normal(0, "walk", (len(times), int(moving.sum()), a * b))
    out, error, members = np.full(a * b, np.nan), np.full(a * b, np.nan), np.repeat(members, b, axis=1)
    try:
        ahead = forecast_members(system, state.time, subject.schedule, asked.observable, np.array(times), members, walk)
    except NotEvaluable:
        return out.reshape(a, b), error.reshape(a, b)
    kept = slice(None) if ahead.kept is None else ahead.kept
    out[kept], error[kept] = ahead.values[-1], ahead.error_sd[-1]
    return out.reshape(a, b), error.reshape(a, b)
