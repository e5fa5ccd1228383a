"""Annex A: every record of the store with all its values: where each number of the report comes from."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.labels import analysis_label
from vvuq.dossier.quote import estimate
from vvuq.dossier.source import Source, Stored, number
from vvuq.dossier.view import Estimate, Number, Section


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: what was asked, of what, with which settings, at what cost, and every value it found."""

    evidence: str
    analysis: str
    version: Number
    question: str
    status: str
    superseded: bool
    stale: bool
    recorded_at: str
    key: str
    stream: str
    cpu_seconds: Number
    wall_seconds: Number
    model_runs: Number
    inputs: tuple[tuple[str, str], ...]
    artifacts: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, Estimate], ...]


@dataclass(frozen=True, slots=True)
class View:
    """All records, oldest first; a record that was stored twice stands once."""

    entries: tuple[Entry, ...]


def build(source: Source) -> View:
    """From the records alone."""
    distinct = {record.id: record for record in source.records}
    current = {record.id for record in source.current.values()}
    return View(
        tuple(_entry(record, record.id not in current, record.id in source.stale) for record in distinct.values())
    )


def _entry(record: Stored, superseded: bool, stale: bool) -> Entry:
    evidence = record.evidence
    return Entry(
        record.id,
        analysis_label(evidence.analysis),
        number(evidence.version, "", record.id, "version"),
        evidence.question,
        evidence.status.replace("_", " "),
        superseded,
        stale,
        record.recorded_at,
        record.key,
        evidence.stream,
        _cost(record, "cpu_seconds", "s"),
        _cost(record, "wall_seconds", "s"),
        _cost(record, "model_runs", ""),
        tuple((name, str(evidence.inputs[name])) for name in sorted(evidence.inputs)),
        tuple((name, evidence.artifacts[name]) for name in sorted(evidence.artifacts)),
        tuple((name, estimate(record, name)) for name in sorted(evidence.values)),
    )


def _cost(record: Stored, name: str, unit: str) -> Number:
    return number(getattr(record.evidence.cost, name), unit, record.id, f"cost/{name}")


SECTION = Section("evidence_index", 99, "Evidence index", build, mark="A")
