"""A made-up study to look at: every number is invented. As a script it writes the page: factory.py FILE [public]."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dossier.made_up import all_evidence
from dossier.parsed import Element, parse

from vvuq.credibility.plan import Factor, Plan
from vvuq.credibility.standards import ladders
from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import page, render
from vvuq.dossier.view import Amended, Dossier, Reproduce
from vvuq.models.twin import Twin, load_twin
from vvuq.record import CriterionResult, Evidence, Verdict

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stored:
    """As the store's records."""

    id: str
    key: str
    recorded_at: str
    evidence: Evidence


@dataclass(frozen=True)
class Logged:
    """As the store's events."""

    seq: int
    time: str
    kind: str
    body: dict[str, Any]


def stored(found: Evidence, place: int = 0) -> Stored:
    """A record as the store would give it; the id is made from the analysis' name."""
    digest = hashlib.sha256(found.analysis.encode()).hexdigest()[:12]
    return Stored(f"E-{digest}", f"{place:02d}" * 32, f"2026-11-02T08:00:{place:02d}.000000Z", found)


def records() -> tuple[Stored, ...]:
    """A record for each analysis."""
    return tuple(stored(found, place) for place, found in enumerate(all_evidence()))


CRITERIA: dict[str, list[dict[str, Any]]] = {
    "verification.code.numerical_code_verification": [
        {"analysis": "convergence", "metric": "order_deviation", "op": "<=", "value": 0.1, "statistic": "point"},
        {"analysis": "filter_exactness", "metric": "mean_difference", "op": "<=", "value": 1e-10, "statistic": "point"},
    ],
    "validation.assessment.output_comparison.agreement": [
        {
            "analysis": "holdout",
            "metric": "mdape",
            "op": "<=",
            "value": 20.0,
            "unit": "%",
            "statistic": "upper95",
            "min_n": 10,
        },
        {"analysis": "holdout", "metric": "crps_skill", "op": ">", "value": 0.0, "statistic": "lower95"},
    ],
    "validation.model.input_sensitivities": [
        {"analysis": "sensitivity", "metric": "agreement", "op": "==", "value": 1.0, "statistic": "point"}
    ],
}


def plan() -> Plan:
    """A made-up plan."""
    return Plan.model_validate(
        {
            "schema_version": "1.0",
            "study": "made_up",
            "title": "Made-up study of phenobarbital in neonates",
            "twin": "pk",
            "seed": 7,
            "question_of_interest": "Can the twin choose a maintenance dose for a neonate after at most three samples?",
            "context_of_use": _use(),
            "risk": {
                "model_influence": {"level": "medium", "rationale": "A measurement and a pharmacist weigh in."},
                "decision_consequence": {"level": "high", "rationale": "Too high a trough depresses breathing."},
                "hazards": ({"id": "HAZ-001", "text": "overdose by an optimistic clearance"},),
            },
            "profile": {"ladders": "vv40_2018", "categories": "fda_cms_2023", "risk_matrix": "risk_matrix"},
            "cohort": "made_up",
            "splits": {
                "held_out_patients": 14,
                "salt": "made/up/",
                "relevance": "Structure and covariates were published from all patients, the held-out ones included.",
            },
            "budgets": {"quick": "to look", "full": "to judge"},
            "analyses": {found.analysis: {} for found in all_evidence()},
            "factors": {leaf.id: _factor(leaf.id) for leaf in ladders("vv40_2018").leaves},
        }
    )


def _use() -> dict[str, Any]:
    return {
        "statement": "The twin proposes a maintenance dose of phenobarbital from one to three concentrations.",
        "population": "neonates, 0.6 to 3.6 kg",
        "setting": "neonatal intensive care",
        "decision": "keep or change the maintenance dose",
        "decision_maker": "neonatologist with clinical pharmacist",
        "outputs": ({"name": "trough", "unit": "mg/L", "horizon": "steady state", "meaning": "before the next dose"},),
        "inputs_at_decision_time": ("weight", "5-minute Apgar score", "dosing history", "one to three concentrations"),
        "other_evidence": ("target range 15 to 40 mg/L", "clinical state"),
        "envelope": (
            {"name": "weight", "unit": "kg", "low": 0.6, "high": 3.6},
            {"name": "samples", "unit": "1", "low": 1.0, "high": 3.0},
        ),
    }


