"""MNAR by a shared parameter: whether a measurement is taken depends on the patient's state, not on the value itself.

The nurse sees that the patient looks unwell, and orders the test. Given the state, the value and the fact that it was
measured are independent. Source: Wu & Carroll, Biometrics 44 (1988) 175."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.data.missingness.links import Link, check, check_slopes, probability
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class SharedParameter:
    """P(`observable` is measured | state) = link(intercept + offset + sum of slopes times what they stand before).

    slopes: (name, coefficient) of states, learned parameters as a belief names them, or observables of the model; an
    observable that nobody ever measures is how a nonlinear function of the state is meant. The offset of a decision is
    what the record so far adds; it comes with the data. Raises InputError for no slope, a name given twice, a
    coefficient that is not finite."""

    observable: str
    intercept: float
    slopes: tuple[tuple[str, float], ...]
    link: Link = "probit"

    def __post_init__(self) -> None:
        where = f"missingness of {self.observable}"
        check(where, self.link, {"intercept": self.intercept})
        check_slopes(where, self.slopes)

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Never; what history adds is CareProcess."""
        return False

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """From the state at each decision."""
        return memoryless(probability(self.link, self.intercept + record.weighted(self.slopes, rows)))
