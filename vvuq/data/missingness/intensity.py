"""MNAR by time: measurements are events of a marked point process whose intensity depends on the patient's state.

Where there are no decisions at known times, as with visits, the times themselves are the evidence. Source: Daley &
Vere-Jones, An Introduction to the Theory of Point Processes I, 2nd ed. (2003), ch. 7 (conditional intensity)."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.data.missingness.links import check
from vvuq.errors import InputError


@dataclass(frozen=True, slots=True)
class Intensity:
    """Measurements of `observable` come at a rate exp(intercept + offset + sum of slopes times what they stand before),
    per unit of the model's time.

    slopes: as in SharedParameter. Raises InputError for no slope, a name given twice, what is not finite."""

    observable: str
    intercept: float
    slopes: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        where = f"missingness of {self.observable}"
        check(where, "logit", {"intercept": self.intercept, **dict(self.slopes)})
        names = [name for name, _ in self.slopes]
        if not names or len(set(names)) != len(names):
            raise InputError(where, "slopes", self.slopes, "one (name, coefficient) or more, each name once")
