"""Reads hospitalizations from four tables of the Common Longitudinal ICU data Format: vitals, laboratory values,
hospitalizations, patients (CLIF 2, https://clif-icu.com/data-dictionary).

A patient of the cohort is a hospitalization with vital signs; those of one person form a group. Time is in hours from
the hospitalization's first vital sign among the channels. Its record ends before the first time that no vital sign was
measured for longer than the layout's gap, since the wards that it was on then measure by other rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vvuq.data.cohort import make_cohort
from vvuq.data.icu_layouts import Clif, ClifChannel
from vvuq.data.layouts import Covariate
from vvuq.data.readers.events import Kind, Notes, by_patient, of_channel, read_parquet, refuse, refuse_covariate
from vvuq.errors import InputError
from vvuq.record import Cohort, Patient

if TYPE_CHECKING:
    from pandas import DataFrame, Series

VITALS: dict[str, Kind] = {
    "hospitalization_id": "text", "recorded_dttm": "time", "vital_category": "text", "vital_name": "text",
    "vital_value": "number",
}  # fmt: skip
LABS: dict[str, Kind] = {
    "hospitalization_id": "text", "lab_collect_dttm": "time", "lab_category": "text", "lab_name": "text",
    "lab_value_numeric": "number", "reference_unit": "any",
}  # fmt: skip
STAYS: dict[str, Kind] = {
    "patient_id": "text", "hospitalization_id": "text", "age_at_admission": "number", "discharge_category": "text",
}  # fmt: skip
PEOPLE: dict[str, Kind] = {"patient_id": "text", "sex_category": "text"}
CODED = {"sex_category": {"Female": 0.0, "Male": 1.0}}  # what a covariate of that column is
COLUMNS = ("age_at_admission", "sex_category", "discharge_category")
COMMON = ("id", "time", "category", "name", "value")
EARLY, LATE = "before the first vital sign, dropped", "after the first gap of vital signs above {gap:g} h, dropped"


def read_clif(files: Mapping[str, Path], layout: Clif, name: str) -> Cohort:
    """The cohort `name` in the files by the layout's fields, validated by `make_cohort`; its notes count what was kept
    and dropped. Raises InputError with file, column, row, value and remedy."""
    stays = _stays(files, layout)
    notes: Notes = Counter()
    rows, outside = _rows(files, layout, stays, notes)
    notes["hospitalizations"] = len(stays)
    notes["hospitalizations without a vital sign among the channels, left out"] = len(stays) - rows["id"].nunique()
    samples = by_patient(rows)
    covariates = {one.name: stays[one.column] for one in layout.covariates}
    patients = [
        Patient(one, tuple((key, float(column[one])) for key, column in covariates.items()), (), samples[one],
                group=str(stays["patient_id"][one]))
        for one in stays.index if one in samples
    ]  # fmt: skip
    return make_cohort(name, patients, layout.units, notes=[*notes.items(), *outside.items()])


def _rows(files: Mapping[str, Path], layout: Clif, stays: DataFrame, notes: Notes) -> tuple[DataFrame, Notes]:
    """The values of all channels in hours, each hospitalization cut to its time under observation."""
    import pandas as pd

    vitals = _long(files["file"], VITALS, stays)
    labs = _long(files["labs_file"], LABS, stays)
    tables = {"vitals": vitals, "labs": labs}
    signs = [one for one in layout.channels if one.table == "vitals"]
    signs_found = pd.concat([_channel(vitals, one, files, notes) for one in signs])
    if signs_found.empty:
        raise InputError(files["file"].name, "vital_value", 0, "a possible value of a channel of the table vitals")
    others = [_channel(tables[one.table], one, files, notes) for one in layout.channels if one not in signs]
    start, end = _watched(signs_found, layout.gap)
    kept, outside = [], Counter[str]()
    for rows in (signs_found, *others):
        inside = rows[rows["id"].isin(start.index)]
        first, last = inside["id"].map(start), inside["id"].map(end)
        for channel in rows["channel"].unique().tolist():
            mine = inside["channel"] == channel
            outside[f"{channel}: {EARLY}"] = int((mine & (inside["time"] < first)).sum())
            outside[f"{channel}: {LATE}".format(gap=layout.gap)] = int((mine & (inside["time"] > last)).sum())
        within = inside[(inside["time"] >= first) & (inside["time"] <= last)]
        kept.append(within.assign(time=(within["time"] - first).dt.total_seconds() / 3600.0))
    return pd.concat(kept), outside


def _watched(rows: DataFrame, gap: float) -> tuple[Series[Any], Series[Any]]:
    """By hospitalization, the time of the first vital sign and of the last before the first gap."""
    import pandas as pd

    ordered = rows.sort_values(["id", "time"])
    waited = ordered.groupby("id")["time"].diff() > pd.Timedelta(hours=gap)
    unbroken = ordered[~waited.groupby(ordered["id"]).cummax()]
    times = unbroken.groupby("id")["time"]
    return times.min(), times.max()


def _long(path: Path, columns: Mapping[str, Kind], stays: DataFrame) -> DataFrame:
    """The table with columns COMMON, and `unit` where it states one."""
    table = read_parquet(path, columns)
    unknown = ~table["hospitalization_id"].isin(stays.index)
    refuse(path, table, unknown, "hospitalization_id", "a hospitalization of the table of hospitalizations")
    given = [*columns]
    named = dict(zip((given[0], given[1], given[2], given[3], given[4], *given[5:]), (*COMMON, "unit"), strict=False))
    return table.rename(columns=named)


def _channel(table: DataFrame, channel: ClifChannel, files: Mapping[str, Path], notes: Notes) -> DataFrame:
    """Raises InputError where the table has no such category, or gives it another unit."""
    path = files["file" if channel.table == "vitals" else "labs_file"]
    rows = table[table["category"] == channel.category]
    if rows.empty:
        known = sorted(table["category"].unique().tolist())
        raise InputError(path.name, "category", channel.category, f"a category that the table has: {', '.join(known)}")
    if "unit" in rows:
        refuse(path, rows, rows["unit"] != channel.unit, "unit", f"{channel.unit}, the unit of {channel.name}")
    order = {name: rank for rank, name in enumerate(channel.preferred)}
    return of_channel(rows.assign(rank=rows["name"].map(order).fillna(len(order))), channel, notes)


def _stays(files: Mapping[str, Path], layout: Clif) -> DataFrame:
    """The hospitalizations by their ids, with the covariates of the layout as numbers. Raises InputError."""
    path, people = files["hospitalizations_file"], files["patients_file"]
    stays, persons = read_parquet(path, STAYS), read_parquet(people, PEOPLE)
    refuse(path, stays, stays["hospitalization_id"].duplicated(), "hospitalization_id", "an id that stands once")
    refuse(people, persons, persons["patient_id"].duplicated(), "patient_id", "an id that stands once")
    unknown = ~stays["patient_id"].isin(persons["patient_id"])
    refuse(path, stays, unknown, "patient_id", f"a patient of {people.name}")
    for column, codes in CODED.items():
        remedy = " or ".join(codes)
        refuse(people, persons, ~persons[column].isin([*codes]), column, remedy)
        coded = persons.set_index("patient_id")[column].map(codes).astype(float)
        stays[column] = stays["patient_id"].map(coded)
    stays["discharge_category"] = (stays["discharge_category"] == "Expired").astype(float)
    for covariate in layout.covariates:
        _check(covariate)
        refuse_covariate(path, stays, covariate)
    return stays.set_index("hospitalization_id")


def _check(covariate: Covariate) -> None:
    if covariate.column not in COLUMNS:
        raise InputError("data card", "covariates", covariate.column, f"one of the columns {', '.join(COLUMNS)}")
