"""How numbers are printed: three significant digits, true minus signs, units beside, never "nan"."""

from __future__ import annotations

import math

MISSING = "not evaluated"
NBSP = "\u00a0"
_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGITS = 3


def plain(value: float | int | bool | None) -> float | int | None:
    """The value as it is stored and compared: None for what is missing or not finite."""
    if value is None:
        return None
    if isinstance(value, bool | int):
        return int(value)
    return float(value) if math.isfinite(value) else None


def show(value: float | int | None, decimals: int | None = None) -> str:
    """`value` with `decimals` places, or with three significant digits; whole numbers stay whole."""
    value = plain(value)
    if value is None:
        return MISSING
    if isinstance(value, int) or (decimals is None and value.is_integer() and abs(value) < 1e6):
        return _sign(f"{int(value):,}".replace(",", NBSP))
    if decimals is None and not 1e-4 <= abs(value) < 1e6:
        return _scientific(value)
    places = _places(value) if decimals is None else decimals
    return _sign(f"{value:,.{places}f}".replace(",", NBSP))


def exact(value: float | int | None) -> str:
    """`value` as somebody wrote it into a plan or a model: no rounding, no digits added."""
    value = plain(value)
    if value is None:
        return MISSING
    digits, _, power = repr(value).partition("e")
    whole = digits.removesuffix(".0")
    return _sign(whole) if not power else f"{_sign(whole)}{NBSP}×{NBSP}10{str(int(power)).translate(_SUPER)}"


def interval_decimals(value: float, low: float, high: float) -> int:
    """Places that show two digits of half the interval's width, at most six significant digits in all.

    One place more where an end would print as zero and is not: its sign must show."""
    width, size = high - low, max(abs(value), abs(low), abs(high))
    if not (math.isfinite(width) and width > 0) or size == 0:
        return _places(value)
    places = max(0, min(1 - _exponent(width / 2), 5 - _exponent(size)))
    return places + any(end != 0 and round(end, places) == 0 for end in (value, low, high))


def column_decimals(values: list[float]) -> int | None:
    """Places that suit a whole column (None: each number for itself, where their sizes differ too much for one)."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes or all(float(size).is_integer() for size in sizes):
        return None
    if max(sizes) / min(sizes) > 30 or max(sizes) < 1e-3:
        return None
    return max(0, _DIGITS - 1 - _exponent(max(sizes)))


def power_of_ten(value: float) -> str:
    """A positive power of ten as 10⁻³, for an axis."""
    return "10" + str(round(math.log10(value))).translate(_SUPER)


def unit_text(unit: str) -> str:
    """The unit as printed beside a number: nothing for dimensionless."""
    return "" if unit in ("", "1") else unit.replace("^2", "²").replace("^3", "³")


def _places(value: float) -> int:
    return max(0, _DIGITS - 1 - _exponent(value)) if value else 0


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _scientific(value: float) -> str:
    digits, _, power = f"{value:.{_DIGITS - 1}e}".partition("e")
    return f"{_sign(digits)}{NBSP}×{NBSP}10{str(int(power)).translate(_SUPER)}"


def _sign(text: str) -> str:
    return text.replace("-", "\u2212")
