"""Reads the table of estimates that NONMEM writes (.ext) as the fit of another program.

Rows: iteration 0 holds the initial values, -1000000000 the final estimates, -1000000001 their standard errors.
Source: NONMEM 7 user's guide, "Raw and additional output files"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from vvuq.errors import InputError, NotEvaluable
from vvuq.record import ReferenceFit

FIRST, FINAL, ERRORS = 0, -1_000_000_000, -1_000_000_001


def read_ext(path: Path, tool: str, typical: Mapping[str, str], variances: Mapping[str, str]) -> ReferenceFit:
    """The fit in the last table of `path`. typical, variances: {name of an estimate here: column there}; a variance
    there is the square of an SD here. Raises NotEvaluable where the file cannot be read, InputError with its line."""
    rows = _rows(path)
    columns = {**typical, **variances}

    def values(kind: int) -> dict[str, float]:
        return {name: _cell(path, rows, kind, column) for name, column in columns.items()}

    first, last = (_cell(path, rows, kind, "OBJ") for kind in (FIRST, FINAL))
    return ReferenceFit(
        tool, path.name, tuple(variances), values(FIRST), first, values(FINAL), values(ERRORS), last
    )  # fmt: skip


def _rows(path: Path) -> dict[int, dict[str, str]]:
    """{iteration: {column: text}} of the last table."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotEvaluable(f"cannot read {path}: {error}") from None
    heads: list[str] = []
    rows: dict[int, dict[str, str]] = {}
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if line.startswith("TABLE NO"):
            heads, rows = [], {}
        elif not heads:
            heads = cells
        elif len(cells) != len(heads) or not cells[0].lstrip("-").isdigit():
            raise InputError(f"{path}:{number}", "row", line.strip(), f"{len(heads)} numbers, the first an iteration")
        else:
            rows[int(cells[0])] = dict(zip(heads, cells, strict=True))
    return rows


def _cell(path: Path, rows: Mapping[int, Mapping[str, str]], kind: int, column: str) -> float:
    if kind not in rows:
        raise InputError(str(path), "ITERATION", sorted(rows), f"a row of iteration {kind}")
    text = rows[kind].get(column)
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(str(path), column, text, f"a number in the row of iteration {kind}")
    return value
