"""Diaries of glucose, meals and insulin that are wrong, behind a data card that pins each."""

from __future__ import annotations

from pathlib import Path

import yaml
from bad_input.case import CARD, COHORT, Case, Make, both, edit
from diaries import LAYOUT, PEOPLE, SMALL, card, write

COVARIATES = [
    {"column": "Weight (kg)", "name": "weight", "unit": "kg", "meaning": "weight", "low": 0.3, "high": 200.0},
    {"column": "Apgar", "name": "apgar", "unit": "1", "meaning": "a score", "low": 0.0, "high": 10.0},
]
KNOWN = [{**one, "Apgar": "7"} for one in PEOPLE]
HELD_OUT = {"salt": "toy/", "count": 2}


def diary(at: int = 0, column: str = "", value: str = "", people: object = KNOWN, **changes: object) -> Make:
    """The study's cohort becomes the small diary with one cell changed, and a card that reads it."""

    def make(folder: Path) -> None:
        rows = [{**one, column: value} if i == at and column else one for i, one in enumerate(SMALL)]
        write((folder / CARD).parent, rows, people)
        layout = {**LAYOUT, "covariates": COVARIATES, **changes}
        fields = card((folder / CARD).parent, name="toy", layout=layout, patients=3, held_out=HELD_OUT)
        (folder / CARD).write_text(yaml.safe_dump(fields, sort_keys=False))

    return make


def cell(what: str, at: int, line: int, column: str, value: str, field: str, shown: str, remedy: str) -> Case:
    """One cell of the diary became another."""
    where = f"diary.csv.gz, line {line}, column {column}"
    return Case("cohort", f"diary: {what}", diary(at, column, value), COHORT, where, field, shown, remedy)


def _plain(folder: Path) -> None:
    """The diary is no gzip, and the card pins that."""
    place = (folder / CARD).parent
    (place / "diary.csv.gz").write_bytes(b"patient,record\n")
    fields = yaml.safe_load((folder / CARD).read_text())
    fields["obtain"] = card(place)["obtain"]
    (folder / CARD).write_text(yaml.safe_dump(fields, sort_keys=False))


def _away(folder: Path) -> None:
    (folder / CARD).with_name("people.csv").unlink()


CASES = (
    cell("sensor reading that is NaN", 1, 4, "cgm_mgdl", "nan", "cgm", "'nan'", "a finite number"),
    cell("sensor reading as text", 1, 4, "cgm_mgdl", "HI", "cgm", "'HI'", "a finite number"),
    cell("rows not sorted", 1, 4, "time", "2024-01-01 09:00:00", "time", "'2024-01-01 09:00:00'", "no row is sorted"),
    cell("time in another format", 1, 4, "time", "1/1/24 10:15", "time", "'1/1/24 10:15'", "a local time, as"),
    cell("rows of a patient apart", 7, 10, "patient", "7", "patient", "'7'", "the rows of one patient together"),
    cell("record that nobody has", 1, 4, "record", "9_9", "record", "'9_9'", "a record that people.csv has"),
    cell("negative dose of insulin", 1, 4, "insulin_sc", "Novolin R, -5 IU", "insulin", "'-5'", "units of 0 or above"),
    cell("brand that nobody knows", 1, 4, "insulin_sc", "Wonderlin, 5 IU", "insulin", "'wonderlin'", "a known insulin"),
    cell("dose without units", 1, 4, "insulin_sc", "Novolin R", "insulin", "'Novolin R'", "brand, units and IU"),
    cell("negative bolus of a pump", 1, 4, "csii_bolus_IU", "-4", "csii_bolus_IU", "'-4'", "units of 0 or above"),
    Case("cohort", "diary: glucose in mmHg", diary(glucose_unit="mmHg"), COHORT, CARD, "layout.glucose_unit", "'mmHg'",
         "a concentration, as mg/dL or mmol/L", at="glucose_unit"),
    Case("cohort", "diary: weight that is not known", diary(people=[{**KNOWN[0], "Weight (kg)": "/"}, *KNOWN[1:]]),
         COHORT, "people.csv, line 2, column Weight (kg)", "weight", "'/'", "a finite number"),
    Case("cohort", "diary: no gzipped table", both(diary(), _plain), COHORT, "diary.csv.gz",
         "file", "'diary.csv.gz'", "a gzipped CSV in UTF-8"),
    Case("cohort", "diary: file that is not there", both(diary(), _away), COHORT, "people.csv",
         "VVUQ_DATA", "cohort toy", "Ask the test.", exit=3, noted=True),
    Case("cohort", "diary: reading below its range", both(diary(), edit(CARD, "low: 20.0", "low: 700.0")), COHORT, CARD,
         "layout.rules.low", "700.0", "a number below high", at="low: 700"),
)  # fmt: skip
