"""Reads a table in the manner of NONMEM: a header, then a row a dose or measurement, a patient's rows together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from vvuq.data.cards import Covariate, Layout
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement, Patient

LONGEST_LINE = 10_000  # characters; a data row has a few dozen
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ABSENT = "."  # NONMEM's sign for a value that is not there


@dataclass(frozen=True, slots=True)
class _Row:
    """One line, by column."""

    file: str
    line: int
    cells: dict[str, str]

    def where(self, column: str) -> str:
        return f"{self.file}, line {self.line}, column {column}"


@dataclass(slots=True)
class _Draft:
    """A patient while its rows are read. lines: where each dose, measurement and covariate came from."""

    id: str
    covariates: tuple[tuple[str, float], ...]
    doses: list[Dose] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    last: tuple[float, bool] = (-math.inf, False)


def read_nonmem(path: Path, layout: Layout, name: str) -> Cohort:
    """The cohort `name` in the file `path`, read as `layout` says, validated by `make_cohort`.

    A row is a dose where its amount is above 0 (and `layout.event`, if named, is 1), else a measurement. Raises
    InputError with file, line, column, value and remedy."""
    drafts: dict[str, _Draft] = {}
    current = None
    for row in _rows(path, layout):
        identity = row.cells[layout.id]
        if identity != current and identity in drafts:
            remedy = "the rows of one patient together; two patients may not share an id"
            raise InputError(row.where(layout.id), "patient", identity, remedy)
        current = identity
        _add(drafts.setdefault(identity, _Draft(identity, _covariates(row, layout))), row, layout)
    patients = [Patient(d.id, d.covariates, tuple(d.doses), tuple(d.measurements)) for d in drafts.values()]
    if not patients:
        raise InputError(str(path), "rows", 0, "a row for each dose and measurement below the header")
    return make_cohort(
        name, patients, layout.units, place=lambda patient, what, index: drafts[patient].places[what, index]
    )


def _rows(path: Path, layout: Layout) -> Iterator[_Row]:
    lines = _lines(path)
    try:
        number, first = next(lines)
    except StopIteration:
        raise InputError(str(path), "file", "", "a header line and rows; the file is empty") from None
    header = _split(first, layout)
    _check_header(f"{path.name}, line {number}", header, layout)
    for number, text in lines:
        cells = _split(text, layout)
        if len(cells) != len(header):
            remedy = f"{len(header)} cells, as the header has"
            raise InputError(f"{path.name}, line {number}", "cells", len(cells), remedy)
        yield _Row(path.name, number, dict(zip(header, cells, strict=True)))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    number = 0
    with _opened(path) as file:
        while raw := file.readline(LONGEST_LINE + 1):
            number += 1
            where = f"{path.name}, line {number}"
            if len(raw) > LONGEST_LINE:
                start = raw[:20].decode("utf-8", "replace") + "..."
                raise InputError(where, "line", start, f"at most {LONGEST_LINE} characters; is this the table?")
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                byte = raw[error.start : error.start + 1]
                raise InputError(where, "text", byte, "a file in UTF-8; save it again in that encoding") from None
            if text:
                yield number, text


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(str(path), "file", path.name, f"a file that can be read ({error.strerror})") from None


def _split(text: str, layout: Layout) -> list[str]:
    return text.split() if layout.separator == "blank" else [cell.strip() for cell in text.split(",")]


def _check_header(where: str, header: list[str], layout: Layout) -> None:
    for column in header:
        if header.count(column) > 1:
            raise InputError(where, "header", column, "a column name that stands once")
        if column not in layout.columns and column not in layout.ignored:
            remedy = "a column of the data card's layout; name it under `ignored` if it is not to be read"
            raise InputError(where, "header", column, remedy)
    for column in (*layout.columns, *layout.ignored):
        if column not in header:
            raise InputError(where, "header", header, f"a column {column}, as the data card's layout says")


def _number(row: _Row, column: str, what: str) -> float:
    text = row.cells[column]
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InputError(row.where(column), what, text, "a finite number with a decimal point, as 17.3")
    return value


def _optional(row: _Row, column: str, what: str) -> float:
    return 0.0 if row.cells[column] == _ABSENT else _number(row, column, what)


def _covariates(row: _Row, layout: Layout) -> tuple[tuple[str, float], ...]:
    return tuple((covariate.name, _covariate(row, covariate)) for covariate in layout.covariates)


def _covariate(row: _Row, covariate: Covariate) -> float:
    value = _number(row, covariate.column, covariate.name)
    broken = covariate.whole and not value.is_integer()
    if broken or not covariate.low <= value <= covariate.high:
        kind = "a whole number" if covariate.whole else "a number"
        remedy = f"{kind} from {covariate.low:g} to {covariate.high:g} {covariate.unit} ({covariate.meaning})"
        raise InputError(row.where(covariate.column), covariate.name, row.cells[covariate.column], remedy)
    return value


def _add(draft: _Draft, row: _Row, layout: Layout) -> None:
    for (name, before), covariate in zip(draft.covariates, layout.covariates, strict=True):
        if _covariate(row, covariate) != before:
            remedy = f"the value of the patient's first row ({before:g}): a covariate is fixed over the stay"
            raise InputError(row.where(covariate.column), name, row.cells[covariate.column], remedy)
    time = _time(draft, row, layout)
    given = _is_dose(row, layout)
    if draft.last == (time, True) and not given:
        remedy = "a sample at the time of a dose is drawn before it: write it above the dose, or correct its time"
        raise InputError(row.where(layout.time), "time", row.cells[layout.time], remedy)
    draft.last = (time, given)
    draft.places.setdefault(("covariate", 0), f"{row.file}, line {row.line}")
    if given:
        draft.places["dose", len(draft.doses)] = row.where(layout.dose)
        draft.doses.append(Dose(time, _optional(row, layout.dose, "dose amount")))
    else:
        draft.places["measurement", len(draft.measurements)] = row.where(layout.observation)
        value = _number(row, layout.observation, layout.observable)
        draft.measurements.append(Measurement(time, layout.observable, value))


def _time(draft: _Draft, row: _Row, layout: Layout) -> float:
    time = _number(row, layout.time, "time")
    if time < draft.last[0]:
        remedy = f"a time not before the row above ({draft.last[0]:g}); sort the rows, none is sorted here"
        raise InputError(row.where(layout.time), "time", row.cells[layout.time], remedy)
    return time


def _is_dose(row: _Row, layout: Layout) -> bool:
    """Whether the row gives a dose; refuses a row whose amount, event flag and measurement contradict each other."""
    amount = _optional(row, layout.dose, "dose amount")
    if amount < 0.0:
        raise InputError(row.where(layout.dose), "dose amount", row.cells[layout.dose], "an amount above 0, or 0: none")
    event = _number(row, layout.event, "event") if layout.event else float(amount > 0.0)
    if layout.event and event != float(amount > 0.0):
        remedy = f"1 where {layout.dose} is above 0, else 0"
        raise InputError(row.where(layout.event), "event", row.cells[layout.event], remedy)
    if event and _optional(row, layout.observation, layout.observable):
        remedy = "0 or . on the row of a dose; give the measurement a row of its own"
        raise InputError(row.where(layout.observation), layout.observable, row.cells[layout.observation], remedy)
    return bool(event)
