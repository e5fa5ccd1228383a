"""The grade of each credibility leaf. Pure. What was not evaluated, is stale, or cannot be evaluated is never met."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vvuq.credibility.criteria import Current, Judgement, State, current, judge_judgement, judge_numeric
from vvuq.credibility.plan import Factor, Plan
from vvuq.errors import InputError, NotEvaluable
from vvuq.evidence.store import Record
from vvuq.record import Check, CriterionResult, Finding, LeafStatus, Verdict

_WORST_FIRST: tuple[tuple[State, LeafStatus], ...] = (
    ("stale", "stale"),
    ("missing", "not_evaluable"),
    ("not_evaluable", "not_evaluable"),
    ("not_met", "not_met"),
    ("expired", "expired"),
    ("pending", "pending"),
)
_EVALUATED: frozenset[State] = frozenset({"met", "not_met", "expired"})


@dataclass(frozen=True, slots=True)
class _Found:
    """What a check concluded, from which evidence."""

    finding: Finding
    analysis: str
    evidence_id: str


def grade(
    plan: Plan,
    records: Sequence[Record],
    now: date,
    *,
    checks: Mapping[str, Check],
    keys: Mapping[str, Sequence[str]],
    judgements: Collection[Judgement] = (),
) -> tuple[Verdict, ...]:
    """A verdict for every leaf of the plan's ladders, in their order.

    keys: for each analysis of the plan the freshness keys that count today, the preferred first; a record under any
    other key is stale. Raises InputError where a check speaks of a leaf or rung that the ladders do not have."""
    at_hand = current(records, keys)
    found, mute = _run_checks(plan, checks, at_hand.fresh)
    old, _ = _run_checks(plan, checks, at_hand.stale)
    verdicts = []
    for leaf in plan.ladders.leaves:
        mine = [item for item in found if item.finding.leaf == leaf.id]
        aged = [item for item in old if item.finding.leaf == leaf.id]
        factor = plan.factors[leaf.id]
        verdicts.append(_verdict(leaf.id, factor, at_hand, mine, aged, mute, judgements, now))
    return tuple(verdicts)


def _run_checks(
    plan: Plan, checks: Mapping[str, Check], records: Mapping[str, Record]
) -> tuple[list[_Found], dict[str, str]]:
    """Findings over evidence that is done, and for each analysis that a check could not read the reason."""
    found, mute = [], {}
    for check in checks.values():
        record = records.get(check.analysis)
        if record is None or record.evidence.status != "done":
            continue
        try:
            findings = tuple(check.run(record.evidence))
        except (KeyError, TypeError, NotEvaluable) as error:  # a value that is missing, or null
            mute[check.analysis] = f"The check {check.name} could not read {record.id}: {error}."
            continue
        for finding in findings:
            if finding.gradation not in plan.ladders.leaf(finding.leaf).ladder:
                raise InputError(f"check {check.name}", finding.leaf, finding.gradation, "a rung of this leaf's ladder")
            found.append(_Found(finding, check.analysis, record.id))
    return found, mute


def _verdict(
    leaf: str,
    factor: Factor,
    at_hand: Current,
    found: Sequence[_Found],
    aged: Sequence[_Found],
    mute: Mapping[str, str],
    judgements: Collection[Judgement],
    today: date,
) -> Verdict:
    numeric = [judge_numeric(criterion, at_hand) for criterion in factor.numeric]
    human = [judge_judgement(leaf, criterion, judgements, today) for criterion in factor.judgemental]
    rungs = [item.finding.gradation for item in found] + _signed_rungs(leaf, factor, judgements, today)
    achieved = max(rungs, default=None)
    aims, why = _goal(factor.goal, achieved, aged, at_hand)
    states = [state for state, _ in numeric] + [state for state, _ in human]
    evaluated = bool(rungs) or bool(_EVALUATED & set(states))
    status = _status([aims, *states]) if evaluated else _unevaluated([aims, *states])
    results = tuple(result for _, result in numeric)
    said = [text for state, text in human if state != "met"] + [item.finding.reason for item in found]
    said += [text for state, text in human if state == "met"] + why
    said += [text for analysis, text in mute.items() if analysis in {result.analysis for result in results}]
    reasons = [result.reason for result in results if result.met is not True] + said
    if status == "gap":
        reasons.insert(0, "Nothing has been evaluated for this factor yet.")
    if factor.waiver is not None:
        status, note = _waived(factor, status, today)
        reasons.insert(0, note)
    return Verdict(leaf, factor.goal, achieved, status, tuple(dict.fromkeys(reasons)), results, _ids(found, results))


def _goal(goal: str, achieved: str | None, aged: Sequence[_Found], at_hand: Current) -> tuple[State, list[str]]:
    """Is the goal reached by what is fresh; if not, would stale evidence have reached it."""
    if achieved is not None and achieved >= goal:
        return "met", []
    if any(item.finding.gradation >= goal for item in aged):
        names = ", ".join(sorted({item.analysis for item in aged}))
        return "stale", [f"The evidence for the goal is stale: run {names} again."]
    if achieved is None:
        return "not_met", ["No check substantiates any rung."]
    return "not_met", [f"Rung {achieved} is substantiated, the goal is {goal}."]


def _signed_rungs(leaf: str, factor: Factor, judgements: Collection[Judgement], today: date) -> list[str]:
    """Rungs that valid judgements stand for."""
    return [
        judgement.gradation
        for criterion in factor.judgemental
        for judgement in judgements
        if judgement.accepted and judge_judgement(leaf, criterion, [judgement], today)[0] == "met"
    ]


def _status(states: Sequence[State]) -> LeafStatus:
    for state, status in _WORST_FIRST:
        if state in states:
            return status
    return "met"


def _unevaluated(states: Sequence[State]) -> LeafStatus:
    if "stale" in states:
        return "stale"
    return "not_evaluable" if "not_evaluable" in states else "gap"


def _waived(factor: Factor, status: LeafStatus, today: date) -> tuple[LeafStatus, str]:
    """A waiver counts until its day; afterwards the leaf stands as it would without."""
    waiver = factor.waiver
    if waiver is None or today > waiver.expires:
        return status, "" if waiver is None else f"The waiver by {waiver.approver} expired on {waiver.expires}."
    if status == "met":
        return status, f"The waiver by {waiver.approver} is not needed."
    return "waived", f"Waived until {waiver.expires} by {waiver.approver}: {waiver.reason}"


def _ids(found: Sequence[_Found], results: Sequence[CriterionResult]) -> tuple[str, ...]:
    ids = [item.evidence_id for item in found] + [result.evidence_id for result in results if result.evidence_id]
    return tuple(dict.fromkeys(ids))
