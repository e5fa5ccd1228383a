"""Section 16: what other forms of the model would do to forecasts and answers."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.scaffolds import scaffolds
from vvuq.dossier.source import Source, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_COUNTS = ("n_patients", "n_origins", "n_questions")


@dataclass(frozen=True, slots=True)
class View:
    """The analysis of wrong scaffolds, where the plan names it."""

    wrong: Block | None


def build(source: Source) -> View:
    """From the evidence of scaffold_answers; its values stand in its tables."""
    if "scaffold_answers" not in source.plan.analyses:
        return View(None)
    evidence = source.evidence("scaffold_answers")
    found = evidence.values if evidence else {}
    counts = tuple(key for key in _COUNTS if key in found)
    omit = set(found) - set(counts)
    tables = ("forecasts", "answers")
    return View(block(source, "scaffold_answers", counts, tables, (_figure,), section="alternatives", omit=omit))


def _figure(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("answers")
    if table is None or not table.rows:
        return None
    rows = texts_of(table, ("action", "forecaster", "scaffold", "off", "worse"))
    parts = (f"{action}, {name}, {core}: {off} % off, CRPS {worse} % worse" for action, name, core, off, worse in rows)
    alt = f"How far answers are off against how much worse forecasts are: {'; '.join(parts)}."
    caption = (
        "Do forecasts betray a wrong scaffold? High points near the dotted line: answers are wrong, forecasts are not"
    )
    return Figure("figure-scaffolds", scaffolds("figure-scaffolds", table, alt), alt, caption, ident)


SECTION = Section("alternatives", 16, "Alternatives to the model's form", build)
