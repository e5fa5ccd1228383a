"""Inside the envelope no solver fails and no value is infinite or not a number."""

from __future__ import annotations

import numpy as np

from vvuq.models.twin import Twin
from vvuq.numerics.codes import MESSAGES, Code
from vvuq.testing.account import account
from vvuq.testing.cases import Course, courses, solve
from vvuq.testing.property import Property


def run(twin: Twin, course: Course) -> str | None:
    """The twin's own step and the reference solver both reach the end, with finite states and observables."""
    for name, method in (("the twin's own step", twin.method), ("the reference solver", None)):
        paths = solve(twin, course, method)
        good = np.all(np.isfinite(paths.states), axis=(1, 2)) & np.all(np.isfinite(paths.observed), axis=(1, 2))
        code = int(paths.codes[0])
        if code or not np.all(good):
            at = None if np.all(good) else float(paths.times[np.argmin(good)])
            reason = MESSAGES[Code(code)] if code else "an observable became infinite or not a number"
            promised = "finite states and observables inside the envelope"
            return account(twin, course, found=f"with {name}, {reason}", promised=promised, at=at)
    return None


FINITENESS = Property("finiteness", "Is every result inside the envelope finite?", courses, run)
