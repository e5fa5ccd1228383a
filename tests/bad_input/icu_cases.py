"""Tables of intensive care that are wrong, behind a data card that pins each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from bad_input.case import CARD, COHORT, Case, Make
from icu import CINC, CLIF, LABS, OUTCOMES, STAYS, TABLE, VITALS, card, lab, rows_of, write_cinc, write_clif

HELD_OUT = {"salt": "toy/", "count": 2}
WEIGHT = {"name": "weight", "unit": "kg", "meaning": "stands for age", "low": 0.3, "high": 200.0}
APGAR = {"name": "apgar", "unit": "1", "meaning": "stands for sex", "low": -1.0, "high": 10.0}


def clif(layout: dict[str, Any] | None = None, **changed: Any) -> Make:
    """The study's cohort becomes the small CLIF tables, of which some have other rows."""
    covariates = [{"column": "age_at_admission", **WEIGHT}, {"column": "sex_category", **APGAR}]

    def make(folder: Path) -> None:
        files = write_clif((folder / CARD).parent, **changed)
        whole = {**CLIF, "covariates": covariates, **(layout or {})}
        fields = card(files, whole, name="toy", patients=3, measurements=5, held_out=HELD_OUT)
        (folder / CARD).write_text(yaml.safe_dump(fields, sort_keys=False))

    return make


def cinc(table: Any = TABLE, outcomes: str = OUTCOMES) -> Make:
    """The study's cohort becomes the small tables of the challenge of 2012."""
    covariates = [{"column": "Age", **WEIGHT}, {"column": "Gender", **APGAR}]

    def make(folder: Path) -> None:
        files = write_cinc((folder / CARD).parent, table, outcomes)
        whole = {**CINC, "covariates": covariates}
        fields = card(files, whole, name="toy", patients=3, measurements=5, held_out=HELD_OUT)
        (folder / CARD).write_text(yaml.safe_dump(fields, sort_keys=False))

    return make


def case(what: str, make: Make, where: str, field: str, value: str, remedy: str, at: str = "") -> Case:
    """The cohort is refused at a place of a table."""
    return Case("cohort", f"intensive care: {what}", make, COHORT, where, field, value, remedy, at=at)


CASES = (
    case("vital sign of nobody", clif(file=[{**VITALS[0], "hospitalization_id": "h9"}]),
         "vitals.parquet, row 1, column hospitalization_id", "hospitalization_id", "'h9'",
         "a hospitalization of the table"),
    case("vital sign as text", clif(file=[{**VITALS[0], "vital_value": "high"}]), "vitals.parquet, column vital_value",
         "type", "str", "a column of numbers"),
    case("laboratory value in another unit", clif(labs_file=[*LABS, lab("h1", 0, "lactate", 18.0, "mg/dL")]),
         "labs.parquet, row 6, column unit", "unit", "'mg/dL'", "mmol/L, the unit of lactate"),
    case("two hospitalizations of one id", clif(hospitalizations_file=[*STAYS, STAYS[0]]),
         "stays.parquet, row 5, column hospitalization_id", "hospitalization_id", "'h1'", "an id that stands once"),
    case("range upside down", clif({"channels": [{**CLIF["channels"][0], "low": 200.0}]}), CARD,
         "layout.channels.0.low", "200.0", "a number below high, 180", at="low: 200"),
    case("value after 48 h", cinc([*TABLE, *rows_of(1, (3000, "HR", 80))]), "set.parquet, row 17, column min", "min",
         "3000.0", "minutes from 0 to 2880"),
    case("patient without an outcome", cinc([*TABLE, *rows_of(7, (0, "HR", 80))]),
         "set.parquet, row 17, column RecordID", "RecordID", "7", "a patient of outcomes.csv"),
    case("score as text", cinc(outcomes=OUTCOMES.replace("2,16", "2,high")), "outcomes.csv, row 2, column SAPS-I",
         "SAPS-I", "'high'", "a number on each row"),
)  # fmt: skip
