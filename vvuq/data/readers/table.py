"""Reads a long table, as a spreadsheet saves it: a header, then a row a time, with a dose, a measured value, or both.

An empty cell means: none. A covariate stands on the patient's first row, and may stand on the others."""

from __future__ import annotations

import csv
from pathlib import Path

from vvuq.data.layouts import Layout
from vvuq.data.readers.rows import Draft, Row, ascending_time, number, read_patients, same_covariates
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def read_table(path: Path, layout: Layout, name: str) -> Cohort:
    """The cohort `name` in the file `path`, read as `layout` says, validated by `make_cohort`.

    A value on the row of a dose was measured before that dose. Raises InputError with file, line, column, value and
    remedy."""

    def split(text: str, where: str) -> list[str]:
        return split_line(text, layout.separator, where)

    return read_patients(path, layout, name, split, _add)


def split_line(text: str, separator: str, where: str) -> list[str]:
    """The cells of a line, without blanks around them; quotes may enclose a cell."""
    try:
        (cells,) = csv.reader([text], delimiter=SEPARATORS[separator], strict=True)
    except (csv.Error, ValueError) as error:
        raise InputError(where, "line", text[:40], f"cells on one line, quotes closed ({error})") from None
    return [cell.strip() for cell in cells]


def _add(draft: Draft, row: Row, layout: Layout) -> None:
    same_covariates(draft, row, layout, blank=True)
    time, dose = ascending_time(draft, row, layout), _dose(row, layout)
    observed = bool(row.cells[layout.observation])
    if observed:
        value = number(row, layout.observation, layout.observable)
        draft.measure(Measurement(time, layout.observable, value), row, layout)
    if dose is not None:
        draft.give(Dose(time, *dose), row.where(layout.dose))
    if dose is None and not observed:
        remedy = f"a dose in {layout.dose}, a value in {layout.observation}, or no such row"
        raise InputError(row.where(layout.dose), "row", row.cells[layout.dose], remedy)


def _dose(row: Row, layout: Layout) -> tuple[float, float] | None:
    """(amount, duration) of the row's dose; None where its cell is empty or 0."""
    amount = number(row, layout.dose, "dose amount") if row.cells[layout.dose] else 0.0
    timed = layout.duration is not None and bool(row.cells[layout.duration])
    duration = number(row, layout.duration, "dose duration") if timed and layout.duration else 0.0
    if amount < 0.0:
        raise InputError(row.where(layout.dose), "dose amount", row.cells[layout.dose], "an amount above 0, or nothing")
    if duration and not amount and layout.duration:
        remedy = f"nothing, or an amount in {layout.dose}"
        raise InputError(row.where(layout.duration), "dose duration", row.cells[layout.duration], remedy)
    return (amount, duration) if amount else None
