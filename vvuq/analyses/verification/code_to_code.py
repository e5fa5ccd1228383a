"""Does the population fit find what an independent program finds on the same data?

The one place where held-out patients are fitted: the reference run had them all. Their opening is on record, and the
estimates go into the comparison alone, never into a prior, a start or a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vvuq.analyses import analysis, check, evidence
from vvuq.calibration.estimates import Estimate
from vvuq.calibration.foce import Population, fit_population
from vvuq.data.split import joined
from vvuq.models.twin import Twin
from vvuq.record import Cell, Context, Evidence, Finding, Quantity, ReferenceFit, Table

TYPICAL_LIMIT, VARIANCE_LIMIT, OBJECTIVE_LIMIT = 0.5, 3.0, 0.1  # %, %, 1: what counts as agreement of the codes
METRICS = {
    "start_objective_difference": "1",
    "objective_difference": "1",
    "largest_typical_difference": "%",
    "largest_variance_difference": "%",
    "largest_error_difference": "%",
    "n_patients": "1",
    "n_measurements": "1",
}


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    return METRICS


@analysis("Does the population fit equal that of an independent program?", suite="verification", metrics=_metrics)
def code_to_code(twin: Twin, context: Context) -> Evidence:
    """FOCE-I on the whole cohort, from the reference run's initial values, against the reference run's results."""
    reference, build = context.reference_fit(), context.build()
    sealed = context.open_sealed("code-to-code comparison on the whole cohort; the estimates are used for nothing else")
    whole = joined(build, sealed, "whole")
    start = {name: value**0.5 if name in reference.variances else value for name, value in reference.start.items()}
    fit = fit_population(twin, whole, start=start, sealed_allowed=True)
    rows = tuple(_row(e, reference) for e in fit.estimates if e.name in reference.estimates)
    table = Table(
        f"The same fit by {reference.tool} and by this code",
        ("quantity", "reference", "here", "difference", "reference_error", "robust_error", "error_difference",
         "standard_error"),
        ("", "", "", "%", "", "", "%", ""),
        rows,
    )  # fmt: skip
    inputs: dict[str, object] = {
        "cohort_digest": whole.digest, "reference": reference.file, "tool": reference.tool, "estimator": "FOCE-I",
    }  # fmt: skip
    findings = (
        "The reference run fitted every patient, so this does too: it verifies the code, not the twin's forecasts.",
        "The program's standard errors are compared with the robust ones (R^-1 S R^-1), which is what it reports.",
    )
    values, tables = _values(fit, reference, rows), {"comparison": table}
    return evidence(code_to_code, twin.name, inputs, values=values, tables=tables, findings=findings)


def _row(e: Estimate, reference: ReferenceFit) -> tuple[Cell, ...]:
    """One estimate on the scale of the reference: a variance where that is what it reports."""
    squared = e.name in reference.variances
    label = f"{e.name}²" if squared else e.name
    value, slope = (e.value**2, 2.0 * e.value) if squared else (e.value, 1.0)
    robust, there, error = slope * e.robust_error, reference.estimates[e.name], reference.errors[e.name]
    return (
        label, there, value, _percent(value, there), error, robust, _percent(robust, error), slope * e.standard_error,
    )  # fmt: skip


def _percent(value: float, reference: float) -> float:
    return 100.0 * (value / reference - 1.0)


def _values(fit: Population, reference: ReferenceFit, rows: tuple[tuple[Cell, ...], ...]) -> dict[str, Quantity]:
    def largest(column: int, squared: bool | None = None) -> float:
        chosen = [row for row in rows if squared is None or str(row[0]).endswith("²") == squared]
        return max(abs(float(row[column] or 0.0)) for row in chosen)

    found = {
        "start_objective_difference": abs(fit.start_objective - reference.start_objective),
        "objective_difference": abs(fit.objective - reference.objective),
        "largest_typical_difference": largest(3, squared=False),
        "largest_variance_difference": largest(3, squared=True),
        "largest_error_difference": largest(6),
        "n_patients": float(len(fit.patients)),
        "n_measurements": float(fit.concentrations),
    }
    n = len(fit.patients)
    return {
        name: Quantity(value, METRICS[name], kind=None if name.startswith("n_") else "numerical", n=n)
        for name, value in found.items()
    }


@check("code_to_code")
def agrees_with_an_independent_program(found: Evidence) -> tuple[Finding, ...]:
    """Code verification by another program: rung b where objective, typical values and variances agree."""
    v = {name: quantity.value for name, quantity in found.values.items()}
    objective = max(v["start_objective_difference"], v["objective_difference"])
    agree = (
        objective <= OBJECTIVE_LIMIT
        and v["largest_typical_difference"] <= TYPICAL_LIMIT
        and v["largest_variance_difference"] <= VARIANCE_LIMIT
    )
    reason = (
        f"{found.inputs['tool']}: typical values within {v['largest_typical_difference']:.2g} %, variances within "
        f"{v['largest_variance_difference']:.2g} %, objective within {objective:.2g}"
    )
    return (Finding("verification.code.numerical_code_verification", "b" if agree else "a", reason),)
