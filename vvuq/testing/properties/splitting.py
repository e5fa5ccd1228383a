"""A run may be cut in two, and the twin's own step is as exact as promised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.simulate import RK4, simulate
from vvuq.models.twin import Twin
from vvuq.testing import strategies as draw
from vvuq.testing.account import account
from vvuq.testing.cases import Course, apart, courses, instants_of, reference, scales, shown, solve
from vvuq.testing.property import Property

MOST_STEPS = 8  # after an event; later on, less changes
ORDER = 4  # of the classical Runge-Kutta method


@dataclass(frozen=True, slots=True)
class Cut:
    """A course, and the instant at which it is stopped and started again."""

    course: Course
    at: float


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Cut]:
    """Courses with an instant to cut them at."""
    return draw.built(Cut, courses(twin, envelope), draw.times(envelope.duration, 1))


def run(twin: Twin, case: Cut) -> str | None:
    """From a to c is from a to b and on to c; half the step changes no more than the promised error."""
    return _cut(twin, case) or _halved(twin, case)


def _cut(twin: Twin, case: Cut) -> str | None:
    course, method = case.course, reference(case.course.schedule, case.course.x0)
    last = course.times[-1]
    if not course.schedule.start < case.at < last:
        return None
    whole = solve(twin, replace(course, times=(last,)))
    begun = solve(twin, replace(course, times=(case.at,)))
    rest = simulate(
        twin.model, course.schedule, course.theta, [last], method=method, x0=begun.states[0, :, 0], start=case.at
    )
    wrong = apart(whole.states[:, :, 0], rest.states[:, :, 0], scales(twin, course)[0])
    if wrong is None:
        return None
    name, unit = list(twin.model.states.items())[wrong[1]]
    one, two = (shown(paths.states[0, wrong[1], 0]) for paths in (whole, rest))
    found = f"{name} = {one} {unit} in one run, {two} {unit} when cut at {shown(case.at)} {twin.model.time_unit}"
    return account(twin, case, found=found, promised="a run may be cut anywhere", at=last)


def _halved(twin: Twin, case: Cut) -> str | None:
    """The error of the step, from what changes when it is halved: source Hairer, Norsett & Wanner, II.4."""
    promised, step = twin.claims.solver_error, twin.method.step
    case = replace(case, course=_within(twin, case.course))
    course = replace(case.course, times=_full_steps(case.course, step))
    one, two = (solve(twin, course, RK4(h)).observed[:, :, 0] for h in (step, step / 2))
    share = promised * (1.0 - 2.0**-ORDER)
    wrong = apart(one, two, scales(twin, case.course)[1], share)
    if wrong is None:
        return None
    row, column = wrong
    observable, time = twin.model.observables[column], twin.model.time_unit
    found = f"{observable.name} = {shown(one[row, column])} {observable.unit} with the twin's step of {shown(step)} "
    found += f"{time}, {shown(two[row, column])} {observable.unit} with half of it"
    limit = f"an error of at most {100 * promised:g} % of the largest value (claims.solver_error)"
    return account(twin, case, found=found, promised=limit, at=course.times[row])


def _within(twin: Twin, course: Course) -> Course:
    """The course with each parameter led back into the share of its prior for which the step's error is promised."""
    tail = 0.5 * (1.0 - twin.claims.solver_prior)
    theta = {
        p.name: min(max(course.theta[p.name], p.prior.quantile(tail)), p.prior.quantile(1.0 - tail))
        for p in twin.model.parameters
    }
    return replace(course, theta=theta)


def _full_steps(course: Course, step: float) -> tuple[float, ...]:
    """Instants one, two ... steps after every event, as far as nothing happens in between: none shortens a step."""
    marks = instants_of(course.schedule, course.times[-1])
    found = [a + step * j for a, b in pairwise(marks) for j in range(1, MOST_STEPS + 1) if a + step * j <= b]
    return tuple(sorted({*found, course.times[-1]}))


SPLITTING = Property("splitting", "May a run be cut, and is the twin's step fine enough?", cases, run)
