"""Section 6: the evidence by the categories of the guidance; an empty category says why it is empty."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.credibility.standards import categories
from vvuq.dossier.labels import analysis_label
from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Number, Section


@dataclass(frozen=True, slots=True)
class Row:
    """One category: what counts in it, the evidence with its analysis, and how many factors call on it."""

    number: int
    title: str
    counts: str
    evidence: tuple[tuple[str, str], ...]
    factors: Number
    none_because: str


@dataclass(frozen=True, slots=True)
class View:
    """All categories of the edition."""

    edition: str
    rows: tuple[Row, ...]


def build(source: Source) -> View:
    """A category holds the evidence of the factors that the plan assigns to it."""
    edition = categories(source.plan.profile.categories)
    return View(edition.title, tuple(_row(source, item.number, item.title, item.counts) for item in edition.categories))


def _row(source: Source, which: int, title: str, counts: str) -> Row:
    factors = [name for name, factor in source.plan.factors.items() if which in factor.fda_categories]
    used = {record for verdict in source.verdicts if verdict.leaf in factors for record in verdict.evidence_ids}
    found = tuple((r.id, analysis_label(r.evidence.analysis)) for r in source.current.values() if r.id in used)
    titles = "; ".join(source.plan.ladders.leaf(name).title.lower() for name in factors)
    because = "" if found else "no factor of the plan calls on this category"
    if factors and not found:
        because = f"the factors that call on it have no evidence yet ({titles})"
    return Row(which, title, counts, found, number(len(factors), "", "plan", f"fda_categories/{which}"), because)


SECTION = Section("evidence_categories", 6, "Categories of evidence", build)
