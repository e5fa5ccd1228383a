"""Section 4: the patients: flow, characteristics by part, missing values, and that no patient is in both parts."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.flow import flow_diagram
from vvuq.dossier.numbers import plain, show
from vvuq.dossier.source import Source, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_STEPS = ("screened", "excluded", "analysed", "build", "held_out")
_VALUES = tuple(f"n_{step}" for step in _STEPS) + ("n_overlap", "n_measurements", "n_doses")
_TABLES = ("flow", "reading", "table1", "within", "missingness")


@dataclass(frozen=True, slots=True)
class View:
    """The cohort block, and how the held-out patients were chosen; nothing where the study has no patients."""

    cohort: str
    rule: str
    salt: str
    relevance: str
    block: Block | None


def build(source: Source) -> View:
    """From the evidence of the cohort analysis."""
    splits = source.plan.splits
    if splits is None or source.plan.cohort is None:
        return View("", "", "", source.relevance, None)
    rule = "the patients with the lowest sha256 of salt + patient id; nobody chooses them, and the rule is in the plan"
    shown = block(source, "cohort", _VALUES, _TABLES, (_flow,), section="data")
    return View(source.plan.cohort, rule, splits.salt, splits.relevance, shown)


def _flow(ident: str, evidence: Evidence) -> Figure | None:
    samples = _samples(evidence)
    values = {step: evidence.values.get(f"n_{step}") for step in _STEPS}
    texts = {
        step: f"{_title(step)}\n{show(plain(quantity.value) if quantity else None)} patients{samples.get(step, '')}"
        for step, quantity in values.items()
    }
    texts["excluded"] += _dropped(evidence)
    alt = "; ".join(text.replace("\n", ": ") for text in texts.values())
    svg = flow_diagram("figure-flow", texts, alt)
    return Figure("figure-flow", svg, alt, "Way of the patients through the study", ident)


def _samples(evidence: Evidence) -> dict[str, str]:
    """How many measurements each step has, where the table of the flow names the step alike."""
    table = evidence.tables.get("flow")
    rows = texts_of(table, ("step", "measurements")) if table else []
    return {step.lower().replace(" ", "_").replace("-", "_"): f", {count} measurements" for step, count in rows}


def _dropped(evidence: Evidence) -> str:
    """How many rows and readings the cohort's reader dropped by its rules, where it tells."""
    table = evidence.tables.get("reading")
    if table is None:
        return ""
    dropped = sum(int(count or 0) for what, count in table.rows if str(what).endswith("dropped"))
    return f"\n{dropped} rows and readings dropped by rule"


def _title(step: str) -> str:
    names = {"build": "Build: fit, cross-validation", "held_out": "Held out: sealed until the plan is locked"}
    return names.get(step, step.capitalize())


SECTION = Section("data", 4, "Data", build)
