"""Another process finds the same bits: no set's order, no memory address and no clock has a say."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin
from vvuq.testing.account import account
from vvuq.testing.cases import Stay, stays
from vvuq.testing.elsewhere import digest, digests_elsewhere
from vvuq.testing.property import Property

STAYS = 16  # that one process runs; starting it costs far more than they do


def applies(twin: Twin) -> str:
    """Another process loads the twin by its path."""
    return "" if twin.path else "the twin was not loaded from a file"


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[list[Stay]]:
    """Many stays at once."""
    return st.lists(stays(twin, envelope), min_size=STAYS, max_size=STAYS)


def run(twin: Twin, case: list[Stay]) -> str | None:
    """Every stay has the digests that another process finds; the shortest of those that have not is told."""
    if all(stay == case[0] for stay in case):
        return None  # the simplest batch, which hypothesis begins with, is not worth a process
    there = digests_elsewhere(twin, case)
    wrong = [(stay, names) for stay, other in zip(case, there, strict=True) if (names := _differ(twin, stay, other))]
    if not wrong:
        return None
    told = [
        account(twin, stay, found=f"{names} differ in another process", promised="the same bits in every process")
        for stay, names in wrong
    ]
    return min(told, key=len)


def _differ(twin: Twin, stay: Stay, other: dict[str, str]) -> str:
    here = digest(twin, stay)
    return ", ".join(name for name in here if here[name] != other.get(name))


PROCESSES = Property("processes", "Does another process find the same bits?", cases, run, applies, most=2, shrink=False)
