"""Section 20: what only people can decide, who has signed, and what is still waiting."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Number, Section


@dataclass(frozen=True, slots=True)
class Row:
    """One question for people."""

    title: str
    question: str
    roles: str
    independence: str
    months: Number
    status: str


@dataclass(frozen=True, slots=True)
class View:
    """Questions and waivers; no signature exists as long as judgements cannot be recorded."""

    rows: tuple[Row, ...]
    waivers: tuple[tuple[str, str, str, str], ...]
    subject: str


def build(source: Source) -> View:
    """From the plan's judgement criteria and waivers."""
    ladders, status = source.plan.ladders, {verdict.leaf: verdict.status for verdict in source.verdicts}
    rows = tuple(
        Row(
            leaf.title,
            item.question,
            ", ".join(item.roles),
            item.independence,
            number(item.expires_months, "", "plan", f"factors/{leaf.id}/expires_months"),
            status.get(leaf.id, "gap"),
        )
        for leaf in ladders.leaves
        for item in source.plan.factors[leaf.id].judgemental
    )
    waivers = tuple(
        (leaf.title, factor.waiver.reason, factor.waiver.approver, factor.waiver.expires.isoformat())
        for leaf in ladders.leaves
        if (factor := source.plan.factors[leaf.id]).waiver
    )
    return View(rows, waivers, source.plan.digest)


SECTION = Section("judgements", 20, "Judgements and signatures", build)
