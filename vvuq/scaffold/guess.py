"""A first reading of a user's table: which column is what. Everything guessed is said, and marked to be confirmed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vvuq.data.layouts import Layout
from vvuq.data.readers.rows import NUMBER, read_lines
from vvuq.data.readers.table import SEPARATORS, split_line
from vvuq.errors import InputError
from vvuq.models.twin import Twin
from vvuq.models.units import unit as known_unit

_NAMES = {
    "id": ("id", "patient", "patient_id", "subject", "subject_id", "subj", "usubjid", "pid", "case"),
    "time": ("time", "t", "hour", "hours"),
    "dose": ("dose", "amt", "amount"),
    "duration": ("duration", "dur", "tinf", "over"),
    "observation": ("dv", "conc", "cp", "level", "value", "observation", "observed", "measurement", "result", "y"),
}
_NEEDED = ("id", "time", "dose", "observation")
_WEIGHT = ("wt", "wgt", "bw", "bodyweight", "body_weight")
_OTHER_DOSING = ("rate", "addl", "ii", "ss")  # would change the doses, and are not read
_CODES = ("evid", "mdv", "cmt", "occ", "blq", "cens")
_UNIT = re.compile(r"^(.*?)\s*[\[(]\s*([^\])]+?)\s*[\])]$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its header, the name and unit that the header gives, and its cells by patient."""

    header: str
    name: str
    unit: str
    cells: dict[str, list[str]]


def guess(path: Path, twin: Twin) -> tuple[Layout, tuple[tuple[str, str], ...]]:
    """(layout, what was guessed) for the table at `path`: pairs of a word and a sentence.

    Raises InputError where a column that is needed is not found, or one that would change the doses is there."""
    header, rows, separator = _cells(path)
    decimal = _decimal(separator, rows)
    named = {column: _named(column) for column in header}
    roles = _roles(path, header, named, twin)
    patient = header.index(roles["id"])
    columns = [Column(h, *named[h], _by_patient(rows, patient, header.index(h))) for h in header]
    rest = [column for column in columns if column.header not in roles.values()]
    _refuse_other_dosing(path, rest)
    kept = [(column, _why_not(column, decimal)) for column in rest]
    covariates = [_covariate(column, twin, decimal) for column, reason in kept if not reason]
    body, units = _layout(path, roles, named, twin), _units(roles, named, twin)
    body |= {key: text for key, (text, _) in units.items()} | {"separator": separator, "decimal": decimal}
    body |= {"covariates": covariates, "ignored": [column.header for column, reason in kept if reason]}
    layout = Layout.model_validate(body)
    said = [("cells", f"separated by {separator}, numbers with a decimal {decimal}")]
    said += [(role, f"column {header!r}{_of(role, units)}") for role, header in roles.items()]
    said += [("observable", f"{layout.observable} of the twin")]
    bare = {column.header for column in rest if not _known(column.unit)}
    notes = dict.fromkeys(bare, "; the unit is assumed: the header has none")
    said += [
        ("covariate", f"{c['name']} [{c['unit']}], column {c['column']!r}{notes.get(str(c['column']), '')}")
        for c in covariates
    ]
    said += [("not read", f"column {column.header!r}: {reason}") for column, reason in kept if reason]
    return layout, tuple(said)


def _cells(path: Path) -> tuple[list[str], list[list[str]], str]:
    lines = list(read_lines(path))
    if not lines:
        raise InputError(str(path), "file", "", "a header line and rows; the file is empty")
    number, first = lines[0]
    counts = {name: first.count(sign) for name, sign in SEPARATORS.items()}
    separator = max(counts, key=lambda name: counts[name])
    header = split_line(first, separator, f"{path.name}, line {number}")
    if not all(header):
        remedy = "a name for each column; delete a column that is empty"
        raise InputError(f"{path.name}, line {number}", "header", first, remedy)
    rows = []
    for number, text in lines[1:]:
        cells = split_line(text, separator, f"{path.name}, line {number}")
        if len(cells) != len(header):
            remedy = f"{len(header)} cells, as the header has"
            raise InputError(f"{path.name}, line {number}", "cells", len(cells), remedy)
        rows += [cells] if any(cells) else []
    return header, rows, separator


def _decimal(separator: str, rows: Sequence[Sequence[str]]) -> str:
    if separator == "comma":
        return "point"
    cells = [cell for row in rows for cell in row]
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", cell)) for cell in cells)
    return "comma" if commas > sum(bool(re.fullmatch(r"-?\d+\.\d+", cell)) for cell in cells) else "point"


