"""What a fit for following patients moves, number by number: typical parameters, drifts, the error of what is read."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.calibration.tracking import Tracking, followed
from vvuq.models.twin import Twin


@dataclass(frozen=True, slots=True)
class Number:
    """A number above 0 that means something, in its unit."""

    name: str
    unit: str
    value: float
    meaning: str


def numbers_of(twin: Twin, found: Tracking) -> tuple[Number, ...]:
    """In the order in which the fit has them; a drift that is 0 is none."""
    model, follow = twin.model, followed(twin)
    known = [model.parameters[model.parameter_index(name)] for name in (*twin.personal, *follow.shared)]
    typical = [Number(p.name, p.unit, float(found.theta[model.parameter_index(p.name)]), p.meaning) for p in known]
    rows = (*model.states, *twin.personal)
    drifts = [
        Number(f"drift_{name}", f"{model.states.get(name, '1')}/{model.time_unit}^0.5",
               float(found.drift[rows.index(name)]), "random change")
        for name, value in follow.drift.items() if value > 0.0
    ]  # fmt: skip
    place = model.observable_index(follow.observable)
    channel, error = model.observables[place], float(found.noise[place].sd)
    return (*typical, *drifts, Number(f"error_{channel.name}", channel.unit, error, "error of a reading, SD"))
