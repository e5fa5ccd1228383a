"""The compiled equations are the plain Python functions that the author wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.twin import Twin
from vvuq.record import Floats
from vvuq.testing import strategies as draw
from vvuq.testing.account import account
from vvuq.testing.cases import Course, Stay, courses, shown, stays
from vvuq.testing.path import Point, points
from vvuq.testing.property import Property

ROUNDING = 1e-9  # as a share of the largest entry: compiled code may order and fuse operations in its own way


@dataclass(frozen=True, slots=True)
class Used:
    """A course, and a stay that goes through the twin's schedule function before: it may leave something behind."""

    course: Course
    stay: Stay


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Used]:
    """Courses and stays, with one set of parameters."""

    def used(course: Course, stay: Stay) -> Used:
        return Used(course, replace(stay, theta=course.theta))

    return draw.built(used, courses(twin, envelope), stays(twin, envelope))


def run(twin: Twin, case: Used) -> str | None:
    """The right-hand side and all observables, along the course."""
    for patient in case.stay.cohort.patients:
        twin.schedule(case.stay.cohort, patient)
    course = case.course
    model, theta = twin.model, tuple(course.theta[p.name] for p in twin.model.parameters)
    names = [f"d{name}/dt" for name in model.states]
    pairs: list[tuple[list[str], Any, list[Callable[..., None]]]] = [(names, rhs_kernel(model), [model.rhs])]
    seen = [o.name for o in model.observables]
    pairs.append((seen, observe_kernel(model), [o.function for o in model.observables]))
    for names, kernel, functions in pairs:
        for point in points(twin, course):
            compiled = np.full(len(names), np.nan)
            kernel(point.t, point.x, point.u, np.array(theta), compiled)
            plain = np.concatenate([_plain(f, point, theta, len(names) // len(functions)) for f in functions])
            wrong = _differ(compiled, plain)
            if wrong is not None:
                found = f"compiled, {names[wrong]} = {shown(compiled[wrong])}; in plain Python {shown(plain[wrong])}"
                promised = "one text of the equations with one meaning: it names constants, and nothing that changes"
                return account(twin, case, found=found, promised=promised, at=point.t)
    return None


def _plain(function: Callable[..., None], point: Point, theta: tuple[float, ...], size: int) -> Floats:
    out = [float("nan")] * size
    try:
        function(point.t, tuple(point.x.tolist()), tuple(point.u.tolist()), theta, out)
    except ArithmeticError:  # compiled code divides by zero without an exception
        return np.full(size, np.nan)
    return np.array(out, dtype=float)


def _differ(one: Floats, other: Floats) -> int | None:
    finite = np.isfinite(one) & np.isfinite(other)
    scale = np.max(np.abs(one[finite]), initial=0.0)
    wrong = (np.isfinite(one) != np.isfinite(other)) | (finite & ~(np.abs(one - other) <= ROUNDING * scale))
    return int(np.argmax(wrong)) if np.any(wrong) else None


ONE_TEXT = Property("one_text", "Do the compiled equations mean what the Python text says?", cases, run)
