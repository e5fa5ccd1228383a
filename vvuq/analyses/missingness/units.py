"""How units are written in tables and sentences."""

from __future__ import annotations


def after(unit: str) -> str:
    """A unit as it stands behind a number: nothing for dimensionless."""
    return "" if unit == "1" else f" {unit}"


def per(unit: str) -> str:
    """The unit of a slope over something in `unit`."""
    return "1" if unit == "1" else f"1/({unit})"
