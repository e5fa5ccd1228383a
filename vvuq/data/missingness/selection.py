"""MNAR by selection: whether a value is seen depends on that value itself, its error included.

A sensor that fails above a limit, a result that is written down only where it alarms. Source: Diggle & Kenward, Appl.
Stat. 43 (1994) 49."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.data.missingness.links import Link, check, log_expected, probability
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Selection:
    """P(`observable` is seen | its value y) = link(intercept + offset + slope y).

    The offset of a decision is what the record so far adds; it comes with the data. Raises InputError for a coefficient
    that is not finite."""

    observable: str
    intercept: float
    slope: float
    link: Link = "probit"

    def __post_init__(self) -> None:
        check(f"missingness of {self.observable}", self.link, {"intercept": self.intercept, "slope": self.slope})

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Never."""
        return False

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """From the value that would be seen."""
        values = record.values[rows, record.channel(self.observable)]
        return memoryless(probability(self.link, self.intercept + self.slope * values))

    def log_before(self, mean: Floats, variance: Floats, measured: Floats, offset: Floats | float = 0.0) -> Floats:
        """The logarithm of the probability that a value is seen (1) or not (0) before it is known: its forecast is
        normal, with that mean and variance, its error included."""
        return log_expected(
            self.link, self.intercept + offset + self.slope * mean, self.slope**2 * np.asarray(variance), measured
        )
