"""Reads a table in the manner of NONMEM: a header, then a row a dose or measurement, a patient's rows together."""

from __future__ import annotations

from pathlib import Path

from vvuq.data.layouts import Layout
from vvuq.data.readers.rows import Draft, Row, ascending_time, number, read_patients, same_covariates
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement

_ABSENT = "."  # NONMEM's sign for a value that is not there


def read_nonmem(path: Path, layout: Layout, name: str) -> Cohort:
    """The cohort `name` in the file `path`, read as `layout` says, validated by `make_cohort`.

    A row is a dose where its amount is above 0 (and `layout.event`, if named, is 1), else a measurement. Raises
    InputError with file, line, column, value and remedy."""

    def split(text: str, where: str) -> list[str]:
        return text.split() if layout.separator == "blank" else [cell.strip() for cell in text.split(",")]

    return read_patients(path, layout, name, split, _add)


def _add(draft: Draft, row: Row, layout: Layout) -> None:
    same_covariates(draft, row, layout)
    time = ascending_time(draft, row, layout)
    if _is_dose(row, layout):
        draft.give(Dose(time, _optional(row, layout.dose, "dose amount")), row.where(layout.dose))
    else:
        value = number(row, layout.observation, layout.observable)
        draft.measure(Measurement(time, layout.observable, value), row, layout)


def _optional(row: Row, column: str, what: str) -> float:
    return 0.0 if row.cells[column] == _ABSENT else number(row, column, what)


def _is_dose(row: Row, layout: Layout) -> bool:
    """Whether the row gives a dose; refuses a row whose amount, event flag and measurement contradict each other."""
    amount = _optional(row, layout.dose, "dose amount")
    if amount < 0.0:
        raise InputError(row.where(layout.dose), "dose amount", row.cells[layout.dose], "an amount above 0, or 0: none")
    event = number(row, layout.event, "event") if layout.event else float(amount > 0.0)
    if layout.event and event != float(amount > 0.0):
        remedy = f"1 where {layout.dose} is above 0, else 0"
        raise InputError(row.where(layout.event), "event", row.cells[layout.event], remedy)
    if event and _optional(row, layout.observation, layout.observable):
        remedy = "0 or . on the row of a dose; give the measurement a row of its own"
        raise InputError(row.where(layout.observation), layout.observable, row.cells[layout.observation], remedy)
    return bool(event)
