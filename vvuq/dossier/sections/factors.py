"""Section 5: every credibility factor as a row: goal, rung reached, status, what decided, evidence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from vvuq.dossier.criteria import criteria
from vvuq.dossier.source import Source
from vvuq.dossier.view import Criterion, Section
from vvuq.record import Verdict


@dataclass(frozen=True, slots=True)
class Rung:
    """One letter of a ladder: what it means, whether it is the goal, whether it was reached."""

    letter: str
    meaning: str
    goal: bool
    reached: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One leaf."""

    leaf: str
    title: str
    rungs: tuple[Rung, ...]
    goal: str
    goal_meaning: str
    achieved: str
    achieved_meaning: str
    status: str
    rationale: str
    reasons: tuple[str, ...]
    decided_by: str
    evidence: tuple[str, ...]
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Rows by group, then the criteria."""

    edition: str
    tailoring: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    criteria: tuple[Criterion, ...]
    judgements: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """All leaves of the plan's ladders, in their order; a leaf without a verdict is a gap."""
    ladders = source.plan.ladders
    verdicts = {verdict.leaf: verdict for verdict in source.verdicts}
    rows = [(leaf.group, _row(source, leaf.id, verdicts.get(leaf.id))) for leaf in ladders.leaves]
    groups = tuple((name, tuple(row for _, row in found)) for name, found in groupby(rows, key=lambda pair: pair[0]))
    judgements = tuple(
        (leaf.title, item.question) for leaf in ladders.leaves for item in source.plan.factors[leaf.id].judgemental
    )
    found = tuple(item for leaf in ladders.leaves for item in criteria(source, leaf.id))
    return View(ladders.title, ladders.tailoring, groups, found, judgements)


def _row(source: Source, name: str, verdict: Verdict | None) -> Row:
    leaf, factor = source.plan.ladders.leaf(name), source.plan.factors[name]
    achieved, own = verdict.achieved if verdict else None, criteria(source, name)
    said = {item.reason for item in own}
    rungs = tuple(
        Rung(letter, meaning, letter == factor.goal, achieved is not None and letter <= achieved)
        for letter, meaning in leaf.ladder.items()
    )
    reasons = list(verdict.reasons) if verdict else ["no verdict was given"]
    return Row(
        name,
        leaf.title,
        rungs,
        factor.goal,
        leaf.ladder[factor.goal],
        achieved or "–",
        leaf.ladder[achieved] if achieved else "nothing is substantiated",
        verdict.status if verdict else "gap",
        factor.goal_rationale,
        tuple(text for text in dict.fromkeys(reasons) if text not in said),
        {"machine": "computed", "mixed": "computed and judged", "human": "judged by people"}[leaf.decided_by],
        verdict.evidence_ids if verdict else (),
        own,
    )


SECTION = Section("factors", 5, "Credibility factors", build)
