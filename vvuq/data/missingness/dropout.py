"""Drop-out: from some decision on a patient is seen no more. Source: Diggle & Kenward, Appl. Stat. 43 (1994) 49."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.data.missingness.links import probability
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.record import Chances, Complete
from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class DropOut:
    """All `channels` end together and for good, at any decision but the first, with a probability that `hazard` gives
    from the record before it: as for a measurement, of its `observable` the last value for example.

    Raises InputError for no channel, and one given twice."""

    channels: tuple[str, ...]
    hazard: AtRandom

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise InputError("drop-out", "channels", self.channels, "one observable or more, each once")

    @property
    def looks_back(self) -> bool:
        """As the hazard does."""
        return self.hazard.looks_back

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """Modes: there, gone."""
        leaves = probability(self.hazard.link, self.hazard.predictor(record, seen, rows))
        moves = np.zeros((len(leaves), 2, 2))
        moves[:, 0, 0], moves[:, 0, 1], moves[:, 1, 1] = 1.0 - leaves, leaves, 1.0
        passes = np.zeros((len(leaves), 2, len(self.channels)))
        passes[:, 0] = 1.0
        return Chances(np.array([1.0, 0.0]), moves, passes)
