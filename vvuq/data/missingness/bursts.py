"""Bursts: a sensor is lost for a while and comes back, a Markov chain of two modes.

Source: Gilbert, Bell Syst Tech J 39 (1960) 1253 (bursts of errors on a line)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.data.missingness.links import check_share
from vvuq.data.missingness.record import Chances, Complete
from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Bursts:
    """`observable` is lost from one decision to the next with probability `begins`, and comes back with `ends`: gaps
    last 1/ends decisions on average. `passes`: probability that a value is seen while the sensor works.

    The record begins in the chain's long-run share of both modes. Raises InputError where a number is no probability,
    and where neither mode is ever left."""

    observable: str
    begins: float
    ends: float
    passes: float = 1.0

    def __post_init__(self) -> None:
        where = f"missingness of {self.observable}"
        for name in ("begins", "ends", "passes"):
            check_share(where, name, getattr(self, name))
        if self.begins + self.ends == 0.0:
            raise InputError(where, "begins, ends", 0.0, "a probability above 0 for one of them at least")

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Never: the chain's mode is all that it remembers."""
        return False

    @property
    def lost(self) -> float:
        """The long-run share of decisions in a gap."""
        return self.begins / (self.begins + self.ends)

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """Modes: works, lost."""
        n = len(record.times[rows])
        moves = np.array([[1.0 - self.begins, self.begins], [self.ends, 1.0 - self.ends]])
        passes = np.array([[self.passes], [0.0]])
        begin = np.array([1.0 - self.lost, self.lost])
        return Chances(begin, np.broadcast_to(moves, (n, 2, 2)), np.broadcast_to(passes, (n, 2, 1)))
