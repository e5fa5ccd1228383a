"""What is inside changes only by what is given and by what passes the system's border.

Between two events the gain is integrated along the solution by Gauss-Legendre quadrature on panels that close in on the
earlier event, halved until two results agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from vvuq.models.claims import Balance
from vvuq.models.twin import Twin
from vvuq.record import Floats
from vvuq.testing.account import account
from vvuq.testing.cases import HALVINGS, SAME, Course, courses, shown
from vvuq.testing.path import at_instants, stretches
from vvuq.testing.property import Property

NODES = 8
LEAST = 10 * SAME  # what is noticed, as a share of the most that is inside or crosses the border
MOST_REFINEMENTS = 6
Value = Callable[[float, Floats, Floats], float]


def applies(twin: Twin) -> str:
    """The author states the balances."""
    return "" if twin.claims.balances else "claims.balances names nothing"


def run(twin: Twin, course: Course) -> str | None:
    """Every balance closes between every two events."""
    theta, cut = tuple(course.theta[p.name] for p in twin.model.parameters), stretches(twin, course)
    for balance in twin.claims.balances:
        content, gain = _bound(balance.content, theta), _bound(balance.gain, theta)
        gains, sizes = _integrals(twin, course, cut.t, gain)
        spans = list(itertools.pairwise(cut.t))
        before = np.array([content(a, x, u) for (a, _), x, u in zip(spans, cut.begins, cut.u, strict=False)])
        after = np.array([content(b, x, u) for (_, b), x, u in zip(spans, cut.ends, cut.u, strict=False)])
        most = max(np.max(np.abs([before, after])), np.max(sizes))
        wrong = ~(np.abs(after - before - gains) <= LEAST * most)
        if np.any(wrong):
            i = int(np.argmax(wrong))
            return _told(twin, course, balance, spans[i], (before[i], after[i], gains[i]))
    return None


def _told(
    twin: Twin, course: Course, balance: Balance, stretch: tuple[float, float], values: tuple[float, float, float]
) -> str:
    before, after, gained = (f"{shown(value)} {balance.unit}" for value in values)
    found = f"{balance.name} inside goes from {before} to {after} between {shown(stretch[0])} and {shown(stretch[1])}"
    found += f" {twin.model.time_unit}, of which {gained} crossed the border"
    promised = "what is inside changes by what is given and what crosses the border (claims.balances)"
    return account(twin, course, found=found, promised=promised, at=stretch[1])


def _bound(function: Callable[..., float], theta: tuple[float, ...]) -> Value:
    return lambda t, x, u: float(function(t, tuple(x.tolist()), tuple(u.tolist()), theta))


def _integrals(twin: Twin, course: Course, events: Floats, gain: Value) -> tuple[Floats, Floats]:
    """The integral of the gain between every two events, and of its magnitude. Raises ArithmeticError for none."""
    before, _ = _quadrature(twin, course, events, gain, 1)
    for refinement in range(1, MOST_REFINEMENTS + 1):
        now, size = _quadrature(twin, course, events, gain, 2**refinement)
        if np.all(np.abs(now - before) <= SAME * np.max(size)):
            return now, size
        before = now
    raise ArithmeticError(f"the gain could not be integrated to {SAME:g} of its size")


def _quadrature(twin: Twin, course: Course, events: Floats, gain: Value, cuts: int) -> tuple[Floats, Floats]:
    """As above, with every panel cut into `cuts`."""
    closing = np.append(0.0, 2.0 ** np.arange(-float(HALVINGS), 1.0))
    shares = np.unique([np.linspace(a, b, cuts + 1) for a, b in itertools.pairwise(closing)])
    edges = [a + (b - a) * shares for a, b in itertools.pairwise(events)]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    instants = np.concatenate([_placed(nodes, one) for one in edges])
    values = np.array([gain(p.t, p.x, p.u) for p in at_instants(twin, course, instants)])
    if values.size != instants.size:
        raise ArithmeticError("the solution ends before the course does")
    widths = np.concatenate([np.repeat(np.diff(one) / 2, NODES) for one in edges])
    parts = (values * widths * np.tile(weights, values.size // NODES)).reshape(len(edges), -1)
    return parts.sum(axis=1), np.abs(parts).sum(axis=1)


def _placed(nodes: Floats, edges: Floats) -> Floats:
    """The nodes of every panel between neighbouring edges."""
    a, b = edges[:-1, None], edges[1:, None]
    return np.asarray(((a + b) / 2 + (b - a) / 2 * nodes).ravel())


CONSERVATION = Property("conservation", "Does nothing appear or vanish but across the border?", courses, run, applies)
