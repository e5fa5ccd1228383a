"""Reads a diary in the format of the Shanghai tables: sensor readings, fingersticks, meals as text, insulin.

A gzipped CSV with a row a time, and a CSV with a row a record. All records of a patient are one timeline, in minutes
from midnight before the first row, so that time modulo 1440 is the time of day. What is dropped, flagged or cannot be
read is counted in the cohort's notes; a table that contradicts its card or itself is refused."""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

from vvuq.data.cohort import make_cohort
from vvuq.data.layouts import Diary, DiaryRules
from vvuq.data.readers.insulin import intravenous, subcutaneous
from vvuq.data.readers.meals import read_meal
from vvuq.data.readers.rows import Row, check_header, covariate_value, number
from vvuq.data.units import glucose_factor
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement, Patient

SUSPENDED = "temporarily suspend insulin delivery"
MOST_UNKNOWN = 40  # foods that are named in the notes
LABELS = {
    "rows": "rows read",
    "timeless": "rows without a time, dropped",
    "records": "records",
    "cgm kept": "sensor readings kept",
    "cgm missing": "sensor readings missing",
    "cgm range": "sensor readings outside {low:g} to {high:g} mg/dL, dropped",
    "cgm twice": "sensor readings at a time that has one already, dropped",
    "jumps": "sensor readings that changed faster than {fastest:g} mg/dL/min, flagged",
    "gaps": "gaps between sensor readings longer than {gap:g} min, within a record",
    "between": "gaps between records of a patient",
    "fingerstick kept": "fingersticks kept",
    "fingerstick range": "fingersticks outside {low:g} to {high:g} mg/dL, dropped",
    "fingerstick twice": "fingersticks at a time that has one already, dropped",
    "read": "meals read",
    "partly read": "meals partly read",
    "not read": "meals not read",
    "amount not recorded": "meals without a recorded amount",
    "differ": "meals whose numbers differ between the two languages, the first is taken",
    "misprints": "items of a meal above {largest_item:g} g of carbohydrate, taken as misprints and left out",
    "subcutaneous": "entries of subcutaneous insulin",
    "bags": "intravenous bags, run in at {drip:g} mL/h",
    "empty bags": "intravenous entries that name no amount, not read",
    "boluses": "pump boluses",
    "rates": "pump rates",
    "suspended": "pump suspensions",
    "held": "pump rates whose end is not recorded, held for at most {basal_hours:g} h",
    "changed": "covariates that change between records of a patient, the first is taken",
}
FOOD = "food not known: "

Notes = Counter[str]
Timed = tuple[float, Row]


def read_diary(path: Path, covariates: Path, layout: Diary, name: str) -> Cohort:
    """The cohort `name` in the files `path` and `covariates`, read as `layout` says, validated by `make_cohort`; its
    notes count what was kept, dropped, flagged and not understood.

    Raises InputError with file, line, column, value and remedy."""
    notes: Notes = Counter()
    fixed = _fixed(covariates, layout)
    seen: dict[str, Patient] = {}
    for identity, rows in groupby(_rows(path, layout), key=lambda row: row.cells[layout.id]):
        kept = list(rows)
        if not identity or identity in seen:
            remedy = "the rows of one patient together, each with the patient's id"
            raise InputError(kept[0].where(layout.id), "patient", identity, remedy)
        for row in kept:
            if row.cells[layout.record] not in fixed:
                remedy = f"a record that {covariates.name} has"
                raise InputError(row.where(layout.record), "record", row.cells[layout.record], remedy)
        seen[identity] = _patient(identity, kept, fixed, layout, notes)
    if not seen:
        raise InputError(str(path), "rows", 0, "a row for each sensor reading below the header")
    return make_cohort(name, seen.values(), layout.units, notes=_told(notes, layout.rules))


def _told(notes: Notes, rules: DiaryRules) -> list[tuple[str, int]]:
    """The counts in the order of LABELS, then the foods that are not known, the commonest first."""
    told = [(text.format(**rules.model_dump()), notes[key]) for key, text in LABELS.items()]
    foods = sorted((-count, key) for key, count in notes.items() if key.startswith(FOOD))
    more = [("other foods not known", -sum(count for count, _ in foods[MOST_UNKNOWN:]))]
    return told + [(key, -count) for count, key in foods[:MOST_UNKNOWN]] + more * (len(foods) > MOST_UNKNOWN)


