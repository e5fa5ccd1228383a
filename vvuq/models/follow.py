"""How a patient is followed over days: what moves at random, what is known when the first reading comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule
from vvuq.record import Floats

if TYPE_CHECKING:
    from vvuq.models.twin import Twin

Start = Callable[[Schedule, Floats, float], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Follow:
    """A twin whose patients are tracked by a filter, reading by reading.

    observable: what is read. start(schedule, theta (p,), reading) -> mean and SD (n,) of the states at the first
    reading. drift: SD by which a state, or the logarithm of a personal parameter, moves at random in the square root of
    the time unit. shared: parameters that all patients have in common and that a fit may move, beside the personal
    ones. gap: after so long without a reading a record begins anew. memory: how long after its end a dose can still do
    something. step: time between readings. lowest, highest: what the sensor can show.
    A fit (calibration/tracking.py) starts from drift, priors and the declared noise."""

    observable: str
    start: Start
    drift: Mapping[str, float]
    gap: float
    step: float
    memory: float = float("inf")
    shared: tuple[str, ...] = ()
    lowest: float = float("-inf")
    highest: float = float("inf")

    def drifts(self, twin: Twin) -> Floats:
        """The declared drift (d,): of states, then of personal parameters."""
        import numpy as np

        return np.array([self.drift.get(name, 0.0) for name in (*twin.model.states, *twin.personal)])


def check_follow(where: str, model: Model, personal: tuple[str, ...], follow: Follow) -> None:
    """Raises InputError where the declaration speaks of what the model does not have, or cannot be."""
    model.observable_index(follow.observable)
    known = (*model.states, *personal)
    for name, value in follow.drift.items():
        if name not in known:
            raise InputError(where, "follow.drift", name, f"a state or personal parameter: {', '.join(known)}")
        if not 0.0 <= value < float("inf"):
            raise InputError(where, f"follow.drift of {name}", value, "a finite value >= 0")
    for name in follow.shared:
        model.parameter_index(name)
        if name in personal:
            raise InputError(where, "follow.shared", name, "a parameter that is not personal")
    if not 0.0 < follow.gap < float("inf"):
        raise InputError(where, "follow.gap", follow.gap, "a finite time above 0")
    if not follow.lowest < follow.highest:
        raise InputError(where, "follow.lowest", follow.lowest, f"a value below {follow.highest}")
