"""Made-up evidence of the analyses of a decision: every number is invented, tables and values are made as real ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from vvuq.analyses.validation.utility import utility
from vvuq.analyses.validation.utility_report import tables_of, values_of
from vvuq.analyses.validation.utility_rows import PERCENT, Prompted, Rule
from vvuq.analyses.validation.what_if import what_if
from vvuq.analyses.validation.what_if_report import UNTESTED
from vvuq.analyses.validation.what_if_report import tables_of as tables_of_changes
from vvuq.analyses.validation.what_if_report import values_of as values_of_changes
from vvuq.analyses.validation.what_if_rows import CHANGES, GAINS, Rows
from vvuq.record import Analysis, Cost, Evidence

PEOPLE = ("neonate-4711", "neonate-4711-b", "neonate-4711-c")
KINDS: dict[str, Any] = {
    name: SimpleNamespace(kind=kind)
    for name, kind in (("persistence", "baseline"), ("climatology", "baseline"), ("walk", "mechanistic"))
}


def prompted() -> Prompted:
    """Counts of three patients."""
    rng = np.random.default_rng(4)
    base, by = {}, {name: {} for name in KINDS}
    for one in PEOPLE:
        share = 0.1 + 0.1 * rng.random()
        every = {f"all_{at}": share - (1.0 - share) * at / (100.0 - at) for at in PERCENT}
        base[one] = {
            "moments": 200.0,
            "low_now": 9.0,
            "events": 200.0 * share,
            "prevalence": share,
            "all": 0.02,
        } | every
        for i, name in enumerate(KINDS):
            curve = {f"benefit_{at}": (0.5 + 0.2 * i) * share * (1.0 - at / 70.0) for at in PERCENT}
            right = (0.4 + 0.1 * i) * share
            by[name][one] = curve | {
                "benefit": 0.05, "acted": 2.0 * right, "right": right, "raised": 9.0, "raised_right": 4.0, "days": 6.0,
                "episodes": 7.0, "warned": 3.0 + i, "early": 2.0, "lead": 150.0 + 40.0 * rng.random(),
            }  # fmt: skip
    return Prompted(Rule(0.25, 70.0, 15.0, 60.0), base, by)


def changed() -> dict[str, Rows]:
    """Rows of what-ifs of three patients."""
    rng = np.random.default_rng(5)
    out = {}
    for one in PEOPLE:
        many = [10.0 + 20.0 * rng.random(len(CHANGES)) for _ in range(4)]
        out[one] = Rows(40, many, many[:2], [9.0 * rng.random(len(GAINS)) for _ in range(3)], [rng.random(len(GAINS))])
    return out


def found(of: Analysis, inputs: dict[str, Any], values: Any, tables: Any, *said: str) -> Evidence:
    return Evidence(
        of.question, of.name, of.version, "pk", {"budget": "quick", **inputs}, of.name, values, tables,
        findings=said[:1], negative=said[1:], cost=Cost(2.0, 2.5, 0),
    )  # fmt: skip


def decisions() -> tuple[Evidence, ...]:
    """Utility and what-ifs."""
    seen, rows = prompted(), changed()
    values, others = values_of(seen), values_of_changes(rows, "mg/L")
    return (
        found(utility, {"operating": 0.25}, values, tables_of(seen, KINDS, values), "The walk gains.", "It is unsure."),
        found(what_if, {}, others, tables_of_changes(rows, others, "mg/L"), "Food raises.", UNTESTED),
    )
