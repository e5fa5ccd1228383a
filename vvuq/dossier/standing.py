"""Where the study stands: counts by status, the decision that follows, what is unmet, and the strongest limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from vvuq.dossier.criteria import criteria
from vvuq.dossier.quote import sentences
from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Criterion, Number, Text
from vvuq.record import LeafStatus, Verdict

STATUSES: dict[str, tuple[str, str]] = {
    "met": ("✓", "met"),
    "not_met": ("✗", "not met"),
    "gap": ("○", "gap: no evidence"),
    "stale": ("↻", "stale"),
    "not_evaluable": ("?", "not evaluable"),
    "pending": ("…", "judgement pending"),
    "expired": ("⌛", "judgement expired"),
    "waived": ("~", "waived"),
}
_SEVERITY: tuple[LeafStatus, ...] = ("not_met", "not_evaluable", "stale", "expired", "gap", "pending", "waived")


@dataclass(frozen=True, slots=True)
class Count:
    """How many leaves have a status."""

    status: str
    number: Number


@dataclass(frozen=True, slots=True)
class Unmet:
    """One goal that is not met: the rung aimed at and reached, the criterion that failed, else the first reason."""

    leaf: str
    title: str
    group: str
    goal: str
    achieved: str
    status: str
    failed: Criterion | None
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit for the first page: its words, and where they come from."""

    text: Text | Unmet | str
    kind: str


def counts(source: Source) -> tuple[Count, ...]:
    """Leaves by status, all statuses that occur, met first."""
    found = Counter(verdict.status for verdict in source.verdicts)
    order = [status for status in ("met", *_SEVERITY) if found[status]]
    return tuple(Count(status, number(found[status], "", "verdicts", status)) for status in order)


def decision(source: Source) -> tuple[str, str]:
    """(state, sentence): what follows for this context of use; the sentence never claims more than the goals say."""
    statuses = {verdict.status for verdict in source.verdicts}
    if "not_met" in statuses:
        return "not_met", "Not adequate for this context of use on present evidence: goals of the plan are not met."
    if statuses - {"met", "waived"}:
        return "gap", (
            "Undecided for this context of use: no goal that was evaluated failed, but goals remain without an answer."
        )
    return "met", (
        "All goals of the plan are met for this context of use; whether that suffices is for those to say who sign."
    )


def unmet(source: Source) -> tuple[Unmet, ...]:
    """Every leaf that is not met, the most severe first, otherwise in the order of the ladders."""
    rows = [verdict for status in _SEVERITY for verdict in source.verdicts if verdict.status == status]
    return tuple(_unmet(source, verdict) for verdict in rows)


def _unmet(source: Source, verdict: Verdict) -> Unmet:
    leaf = source.plan.ladders.leaf(verdict.leaf)
    failed = [item for item in criteria(source, verdict.leaf) if item.met is False]
    return Unmet(
        verdict.leaf,
        leaf.title,
        leaf.group,
        verdict.goal,
        verdict.achieved or "–",
        verdict.status,
        failed[0] if failed else None,
        next(iter(verdict.reasons), "no reason recorded"),
        verdict.evidence_ids,
    )


def _weight(row: Unmet) -> int:
    """Agreement with patients outweighs how far that reaches, and both the rest."""
    return 0 if row.leaf.endswith(".agreement") else 1 if row.leaf.startswith("applicability.") else 2


def strongest_limits(source: Source, most: int = 3) -> tuple[Limit, ...]:
    """The limits a reader must know first: a failed goal, what evidence itself says against, relevance, then gaps."""
    rows = [row for row in unmet(source) if row.status == "not_met"]
    failed = [Limit(row, "goal not met") for row in sorted(rows, key=_weight)]
    order = ("fisher", "holdout", "cross_validation", "sensitivity", "population_fit")
    records = [source.current[name] for name in order if name in source.current]
    against = [Limit(text, "found by the analysis") for record in records for text in sentences(record, "negative")]
    relevance = [Limit(source.relevance, "how the comparison patients relate to the use")]
    silent = [verdict for verdict in source.verdicts if verdict.status in ("gap", "not_evaluable", "stale")]
    titles = "; ".join(source.plan.ladders.leaf(verdict.leaf).title.lower() for verdict in silent[:4])
    gaps = [Limit(f"Nothing is known yet about, among others: {titles}.", "no evidence")] if silent else []
    mixed = [*failed[:1], *against[:1], *relevance, *gaps, *failed[1:], *against[1:]]
    return tuple(mixed[:most])
