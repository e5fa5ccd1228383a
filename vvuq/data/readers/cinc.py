"""Reads the PhysioNet/Computing in Cardiology Challenge 2012: a long parquet table (RecordID, min, Parameter, Value) of
the first 48 h in intensive care, and the outcomes as CSV (https://physionet.org/content/challenge-2012/1.0.0).

Time is in hours from admission to the unit. The table writes -1 for a descriptor or a score that is not there, and so
does the cohort: how many is counted in its notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vvuq.data.cohort import make_cohort
from vvuq.data.icu_layouts import Cinc, CincChannel
from vvuq.data.readers.events import Kind, Notes, by_patient, of_channel, read_parquet, refuse, refuse_covariate
from vvuq.errors import InputError
from vvuq.record import Cohort, Patient

if TYPE_CHECKING:
    from pandas import DataFrame

TABLE: dict[str, Kind] = {"RecordID": "number", "min": "number", "Parameter": "text", "Value": "number"}
DESCRIPTORS = ("Age", "Gender")
OUTCOMES = ("SAPS-I", "SOFA", "In-hospital_death")
COLUMNS = (*DESCRIPTORS, *OUTCOMES)
ABSENT = -1.0


def read_cinc(files: Mapping[str, Path], layout: Cinc, name: str) -> Cohort:
    """The cohort `name` in the files by the layout's fields, validated by `make_cohort`; its notes count what was kept
    and dropped. Raises InputError with file, column, row, value and remedy."""
    import pandas as pd

    path = files["file"]
    table = read_parquet(path, TABLE)
    refuse(path, table, table["Value"].isna(), "Value", "a number on each row")
    refuse(path, table, table["RecordID"].mod(1.0).ne(0.0), "RecordID", "a whole number")
    table["RecordID"] = table["RecordID"].astype(int)
    refuse(path, table, ~table["min"].between(0, 48 * 60), "min", "minutes from 0 to 2880, the first 48 h")
    notes: Notes = Counter()
    fixed = _fixed(files, layout, table, notes)
    table = table.rename(columns={"RecordID": "id", "Value": "value"})
    # Single precision holds 7 digits: 1.1 was written, not 1.10000002384.
    table = table.assign(time=table["min"] / 60.0, value=table["value"].astype(float).round(4))
    samples = by_patient(pd.concat([_channel(path, table, channel, notes) for channel in layout.channels]))
    notes["patients without a value of any channel, left out"] = len(fixed) - len(samples)
    kept = fixed.loc[[one for one in fixed.index if one in samples]]
    told = [kept[one.column].tolist() for one in layout.covariates]
    names = [one.name for one in layout.covariates]
    patients = [
        Patient(str(one), tuple(zip(names, values, strict=True)), (), samples[one])
        for one, *values in zip(kept.index.tolist(), *told, strict=True)
    ]
    return make_cohort(name, patients, layout.units, notes=notes.items())


def _channel(path: Path, table: DataFrame, channel: CincChannel, notes: Notes) -> DataFrame:
    """Raises InputError where the table lacks a parameter of the channel."""
    order = {name: rank for rank, name in enumerate(channel.parameters)}
    rows = table[table["Parameter"].isin([*order])]
    for parameter in channel.parameters:
        if not rows["Parameter"].eq(parameter).any():
            known = ", ".join(sorted(map(str, table["Parameter"].unique())))
            raise InputError(path.name, "Parameter", parameter, f"a parameter that the table has: {known}")
    return of_channel(rows.assign(rank=rows["Parameter"].astype(str).map(order)), channel, notes)


def _fixed(files: Mapping[str, Path], layout: Cinc, table: DataFrame, notes: Notes) -> DataFrame:
    """The columns COLUMNS of each patient of the table, checked against the layout's covariates. Raises InputError."""
    path, file = files["file"], files["outcomes_file"]
    outcomes = _outcomes(file)
    unknown = ~table["RecordID"].isin(outcomes.index)
    refuse(path, table, unknown, "RecordID", f"a patient of {file.name}")
    described = table[table["Parameter"].isin(DESCRIPTORS)]
    again = described.duplicated(["RecordID", "Parameter"])
    notes["descriptors that stand again for a patient, the first is taken"] = int(again.sum())
    first = described[~again]
    fixed = first.assign(Parameter=first["Parameter"].astype(str)).pivot(
        index="RecordID", columns="Parameter", values="Value"
    )
    absent = ~table["RecordID"].isin(fixed.dropna().index)
    refuse(path, table, absent, "RecordID", f"{' and '.join(DESCRIPTORS)} of each patient, in rows of their own")
    notes[f"ages above {layout.oldest:g}, taken as that"] = int((fixed["Age"] > layout.oldest).sum())
    fixed["Age"] = fixed["Age"].clip(upper=layout.oldest)
    fixed = fixed.join(outcomes).astype(float)
    for covariate in layout.covariates:
        if covariate.column not in COLUMNS:
            raise InputError("data card", "covariates", covariate.column, f"one of the columns {', '.join(COLUMNS)}")
        if covariate.low <= ABSENT:
            notes[f"{covariate.name} not recorded, written as -1"] = int((fixed[covariate.column] == ABSENT).sum())
        refuse_covariate(path, fixed, covariate)
    return fixed


def _outcomes(file: Path) -> DataFrame:
    import pandas as pd

    try:
        outcomes = pd.read_csv(file)
    except (OSError, ValueError) as error:
        remedy = f"a CSV in UTF-8 that can be read ({str(error).splitlines()[0]})"
        raise InputError(str(file), "file", file.name, remedy) from None
    for column in ("RecordID", *OUTCOMES):
        if column not in outcomes.columns:
            raise InputError(file.name, "columns", list(outcomes.columns), f"a column {column}")
        numbers = pd.to_numeric(outcomes[column], errors="coerce")
        refuse(file, outcomes, numbers.isna(), column, "a number on each row")
        outcomes[column] = numbers
    refuse(file, outcomes, outcomes["RecordID"].duplicated(), "RecordID", "an id that stands once")
    return outcomes.set_index("RecordID")[[*OUTCOMES]]
