"""MCAR: whether a value is seen depends on nothing. Source: Rubin, Biometrika 63 (1976) 581."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.data.missingness.links import check_share
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class CompletelyAtRandom:
    """Each value of `observable` is seen with the same probability. Raises InputError where it is none."""

    observable: str
    probability: float

    def __post_init__(self) -> None:
        check_share(f"missingness of {self.observable}", "probability", self.probability)

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Never."""
        return False

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """The same at each decision."""
        return memoryless(np.full(len(record.times[rows]), self.probability))
