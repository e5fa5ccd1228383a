"""What every section is built from, and how a stored value becomes a printable number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vvuq.credibility.plan import Plan
from vvuq.dossier.numbers import MISSING, exact, plain, show, unit_text
from vvuq.dossier.view import Number, Reproduce
from vvuq.record import Cell, Evidence, Table, Verdict

WITHOUT_PATIENTS = "The study has no patients: it speaks of a model or a method alone, and nothing in it was compared \
with a patient."


class Stored(Protocol):
    """A record of the evidence store."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def recorded_at(self) -> str: ...
    @property
    def evidence(self) -> Evidence: ...


class Logged(Protocol):
    """An entry of the event chain."""

    @property
    def seq(self) -> int: ...
    @property
    def time(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Source:
    """All that a report is built from. `stale`: ids of records made under a plan, code, data or lock of the past."""

    plan: Plan
    verdicts: tuple[Verdict, ...]
    records: tuple[Stored, ...]
    events: tuple[Logged, ...]
    twin: Any
    public: bool
    reproduce: Reproduce
    stale: frozenset[str] = frozenset()

    @property
    def current(self) -> dict[str, Stored]:
        """The record of each analysis that the verdicts speak of, else its latest; in the order of their names."""
        used = {name for verdict in self.verdicts for name in verdict.evidence_ids}
        used |= {result.evidence_id for verdict in self.verdicts for result in verdict.criteria if result.evidence_id}
        found = {record.evidence.analysis: record for record in self.records}
        found |= {record.evidence.analysis: record for record in self.records if record.id in used}
        return {name: found[name] for name in sorted(found)}

    @property
    def relevance(self) -> str:
        """How the comparison patients relate to the use; or that there are none."""
        return self.plan.splits.relevance if self.plan.splits else WITHOUT_PATIENTS

    def evidence(self, analysis: str) -> Evidence | None:
        """What the latest record of an analysis holds, or None."""
        record = self.current.get(analysis)
        return record.evidence if record else None


def lookup(evidence: Evidence, key: str) -> Cell:
    """What a key of a printed number or text stands for, for example "values/mdape/low" or "tables/cases/0/case"."""
    part, name, *rest = key.split("/")
    if part == "values":
        found: Cell = getattr(evidence.values[name], rest[0])
        return found
    if part == "tables":
        table = evidence.tables[name]
        return table.rows[int(rest[0])][table.columns.index(rest[1])]
    if part == "cost":
        cost: Cell = getattr(evidence.cost, name)
        return cost
    sentences: tuple[str, ...] = getattr(evidence, part)
    return sentences[int(name)]


def number(value: float | int | None, unit: str, source: str, key: str, decimals: int | None = None) -> Number:
    """A printable number of any source; what people wrote (plan, twin) is printed as they wrote it."""
    stored = plain(value)
    text = exact(stored) if source in ("plan", "twin") else show(stored, decimals)
    return Number(stored, text, unit_text(unit) if stored is not None else "", source, key)


def spell(evidence: Evidence, key: str) -> str:
    """A value with its unit as words for the description of a figure."""
    quantity = evidence.values.get(key)
    return f"{show(quantity.value)} {unit_text(quantity.unit)}".strip() if quantity else MISSING


def texts_of(table: Table, columns: Sequence[str]) -> list[list[str]]:
    """The chosen columns of a table as printed, row by row."""
    places = [table.columns.index(column) for column in columns]
    return [[cell if isinstance(cell := row[place], str) else show(cell) for place in places] for row in table.rows]
