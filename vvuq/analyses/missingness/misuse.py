"""Where orders say nothing of the state, what does it cost to believe that they do?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.recovered import (
    BELIEVED,
    FITTED,
    NAIVE,
    Tried,
    ignorable,
    metrics,
    rows_of,
    situation,
    slope_of,
    tried,
    values_of,
)
from vvuq.analyses.missingness.recovery import Patients
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity

ARMS = (NAIVE, BELIEVED, FITTED)
WORSE = 1.05  # by which an error may grow before it is a cost


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    of = situation(twin, settings["use"], "misuse.use")
    return metrics(of, list(ignorable(of)), ARMS) | {f"slope_share_{why}": "1" for why in ignorable(of)}


@analysis(
    "Where orders say nothing of the state, what does it cost to believe that they do?",
    suite="missingness",
    metrics=_metrics,
)
def misuse(twin: Twin, context: Context, *, use: dict[str, Any], patients: Patients = 200) -> Evidence:
    """Patients drawn from the twin in the situation `use`, measured at random, given the record: the filter of values
    alone, one that believes a mechanism that is not there, and one that has fitted its slope."""
    of = situation(twin, use, "misuse.use")
    mechanisms = ignorable(of)
    if not mechanisms:
        raise NotEvaluable(f"misuse: every mechanism of {of.name} depends on the state or on the value")
    seed = int(context.stream("orders").integers(0, 2**62))
    found = tried(of, mechanisms, ARMS, patients, seed)
    values = values_of(found) | _slopes(found)
    return evidence(
        misuse, twin.name, {"use": use, "patients": patients}, values=values,
        tables={"filters": rows_of(found, values)}, findings=_findings(found, values),
        negative=_negative(found, values),
    )  # fmt: skip


def _slopes(found: Tried) -> dict[str, Quantity]:
    """What was fitted, by the slope that is believed."""
    whole = slope_of(found.of.believed) or 1.0
    return {
        f"slope_share_{arm.why}": Quantity((slope_of(arm.belief) or 0.0) / whole, "1")
        for arm in found.arms
        if arm.name == FITTED
    }


def _findings(found: Tried, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    unit = found.after
    return tuple(
        f"Orders {why.replace('_', ' ')}: believed to depend on the state, they move the filter by "
        f"{values[f'bias_{why}_{BELIEVED}'].value - values[f'bias_{why}_{NAIVE}'].value:+.3g}{unit} on average, its "
        f"error from {values[f'rmse_{why}_{NAIVE}'].value:.3g} to {values[f'rmse_{why}_{BELIEVED}'].value:.3g}{unit}; "
        f"with the slope fitted, to {values[f'slope_share_{why}'].value:.2f} of what is believed, the error is "
        f"{values[f'rmse_{why}_{FITTED}'].value:.3g}{unit}."
        for why in found.shown
    )


def _negative(found: Tried, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    out = []
    for why in found.shown:
        naive = values[f"rmse_{why}_{NAIVE}"].value
        for name, told in ((BELIEVED, "believes a mechanism that is not there"), (FITTED, "has fitted its slope")):
            wrong = values[f"rmse_{why}_{name}"].value
            if wrong > WORSE * naive:
                out.append(
                    f"Orders {why.replace('_', ' ')}: a filter that {told} errs {wrong / naive:.2f} times as much."
                )
    return tuple(out)
