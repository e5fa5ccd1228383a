"""MNAR by selection: whether a value is seen depends on that value itself, its error included.

A sensor that fails above a limit, a result that is written down only where it alarms. Source: Diggle & Kenward, Appl.
Stat. 43 (1994) 49."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.data.missingness.links import Link, check


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
