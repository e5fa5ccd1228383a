"""Acceptance criteria of the plan beside what the verdicts found for them."""

from __future__ import annotations

from vvuq.credibility.plan import Numeric
from vvuq.dossier.labels import analysis_label, value_label
from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Criterion, Serves
from vvuq.record import CriterionResult, Verdict

_NAMED = {"point": "value", "lower95": "one-sided lower 95 % bound", "upper95": "one-sided upper 95 % bound"}
_FIELDS = {"point": "value", "lower95": "lower95", "upper95": "upper95"}
_OPS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "="}


def criteria(source: Source, leaf: str) -> tuple[Criterion, ...]:
    """All numeric criteria of a leaf, answered or not, in the order of the plan."""
    verdict = next((verdict for verdict in source.verdicts if verdict.leaf == leaf), None)
    items = enumerate(source.plan.factors[leaf].criteria)
    return tuple(_criterion(source, leaf, index, item, verdict) for index, item in items if isinstance(item, Numeric))


def serves(source: Source, analysis: str) -> tuple[Serves, ...]:
    """The leaves that an analysis was used for."""
    record = source.current.get(analysis)
    found = []
    for verdict in source.verdicts:
        own = tuple(item for item in criteria(source, verdict.leaf) if item.analysis == analysis)
        if own or (record is not None and record.id in verdict.evidence_ids):
            title = source.plan.ladders.leaf(verdict.leaf).title
            found.append(Serves(verdict.leaf, title, verdict.status, own))
    return tuple(found)


def _criterion(source: Source, leaf: str, index: int, item: Numeric, verdict: Verdict | None) -> Criterion:
    result = _result(item, verdict)
    evidence = (result.evidence_id if result else None) or ""
    at, metric = f"factors/{leaf}/criteria/{index}", f"values/{item.metric}"
    return Criterion(
        leaf,
        source.plan.ladders.leaf(leaf).title,
        value_label(item.metric, source.twin),
        item.analysis,
        _NAMED[item.statistic],
        _OPS[item.op],
        number(item.value, item.unit, "plan", f"{at}/value"),
        number(result.observed if result else None, item.unit, evidence, f"{metric}/{_FIELDS[item.statistic]}"),
        number(result.n if result else None, "", evidence, f"{metric}/n"),
        number(item.min_n, "", "plan", f"{at}/min_n") if item.min_n else None,
        result.met if result else None,
        result.reason if result else f"{analysis_label(item.analysis)}: no evidence",
        item.rationale,
        evidence,
        item.text,
    )


def _result(item: Numeric, verdict: Verdict | None) -> CriterionResult | None:
    asked = (item.analysis, item.metric, item.statistic, item.op, item.value)
    for found in verdict.criteria if verdict else ():
        if (found.analysis, found.metric, found.statistic, found.op, found.threshold) == asked:
            return found
    return None
