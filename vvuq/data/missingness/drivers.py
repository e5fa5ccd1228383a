"""Drivers of a measurement that many records share: the protocol, the last value, time since, time of day."""

from __future__ import annotations

import math

from vvuq.errors import InputError
from vvuq.models.care import Driver, Known


def protocol(every: float) -> Driver:
    """1 where the last measurement is `every` ago or longer, or where there is none: it is due. `every` in the model's
    unit of time. Raises InputError where that is no time."""
    if not 0.0 < every < math.inf:
        raise InputError("missingness", "every", every, "a finite time above 0")

    def due(known: Known) -> float:
        return float(not known.orders.size or known.time - known.orders[-1] >= every * (1.0 - 1e-9))

    return Driver("due", f"{every:g} or longer since the last one", "orders", due)


def since_last(scale: float) -> Driver:
    """The logarithm of 1 + the time since the last measurement over `scale`; unknown before the first."""
    if not 0.0 < scale < math.inf:
        raise InputError("missingness", "scale", scale, "a finite time above 0")

    def since(known: Known) -> float:
        return math.log1p((known.time - float(known.orders[-1])) / scale) if known.orders.size else math.nan

    return Driver("since_last", f"log of 1 + time since the last one over {scale:g}", "orders", since)


def last_value(centre: float, scale: float) -> Driver:
    """How far the last reading lies above `centre`, over `scale`; unknown before the first."""
    if not (math.isfinite(centre) and 0.0 < scale < math.inf):
        raise InputError("missingness", "centre, scale", (centre, scale), "a finite centre, a finite scale above 0")

    def last(known: Known) -> float:
        return (float(known.values[-1]) - centre) / scale if known.values.size else math.nan

    return Driver("last_value", f"last reading less {centre:g}, over {scale:g}", "shown", last)


def daily(peak: float, day: float) -> Driver:
    """1 at the time of day `peak`, -1 half a day from it, by the cosine; `day` is a day in the model's unit of time,
    whose time 0 is midnight."""
    if not (math.isfinite(peak) and 0.0 < day < math.inf):
        raise InputError("missingness", "peak, day", (peak, day), "a finite time, a length of the day above 0")

    def clock(known: Known) -> float:
        return math.cos(2.0 * math.pi * (known.time - peak) / day)

    return Driver("daily", f"cosine of the time of day, highest at {peak:g}", "clock", clock)


def none_yet() -> Driver:
    """1 as long as nothing was measured."""
    return Driver("none_yet", "none was taken yet", "orders", lambda known: float(not known.orders.size))


def in_stay(scale: float) -> Driver:
    """The logarithm of 1 + the time since the record began over `scale`."""
    if not 0.0 < scale < math.inf:
        raise InputError("missingness", "scale", scale, "a finite time above 0")

    def since(known: Known) -> float:
        return math.log1p((known.time - known.start) / scale)

    return Driver("in_stay", f"log of 1 + time since the record began over {scale:g}", "clock", since)
