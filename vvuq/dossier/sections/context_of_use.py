"""Section 2: who uses the model on whom for which decision, inside which envelope, and what is at risk."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Grid, Section


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the statement of use; several texts make a list."""

    label: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Square:
    """One square of the risk matrix; `here` marks this context of use."""

    risk: str
    here: bool


@dataclass(frozen=True, slots=True)
class View:
    """Statement, outputs, envelope and risk."""

    fields: tuple[Field, ...]
    outputs: Grid
    envelope: Grid
    levels: tuple[str, ...]
    squares: tuple[tuple[str, tuple[Square, ...]], ...]
    influence: str
    influence_reason: str
    consequence: str
    consequence_reason: str
    risk: str
    deviation: str
    matrix_source: str
    hazards: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """Everything comes from the plan."""
    plan, cou = source.plan, source.plan.context_of_use
    fields = (
        Field("Statement", (cou.statement,)),
        Field("Population", (cou.population,)),
        Field("Setting", (cou.setting,)),
        Field("Decision", (cou.decision,)),
        Field("Who decides", (cou.decision_maker,)),
        Field("Known when deciding", cou.inputs_at_decision_time),
        Field("Other evidence in the decision", cou.other_evidence),
    )
    outputs = Grid(
        "Quantities of interest",
        (("Output", ""), ("Unit", ""), ("Horizon", ""), ("Meaning", "")),
        tuple((row.name.replace("_", " "), row.unit, row.horizon, row.meaning) for row in cou.outputs),
    )
    influence, consequence = plan.risk.model_influence, plan.risk.decision_consequence
    deviation = plan.risk.deviation
    levels: tuple[str, ...] = plan.matrix.levels
    squares = tuple(
        (
            row,
            tuple(
                Square(plan.matrix.risk(row, column), (row, column) == (influence.level, consequence.level))
                for column in plan.matrix.levels
            ),
        )
        for row in plan.matrix.levels[::-1]
    )
    return View(
        fields,
        outputs,
        _envelope(source),
        levels,
        squares,
        influence.level,
        influence.rationale,
        consequence.level,
        consequence.rationale,
        plan.risk_level,
        f"The matrix gives {plan.matrix_risk}; the plan departs from it: {deviation.rationale}" if deviation else "",
        plan.matrix.source,
        tuple((hazard.id, hazard.text) for hazard in plan.risk.hazards),
    )


def _envelope(source: Source) -> Grid:
    rows = tuple(
        (
            axis.name.replace("_", " "),
            "–" if axis.unit == "1" else axis.unit,
            number(axis.low, "", "plan", f"context_of_use/envelope/{index}/low"),
            number(axis.high, "", "plan", f"context_of_use/envelope/{index}/high"),
        )
        for index, axis in enumerate(source.plan.context_of_use.envelope)
    )
    heads = (("Axis", ""), ("Unit", ""), ("From", ""), ("To", ""))
    return Grid("Operating envelope: outside it this dossier says nothing", heads, rows)


SECTION = Section("context_of_use", 2, "Context of use and model risk", build)
