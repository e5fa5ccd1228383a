"""Section 21: from criterion to evidence and from evidence to criterion; what hangs loose is listed."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.criteria import criteria, serves
from vvuq.dossier.labels import analysis_label
from vvuq.dossier.source import Source
from vvuq.dossier.view import Section, Serves


@dataclass(frozen=True, slots=True)
class Down:
    """One criterion (or a leaf without numeric criteria) and the evidence behind it."""

    title: str
    criterion: str
    evidence: tuple[tuple[str, str, str], ...]  # (evidence id, analysis, freshness key)
    status: str


@dataclass(frozen=True, slots=True)
class Up:
    """One evidence and what it was used for."""

    evidence: str
    analysis: str
    uses: tuple[Serves, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Both directions, and the orphans of each."""

    down: tuple[Down, ...]
    up: tuple[Up, ...]
    without_evidence: tuple[str, ...]
    without_use: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """From plan, verdicts and current records."""
    down = tuple(row for leaf in source.plan.ladders.leaves for row in _down(source, leaf.id, leaf.title))
    up = tuple(Up(record.id, analysis_label(name), serves(source, name)) for name, record in source.current.items())
    return View(
        down,
        up,
        tuple(dict.fromkeys(row.title for row in down if not row.evidence)),
        tuple((row.evidence, row.analysis) for row in up if not row.uses),
    )


def _down(source: Source, leaf: str, title: str) -> list[Down]:
    known = {record.id: (record.id, analysis_label(record.evidence.analysis), record.key) for record in source.records}
    verdict = next((verdict for verdict in source.verdicts if verdict.leaf == leaf), None)
    ids = verdict.evidence_ids if verdict else ()
    status = verdict.status if verdict else "gap"
    rows = [
        Down(title, item.text, (known[item.evidence],) if item.evidence in known else (), status)
        for item in criteria(source, leaf)
    ]
    if not rows:
        rows.append(Down(title, "no numeric criterion", tuple(known[name] for name in ids if name in known), status))
    return rows


SECTION = Section("traceability", 21, "Traceability", build)
