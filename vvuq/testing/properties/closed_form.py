"""The solver finds what the twin's closed form says."""

from __future__ import annotations

from functools import partial

import numpy as np

from vvuq.models.twin import Twin
from vvuq.testing.account import account
from vvuq.testing.cases import Course, apart, courses, scales, shown, solve
from vvuq.testing.property import Property


def applies(twin: Twin) -> str:
    """The author gives an exact solution."""
    return "" if twin.closed_form is not None else "the twin has no closed form"


def run(twin: Twin, course: Course) -> str | None:
    """The first observable at all times, from empty states."""
    if twin.closed_form is None:
        return None
    theta = np.array([course.theta[p.name] for p in twin.model.parameters])
    exact = np.asarray(twin.closed_form(course.schedule, theta, np.array(course.times)), dtype=float)[:, None]
    solved = solve(twin, course).observed[:, :1, 0]
    wrong = apart(solved, exact, scales(twin, course)[1][:1])
    if wrong is None:
        return None
    first, observable = wrong[0], twin.model.observables[0]
    found = f"{observable.name} = {shown(solved[first, 0])} {observable.unit} by the solver"
    promised = f"{shown(exact[first, 0])} {observable.unit} by closed_form"
    return account(twin, course, found=found, promised=promised, at=course.times[first])


CLOSED_FORM = Property(
    "closed_form", "Does the solver agree with the exact solution?", partial(courses, empty=True), run, applies
)
