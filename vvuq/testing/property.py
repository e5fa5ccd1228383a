"""A property that every twin must have: how cases are drawn, how one is judged, and whether it applies at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin


def always(twin: Twin) -> str:
    """The property needs no declaration."""
    return ""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the suite.

    run(twin, case) -> None, or the account of a counter-example (account.py). applies(twin) -> "" or why the property
    is not tried. measure(twin, case) -> a number whose largest value the report tells, with `unit`(twin).
    most: cases at most; shrink: whether a counter-example is made smaller (not where a case takes seconds)."""

    name: str
    question: str
    cases: Callable[[Twin, Envelope], SearchStrategy[Any]]
    run: Callable[[Twin, Any], str | None]
    applies: Callable[[Twin], str] = always
    measure: Callable[[Twin, Any], tuple[float, str]] | None = None
    most: int | None = None
    shrink: bool = True
