"""Section 1: the verdict page: what is asked, where the study stands, what speaks against it, how to check the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vvuq.dossier.source import Source, number
from vvuq.dossier.standing import Count, Limit, Unmet, counts, decision, strongest_limits, unmet
from vvuq.dossier.view import Number, Section

RULES, MOST = "rules changed since the lock", 2  # so begins a note on a changed rule; more of them are counted


@dataclass(frozen=True, slots=True)
class View:
    """What the verdict page places."""

    question: str
    statement: str
    decision_taken: str
    risk: str
    influence: str
    consequence: str
    state: str
    sentence: str
    total: Number
    counts: tuple[Count, ...]
    unmet: tuple[Unmet, ...]
    limits: tuple[Limit, ...]
    hashes: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    signed: str


def build(source: Source) -> View:
    """The first page."""
    plan, (state, sentence) = source.plan, decision(source)
    return View(
        plan.question_of_interest,
        plan.context_of_use.statement,
        plan.context_of_use.decision,
        plan.risk_level,
        plan.risk.model_influence.level,
        plan.risk.decision_consequence.level,
        state,
        sentence,
        number(len(source.verdicts), "", "verdicts", "all"),
        counts(source),
        unmet(source),
        strongest_limits(source),
        (("plan", plan.digest), *((what, digest) for what, digest in source.reproduce.hashes if what != "plan")),
        gathered(source.reproduce.notes),
        "Nobody has signed this dossier yet (section 20).",
    )


def gathered(notes: Sequence[str]) -> tuple[str, ...]:
    """Notes for the first page: those on changed rules of one lock as their number, where there are more than MOST."""
    locks = Counter(note.partition(": ")[0] for note in notes if note.startswith(RULES))
    out: dict[str, None] = {}
    for note in notes:
        lock = note.partition(": ")[0]
        many = locks[lock] > MOST
        out[f"{lock}: {locks[lock]} files, each named in section 22" if many else note] = None
    return tuple(out)


SECTION = Section("verdict", 1, "Verdict", build)
