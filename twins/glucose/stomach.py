"""What the stomach remembers of a meal, as UVA/Padova needs it: a state `Db` that a schedule sets and raises.

A meal begins where food begins to flow while none does: the memory takes what is left in the stomach. At the start of
each of its minutes the memory is raised by the food of that minute."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from vvuq.models import Bolus, Infusion, Reset, Schedule

MEMORY, STOMACH = "Db", ("q1", "q2")
SLIGHT = 1e-9  # min: of a meal's length, for what divisions leave


def with_meals(schedule: Schedule, food: str) -> Schedule:
    """The schedule with the resets and boluses of the memory for what flows into the input `food`, in mg/min."""
    eaten = sorted((i for i in schedule.infusions if i.input == food), key=lambda i: (i.start, i.stop))
    bites = tuple(bite for one in eaten for bite in _bites(one))
    resets = tuple(Reset(time, MEMORY, STOMACH) for time in _beginnings(eaten))
    return replace(schedule, boluses=(*schedule.boluses, *bites), resets=(*schedule.resets, *resets))


def _beginnings(eaten: Iterable[Infusion]) -> list[float]:
    """The times at which a meal begins, of infusions in order of their start."""
    found, end = [], -math.inf
    for one in eaten:
        if one.start > end + SLIGHT:
            found.append(one.start)
        end = max(end, one.stop)
    return found


def _bites(one: Infusion) -> list[Bolus]:
    """The food of each minute of an infusion, at that minute's start."""
    length = one.stop - one.start
    minutes = range(math.ceil(length - SLIGHT))
    return [Bolus(one.start + k, MEMORY, one.rate * min(1.0, length - k)) for k in minutes]
