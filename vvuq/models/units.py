"""Units: one registry, exact conversion factors, and values that carry a unit through a model's equations.

Adding 1 mg to 1 g is refused although both are masses: the compiled model adds the bare numbers and would be wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vvuq.errors import InputError

if TYPE_CHECKING:
    import pint

_FACTOR = r"(?:1|%|[A-Za-zµμΩ_][A-Za-zµμΩ_0-9]*)(?:(?:\^|\*\*)-?\d)?"
_SPELLING = re.compile(rf"{_FACTOR}(?: ?[*/] ?{_FACTOR})*")  # pint would evaluate towers of powers, or fail oddly


class UnitError(ValueError):
    """Two units that the equations bring together do not agree."""


@lru_cache(maxsize=1)
def registry() -> pint.UnitRegistry[Any]:
    """The one registry of units of the framework; international units (IU) are a dimension of their own."""
    import pint  # a quarter of a second with its definitions: for whoever asks for a unit

    made: pint.UnitRegistry[Any] = pint.UnitRegistry(cache_folder=None)
    made.define("international_unit = [biological_activity] = IU")
    return made


def untouched() -> bool:
    """True until the registry is made: nobody can have redefined a unit yet."""
    return registry.cache_info().currsize == 0


@lru_cache(maxsize=1024)
def unit(text: str, where: str = "unit") -> Any:
    """The pint unit that `text` names: factors joined by * and /, without parentheses; "1" is dimensionless.

    Raises InputError for an unknown one."""
    try:
        if not _SPELLING.fullmatch(text):
            raise ValueError("not spelled like a unit")
        return registry().Unit("" if text == "1" else text)
    except Exception as error:
        raise InputError(where, "unit", text, "a unit such as 'mg/L', 'L/h/kg' or '1'") from error


@lru_cache(maxsize=1024)
def factor(source: str, target: str, where: str = "unit") -> float:
    """The number that turns a value in `source` into `target`. Raises InputError where the dimensions differ."""
    import pint

    try:
        return float(registry().Quantity(1.0, unit(source, where)).to(unit(target, where)).magnitude)
    except pint.DimensionalityError as error:
        raise InputError(where, "unit", source, f"a unit of the dimension of {target!r}") from error


def _same(a: Any, b: Any) -> bool:
    ratio = registry().Quantity(1.0, a / b).to_base_units()
    return bool(ratio.dimensionless and abs(ratio.magnitude - 1.0) < 1e-12)


@dataclass(frozen=True)
class Measured:
    """A number with a pint unit, strict about scale; arithmetic as the equations of a model need it."""

    magnitude: float
    unit: Any

    def _other(self, other: Any) -> Measured:
        return other if isinstance(other, Measured) else Measured(float(other), unit("1"))

    def _agree(self, other: Any, operation: str) -> Measured:
        other = self._other(other)
        if other.magnitude == 0.0 and other.unit == unit("1"):  # a literal zero has every unit
            return Measured(0.0, self.unit)
        if not _same(self.unit, other.unit):
            raise UnitError(f"{operation} of {self.unit or '1'} and {other.unit or '1'}")
        return other

    def __add__(self, other: Any) -> Measured:
        return Measured(self.magnitude + self._agree(other, "sum").magnitude, self.unit)

    def __sub__(self, other: Any) -> Measured:
        return Measured(self.magnitude - self._agree(other, "difference").magnitude, self.unit)

    def __mul__(self, other: Any) -> Measured:
        other = self._other(other)
        return Measured(self.magnitude * other.magnitude, self.unit * other.unit)

    def __truediv__(self, other: Any) -> Measured:
        other = self._other(other)
        return Measured(self.magnitude / other.magnitude, self.unit / other.unit)

    def __pow__(self, power: Any) -> Measured:
        exponent = power.model_function("plain") if isinstance(power, Measured) else float(power)
        if isinstance(power, Measured) and not _same(self.unit, unit("1")):
            raise UnitError(f"{self.unit} to a power that is not a plain number has no unit")
        return Measured(self.magnitude**exponent, self.unit**exponent)

    def __rpow__(self, base: Any) -> Measured:
        return self._other(base) ** self

    def __neg__(self) -> Measured:
        return Measured(-self.magnitude, self.unit)

    def __radd__(self, other: Any) -> Measured:
        return self + other if other else self

    def __rsub__(self, other: Any) -> Measured:
        return -self + other if other else -self

    __rmul__ = __mul__

    def __rtruediv__(self, other: Any) -> Measured:
        return self._other(other) / self

    def model_function(self, name: str) -> Any:
        """vvuq.models.math functions: sqrt keeps half the unit, the others want and give a plain number."""
        from vvuq.models import math

        if name == "sqrt":
            return Measured(math.sqrt(self.magnitude), self.unit**0.5)
        if not _same(self.unit, unit("1")):
            raise UnitError(f"{name} of a value in {self.unit}")
        return self.magnitude if name == "plain" else Measured(getattr(math, name)(self.magnitude), unit("1"))

    def model_where(self, a: Any, b: Any) -> Any:
        """Both branches must agree in unit, whichever is taken."""
        if isinstance(a, Measured):
            other = a._agree(b, "choice")
            return a if self.magnitude > 0.0 else other
        return self.model_where(Measured(float(a), unit("1")), b)
