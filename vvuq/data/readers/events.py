"""What readers of long parquet tables share: columns of stated kinds, rows that are refused, and measurements of one
channel cut to possible values, one a time. Such a table promises no order of its rows, so they are sorted here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vvuq.data.icu_layouts import Channel
from vvuq.data.layouts import Covariate
from vvuq.errors import InputError
from vvuq.record import Measurement

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Kind = Literal["text", "number", "time", "any"]
Notes = Counter[str]
REMEDIES = {"text": "text", "number": "numbers", "time": "times with a time zone", "any": "a column of this name"}
FATES = ("kept", "without a number, dropped", "outside {low:g} to {high:g} {unit}, dropped")
TWICE = "at a time that has one already, dropped"


def read_parquet(path: Path, columns: Mapping[str, Kind]) -> DataFrame:
    """The named columns of a parquet table, in the order of its rows. No column but one of kind "any" lacks a value,
    though a number may be not-a-number where the reader says what becomes of it.

    Raises InputError with file, column, row (from 1), value and remedy."""
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # what pyarrow raises for a broken file is a ValueError
        said = str(error).splitlines()[0].replace(str(path), path.name)
        raise InputError(str(path), "file", path.name, f"a parquet table that can be read ({said})") from None
    if not len(table):
        raise InputError(str(path), "rows", 0, "at least one row")
    table = table.reset_index(drop=True)
    for column, kind in columns.items():
        if column not in table.columns:
            raise InputError(path.name, "columns", list(map(str, table.columns)), f"a column {column}")
        if not _is(table[column], kind):
            remedy = f"a column of {REMEDIES[kind]}"
            raise InputError(f"{path.name}, column {column}", "type", str(table[column].dtype), remedy)
        if kind in ("text", "time"):
            refuse(path, table, table[column].isna(), column, "a value on each row")
    # Arrays of arrow know no remainders; categories are kept, since a long table holds few of them.
    plain = {column: float if kind == "number" else object for column, kind in columns.items() if kind != "time"}
    categories = [column for column in columns if isinstance(table[column].dtype, _categorical())]
    return table[list(columns)].astype({column: kind for column, kind in plain.items() if column not in categories})


def _is(column: Series[Any], kind: Kind) -> bool:
    from pandas.api import types

    if kind == "time":
        return isinstance(column.dtype, _zoned())
    if kind == "number":
        return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    return kind == "any" or types.is_string_dtype(column) or isinstance(column.dtype, _categorical())


def _zoned() -> type:
    from pandas import DatetimeTZDtype

    return DatetimeTZDtype


def _categorical() -> type:
    from pandas import CategoricalDtype

    return CategoricalDtype


def refuse(path: Path, table: DataFrame, wrong: Series[Any], column: str, remedy: str) -> None:
    """Raises InputError with the first row where `wrong` holds: its number from 1 in the file, whose rows the index
    counts from 0, or its id where the index has a name."""
    if wrong.any():
        at = table.index[wrong.to_numpy()][0]
        value = table[column].loc[at]
        shown = value.item() if hasattr(value, "item") else value
        place = f"row {at + 1}" if table.index.name is None else f"{table.index.name} {at}"
        raise InputError(f"{path.name}, {place}, column {column}", column, shown, remedy)


def refuse_covariate(path: Path, table: DataFrame, covariate: Covariate) -> None:
    """Raises InputError where a column holds what the data card does not take as valid."""
    values = table[covariate.column]
    wrong = ~values.between(covariate.low, covariate.high)
    if covariate.whole:
        wrong |= values.mod(1.0).ne(0.0)
    kind = "a whole number" if covariate.whole else "a number"
    remedy = f"{kind} from {covariate.low:g} to {covariate.high:g} ({covariate.meaning})"
    refuse(path, table, wrong, covariate.column, remedy)


def of_channel(table: DataFrame, channel: Channel, notes: Notes) -> DataFrame:
    """The rows `id`, `time`, `value` of one channel, in order, possible and one a time: where there are several, the
    one of the lowest `rank`, then the first in the file. Counts in `notes` what became of all rows."""
    labels = [f"{channel.name}: {fate}".format(**channel.model_dump()) for fate in (*FATES, TWICE)]
    numbered = table[table["value"].notna()]
    possible = numbered[numbered["value"].between(channel.low, channel.high)]
    ordered = possible.sort_values(["id", "time", "rank"], kind="stable")
    kept = ordered[~ordered.duplicated(["id", "time"])]
    sizes = [len(table), len(numbered), len(possible), len(kept)]
    for label, count in zip(
        labels, (sizes[3], sizes[0] - sizes[1], sizes[1] - sizes[2], sizes[2] - sizes[3]), strict=True
    ):
        notes[label] = count
    return kept.assign(channel=channel.name)[["id", "time", "channel", "value"]]


def by_patient(rows: DataFrame) -> dict[Any, tuple[Measurement, ...]]:
    """{id: measurements in order of time, then of the channel's name} of rows of `of_channel`."""
    ordered = rows.sort_values(["id", "time", "channel"], kind="stable")
    columns = [ordered[name].tolist() for name in ("time", "channel", "value")]
    samples = [Measurement(*one) for one in zip(*columns, strict=True)]
    sizes = ordered.groupby("id", sort=False).size()
    found, start = {}, 0
    for identity, size in sizes.items():
        found[identity] = tuple(samples[start : start + size])
        start += size
    return found
