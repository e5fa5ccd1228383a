"""Section 19: everything that speaks against the twin, everything unknown, and what this dossier does not show."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.catalogue import LIMITS
from vvuq.dossier.labels import analysis_label
from vvuq.dossier.quote import sentences
from vvuq.dossier.source import Source
from vvuq.dossier.standing import Unmet, unmet
from vvuq.dossier.view import Section, Text


@dataclass(frozen=True, slots=True)
class Against:
    """What one analysis found against the twin."""

    analysis: str
    evidence: str
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An analysis that failed, could not be evaluated, or was planned and never run."""

    analysis: str
    evidence: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """Failed goals, goals without an answer, findings against, failed runs, and what is not shown."""

    failed: tuple[Unmet, ...]
    open: tuple[Unmet, ...]
    against: tuple[Against, ...]
    failures: tuple[Failure, ...]
    searched: tuple[str, ...]
    limits: tuple[str, ...]


def build(source: Source) -> View:
    """From verdicts and from every record of the store, superseded ones included."""
    rows = unmet(source)
    against = tuple(
        Against(analysis_label(name), record.id, sentences(record, "negative"))
        for name, record in source.current.items()
        if record.evidence.negative
    )
    return View(
        tuple(row for row in rows if row.status == "not_met"),
        tuple(row for row in rows if row.status != "not_met"),
        against,
        _failures(source),
        tuple(analysis_label(name) for name in source.current),
        (*_amended(source), *LIMITS),
    )


def _amended(source: Source) -> tuple[str, ...]:
    """Criteria that may have followed results, where the plan was amended when held-out patients might be known."""
    late = [one for one in source.reproduce.amendments if one.openings != 0]
    times = "once" if len(late) == 1 else f"{len(late)} times"
    text = f"The plan was amended {times} after held-out patients had been, or may have been, opened (section 22)."
    return (text,) if late else ()


def _failures(source: Source) -> tuple[Failure, ...]:
    found = {
        record.id: Failure(
            analysis_label(record.evidence.analysis),
            record.id,
            record.evidence.status.replace("_", " "),
            record.evidence.message,
        )
        for record in source.records
        if record.evidence.status != "done"
    }
    never = [
        Failure(analysis_label(name), "", "not run", "planned, and no evidence is in the store")
        for name in source.plan.analyses
        if name not in source.current
    ]
    return (*found.values(), *never)


SECTION = Section("negative_findings", 19, "Negative findings and limits", build)
