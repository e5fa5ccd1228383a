"""Evidence quoted on the page: values with intervals, tables, sentences, each with where it is stored."""

from __future__ import annotations

from collections.abc import Sequence

from vvuq.dossier import labels
from vvuq.dossier.numbers import column_decimals, interval_decimals, plain, show, unit_text
from vvuq.dossier.source import Stored, number
from vvuq.dossier.view import Estimate, Grid, Number, Text
from vvuq.record import Cell, Quantity, Table


def estimate(record: Stored, key: str, label: str = "") -> Estimate:
    """A value of the evidence with its interval; a value that is absent prints as not evaluated."""
    label = label or labels.value_label(key)
    quantity = record.evidence.values.get(key)
    if quantity is None:
        return Estimate(label, number(None, "", record.id, f"values/{key}/value"))
    ends = _interval(quantity)
    decimals = interval_decimals(quantity.value, *ends) if ends and plain(quantity.value) is not None else None

    def field(name: str, unit: str = "", places: int | None = None) -> Number | None:
        value = getattr(quantity, name)
        return None if value is None else number(value, unit, record.id, f"values/{key}/{name}", places)

    value = number(quantity.value, quantity.unit, record.id, f"values/{key}/value", decimals)
    level = field("level") if ends else None
    return Estimate(
        label,
        value,
        field("low", quantity.unit, decimals) if ends else None,
        field("high", quantity.unit, decimals) if ends else None,
        _percent(level) if level else None,
        field("n"),
        quantity.kind or "",
    )


def _interval(quantity: Quantity) -> tuple[float, float] | None:
    low, high = plain(quantity.low), plain(quantity.high)
    return None if low is None or high is None else (float(low), float(high))


def _percent(level: Number) -> Number:
    """A level of 0.95 is printed as 95 %; its stored value stays."""
    share = level.value if level.value is not None and level.value > 1 else 100 * (level.value or 0)
    return Number(level.value, show(round(share, 6)), "%", level.source, level.key)


def grid(record: Stored, name: str, caption: str = "", columns: Sequence[str] | None = None) -> Grid | None:
    """A table of the evidence with words for its columns; None where the evidence has no such table."""
    table = record.evidence.tables.get(name)
    if table is None:
        return None
    chosen = [column for column in (columns or table.columns) if column in table.columns]
    places = [table.columns.index(column) for column in chosen]
    decimals = [_decimals(table, place) for place in places]
    rows = tuple(
        tuple(
            _cell(row[place], record.id, f"tables/{name}/{index}/{column}", digits)
            for place, column, digits in zip(places, chosen, decimals, strict=True)
        )
        for index, row in enumerate(table.rows)
    )
    heads = tuple(
        (labels.head_label(column), unit_text(table.units[place])) for column, place in zip(chosen, places, strict=True)
    )
    return Grid(caption or table.title, heads, rows, record.id)


def _decimals(table: Table, place: int) -> int | None:
    cells = (row[place] for row in table.rows)
    return column_decimals([cell for cell in cells if isinstance(cell, float)])


def _cell(value: Cell, source: str, key: str, decimals: int | None) -> Number | Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no", source, key)
    if isinstance(value, str):
        return Text(value, source, key)
    return number(value, "", source, key, decimals if isinstance(value, float) else None)


def sentences(record: Stored, part: str) -> tuple[Text, ...]:
    """The findings ("findings") or negative findings ("negative") of a record."""
    found: tuple[str, ...] = getattr(record.evidence, part)
    return tuple(Text(text, record.id, f"{part}/{index}") for index, text in enumerate(found))
