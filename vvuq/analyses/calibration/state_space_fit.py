"""Which rates, levels, random walks and errors do the build patients give a state-space twin?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Count, Whole
from vvuq.analyses.slotted import build_records
from vvuq.calibration.state_space import Fit, Number, coordinates_of, declared, fit_state_space
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity, Table

COUNTS = ("n_persons", "n_records", "n_slots", "evaluations", "converged", "log_likelihood", "log_likelihood_before")


def fitted_units(twin: Twin) -> dict[str, str]:
    """Name and unit of what the fit moves. Raises NotEvaluable for a twin that is no state-space twin."""
    if twin.state_space is None:
        raise NotEvaluable(f"twin {twin.name} is not followed in slots: Twin(state_space=...)")
    return {one.name: one.unit for one in coordinates_of(twin, declared(twin))}


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    return dict.fromkeys(COUNTS, "1") | fitted_units(twin)


@analysis(
    "Which rates, levels, random walks and errors do the build patients give the twin?",
    suite="calibration",
    metrics=_metrics,
)
def state_space_fit(twin: Twin, context: Context, *, iterations: Count = 60, most: Whole = 0) -> Evidence:
    """Maximum likelihood on build patients, of `most` persons at most (0: all); standard errors by persons' scores."""
    fitted_units(twin)
    records = build_records(twin, context, most)
    fit = fit_state_space(twin, records, iterations=iterations, threads=2)
    n = len(fit.groups)
    counted = (
        n, len(records), sum(one.times.size for one in records), fit.evaluations, fit.converged, fit.log_likelihood,
        fit.start_log_likelihood,
    )  # fmt: skip
    values = {name: Quantity(float(value), "1") for name, value in zip(COUNTS, counted, strict=True)}
    values |= {one.name: _quantity(one, n) for one in fit.numbers}
    table = Table(
        "Fitted to the build patients (95 % intervals by the outer product of the persons' scores)",
        ("parameter", "unit", "declared", "estimate", "standard_error", "low", "high"),
        ("",) * 7,
        tuple((q.name, q.unit, q.declared, q.value, *_told(q)) for q in fit.numbers),
    )
    inputs: dict[str, object] = {"cohort": context.build().digest, "iterations": iterations, "most": most}
    return evidence(
        state_space_fit, twin.name, inputs, values=values, tables={"estimates": table},
        findings=_findings(fit), negative=_negative(fit),
    )  # fmt: skip


def _told(one: Number) -> tuple[float | None, float | None, float | None]:
    return (one.error, one.low, one.high) if np.isfinite(one.error) else (None, None, None)


def _quantity(one: Number, n: int) -> Quantity:
    if not np.isfinite(one.error):
        return Quantity(one.value, one.unit, n=n)
    return Quantity(one.value, one.unit, one.low, one.high, 0.95, kind="epistemic", n=n)


def _findings(fit: Fit) -> tuple[str, ...]:
    gain = fit.log_likelihood - fit.start_log_likelihood
    return (f"The fit raises the log-likelihood of all records by {gain:.0f} over the twin's declaration.",)


def _negative(fit: Fit) -> tuple[str, ...]:
    out = [] if fit.converged else ["The search ended by its limit of iterations, before the likelihood stood still."]
    for one in fit.numbers:
        if not np.isfinite(one.error):
            out.append(f"The error of {one.name} is not known: the persons' scores are singular.")
        elif one.low <= 0.0 <= one.high:
            told = f"{one.value:.2g} ({one.low:.2g} to {one.high:.2g}) {one.unit}"
            out.append(f"{one.name} is not shown to differ from 0: {told}.")
    return tuple(out)
