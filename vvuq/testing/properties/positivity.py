"""What cannot be negative is not."""

from __future__ import annotations

import numpy as np

from vvuq.models.twin import Twin
from vvuq.testing.account import account
from vvuq.testing.cases import SAME, Course, courses, scales, shown, solve
from vvuq.testing.property import Property


def applies(twin: Twin) -> str:
    """The author names what cannot be negative."""
    return "" if twin.claims.nonnegative else "claims.nonnegative names nothing"


def run(twin: Twin, course: Course) -> str | None:
    """States and observables that are claimed to be so stay at 0 or above, to what the solver resolves."""
    paths, (state_scale, observed_scale) = solve(twin, course), scales(twin, course)
    for name in twin.claims.nonnegative:
        if name in twin.model.states:
            index, unit = twin.model.state_index(name), twin.model.states[name]
            values, scale = paths.states[:, index, 0], state_scale[index]
        else:
            index = twin.model.observable_index(name)
            unit, values, scale = twin.model.observables[index].unit, paths.observed[:, index, 0], observed_scale[index]
        wrong = values < -SAME * scale
        if np.any(wrong):
            first = int(np.argmax(wrong))
            found, promised = f"{name} = {shown(values[first])} {unit}", f"{name} >= 0 (claims.nonnegative)"
            return account(twin, course, found=found, promised=promised, at=float(paths.times[first]))
    return None


POSITIVITY = Property("positivity", "Does nothing become negative that cannot be?", courses, run, applies)