def _named(header: str) -> tuple[str, str]:
    """("weight", "kg") for "WT [kg]": lower case, _ for blanks; the unit is empty where the header gives none."""
    found = _UNIT.match(header)
    text, unit = found.groups() if found else (header, "")
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return ("weight" if name in _WEIGHT else name), unit


def _roles(path: Path, header: list[str], named: dict[str, tuple[str, str]], twin: Twin) -> dict[str, str]:
    observables = tuple(o.name.lower() for o in twin.model.observables)
    roles: dict[str, str] = {}
    for role, usual in _NAMES.items():
        names = (*observables, *usual) if role == "observation" else usual
        found = [column for name in names for column in header if named[column][0] == name]
        free = [column for column in found if column not in roles.values()]
        if free:
            roles[role] = free[0]
        elif role in _NEEDED:
            remedy = f"a column for {role}, named {', '.join(names)}; rename it in the file"
            raise InputError(f"{path.name}, line 1", "header", ", ".join(header), remedy)
    return roles


def _by_patient(rows: Sequence[Sequence[str]], patient: int, place: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[patient], []).append(row[place])
    return found


def _refuse_other_dosing(path: Path, rest: Sequence[Column]) -> None:
    for column in rest:
        held = {cell for cells in column.cells.values() for cell in cells} - {"", ".", "0", "0.0"}
        if column.name in _OTHER_DOSING and held:
            remedy = "no such column: write each dose as a row of its own, an infusion with its duration"
            raise InputError(f"{path.name}, line 1", "header", column.header, remedy)


def _why_not(column: Column, decimal: str) -> str:
    """Why a column is no covariate; empty where it is one."""
    cells = [cell for cells in column.cells.values() for cell in cells if cell]
    if column.name in (*_OTHER_DOSING, *_CODES):
        return "a code of other programs, which the rows say already"
    if not cells:
        return "it is empty"
    if any(_value(cell, decimal) is None for cell in cells):
        return "it holds text; to use it, code it as numbers"
    if any(not cells[0] for cells in column.cells.values()):
        return "some patients lack it on their first row"
    if any(len({cell for cell in cells if cell}) > 1 for cells in column.cells.values()):
        return "it changes over a stay; covariates are fixed"
    return ""


def _value(cell: str, decimal: str) -> float | None:
    plain = cell if decimal == "point" else cell.replace(".", "?").replace(",", ".")
    return float(plain) if NUMBER.fullmatch(plain) else None


def _covariate(column: Column, twin: Twin, decimal: str) -> dict[str, object]:
    values = [_value(cells[0], decimal) or 0.0 for cells in column.cells.values()]
    envelope = twin.claims.envelope
    claimed = {name: one.unit for name, one in envelope.covariates.items()} if envelope else {}
    usual = {"weight": "kg"} | dict(twin.model.covariates) | claimed
    return {
        "column": column.header,
        "name": column.name,
        "unit": _known(column.unit) or usual.get(column.name, "1"),
        "meaning": column.header,
        "low": min(values),
        "high": max(values),
        "whole": all(value.is_integer() for value in values),
    }


def _known(unit: str) -> str:
    """The unit, if it is one."""
    try:
        known_unit(unit)
    except InputError:
        return ""
    return unit


def _layout(path: Path, roles: dict[str, str], named: dict[str, tuple[str, str]], twin: Twin) -> dict[str, object]:
    observables = {o.name.lower(): o.name for o in twin.model.observables}
    observable = observables.get(named[roles["observation"]][0], twin.model.observables[0].name)
    return {"format": "table", "file": path.name, "observable": observable, **roles}


def _units(roles: dict[str, str], named: dict[str, tuple[str, str]], twin: Twin) -> dict[str, tuple[str, str]]:
    """{"time_unit": (unit, whence)} and so on: from the header, else the twin's."""
    model, observables = twin.model, {o.name.lower(): o for o in twin.model.observables}
    observable = observables.get(named[roles["observation"]][0], model.observables[0])
    envelope = twin.claims.envelope
    dose = envelope.dose_unit if envelope else next(iter(model.states.values()))
    own = {"time": model.time_unit, "dose": dose, "observation": observable.unit}
    found = {}
    for role, unit in own.items():
        said = _known(named[roles[role]][1])
        found[f"{role}_unit"] = (said, "as its header says") if said else (unit, "the twin's unit: the header has none")
    return found


def _of(role: str, units: dict[str, tuple[str, str]]) -> str:
    unit, whence = units.get(f"{role}_unit", ("", ""))
    return f" in {unit}, {whence}" if unit else ""
