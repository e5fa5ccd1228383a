"""MAR: whether a value is seen depends on what was seen before, and on nothing else. Ignorable for the state.

Source: Rubin, Biometrika 63 (1976) 581; for records in time, Hogan, Roy & Korkontzelou, Stat Med 23 (2004) 1455."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.data.missingness.links import Link, check, probability
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.errors import InputError
from vvuq.models.care import Driver, Known
from vvuq.record import Floats

_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True)
class AtRandom:
    """P(`observable` is seen | record before) = link(intercept + sum of coefficients times their drivers).

    A driver is shown as orders the earlier times at which `observable` was seen, and the earlier readings of `shows`,
    by default of `observable` too; one that is not known (not-a-number) adds nothing. Raises InputError for a
    coefficient that is not finite, a driver's name given twice."""

    observable: str
    intercept: float
    drivers: tuple[tuple[Driver, float], ...]
    link: Link = "logit"
    shows: str = ""

    def __post_init__(self) -> None:
        where = f"missingness of {self.observable}"
        names = [driver.name for driver, _ in self.drivers]
        weights = {driver.name: weight for driver, weight in self.drivers}
        check(where, self.link, {"intercept": self.intercept, **weights})
        if len(set(names)) != len(names):
            raise InputError(where, "drivers", names, "drivers of different names")

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Where a driver sees more than the clock and doses."""
        return any(driver.uses in ("orders", "shown") for driver, _ in self.drivers)

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """From the record before each decision."""
        return memoryless(probability(self.link, self.predictor(record, seen, rows)))

    def predictor(self, record: Complete, seen: Floats, rows: slice) -> Floats:
        """The intercept and what the record before each decision adds."""
        return self.intercept + self.offsets(record, seen, rows)

    def offsets(self, record: Complete, seen: Floats, rows: slice) -> Floats:
        """What the record before each decision adds: what a filter takes as the offset of a decision."""
        weights = np.array([weight for _, weight in self.drivers], dtype=float)
        return np.asarray(self.columns(record, seen, rows) @ weights)

    def columns(self, record: Complete, seen: Floats, rows: slice) -> Floats:
        """The drivers (n, h) before each decision; 0 where one is not known."""
        places = range(*rows.indices(len(record.times)))
        each = [[_driven(driver, self._known(driver, record, seen, at)) for driver, _ in self.drivers] for at in places]
        return np.array(each, dtype=float).reshape(len(places), len(self.drivers))

    def _known(self, driver: Driver, record: Complete, seen: Floats, at: int) -> Known:
        """The record before one decision, of it what the driver says that it uses."""
        orders, times, values, given = (_NONE,) * 4
        if driver.uses == "orders":
            orders = record.times[:at][seen[:at, record.channel(self.observable)] > 0.0]
        if driver.uses == "shown":
            place = record.channel(self.shows or self.observable)
            there = seen[:at, place] > 0.0
            times, values = record.times[:at][there], record.values[:at, place][there]
        if driver.uses == "given":
            given = record.given[record.given < record.times[at]]
        return Known(float(record.times[at]), float(record.times[0]), orders, times, values, given)


def _driven(driver: Driver, known: Known) -> float:
    value = float(driver.function(known))
    return value if np.isfinite(value) else 0.0
