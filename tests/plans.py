"""A small valid plan to change, and evidence as a store would return it."""

import copy
import json
from pathlib import Path

import yaml

from vvuq.credibility.standards import ladders
from vvuq.errors import VvuqError
from vvuq.evidence.canonical import evidence_id
from vvuq.evidence.store import Record
from vvuq.record import Evidence, Quantity

LEAVES = tuple(leaf.id for leaf in ladders("vv40_2018").leaves)
ORDER = "verification.code.numerical_code_verification"
AGREEMENT = "validation.assessment.output_comparison.agreement"
NUMERIC = {
    "kind": "numeric",
    "analysis": "order",
    "metric": "deviation",
    "statistic": "point",
    "op": "<=",
    "value": 0.1,
    "unit": "1",
    "rationale": "small",
}
JUDGEMENT = {
    "kind": "judgement",
    "question": "Is it acceptable?",
    "roles": ["clinician"],
    "independence": "took no part",
    "expires_months": 12,
}


def plan_data():
    """Plain data of a valid plan with all leaves, two analyses and one numeric criterion."""
    factors = {leaf: {"goal": "b", "goal_rationale": "because", "fda_categories": [1]} for leaf in LEAVES}
    factors[ORDER]["criteria"] = [copy.deepcopy(NUMERIC)]
    return {
        "schema_version": "1.0",
        "study": "toy",
        "title": "A toy",
        "twin": "toytwin",
        "seed": 1,
        "question_of_interest": "Which dose?",
        "context_of_use": {
            "statement": "s",
            "population": "p",
            "setting": "s",
            "decision": "d",
            "decision_maker": "m",
            "outputs": [{"name": "trough", "unit": "mg/L", "horizon": "1 d", "meaning": "m"}],
            "inputs_at_decision_time": ["dose"],
            "other_evidence": ["none"],
            "envelope": [{"name": "weight", "unit": "kg", "low": 0.5, "high": 4}],
        },
        "risk": {
            "model_influence": {"level": "medium", "rationale": "r"},
            "decision_consequence": {"level": "high", "rationale": "r"},
            "hazards": [{"id": "HAZ-001", "text": "harm"}],
        },
        "profile": {"ladders": "vv40_2018", "categories": "fda_cms_2023", "risk_matrix": "risk_matrix"},
        "cohort": "toy",
        "splits": {"held_out_patients": 2, "salt": "toy/", "relevance": "internal"},
        "budgets": {"quick": "q", "full": "f"},
        "analyses": {"order": {"settings": {"n": 1}, "full": {"n": 9}}, "sealed": {}},
        "factors": factors,
    }


def write_plan(folder: Path, data=None) -> Path:
    """The plan as YAML in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(data or plan_data())), sort_keys=False), encoding="utf-8")
    return path


def evidence(analysis="order", values=None, **changes):
    """Evidence of one analysis; by default of a deviation 0.01 from 30 cases."""
    values = {"deviation": Quantity(0.01, "1", n=30)} if values is None else values
    return Evidence(**({"question": "q", "analysis": analysis, "version": 1, "twin": "t", "inputs": {}, "stream": "s"}
                       | {"values": values} | changes))  # fmt: skip


def record(found=None, key="now", seq=1):
    """A stored record of some evidence."""
    found = found or evidence()
    try:
        name = evidence_id(found)
    except VvuqError:  # not a number: no store would hold it, but the grade must still refuse it
        name = "E-000000000000"
    return Record(seq, "toy", name, key, "2026-01-01T00:00:00Z", found, "0" * 64)
