"""When a fingerstick is taken: what of the record so far makes it more or less likely.

The hours of a ward's profile are not written in: `habit` finds a patient's own, from the days before. A meal is written
at the time of the stick that is taken with it, and which came first is not recorded: `eaten` sees earlier slots alone.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from vvuq.models import Care, Driver, Known

from .scenarios import DAY

SLOT = 15.0  # min, the time between readings
DAYS = 3  # that a habit is looked for in
NEAR = 7.5  # min: times of day that count as the same; half a slot, so that each has one
LATELY = 30.0  # min
LOW, HIGH = 70.0, 180.0  # mg/dL, the usual range of a sensor
TOLERANCE = 3.0  # min that a reading may lie from where it is looked for


def sine(known: Known) -> float:
    return float(np.sin(2.0 * np.pi * known.time / DAY))


def cosine(known: Known) -> float:
    return float(np.cos(2.0 * np.pi * known.time / DAY))


def waited(known: Known) -> float:
    """Since the last stick, or since the stretch of readings began; a slot at least."""
    last = max(known.orders[-1], known.start) if known.orders.size else known.start
    return float(np.log(max(known.time - last, SLOT) / 60.0))


def habit(known: Known) -> float:
    there = [_at(known, known.time - DAY * day) for day in range(1, DAYS + 1) if known.time - DAY * day >= known.start]
    return sum(there) / len(there) if there else 0.0


def _at(known: Known, time: float) -> bool:
    """Was there a stick within NEAR of a time? Asked for every slot that is drawn: bisect is quick on few."""
    place = bisect_left(known.orders, time - NEAR)
    return place < known.orders.size and bool(known.orders[place] < time + NEAR)


def eaten(known: Known) -> float:
    return float(known.given.size > 0 and known.time - known.given[-1] <= LATELY)


def low(known: Known) -> float:
    return float(known.values[-1] < LOW) if _fresh(known) else np.nan


def high(known: Known) -> float:
    return float(known.values[-1] > HIGH) if _fresh(known) else np.nan


def slope(known: Known) -> float:
    """To the last reading from the one 30 min before it."""
    if not _fresh(known):
        return np.nan
    wanted = known.times[-1] - LATELY
    place = int(np.searchsorted(known.times, wanted - TOLERANCE))
    if known.times[place] > wanted + TOLERANCE:
        return np.nan
    return float((known.values[-1] - known.values[place]) / (known.times[-1] - known.times[place]))


def _fresh(known: Known) -> bool:
    return bool(known.times.size and known.time - known.times[-1] <= LATELY)


CARE = Care(
    orders="fingerstick",
    shows="cgm",
    slot=SLOT,
    gap=240.0,
    given=("carbohydrate", "rapid_insulin", "short_insulin"),
    drivers=(
        Driver("sine", "sine of the time of day: 1 at 6 h, -1 at 18 h", "clock", sine),
        Driver("cosine", "cosine of the time of day: 1 at midnight, -1 at noon", "clock", cosine),
        Driver("waited", "log of the hours since the last fingerstick, or since the sensor began", "orders", waited),
        Driver("habit", "share of the last 3 days with a fingerstick in this slot of the day", "orders", habit),
        Driver("eaten", "a meal or bolus written down in the 30 min before", "given", eaten),
        Driver("low", "the last sensor reading is below 70 mg/dL", "shown", low),
        Driver("high", "the last sensor reading is above 180 mg/dL", "shown", high),
        Driver("slope", "slope of the sensor over 30 min, by 1 mg/dL/min", "shown", slope),
    ),
    step=50.0,
)  # fmt: skip
