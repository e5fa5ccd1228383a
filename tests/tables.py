"""Tables in the tests' output: a test reports a row, and the summary at the end prints every table whole.

Rows travel as JSON in pytest's user_properties, so that they arrive from the workers of pytest-xdist too, and stand in
the JUnit report, from which scripts/slow_lane.py writes its page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest

_running: list[pytest.Item] = []


def begin(item: pytest.Item) -> None:
    """Says which test runs now (tests/conftest.py calls it)."""
    _running[:] = [item]


def report(title: str, columns: Sequence[str], row: Sequence[str | int]) -> None:
    """Adds a row to the table `title`, from inside a test. Rows are printed sorted; cells stay on one line."""
    cells = [cell if isinstance(cell, int) else " ".join(cell.split()) for cell in row]
    assert len(cells) == len(columns)
    _running[0].user_properties.append(("table", json.dumps([title, list(columns), cells])))


def lines(reports: Iterable[object]) -> list[str]:
    """All tables that the reports of pytest carry, as plain text."""
    rows: dict[tuple[str, tuple[str, ...]], list[tuple[str | int, ...]]] = {}
    for one in reports:
        found = getattr(one, "user_properties", ()) if getattr(one, "when", "") == "call" else ()
        for title, columns, cells in [json.loads(value) for name, value in found if name == "table"]:
            rows.setdefault((title, tuple(columns)), []).append(tuple(cells))
    return [line for (title, columns), found in sorted(rows.items()) for line in _table(title, columns, found)]


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str | int, ...]]) -> list[str]:
    texts = [columns, *[tuple(str(cell) for cell in row) for row in sorted(set(rows))]]
    wide = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip() for row in texts]
    return ["", f"{title} ({len(texts) - 1})", shown[0], "-" * min(120, sum(wide) + 3 * len(wide) - 3), *shown[1:]]
