"""What a property is tried on: a course (a schedule) or a stay (a patient's record), and how they are drawn and run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.calibration.units import in_model_units
from vvuq.models.claims import Envelope
from vvuq.models.schedule import Schedule, event_times
from vvuq.models.simulate import RK4, Adaptive, Paths, parameter_matrix, simulate
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Floats
from vvuq.testing import strategies as draw

SAME = 1e-6  # as a share of the largest value: what the reference solver may differ by between two ways to one result
HALVINGS = 10  # instants that close in on an event from behind, to see the largest values


@dataclass(frozen=True, slots=True)
class Course:
    """A model run: parameters, schedule, initial state, and the instants that are looked at."""

    theta: Mapping[str, float]
    schedule: Schedule
    x0: tuple[float, ...]
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """A cohort's record, run by the twin's schedule function; the instants that are looked at are those of samples."""

    theta: Mapping[str, float]
    cohort: Cohort


def courses(twin: Twin, envelope: Envelope, *, empty: bool = False, slots: int = draw.SLOTS) -> SearchStrategy[Course]:
    """Courses inside the envelope, with events at `slots` instants at most; `empty`: all states begin at 0."""
    nothing = st.just((0.0,) * len(twin.model.states))
    return draw.built(
        Course,
        draw.parameters(twin),
        draw.schedules(twin, envelope, slots=slots),
        nothing if empty else draw.initial_states(twin, envelope),
        draw.observed_times(envelope.duration),
    )


def stays(twin: Twin, envelope: Envelope, *, most: int = 1, slots: int = draw.SLOTS) -> SearchStrategy[Stay]:
    """Stays inside the envelope, of at most `most` patients with doses at `slots` instants at most."""
    return draw.built(Stay, draw.parameters(twin), draw.cohorts(twin, envelope, most=most, slots=slots))


def reference(schedule: Schedule, x0: tuple[float, ...] | Floats) -> Adaptive:
    """A solver far more exact than SAME, its absolute tolerance by what is given; states may be far smaller."""
    given = [b.amount for b in schedule.boluses] + [i.rate * (i.stop - i.start) for i in schedule.infusions]
    size = max((abs(value) for value in (*given, *np.ravel(x0))), default=0.0)
    return Adaptive(rtol=1e-9, atol=1e-13 * (size or 1.0))


def solve(twin: Twin, course: Course, method: RK4 | Adaptive | None = None) -> Paths:
    """The course at its times, by the reference solver or another; one member."""
    chosen = method or reference(course.schedule, course.x0)
    return simulate(twin.model, course.schedule, course.theta, course.times, method=chosen, x0=np.array(course.x0))


def instants_of(schedule: Schedule, last: float) -> list[float]:
    """The start, the events after it and `last`, ascending."""
    return sorted({schedule.start, last, *(e for e in event_times(schedule) if schedule.start < e < last)})


def watch(schedule: Schedule, last: float) -> Floats:
    """Instants from the start to `last` that see the largest values: closing in on every event from behind."""
    marks = instants_of(schedule, last)
    shares = np.append(2.0 ** -np.arange(float(HALVINGS), 0.0, -1.0), 1.0)
    parts = [a + (b - a) * shares for a, b in zip(marks[:-1], marks[1:], strict=True)]
    return np.unique(np.concatenate([[schedule.start], *parts]))


def scales(twin: Twin, course: Course) -> tuple[Floats, Floats]:
    """The largest magnitude of every state (n,) and observable (q,) over the course."""
    at = watch(course.schedule, course.times[-1])
    paths = solve(twin, Course(course.theta, course.schedule, course.x0, tuple(at)))
    given = np.zeros(len(twin.model.states))
    for b in course.schedule.boluses:
        index = twin.model.state_index(b.state)
        given[index] = max(given[index], abs(b.amount) if b.time <= course.times[-1] else 0.0)
    return np.fmax(_largest(paths.states), given), _largest(paths.observed)


def _largest(values: Floats) -> Floats:
    finite = np.where(np.isfinite(values[:, :, 0]), values[:, :, 0], 0.0)
    return np.asarray(np.max(np.abs(finite), axis=0, initial=0.0))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a stay shows of one patient: at `times` (model units), observed (times, observables) and their scales."""

    patient: str
    course: Course
    observed: Floats
    scale: Floats


def at_rest(twin: Twin, schedule: Schedule, theta: Mapping[str, float]) -> tuple[float, ...]:
    """The state that a record begins with: the twin's own at rest, else empty."""
    if twin.rest is None:
        return (0.0,) * len(twin.model.states)
    return tuple(np.asarray(twin.rest(schedule, parameter_matrix(twin.model, theta)))[:, 0].tolist())


def see(twin: Twin, stay: Stay, method: RK4 | Adaptive | None = None) -> tuple[Seen, ...]:
    """Every patient of a stay through the twin's schedule function, at the distinct instants of the samples."""
    found = []
    for patient in stay.cohort.patients:
        at = sorted({m.time for m in in_model_units(twin, stay.cohort, patient.measurements)})
        plan = twin.schedule(stay.cohort, patient)
        course = Course(stay.theta, plan, at_rest(twin, plan, stay.theta), tuple(at))
        observed = solve(twin, course, method).observed[:, :, 0]
        found.append(Seen(patient.id, course, observed, scales(twin, course)[1]))
    return tuple(found)


def apart(one: Floats, other: Floats, scale: Floats, share: float = SAME) -> tuple[int, int] | None:
    """(row, column) of the first entry where two (times, channels) differ by more than `share` of `scale` (channels,).

    Two values that are not finite do not differ: finiteness is a property of its own."""
    neither = ~np.isfinite(one) & ~np.isfinite(other)
    wrong = ~(neither | (np.abs(one - other) <= share * scale))
    return (int(np.argwhere(wrong)[0][0]), int(np.argwhere(wrong)[0][1])) if np.any(wrong) else None


def shown(value: Any) -> str:
    """A number for a reader: six digits."""
    return f"{float(value):.6g}"
