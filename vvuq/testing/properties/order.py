"""Events of one instant may be written in any order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin
from vvuq.record import Dose, Patient
from vvuq.testing import strategies as draw
from vvuq.testing.account import account
from vvuq.testing.cases import Course, Stay, apart, courses, scales, shown, solve, stays
from vvuq.testing.compare import same
from vvuq.testing.property import Property

PROMISED = "the order in which events of one instant are written does not matter"


@dataclass(frozen=True, slots=True)
class Pair:
    """A record and a schedule whose simultaneous events are turned round; one set of parameters."""

    stay: Stay
    course: Course


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Pair]:
    """A stay and a course, whose events share one instant or two."""

    def pair(stay: Stay, course: Course) -> Pair:
        return Pair(replace(stay, theta=course.theta), course)

    return draw.built(pair, stays(twin, envelope, slots=2), courses(twin, envelope, empty=True, slots=2))


def run(twin: Twin, case: Pair) -> str | None:
    """The record's doses of one instant, then the schedule's events."""
    turned = tuple(_turned(patient) for patient in case.stay.cohort.patients)
    other = replace(case.stay, cohort=replace(case.stay.cohort, patients=turned))
    change = "with the doses of one instant in reverse order"
    return same(twin, case.stay, other, change, PROMISED) or _scheduled(twin, case.course)


def _turned(patient: Patient) -> Patient:
    groups: list[Dose] = []
    for _, doses in groupby(patient.doses, key=lambda dose: dose.time):
        groups += reversed(list(doses))
    return replace(patient, doses=tuple(groups))


def _scheduled(twin: Twin, course: Course) -> str | None:
    """The solver and the closed form see the events, not their order."""
    plan = course.schedule
    turned = replace(
        plan,
        boluses=plan.boluses[::-1],
        infusions=plan.infusions[::-1],
        levels=plan.levels[::-1],
        resets=plan.resets[::-1],
    )
    other, scale = replace(course, schedule=turned), scales(twin, course)[1]
    pairs = [(solve(twin, course).observed[:, :, 0], solve(twin, other).observed[:, :, 0])]
    if twin.closed_form is not None:
        theta, times = np.array([course.theta[p.name] for p in twin.model.parameters]), np.array(course.times)
        exact = [np.asarray(twin.closed_form(s, theta, times), dtype=float)[:, None] for s in (plan, turned)]
        pairs.append((exact[0], exact[1]))
    for one, two in pairs:
        wrong = apart(one, two, scale[: one.shape[1]])
        if wrong is not None:
            row, column = wrong
            observable = twin.model.observables[column]
            found = f"{observable.name} = {shown(one[row, column])}, but {shown(two[row, column])} {observable.unit} "
            found += "with the schedule's events in reverse order"
            return account(twin, course, found=found, promised=PROMISED, at=course.times[row])
    return None


ORDER = Property("order", "Does the order of simultaneous events not matter?", cases, run)
