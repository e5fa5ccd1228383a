"""What a scaffold left to be written: a plan is not locked while any of it stands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vvuq.credibility.plan import Plan
from vvuq.credibility.study import find_twin
from vvuq.errors import InputError

MARK = "TO WRITE"


def texts(plan: Plan, path: Path) -> list[Path]:
    """The files of a study in which marks may stand: its plan, its own data card, and the code of its twin."""
    card, (twin, _) = path.parent / "data" / f"{plan.cohort}.yaml", find_twin(plan.twin, path)
    code = sorted(twin.rglob("*.py")) if twin.is_dir() else [twin]
    return [path, *([card] if card.is_file() else []), *code]


def unwritten(files: Iterable[Path]) -> tuple[tuple[str, str], ...]:
    """(file:line, the line) of every place that is marked."""
    found = []
    for path in files:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [(f"{path}:{number}", line.strip()) for number, line in enumerate(lines, 1) if MARK in line]
    return tuple(found)


def check_written(files: Iterable[Path]) -> None:
    """Raises InputError that lists every place that is still to be written."""
    found = unwritten(files)
    if found:
        (where, line), *others = found
        rest = "".join(f"\n  {place}: {text}" for place, text in others)
        more = f"; so do {len(others)} more places:{rest}" if others else ""
        raise InputError(where, "text", line, f"your own words: this waits to be written{more}")
