"""What is done to a patient over time, and the grid of events that the integrators walk."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from vvuq.errors import InputError
from vvuq.models.units import unit
from vvuq.numerics.reset import reset_state
from vvuq.record import Floats

if TYPE_CHECKING:
    from vvuq.models.model import Model

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]
Rows = np.ndarray[tuple[int, int], np.dtype[np.int64]]
NO_RESETS = np.zeros((0, 3), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Bolus:
    """An amount added to a state at once, in the state's unit."""

    time: float
    state: str
    amount: float


@dataclass(frozen=True, slots=True)
class Infusion:
    """A rate added to an input from start to stop, in the input's unit."""

    start: float
    stop: float
    input: str
    rate: float


@dataclass(frozen=True, slots=True)
class Level:
    """The input or covariate holds `value` from `time` on."""

    time: float
    input: str
    value: float


@dataclass(frozen=True, slots=True)
class Reset:
    """At `time` a state takes the sum of the states `of`, as they stand before any bolus then."""

    time: float
    state: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """All inputs of one patient from `start` on, in the model's units. Overlapping infusions add up.

    A state is reset once at a time, and is then no source of another's reset: the order of resets does not matter."""

    start: float = 0.0
    boluses: tuple[Bolus, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    levels: tuple[Level, ...] = ()
    resets: tuple[Reset, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """When what happens, whatever the amounts: boundaries t, which to record, resets, as the kernels take them."""

    t: Floats
    record: Integers
    rows: Integers  # for each requested time its record row
    reset: Rows = field(default_factory=lambda: NO_RESETS)


@dataclass(frozen=True, slots=True)
class Grid:
    """A schedule as the kernels take it (see numerics/rk4.py): boundaries, inputs, jumps, which to record, resets."""

    t: Floats
    u: Floats
    jump: Floats
    record: Integers
    rows: Integers  # for each requested time its record row
    reset: Rows = field(default_factory=lambda: NO_RESETS)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is given on a course: inputs u (R, k, m), of which interval s has row which[s], and amount (J, m) at given
    (J, 2) = (boundary, state); m is 1 where all members are given the same."""

    u: Floats
    which: Integers
    given: Rows
    amount: Floats


def compile_grid(model: Model, schedule: Schedule, times: Sequence[float] | Floats, start: float | None = None) -> Grid:
    """The grid from `start` (default: the schedule's) to the last of `times`, which ascend and may repeat.

    Boluses and resets at `start` and later are applied, earlier ones are part of the initial state.
    Raises InputError for a non-finite number, a time before the start or out of order, an input never given."""
    course = compile_course(model, schedule, times, start)
    return grid_of(model, course, amounts_on(model, [schedule], course))


def grid_of(model: Model, course: Course, of: Amounts) -> Grid:
    """The grid of one member on a course."""
    jump = np.zeros((course.t.size, len(model.states)))
    jump[of.given[:, 0], of.given[:, 1]] = of.amount[:, 0]
    return Grid(course.t, of.u[of.which, :, 0], jump, course.record, course.rows, course.reset)


def compile_course(
    model: Model, schedule: Schedule, times: Sequence[float] | Floats, start: float | None = None
) -> Course:
    """The course of the grid that compile_grid makes, which raises what this does."""
    begin = schedule.start if start is None else start
    wanted = np.asarray(times, dtype=float)
    _check(model, schedule, wanted, begin)
    events = _floats(event_times(schedule))
    t = np.unique(np.concatenate([[begin], wanted, events[(begin <= events) & (events <= wanted[-1])]]))
    rows, record = np.zeros(wanted.size, dtype=np.int64), np.full(t.size, -1, dtype=np.int64)
    np.cumsum(wanted[1:] > wanted[:-1], out=rows[1:])
    record[np.searchsorted(t, wanted)] = rows
    return Course(t, record, rows, _resets(model, schedule, t))


def amounts_on(model: Model, schedules: Sequence[Schedule], course: Course) -> Amounts:
    """What each member is given on the course that schedules have in common, which differ in amounts alone.

    Raises InputError for an amount that is not finite."""
    t, boluses, n = course.t, schedules[0].boluses, len(model.states)
    when, states = _floats([b.time for b in boluses]), [model.state_index(b.state) for b in boluses]
    within = np.flatnonzero((t[0] <= when) & (when <= t[-1]))
    at = np.searchsorted(t, when) * n + np.array(states, dtype=np.int64)
    places, row = np.unique(at[within], return_inverse=True)
    amounts = _floats([b.amount for s in schedules for b in s.boluses]).reshape(len(schedules), -1).T
    amount = np.zeros((places.size, len(schedules)))
    np.add.at(amount, row, amounts[within])
    u, which = _inputs(model, schedules, t)
    if not (np.all(np.isfinite(u)) and np.all(np.isfinite(amount))):
        raise InputError(f"schedules of {model.name}", "amounts", "inf or nan", "finite amounts, rates and values")
    return Amounts(u, which, np.stack(np.divmod(places, n), axis=1), amount)


def event_times(schedule: Schedule) -> list[float]:
    """The times at which something happens, in no order."""
    at = [b.time for b in schedule.boluses] + [v for i in schedule.infusions for v in (i.start, i.stop)]
    return at + [level.time for level in schedule.levels] + [r.time for r in schedule.resets]


def given_at(grid: Grid, boundary: int, x: Floats) -> Floats:
    """The state x (n,) at a boundary after what is reset and given there."""
    after = x.copy()
    reset_state(after, grid.reset, boundary)
    return np.asarray(after + grid.jump[boundary])


def _resets(model: Model, schedule: Schedule, t: Floats) -> Rows:
    """The rows (boundary, target, source) of the resets on the boundaries t, as numerics/reset.py takes them."""
    rows = [
        (int(np.searchsorted(t, r.time)), model.state_index(r.state), model.state_index(source))
        for r in schedule.resets
        if t[0] <= r.time <= t[-1]
        for source in r.of
    ]
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, 3) if rows else NO_RESETS


def _inputs(model: Model, schedules: Sequence[Schedule], t: Floats) -> tuple[Floats, Integers]:
    """Inputs (R, k, members) of schedules that differ in amounts alone, as often as they change, and which row is that
    of each interval (there is one at least, so that a lone boundary can be observed)."""
    begins, members = t[:-1] if t.size > 1 else t, len(schedules)
    levels, flows = schedules[0].levels, schedules[0].infusions
    times = [level.time for level in levels] + [i.start for i in flows] + [i.stop for i in flows]
    at = np.searchsorted(begins, _floats(times))
    changes = np.unique(np.append(at[at < begins.size], 0))
    rows = np.searchsorted(changes, at).tolist()
    u = np.zeros((changes.size, len(model.inputs) + len(model.covariates), members))
    values = _floats([level.value for s in schedules for level in s.levels]).reshape(members, -1).T
    for k in sorted(range(len(levels)), key=times.__getitem__):
        u[rows[k] :, model.input_index(levels[k].input)] = values[k]
    rates = _floats([i.rate for s in schedules for i in s.infusions]).reshape(members, -1).T
    start, stop = rows[len(levels) : -len(flows)], rows[-len(flows) :]
    for k, flow in enumerate(flows):
        u[start[k] : stop[k], model.input_index(flow.input)] += rates[k]
    return u, np.searchsorted(changes, np.arange(begins.size), side="right") - 1


def _floats(numbers: list[float]) -> Floats:
    return np.array(array("d", numbers))  # in half the time that the list takes


def since(schedule: Schedule, time: float) -> Schedule:
    """What the schedule still does from `time` on, as a schedule that begins then."""
    held: dict[str, Level] = {}
    for level in sorted(schedule.levels, key=lambda item: item.time):
        if level.time <= time:
            held[level.input] = replace(level, time=time)
    return Schedule(
        time,
        tuple(b for b in schedule.boluses if b.time >= time),
        tuple(replace(i, start=max(i.start, time)) for i in schedule.infusions if i.stop > time),
        (*held.values(), *(level for level in schedule.levels if level.time > time)),
        tuple(r for r in schedule.resets if r.time >= time),
    )


def inputs_before(model: Model, schedule: Schedule, time: float) -> Floats:
    """The inputs u (k,) that a sample at `time` sees: those that held until then (at the start: from then on)."""
    if time <= schedule.start:
        return compile_grid(model, schedule, [time]).u[0]
    last = max([schedule.start, *(e for e in event_times(schedule) if e < time)])
    return compile_grid(model, schedule, [time], last).u[-1]


def _check(model: Model, schedule: Schedule, times: Floats, begin: float) -> None:
    where = f"schedule of {model.name}"
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)) or np.any(times[1:] < times[:-1]):
        raise InputError(where, "times", times.tolist(), "one or more finite times in ascending order")
    if not math.isfinite(begin):
        raise InputError(where, "start", begin, "a finite time")
    if times[0] < begin:
        raise InputError(where, "times", float(times[0]), f"times from the start at {begin} on")
    _check_names(model, schedule)
    for b in schedule.boluses:
        if not (math.isfinite(b.time) and math.isfinite(b.amount) and b.time >= schedule.start):
            raise InputError(where, "bolus", b, f"a finite amount at a finite time from {schedule.start} on")
    for i in schedule.infusions:
        if not (math.isfinite(i.rate) and schedule.start <= i.start < i.stop < math.inf):
            raise InputError(where, "infusion", i, f"a finite rate and {schedule.start} <= start < stop")
    for level in schedule.levels:
        if not (math.isfinite(level.time) and math.isfinite(level.value)):
            raise InputError(where, "level", level, "a finite value from a finite time on")
    _check_resets(where, model, schedule)
    given = {level.input for level in schedule.levels if level.time <= begin}
    for name in model.covariates:
        if name not in given:
            raise InputError(where, "covariate", name, f"a level of it from {begin} on")


def _check_names(model: Model, schedule: Schedule) -> None:
    """Each name once: schedules have many events and few names."""
    for name in dict.fromkeys([b.state for b in schedule.boluses]):
        model.state_index(name)
    for name in dict.fromkeys([i.input for i in schedule.infusions] + [level.input for level in schedule.levels]):
        model.input_index(name)


def _check_resets(where: str, model: Model, schedule: Schedule) -> None:
    """Each state once at a time, from states of its unit, none of which is reset then unless it is itself."""
    taken = {(r.time, r.state) for r in schedule.resets}
    if len(taken) < len(schedule.resets):
        raise InputError(where, "reset", list(schedule.resets), "each state reset once at a time")
    for r in schedule.resets:
        model.state_index(r.state)
        if not (math.isfinite(r.time) and r.time >= schedule.start and r.of):
            raise InputError(where, "reset", r, f"one or more states at a finite time from {schedule.start} on")
        for source in r.of:
            model.state_index(source)
            wanted, found = model.states[r.state], model.states[source]
            if found != wanted and unit(found) != unit(wanted):
                raise InputError(where, "reset", r, f"states in {wanted}, as {r.state} is")
            if source != r.state and (r.time, source) in taken:
                raise InputError(where, "reset", r, f"the sum of states that are not reset then, as {source} is")
