"""Small made-up tables of intensive care, in the CLIF format and that of the challenge of 2012, with their layouts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vvuq.data.icu_layouts import Cinc, Clif

Rows = list[dict[str, Any]]

# --- CLIF ---------------------------------------------------------------------------------------------------------
STAYS: Rows = [
    {"patient_id": "p1", "hospitalization_id": "h1", "age_at_admission": 60, "discharge_category": "Home"},
    {"patient_id": "p1", "hospitalization_id": "h2", "age_at_admission": 61, "discharge_category": "Expired"},
    {"patient_id": "p2", "hospitalization_id": "h3", "age_at_admission": 45, "discharge_category": "Hospice"},
    {"patient_id": "p2", "hospitalization_id": "h4", "age_at_admission": 46, "discharge_category": "Home"},
]
PEOPLE: Rows = [
    {"patient_id": "p1", "sex_category": "Female"}, {"patient_id": "p2", "sex_category": "Male"},
]  # fmt: skip


def vital(stay: str, minute: float, category: str, value: float | None, name: str = "cuff") -> dict[str, Any]:
    """A row of the table of vitals, `minute` after the first of January."""
    return {
        "hospitalization_id": stay, "recorded_dttm": moment(minute), "vital_category": category, "vital_name": name,
        "vital_value": value,
    }  # fmt: skip


def lab(stay: str, minute: float, category: str, value: float | None, unit: str = "mmol/L") -> dict[str, Any]:
    """A row of the table of laboratory values."""
    return {
        "hospitalization_id": stay, "lab_collect_dttm": moment(minute), "lab_category": category, "lab_name": category,
        "lab_value_numeric": value, "reference_unit": unit,
    }  # fmt: skip


def moment(minute: float) -> Any:
    """A time with its zone."""
    import pandas as pd

    return pd.Timestamp("2150-01-01 08:00", tz="UTC") + pd.Timedelta(minutes=minute)


VITALS: Rows = [
    vital("h1", 60, "map", 72.0),  # not in order of time
    vital("h1", 0, "heart_rate", 90.0),
    vital("h1", 60, "map", 75.0, "line"),  # the line counts
    vital("h1", 90, "map", -27.0),
    vital("h1", 120, "heart_rate", None),
    vital("h1", 120, "weight_kg", 80.0),
    vital("h1", 900, "map", 66.0),  # after a gap of 14 h
    vital("h2", 0, "map", 801.0),
    vital("h2", 30, "map", 80.0),
    vital("h2", 30, "map", 81.0),  # the first in the file counts
    vital("h3", 15, "heart_rate", 70.0),
    vital("h4", 0, "weight_kg", 80.0),  # no vital sign of a channel
]
LABS: Rows = [
    lab("h1", 30, "lactate", 2.5),
    lab("h1", -10, "lactate", 4.0),
    lab("h1", 70, "lactate", 3.0),
    lab("h2", 30, "lactate", None),
    lab("h3", 15, "sodium", 140.0),
]
CLIF: dict[str, Any] = {
    "format": "clif", "file": "vitals.parquet", "labs_file": "labs.parquet", "hospitalizations_file": "stays.parquet",
    "patients_file": "people.parquet", "gap": 12.0,
    "channels": [
        {"name": "map", "unit": "mmHg", "table": "vitals", "category": "map", "low": 30.0, "high": 180.0,
         "preferred": ["line", "cuff"]},
        {"name": "heart_rate", "unit": "1/min", "table": "vitals", "category": "heart_rate", "low": 20.0,
         "high": 250.0},
        {"name": "lactate", "unit": "mmol/L", "table": "labs", "category": "lactate", "low": 0.1, "high": 40.0},
    ],
    "covariates": [
        {"column": "age_at_admission", "name": "age", "unit": "year", "meaning": "age", "low": 18.0, "high": 120.0},
        {"column": "sex_category", "name": "male", "unit": "1", "meaning": "1 male", "low": 0.0, "high": 1.0,
         "whole": True},
        {"column": "discharge_category", "name": "died", "unit": "1", "meaning": "1 died", "low": 0.0, "high": 1.0},
    ],
}  # fmt: skip

# --- challenge of 2012 --------------------------------------------------------------------------------------------
OUTCOMES = """RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death
1,6,1,5,-1,0
2,16,-1,8,-1,1
3,9,2,8,-1,0
9,9,2,8,-1,0
"""


def rows_of(patient: int, *values: tuple[float, str, float]) -> Rows:
    """Rows (minute, parameter, value) of one patient."""
    return [{"RecordID": patient, "min": t, "Parameter": name, "Value": value} for t, name, value in values]


TABLE: Rows = [
    *rows_of(1, (0, "Age", 54), (0, "Age", 55), (0, "Gender", 0), (7, "HR", 73), (7, "MAP", 0), (7, "NIMAP", 70)),
    *rows_of(1, (90, "NIMAP", 66), (90, "MAP", 72), (30, "Lactate", 1.1), (2880, "HR", 300)),
    *rows_of(2, (0, "Age", 200), (0, "Gender", -1), (15, "HR", 88)),
    *rows_of(3, (0, "Age", 40), (0, "Gender", 1), (15, "Na", 140)),
]
CINC: dict[str, Any] = {
    "format": "cinc2012", "file": "set.parquet", "outcomes_file": "outcomes.csv", "oldest": 90.0,
    "channels": [
        {"name": "map", "unit": "mmHg", "parameters": ["MAP", "NIMAP"], "low": 30.0, "high": 180.0},
        {"name": "heart_rate", "unit": "1/min", "parameters": ["HR"], "low": 20.0, "high": 250.0},
        {"name": "lactate", "unit": "mmol/L", "parameters": ["Lactate"], "low": 0.1, "high": 40.0},
    ],
    "covariates": [
        {"column": "Age", "name": "age", "unit": "year", "meaning": "age", "low": 15.0, "high": 90.0},
        {"column": "Gender", "name": "male", "unit": "1", "meaning": "1 male", "low": -1.0, "high": 1.0, "whole": True},
        {"column": "SOFA", "name": "sofa", "unit": "1", "meaning": "score", "low": -1.0, "high": 24.0, "whole": True},
        {"column": "In-hospital_death", "name": "died", "unit": "1", "meaning": "1 died", "low": 0.0, "high": 1.0},
    ],
}  # fmt: skip


# --- files --------------------------------------------------------------------------------------------------------


def write_clif(folder: Path, **changed: Rows) -> dict[str, Path]:
    """The four tables; `changed`: rows by the field of the layout, in place of those above."""
    tables = {"file": VITALS, "labs_file": LABS, "hospitalizations_file": STAYS, "patients_file": PEOPLE} | changed
    return {field: write_parquet(folder / CLIF[field], rows) for field, rows in tables.items()}


def write_cinc(folder: Path, table: Rows = TABLE, outcomes: str = OUTCOMES) -> dict[str, Path]:
    """The table, in single precision as the published one, and the outcomes."""
    (folder / "outcomes.csv").write_text(outcomes)
    return {"file": write_parquet(folder / "set.parquet", table), "outcomes_file": folder / "outcomes.csv"}


def write_parquet(path: Path, rows: Rows) -> Path:
    """A parquet table with these rows."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    if "Value" in frame and frame["Value"].dtype.kind in "if":
        frame["Value"] = frame["Value"].astype("float32")
    frame.to_parquet(path)
    return path


def clif(**changes: Any) -> Clif:
    """The layout of the CLIF tables."""
    return Clif.model_validate({**CLIF, **changes})


def cinc(**changes: Any) -> Cinc:
    """The layout of the challenge's tables."""
    return Cinc.model_validate({**CINC, **changes})


def card(files: Mapping[str, Path], layout: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The fields of a data card of the files."""
    listed = [
        {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "purpose": "a part"}
        for path in files.values()
    ]
    return {
        "name": "icu",
        "title": "Made-up patients in intensive care",
        "source": "a test",
        "licence": {"data": "none", "confirmed": False, "note": "made by a test"},
        "citation": {"text": "nobody"},
        "obtain": {"local": True, "files": listed},
        "layout": dict(layout),
        "patients": 3,
        "measurements": 7,
        "visibility": "nobody",
        "held_out": {"salt": "icu/", "count": 1},
        "comparator": [],
        "limits": ["made up"],
        **changes,
    }
