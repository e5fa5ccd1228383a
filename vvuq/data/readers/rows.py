"""What readers of text tables share: lines of bounded length, a header held against the layout, numbers, and patients
drafted row by row, each record with the place it came from."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from vvuq.data.cohort import make_cohort
from vvuq.data.layouts import Covariate, Diary, Layout
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement, Patient

LONGEST_LINE = 10_000  # characters; a data row has a few dozen
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One line, by column."""

    file: str
    line: int
    cells: dict[str, str]
    decimal: str = "point"

    def where(self, column: str) -> str:
        """File, line and column, for a message."""
        return f"{self.file}, line {self.line}, column {column}"


@dataclass(slots=True)
class Draft:
    """A patient while its rows are read. places: where each dose, measurement and covariate came from; last: time of
    the row before, and whether it gave a dose."""

    id: str
    covariates: tuple[tuple[str, float], ...]
    doses: list[Dose] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    last: tuple[float, bool] = (-math.inf, False)

    def give(self, dose: Dose, where: str) -> None:
        """Adds a dose."""
        self.places["dose", len(self.doses)] = where
        self.doses.append(dose)
        self.last = (dose.time, True)

    def measure(self, sample: Measurement, row: Row, layout: Layout) -> None:
        """Adds a measurement. Raises InputError where it stands below a dose of the same time."""
        if self.last == (sample.time, True):
            remedy = "a sample at the time of a dose is drawn before it: write it above the dose, or correct its time"
            raise InputError(row.where(layout.time), "time", row.cells[layout.time], remedy)
        self.places["measurement", len(self.measurements)] = row.where(layout.observation)
        self.measurements.append(sample)
        self.last = (sample.time, False)


Split = Callable[[str, str], list[str]]  # (line, where) -> cells
Add = Callable[[Draft, Row, Layout], None]


def read_patients(path: Path, layout: Layout, name: str, split: Split, add: Add) -> Cohort:
    """The cohort `name` of a table whose lines `split` cuts into cells, and whose rows `add` puts into a patient's
    draft; validated by `make_cohort`. Raises InputError with file, line, column, value and remedy."""
    drafts: dict[str, Draft] = {}
    current = None
    for row in _rows(path, layout, split):
        identity = row.cells[layout.id]
        if not identity:
            raise InputError(row.where(layout.id), "patient", identity, "the patient's id on each row")
        if identity != current and identity in drafts:
            remedy = "the rows of one patient together; two patients may not share an id"
            raise InputError(row.where(layout.id), "patient", identity, remedy)
        current = identity
        draft = drafts.get(identity) or drafts.setdefault(identity, Draft(identity, _covariates(row, layout)))
        draft.places.setdefault(("covariate", 0), f"{row.file}, line {row.line}")
        add(draft, row, layout)
    patients = [Patient(d.id, d.covariates, tuple(d.doses), tuple(d.measurements)) for d in drafts.values()]
    if not patients:
        raise InputError(str(path), "rows", 0, "a row for each dose and measurement below the header")
    return make_cohort(
        name, patients, layout.units, place=lambda patient, what, index: drafts[patient].places[what, index]
    )


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank, without its end. Raises InputError."""
    number_ = 0
    with _opened(path) as file:
        while raw := file.readline(LONGEST_LINE + 1):
            number_ += 1
            where = f"{path.name}, line {number_}"
            if len(raw) > LONGEST_LINE:
                start = raw[:20].decode("utf-8", "replace") + "..."
                raise InputError(where, "line", start, f"at most {LONGEST_LINE} characters; is this the table?")
            try:
                text = raw.decode("utf-8-sig" if number_ == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                byte = raw[error.start : error.start + 1]
                raise InputError(where, "text", byte, "a file in UTF-8; save it again in that encoding") from None
            if text.strip():
                yield number_, text


def number(row: Row, column: str, what: str) -> float:
    """The cell as a number, finite. Raises InputError."""
    text = row.cells[column]
    plain = text if row.decimal == "point" else text.replace(".", "?").replace(",", ".")
    value = float(plain) if NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(value):
        example = "17.3" if row.decimal == "point" else "17,3"
        raise InputError(row.where(column), what, text, f"a finite number with a decimal {row.decimal}, as {example}")
    return value


def ascending_time(draft: Draft, row: Row, layout: Layout) -> float:
    """The row's time. Raises InputError where it lies before the row above."""
    time = number(row, layout.time, "time")
    if time < draft.last[0]:
        remedy = f"a time not before the row above ({draft.last[0]:g}); sort the rows, none is sorted here"
        raise InputError(row.where(layout.time), "time", row.cells[layout.time], remedy)
    return time


def same_covariates(draft: Draft, row: Row, layout: Layout, *, blank: bool = False) -> None:
    """Raises InputError where a covariate is not that of the patient's first row; `blank`: an empty cell repeats it."""
    for (name, before), covariate in zip(draft.covariates, layout.covariates, strict=True):
        if blank and not row.cells[covariate.column]:
            continue
        if covariate_value(row, covariate) != before:
            remedy = f"the value of the patient's first row ({before:g}): a covariate is fixed over the stay"
            raise InputError(row.where(covariate.column), name, row.cells[covariate.column], remedy)


def _rows(path: Path, layout: Layout, split: Split) -> Iterator[Row]:
    lines = read_lines(path)
    number_, first = _first(path, lines)
    header = split(first, f"{path.name}, line {number_}")
    check_header(f"{path.name}, line {number_}", header, layout)
    for number_, text in lines:
        where = f"{path.name}, line {number_}"
        cells = split(text, where)
        if len(cells) != len(header):
            raise InputError(where, "cells", len(cells), f"{len(header)} cells, as the header has")
        if any(cells):
            yield Row(path.name, number_, dict(zip(header, cells, strict=True)), layout.decimal)


def _first(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[int, str]:
    try:
        return next(lines)
    except StopIteration:
        raise InputError(str(path), "file", "", "a header line and rows; the file is empty") from None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(str(path), "file", path.name, f"a file that can be read ({error.strerror})") from None


def check_header(where: str, header: list[str], layout: Layout | Diary) -> None:
    """Raises InputError where the columns are not those of the layout."""
    for column in header:
        if header.count(column) > 1:
            raise InputError(where, "header", column, "a column name that stands once")
        if column not in layout.columns and column not in layout.ignored:
            remedy = "a column of the data card's layout; name it under `ignored` if it is not to be read"
            raise InputError(where, "header", column, remedy)
    for column in (*layout.columns, *layout.ignored):
        if column not in header:
            raise InputError(where, "header", header, f"a column {column}, as the data card's layout says")


def _covariates(row: Row, layout: Layout) -> tuple[tuple[str, float], ...]:
    return tuple((covariate.name, covariate_value(row, covariate)) for covariate in layout.covariates)


def covariate_value(row: Row, covariate: Covariate) -> float:
    """The cell of a covariate. Raises InputError where it is no number in the range of the data card."""
    value = number(row, covariate.column, covariate.name)
    broken = covariate.whole and not value.is_integer()
    if broken or not covariate.low <= value <= covariate.high:
        kind = "a whole number" if covariate.whole else "a number"
        unit = "" if covariate.unit == "1" else f" {covariate.unit}"
        remedy = f"{kind} from {covariate.low:g} to {covariate.high:g}{unit} ({covariate.meaning})"
        raise InputError(row.where(covariate.column), covariate.name, row.cells[covariate.column], remedy)
    return value
