"""How steep the right-hand side is inside the envelope: an estimate from below, and whether it stays finite.

The norm is the largest magnitude among the states in their declared units, so that the constant is per unit of time.
A jump or a root at zero shows as a slope that keeps growing while a pair of neighbouring states is halved."""

from __future__ import annotations

import itertools
import math

import numpy as np

from vvuq.models.twin import Twin
from vvuq.record import Floats
from vvuq.testing.account import account
from vvuq.testing.cases import Course, courses, shown
from vvuq.testing.path import Point, points
from vvuq.testing.property import Property

SLIGHT = 1e-6  # of a state's size: the width of a difference quotient
HALVED, SETTLED = 20, 14  # halvings of a pair; from SETTLED on the slope of a smooth function no longer grows
GROWTH = 2.0  # by how much it may grow after that
DISTINCT = 1e-3  # of the larger state: pairs closer than that drown in rounding once halved


def applies(twin: Twin) -> str:
    """The author does not say that it jumps."""
    return "" if twin.claims.continuous else "claims.continuous is false: the right-hand side jumps"


def run(twin: Twin, course: Course) -> str | None:
    """The estimate of the course is finite and not above the bound that is promised."""
    estimate, at, found = _estimate(twin, course)
    bound, unit = twin.claims.lipschitz, f"per {twin.model.time_unit}"
    if math.isinf(estimate):
        promised = "a finite Lipschitz constant inside the envelope"
        return account(twin, course, found=found, promised=promised, at=at)
    if bound is not None and estimate > bound:
        promised = f"at most {shown(bound)} {unit} (claims.lipschitz)"
        return account(twin, course, found=f"a slope of {shown(estimate)} {unit}", promised=promised, at=at)
    return None


def measure(twin: Twin, course: Course) -> tuple[float, str]:
    """The largest slope along a course, with its unit."""
    return _estimate(twin, course)[0], f"per {twin.model.time_unit}"


def _estimate(twin: Twin, course: Course) -> tuple[float, float, str]:
    """(largest slope, where in time, in words why it is infinite)."""
    along, theta = points(twin, course), tuple(course.theta[p.name] for p in twin.model.parameters)
    if not along:
        return 0.0, 0.0, ""
    size = np.max([np.abs(point.x) for point in along], axis=0)
    size = np.where(size > 0.0, size, 1.0)
    for one, other in itertools.pairwise(along):
        if one.piece == other.piece and _jumps(twin, theta, one, other):
            words = f"a slope that grows without bound between the states {_state(one)} and {_state(other)}"
            return math.inf, one.t, words
    slopes = [float(shown(_slope(twin, theta, point, size))) for point in along]  # the first of those that are equal
    steepest = int(np.argmax(slopes))
    return slopes[steepest], along[steepest].t, ""


def _state(point: Point) -> str:
    return "(" + ", ".join(shown(value) for value in point.x) + ")"


def _field(twin: Twin, theta: tuple[float, ...], point: Point, x: Floats) -> Floats:
    out = [0.0] * x.size
    twin.model.rhs(point.t, tuple(x.tolist()), tuple(point.u.tolist()), theta, out)
    return np.array(out, dtype=float)


def _slope(twin: Twin, theta: tuple[float, ...], point: Point, size: Floats) -> float:
    """The largest row sum of the magnitudes of the Jacobian."""
    columns = []
    for i, width in enumerate(SLIGHT * size):
        low, high = point.x.copy(), point.x.copy()
        low[i], high[i] = low[i] - width / 2, high[i] + width / 2
        columns.append((_field(twin, theta, point, high) - _field(twin, theta, point, low)) / (high[i] - low[i]))
    return float(np.max(np.sum(np.abs(columns), axis=0)))


def _jumps(twin: Twin, theta: tuple[float, ...], one: Point, other: Point) -> bool:
    """True where halving the pair, keeping the steeper half, makes it ever steeper."""
    a, b = one.x, other.x
    if not np.max(np.abs(b - a)) > DISTINCT * max(np.max(np.abs(a)), np.max(np.abs(b))):
        return False
    slopes = []
    for _ in range(HALVED):
        middle = (a + b) / 2
        left, right = (_quotient(twin, theta, one, *pair) for pair in ((a, middle), (middle, b)))
        a, b = (a, middle) if left >= right else (middle, b)
        slopes.append(max(left, right))
    return not slopes[-1] <= GROWTH * slopes[SETTLED - 1] + SLIGHT * max(slopes)


def _quotient(twin: Twin, theta: tuple[float, ...], at: Point, a: Floats, b: Floats) -> float:
    change = _field(twin, theta, at, b) - _field(twin, theta, at, a)
    return float(np.max(np.abs(change)) / np.max(np.abs(b - a)))


LIPSCHITZ = Property(
    "lipschitz",
    "How steep is the right-hand side, and is it below what is promised?",
    courses,
    run,
    applies,
    measure=measure,
)
