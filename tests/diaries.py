"""A small diary in the format of the Shanghai tables, made up, with its data card: for the reader's tests."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from pathlib import Path
from typing import Any

from vvuq.data.layouts import Diary

COLUMNS = (
    "patient", "record", "time", "cgm_mgdl", "cbg_mgdl", "ketone_mmolL", "diet_en", "diet_zh", "insulin_sc",
    "insulin_iv", "csii_bolus_IU", "csii_basal_IUh", "oral_agents",
)  # fmt: skip
RULES = {
    "low": 20.0, "high": 600.0, "fastest": 4.0, "gap": 20.0, "basal_hours": 6.0, "drip": 150.0, "largest_item": 200.0,
}  # fmt: skip
COVARIATES = [
    {"column": "Weight (kg)", "name": "weight", "unit": "kg", "meaning": "weight", "low": 30.0, "high": 200.0},
    {"column": "Age (years)", "name": "age", "unit": "year", "meaning": "age", "low": 18.0, "high": 100.0},
]
LAYOUT: dict[str, Any] = {
    "format": "shanghai", "file": "diary.csv.gz", "covariates_file": "people.csv", "id": "patient", "record": "record",
    "time": "time", "cgm": "cgm_mgdl", "fingerstick": "cbg_mgdl", "meals": "diet_en", "meals_again": "diet_zh",
    "subcutaneous": "insulin_sc", "intravenous": "insulin_iv", "pump_bolus": "csii_bolus_IU",
    "pump_basal": "csii_basal_IUh", "oral": "oral_agents", "ignored": ["ketone_mmolL"], "pump": "short_insulin",
    "slowed_by": ["acarbose"], "glucose_unit": "mg/dL", "rules": RULES, "covariates_id": "Patient Number",
    "covariates": COVARIATES,
}  # fmt: skip
PEOPLE = [
    {"Patient Number": "7_0_20240101", "Weight (kg)": "61.5", "Age (years)": "40"},
    {"Patient Number": "7_1_20240301", "Weight (kg)": "63", "Age (years)": "40"},
    {"Patient Number": "8_0_20240105", "Weight (kg)": "80", "Age (years)": "55"},
]


def row(record: str, time: str, cgm: object = "", **others: object) -> dict[str, str]:
    """A row of the diary by the names of its columns, the others empty."""
    given = {"patient": record.partition("_")[0], "record": record, "time": time, "cgm_mgdl": cgm, **others}
    return {column: str(given.get(column, "")) for column in COLUMNS}


SMALL = (
    row("7_0_20240101", "2024-01-01 10:00:00", 100.8, csii_basal_IUh="0.6", diet_en="Rice 100 g\nBeef 80 g"),
    row("7_0_20240101", "2024-01-01 10:15:00", 106.2, cbg_mgdl=111.6, csii_bolus_IU="4"),
    row("7_0_20240101", "2024-01-01 10:30:00", 113.4, csii_basal_IUh="temporarily suspend insulin delivery"),
    row("7_0_20240101", "2024-01-01 11:30:00", 120.6, csii_basal_IUh="1.2", diet_en="data not available"),
    row("7_0_20240101", "2024-01-01 11:45:00", 199.8, insulin_iv="500ml 5% glucose, 3 IU Novolin R"),
    row("7_1_20240301", "2024-03-01 08:00:00", 90.0, insulin_sc="Novolin 30R, 10 IU, insulin degludec, 12 IU"),
    row("8_0_20240105", "2024-01-05 23:50:00", 18.0, oral_agents="acarbose 50 mg"),
    row("8_0_20240105", "2024-01-06 00:05:00", 72.0, diet_en="Mystery 10 g", diet_zh="谜 100 g"),
)


def write(folder: Path, rows: Any = SMALL, people: Any = PEOPLE, columns: Any = COLUMNS) -> tuple[Path, Path]:
    """(diary, people) written into a folder."""
    diary, known = folder / "diary.csv.gz", folder / "people.csv"
    diary.write_bytes(gzip.compress(text(columns, rows).encode(), mtime=0))
    known.write_text(text(people[0], people), encoding="utf-8", newline="")
    return diary, known


def text(columns: Any, rows: Any) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def layout(**changes: Any) -> Diary:
    """The layout of the small diary."""
    return Diary.model_validate({**LAYOUT, **changes})


def card(folder: Path, **changes: Any) -> dict[str, Any]:
    """The fields of a data card of the diary in the folder."""
    digests = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("diary.csv.gz", "people.csv")
    }
    files = [{"path": name, "sha256": digest, "purpose": "a part"} for name, digest in digests.items()]
    return {
        "name": "diary",
        "title": "Two made-up patients",
        "source": "a test",
        "licence": {"data": "none", "confirmed": False, "note": "made by a test"},
        "citation": {"text": "nobody"},
        "obtain": {"local": True, "whence": "Ask the test.", "files": files},
        "layout": LAYOUT,
        "patients": 2,
        "measurements": 8,
        "visibility": "nobody",
        "held_out": {"salt": "diary/", "count": 1},
        "comparator": [],
        "limits": ["made up"],
        **changes,
    }