def _factor(leaf: str) -> dict[str, Any]:
    base = {"kind": "numeric", "unit": "1", "rationale": "beyond it a third of the target range is missed"}
    found: list[dict[str, Any]] = [base | item for item in CRITERIA.get(leaf, [])]
    if leaf.startswith("applicability"):
        found.append(
            {
                "kind": "judgement",
                "question": "Is the comparison relevant to the use?",
                "roles": ("clinician",),
                "independence": "did not build the twin",
                "expires_months": 12,
            }
        )
    category = {"verification.code": 1, "validation.a": 4, "validation.c": 4, "validation.m": 2, "applicability": 5}
    numbers = tuple(number for start, number in category.items() if leaf.startswith(start)) or (8,)
    return {
        "goal": "b",
        "goal_rationale": "Model risk is high; the step below would leave the decision unsupported.",
        "fda_categories": numbers,
        "criteria": tuple(found),
    }


_HOLDS = {"<=": lambda x, y: x <= y, ">": lambda x, y: x > y, "==": lambda x, y: x == y}


def verdicts(plan: Plan, found: tuple[Stored, ...]) -> tuple[Verdict, ...]:
    """A plain grading: criteria decide; a leaf without criteria is a gap, one for people is pending."""
    at_hand = {record.evidence.analysis: record for record in found}
    return tuple(_verdict(leaf.id, plan.factors[leaf.id], at_hand) for leaf in plan.ladders.leaves)


def _verdict(leaf: str, factor: Factor, at_hand: dict[str, Stored]) -> Verdict:
    results = tuple(_result(item, at_hand.get(item.analysis)) for item in factor.numeric)
    ids = tuple(dict.fromkeys(result.evidence_id for result in results if result.evidence_id))
    if factor.judgemental:
        return Verdict(leaf, factor.goal, None, "pending", ("Awaits a signed judgement.",), results, ids)
    if not results:
        return Verdict(leaf, factor.goal, None, "gap", ("Nothing has been evaluated for this factor yet.",), (), ())
    if any(result.met is None for result in results):
        return Verdict(leaf, factor.goal, None, "not_evaluable", ("No evidence.",), results, ids)
    status = "met" if all(result.met for result in results) else "not_met"
    return Verdict(leaf, factor.goal, "c" if status == "met" else "a", status, (), results, ids)


def _result(item: Any, record: Stored | None) -> CriterionResult:
    quantity = record.evidence.values.get(item.metric) if record and record.evidence.status == "done" else None
    field = {"point": "value"}.get(item.statistic, item.statistic)
    observed = getattr(quantity, field) if quantity else None
    met = None if observed is None else bool(_HOLDS[item.op](observed, item.value))
    n, name = quantity.n if quantity else None, record.id if record else None
    return CriterionResult(
        item.text,
        item.metric,
        item.analysis,
        item.statistic,
        observed,
        item.op,
        item.value,
        item.unit,
        n,
        met,
        f"{item.metric}: {observed} against {item.value}",
        name,
    )


REPRODUCE = Reproduce(
    commands=(
        ("make dossier", "installs what is locked, fetches the cohort, runs the study and writes this page"),
        ("vvuq verify reports/made_up/dossier.html", "recomputes the digest of the page"),
    ),
    versions=(("numpy", "2.4.0"), ("scipy", "1.17.0"), ("vvuq", "0.1.0")),
    hashes=(("plan", "1" * 64), ("source tree", "2" * 64), ("data", "3" * 64), ("lock file", "4" * 64)),
    platform="any; numbers of this page: CPython 3.11, Linux, x86_64",
    locked_at="2026-11-01T10:00:00.000000Z",
    locked_digest="1" * 64,
    amendments=(
        Amended(
            "0" * 64,
            "2026-10-01T10:00:00.000000Z",
            "2026-11-01T10:00:00.000000Z",
            "a threshold was tightened before any opening",
            ("splits.salt: 1 -> 2",),
            0,
            (("convergence", "E-0"),),
        ),
    ),
    tolerance=1e-6,
)
EVENTS = (
    Logged(1, "2026-11-01T10:00:01.000000Z", "evidence", {}),
    Logged(2, "2026-11-02T08:00:04.000000Z", "opened", {"reason": "internal validation", "plan": "1" * 64}),
)


@cache
def twin() -> Twin:
    """The real reference twin."""
    return load_twin(ROOT / "twins" / "pk")


def dossier(
    found: tuple[Stored, ...] | None = None, *, public: bool = False, events: tuple[Logged, ...] = EVENTS
) -> Dossier:
    """The made-up study's report."""
    kept = records() if found is None else found
    made = plan()
    return assemble(made, verdicts(made, kept), kept, events, twin(), public=public, reproduce=REPRODUCE)


@cache
def html(public: bool = False) -> str:
    """The made-up study's page."""
    return page(dossier(public=public))


@cache
def tree(public: bool = False) -> Element:
    """The same, parsed."""
    return parse(html(public))


if __name__ == "__main__":
    sys.stdout.write(render(dossier(public="public" in sys.argv), Path(sys.argv[1])) + "\n")
