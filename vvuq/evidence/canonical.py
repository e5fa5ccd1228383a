"""Evidence as canonical JSON and back, and the digest of what was found (without what it cost)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.errors import IntegrityError, VvuqError
from vvuq.record import Cell, Cost, Evidence, Quantity, Table

_BOUNDS = ("low", "high", "level", "lower95", "upper95")


def canonical(data: Any) -> str:
    """Plain data as canonical JSON: sorted keys, no white space, floats by repr. Raises VvuqError on NaN, infinity."""
    return json.dumps(plain(data), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def sha256(text: str) -> str:
    """sha256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any, place: str = "value") -> Any:
    """dict, list, str, int, float, bool and None out of mappings, sequences and numpy values. Raises VvuqError else."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise VvuqError(f"{place} is {value}: NaN and infinity have no place in a record")
        return value
    if isinstance(value, Mapping):
        return {_key(key, place): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{place}.{i}") for i, item in enumerate(value)]
    raise VvuqError(f"{place} is of type {type(value).__name__}: a record holds plain values only")


def to_json(evidence: Evidence) -> str:
    """Canonical JSON of all fields. Raises VvuqError that names the place of a NaN, an infinity or a foreign type."""
    return canonical(_fields(evidence))


def from_json(text: str) -> Evidence:
    """The Evidence that `to_json` wrote. Raises IntegrityError where the text is anything else."""
    try:
        body = json.loads(text, parse_constant=_refuse)
        values = {name: Quantity(**quantity) for name, quantity in body.pop("values").items()}
        tables = {name: _table(**table) for name, table in body.pop("tables").items()}
        findings, negative = tuple(body.pop("findings")), tuple(body.pop("negative"))
        said = {"findings": findings, "negative": negative, "cost": Cost(**body.pop("cost"))}
        evidence = Evidence(**(body | said | {"values": values, "tables": tables}))
        same = to_json(evidence) == text
    except (ValueError, TypeError, KeyError, AttributeError, VvuqError) as error:
        raise IntegrityError(f"a record of evidence cannot be read: {error}") from None
    if not same:
        raise IntegrityError("a record of evidence is not in canonical form")
    return evidence


def value_digest(evidence: Evidence) -> str:
    """sha256 of what was found: everything but the cost. Two runs that find the same have the same digest."""
    body = _fields(evidence)
    del body["cost"]
    return sha256(canonical(body))


def evidence_id(evidence: Evidence) -> str:
    """The short name of evidence: E- and the first 12 hexadecimal digits of its value digest."""
    return "E-" + value_digest(evidence)[:12]


def without_nonfinite(evidence: Evidence) -> Evidence:
    """The evidence with NaN and infinity taken out, each said in `negative`: numbers go, bounds and cells become None.

    A criterion on a number that went is not evaluable; it can never be met."""
    lost = [name for name, quantity in evidence.values.items() if not _finite(quantity.value)]
    values = {name: _bounded(quantity) for name, quantity in evidence.values.items() if name not in lost}
    tables = {name: dataclasses.replace(table, rows=_cells(table)) for name, table in evidence.tables.items()}
    said = tuple(f"{name} could not be computed: the result was not a finite number." for name in lost)
    return dataclasses.replace(evidence, values=values, tables=tables, negative=(*evidence.negative, *said))


def _fields(evidence: Evidence) -> dict[str, Any]:
    body = {field.name: getattr(evidence, field.name) for field in dataclasses.fields(evidence)}
    body["values"] = {name: _quantity(quantity) for name, quantity in evidence.values.items()}
    body["tables"] = {name: dataclasses.asdict(table) for name, table in evidence.tables.items()}
    body["cost"] = dataclasses.asdict(evidence.cost)
    return body


def _quantity(quantity: Quantity) -> dict[str, Any]:
    body = dataclasses.asdict(quantity)
    numbers = {name: float(body[name]) for name in ("value", *_BOUNDS) if body[name] is not None}
    return body | numbers


def _table(columns: list[str], units: list[str], rows: list[list[Cell]], **rest: Any) -> Table:
    return Table(columns=tuple(columns), units=tuple(units), rows=tuple(tuple(row) for row in rows), **rest)


def _bounded(quantity: Quantity) -> Quantity:
    low, high, level, lower95, upper95 = (_bound(getattr(quantity, name)) for name in _BOUNDS)
    return dataclasses.replace(quantity, low=low, high=high, level=level, lower95=lower95, upper95=upper95)


def _bound(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


def _cells(table: Table) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(cell if _finite(cell) else None for cell in row) for row in table.rows)


def _finite(cell: Cell) -> bool:
    return not isinstance(cell, float | np.floating) or math.isfinite(cell)


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise VvuqError(f"{place} has the key {key!r}: keys of a record are text")
    return key


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in a record")
