"""One criterion against the evidence there is: met, not met, or why that cannot be said."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from vvuq.credibility.plan import Judgemental, Numeric
from vvuq.errors import near
from vvuq.evidence.store import Record
from vvuq.record import CriterionResult, Quantity

State = Literal["met", "not_met", "not_evaluable", "stale", "missing", "pending", "expired"]
_HOLDS = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
}
_STATISTIC = {"point": "value", "lower95": "lower95", "upper95": "upper95"}
_NAMED = {"point": "value", "lower95": "lower 95 % bound", "upper95": "upper 95 % bound"}


@dataclass(frozen=True, slots=True)
class Current:
    """What the store says of one study: fresh records by analysis; where none is, the last that was done."""

    fresh: Mapping[str, Record]
    stale: Mapping[str, Record]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A person's answer to a judgemental criterion: the rung a yes stands for, who signed, as what, and when."""

    leaf: str
    question: str
    accepted: bool
    gradation: str
    signer: str
    role: str
    signed_on: date


def current(records: Sequence[Record], keys: Mapping[str, Sequence[str]]) -> Current:
    """The records that count. keys: for each analysis its freshness keys, the preferred (fullest budget) first."""
    fresh: dict[str, Record] = {}
    stale: dict[str, Record] = {}
    for analysis, accepted in keys.items():
        mine = [record for record in records if record.evidence.analysis == analysis]
        found = [record for key in accepted for record in reversed(mine) if record.key == key]
        old = [record for record in mine if record.evidence.status == "done"]
        if found:
            fresh[analysis] = found[0]
        elif old:
            stale[analysis] = old[-1]
    return Current(fresh, stale)


def judge_numeric(criterion: Numeric, at_hand: Current) -> tuple[State, CriterionResult]:
    """The state of a numeric criterion, and the result with a sentence that says why."""
    record = at_hand.fresh.get(criterion.analysis)
    if record is None:
        old = at_hand.stale.get(criterion.analysis)
        if old is not None:
            reason = f"{old.id} of {criterion.analysis} is stale: run it again."
            return "stale", _result(criterion, old, None, None, reason)
        return "missing", _result(criterion, None, None, None, f"{criterion.analysis} has not been run.")
    evidence, quantity = record.evidence, record.evidence.values.get(criterion.metric)
    if evidence.status != "done":
        reason = f"{criterion.analysis} is {_said(evidence.status)}: {evidence.message or 'no reason was given'}"
        return "not_evaluable", _result(criterion, record, None, None, _sentence(reason))
    if quantity is None:
        hint = near(criterion.metric, evidence.values)
        lost = (text for text in evidence.negative if text.startswith(f"{criterion.metric} could not be computed"))
        reason = next(lost, f"{record.id} reports no {criterion.metric}{hint.rstrip('?')}.")
        return "not_evaluable", _result(criterion, record, None, None, reason)
    observed: float | None = getattr(quantity, _STATISTIC[criterion.statistic])
    problem = _problem(criterion, quantity, observed)
    if problem or observed is None:
        return "not_evaluable", _result(criterion, record, quantity, None, problem)
    met = bool(_HOLDS[criterion.op](observed, criterion.value))
    verb = "is" if met else "is not"
    aim = f"{criterion.op} {criterion.value:g} {criterion.unit}"
    reason = f"{criterion.metric}: {_NAMED[criterion.statistic]} {observed:.4g} {verb} {aim}."
    return "met" if met else "not_met", _result(criterion, record, quantity, met, reason)


def judge_judgement(
    leaf: str, criterion: Judgemental, judgements: Collection[Judgement], today: date
) -> tuple[State, str]:
    """The state of a judgemental criterion by the latest answer to it, with a sentence."""
    mine = (j for j in judgements if (j.leaf, j.question) == (leaf, criterion.question))
    answers = [j for j in mine if j.role in criterion.roles]
    if not answers:
        return "pending", f"Awaits a signed judgement by {' or '.join(criterion.roles)}: {criterion.question}"
    answer = max(answers, key=lambda j: j.signed_on)
    who = f"{answer.signer} ({answer.role}, {answer.signed_on.isoformat()})"
    if today > months_later(answer.signed_on, criterion.expires_months):
        return "expired", f"The judgement of {who} has expired: {criterion.question}"
    verb = "answered yes" if answer.accepted else "answered no"
    return "met" if answer.accepted else "not_met", f"{who} {verb}: {criterion.question}"


def months_later(day: date, months: int) -> date:
    """The same day `months` later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    return date(year, month + 1, 28)


def _problem(criterion: Numeric, quantity: Quantity, observed: float | None) -> str:
    """Why a reported quantity cannot be held against the threshold; empty where it can."""
    if quantity.unit != criterion.unit:
        return f"{criterion.metric} is in {quantity.unit}, the criterion in {criterion.unit}; nothing is converted."
    if observed is None:
        return f"{criterion.metric} is reported without its {_NAMED[criterion.statistic]}."
    if not math.isfinite(observed):
        return f"{criterion.metric} is not a finite number."
    if quantity.n is not None and quantity.n < 1:
        return f"{criterion.metric} rests on nobody: what was selected is empty."
    if criterion.min_n is not None and (quantity.n is None or quantity.n < criterion.min_n):
        behind = "an unknown number" if quantity.n is None else str(quantity.n)
        return f"{criterion.metric} rests on {behind}; the criterion needs {criterion.min_n} at least."
    return ""


def _result(
    criterion: Numeric, record: Record | None, quantity: Quantity | None, met: bool | None, reason: str
) -> CriterionResult:
    observed = getattr(quantity, _STATISTIC[criterion.statistic]) if quantity is not None else None
    return CriterionResult(
        text=criterion.text,
        metric=criterion.metric,
        analysis=criterion.analysis,
        statistic=criterion.statistic,
        observed=observed if observed is not None and math.isfinite(observed) else None,
        op=criterion.op,
        threshold=criterion.value,
        unit=criterion.unit,
        n=quantity.n if quantity is not None else None,
        met=met,
        reason=reason,
        evidence_id=record.id if record is not None else None,
    )


def _said(status: str) -> str:
    return status.replace("_", " ")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