def _rows(path: Path, layout: Diary) -> Iterator[Row]:
    """The rows below the header. Cells may hold line ends within quotes."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            check_header(f"{path.name}, line 1", header, layout)
            line = reader.line_num
            for cells in reader:
                yield _row(path.name, line + 1, header, cells)
                line = reader.line_num
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        remedy = f"a gzipped CSV in UTF-8 that can be read ({error})"
        raise InputError(str(path), "file", path.name, remedy) from None


def _row(file: str, line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise InputError(f"{file}, line {line}", "cells", len(cells), f"{len(header)} cells, as the header has")
    return Row(file, line, dict(zip(header, (cell.strip() for cell in cells), strict=True)))


def _patient(
    identity: str, rows: list[Row], fixed: Mapping[str, dict[str, float]], layout: Diary, notes: Notes
) -> Patient:
    records = _timed(rows, layout, notes)
    timed = [one for record in records for one in record]
    own = [fixed[record[0][1].cells[layout.record]] for record in records]
    notes["rows"] += len(rows)
    notes["records"] += len(records)
    notes["between"] += len(records) - 1
    notes["changed"] += sum(any(one[key] != own[0][key] for one in own) for key in own[0])
    samples = [*_sensor(timed, layout, notes), *_readings(timed, "fingerstick", layout.fingerstick, layout, notes)]
    doses = [*_meals(timed, layout, notes), *_injected(timed, layout, notes)]
    doses += [dose for record in records for dose in _pump(record, layout, notes)]
    slowed = any(word in row.cells[layout.oral].lower() for row in rows for word in layout.slowed_by)
    covariates = (*own[0].items(), ("slowed_carbohydrate", float(slowed)))
    ordered = tuple(sorted(doses, key=lambda dose: (dose.time, dose.what, dose.duration)))
    return Patient(identity, covariates, ordered, tuple(sorted(samples, key=lambda one: (one.time, one.observable))))


def _timed(rows: list[Row], layout: Diary, notes: Notes) -> list[list[Timed]]:
    """The patient's records in order of time, each as (minutes from midnight before the patient's first row, row).

    Rows without a time are dropped. Raises InputError where a row is before the one above in its record, or a record
    begins before another has ended."""
    dated = [(_at(row, layout), row) for row in rows if row.cells[layout.time]]
    notes["timeless"] += len(rows) - len(dated)
    records = [list(group) for _, group in groupby(dated, key=lambda one: one[1].cells[layout.record])]
    records.sort(key=lambda record: record[0][0])
    in_order = [one for record in records for one in record]
    for (before, _), (at, row) in pairwise(in_order):
        if at < before:
            remedy = f"a time not before {before}, in the row above or the record before; no row is sorted here"
            raise InputError(row.where(layout.time), "time", row.cells[layout.time], remedy)
    if not in_order:
        raise InputError(rows[0].where(layout.time), "time", "", "a time in some row of the patient")
    origin = in_order[0][0].replace(hour=0, minute=0, second=0, microsecond=0)
    return [[((at - origin) / timedelta(minutes=1), row) for at, row in record] for record in records]


def _at(row: Row, layout: Diary) -> datetime:
    text = row.cells[layout.time]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:
        raise InputError(row.where(layout.time), "time", text, "a local time, as 2021-05-04 10:33:00")
    return at


def _readings(timed: list[Timed], observable: str, column: str, layout: Diary, notes: Notes) -> Iterator[Measurement]:
    """The values of a column in mg/dL, without those out of range and those of a time that has one already."""
    rules, scale, last = layout.rules, glucose_factor(layout.glucose_unit, "mg/dL"), -math.inf
    for time, row in timed:
        if not row.cells[column]:
            continue
        value = number(row, column, observable) * scale
        fate = "range" if not rules.low <= value <= rules.high else "twice" if time == last else "kept"
        notes[f"{observable} {fate}"] += 1
        if fate == "kept":
            last = time
            yield Measurement(time, observable, value)


def _sensor(timed: list[Timed], layout: Diary, notes: Notes) -> list[Measurement]:
    rules, record = layout.rules, {time: row.cells[layout.record] for time, row in timed}
    notes["cgm missing"] += sum(not row.cells[layout.cgm] for _, row in timed)
    kept = list(_readings(timed, "cgm", layout.cgm, layout, notes))
    for before, after in pairwise(kept):
        wait = after.time - before.time
        if wait <= rules.gap:
            notes["jumps"] += abs(after.value - before.value) > rules.fastest * wait
        elif record[before.time] == record[after.time]:
            notes["gaps"] += 1
    return kept


def _meals(timed: list[Timed], layout: Diary, notes: Notes) -> Iterator[Dose]:
    """Grams of carbohydrate of what could be read; a meal without an amount gives no dose."""
    for time, row in timed:
        meal = read_meal(row.cells[layout.meals], layout.rules.largest_item)
        notes[meal.status] += 1
        notes["misprints"] += len(meal.misprints)
        again = row.cells[layout.meals_again] if layout.meals_again and meal.status != "no meal" else ""
        notes["differ"] += bool(again) and _numbers(again) != _numbers(row.cells[layout.meals])
        for food in meal.unknown:
            notes[FOOD + (food.lower() or "without a name")] += 1
        if meal.grams > 0.0:
            yield Dose(time, meal.grams, what="carbohydrate")


def _numbers(text: str) -> list[float]:
    return sorted(map(float, re.findall(r"\d+(?:\.\d+)?", text, re.ASCII)))


def _injected(timed: list[Timed], layout: Diary, notes: Notes) -> Iterator[Dose]:
    """Subcutaneous insulin, and what a bag brings into a vein at the rate of the rules."""
    for time, row in timed:
        if row.cells[layout.subcutaneous]:
            notes["subcutaneous"] += 1
            found = subcutaneous(row.cells[layout.subcutaneous], row.where(layout.subcutaneous))
            yield from (Dose(time, units, what=kind) for kind, units in found)
        if row.cells[layout.intravenous]:
            units, grams, volume = intravenous(row.cells[layout.intravenous], row.where(layout.intravenous))
            given = [("intravenous_insulin", units), ("intravenous_glucose", grams)]
            notes["bags" if units or grams else "empty bags"] += 1
            lasting = 60.0 * volume / layout.rules.drip
            yield from (Dose(time, amount, lasting, kind) for kind, amount in given if amount > 0.0)


def _pump(record: list[Timed], layout: Diary, notes: Notes) -> Iterator[Dose]:
    """Boluses, and basal rates that hold until the next entry of the record."""
    rates: list[tuple[float, float]] = []
    for time, row in record:
        bolus, rate = (_units(row, column) for column in (layout.pump_bolus, layout.pump_basal))
        if bolus:
            notes["boluses"] += 1
            yield Dose(time, bolus, what=layout.pump)
        if row.cells[layout.pump_basal].lower() == SUSPENDED:
            notes["suspended"] += 1
            rate = 0.0
        if rate is not None:
            notes["rates"] += 1
            rates.append((time, rate))
    longest, ends = 60.0 * layout.rules.basal_hours, [*(time for time, _ in rates), math.inf][1:]
    for (time, rate), end in zip(rates, ends, strict=True):
        notes["held"] += rate > 0.0 and end - time > longest
        lasting = min(end - time, longest, record[-1][0] - time)
        if rate * lasting > 0.0:
            yield Dose(time, rate * lasting / 60.0, lasting, "basal_insulin")


def _units(row: Row, column: str) -> float | None:
    """The cell as units or a rate; None where it is empty or says that delivery is suspended."""
    text = row.cells[column]
    if not text or text.lower() == SUSPENDED:
        return None
    value = number(row, column, column)
    if value < 0.0:
        raise InputError(row.where(column), column, text, "units of 0 or above")
    return value


def _fixed(path: Path, layout: Diary) -> dict[str, dict[str, float]]:
    """{record: {covariate: value}}. Raises InputError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), "file", path.name, f"a CSV in UTF-8 that can be read ({error})") from None
    found: dict[str, dict[str, float]] = {}
    for line, cells in enumerate(rows, 2):
        for column in (layout.covariates_id, *(one.column for one in layout.covariates)):
            if cells.get(column) is None:
                raise InputError(f"{path.name}, line {line}", "header", column, "a column of this name, and its cell")
        row = Row(path.name, line, {key: str(value).strip() for key, value in cells.items() if key})
        record = row.cells[layout.covariates_id]
        if record in found:
            raise InputError(row.where(layout.covariates_id), "record", record, "a record that stands once")
        found[record] = {one.name: covariate_value(row, one) for one in layout.covariates}
    return found
