"""The care process: a measurement is taken by protocol and by what is on record, and as the patient looks to the nurse.

The first part is missing at random, the second is a shared parameter: the same linear predictor holds both. Source:
Wu & Carroll, Biometrics 44 (1988) 175; for orders in hospital, Agniel, Kohane & Weber, BMJ 361 (2018) k1479."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vvuq.data.missingness.links import check_slopes, probability
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class CareProcess:
    """P(measured | record before, state) = link(what `routine` says + sum of slopes times states).

    routine: protocol, last value, time since, time of day (drivers.py), with the intercept and the link. slopes: the
    nurse's impression, as in SharedParameter. frailty: SD between patients of a constant of their own in the predictor,
    whatever the reason that one is measured more often; for fits (calibration/orders.py): what is drawn of one record
    has it in its states or not at all. Raises InputError as SharedParameter does, and for a negative frailty."""

    routine: AtRandom
    slopes: tuple[tuple[str, float], ...]
    frailty: float = 0.0

    def __post_init__(self) -> None:
        where = f"missingness of {self.routine.observable}"
        check_slopes(where, self.slopes)
        if not 0.0 <= self.frailty < math.inf:
            raise InputError(where, "frailty", self.frailty, "a finite SD, 0 or more")

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable of the routine."""
        return self.routine.channels

    @property
    def looks_back(self) -> bool:
        """As the routine does."""
        return self.routine.looks_back

    @property
    def shared(self) -> SharedParameter:
        """What a filter takes; the routine's `offsets` are those of its decisions."""
        return SharedParameter(self.routine.observable, self.routine.intercept, self.slopes, self.routine.link)

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """From the record before each decision and the state at it."""
        predictor = self.routine.predictor(record, seen, rows) + record.weighted(self.slopes, rows)
        return memoryless(probability(self.routine.link, predictor))
