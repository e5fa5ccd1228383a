"""What do the build patients say about the typical parameters, their variation and the residual error?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.calibration.estimates import Estimate, named
from vvuq.calibration.foce import fit_population
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity, Table


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    counts = dict.fromkeys(("objective", "n_patients", "n_measurements"), "1")
    shrinkage = {f"shrinkage_{name}": "%" for name in twin.personal}
    return counts | shrinkage | {name: unit for name, (unit, _) in named(twin).items()}


@analysis("What do the build patients say about the parameters?", suite="calibration", version=2, metrics=_metrics)
def population_fit(twin: Twin, context: Context) -> Evidence:
    """Maximum marginal likelihood by FOCE-I on build patients only, with standard errors and shrinkage."""
    cohort = context.build()
    fit = fit_population(twin, cohort)
    n = len(fit.patients)
    values = {"objective": Quantity(fit.objective, "1")}
    values["n_patients"] = Quantity(float(n), "1")
    values["n_measurements"] = Quantity(float(fit.concentrations), "1")
    for name, spread, omega in zip(twin.personal, fit.eta.std(axis=0, ddof=1), fit.omega, strict=True):
        values[f"shrinkage_{name}"] = Quantity(100.0 * float(1.0 - spread / omega), "%", n=n)
    for e in fit.estimates:
        values[e.name] = Quantity(e.value, e.unit, e.low, e.high, 0.95, kind="epistemic", n=n)
    table = Table(
        "Estimates from the build patients",
        ("parameter", "unit", "estimate", "standard_error", "rse_percent", "low", "high", "meaning"),
        ("", "", "", "", "%", "", "", ""),
        tuple(_row(e) for e in fit.estimates),
    )
    worst = max(fit.estimates, key=lambda e: e.standard_error / abs(e.value))
    relative = worst.standard_error / abs(worst.value)
    findings = (f"The least certain estimate is {worst.name}: standard error {relative:.0%} of its value.",)
    negative = tuple(
        f"Shrinkage of {name} is {values[f'shrinkage_{name}'].value:.0f} %: single estimates lean on the population."
        for name in twin.personal
        if values[f"shrinkage_{name}"].value > 30.0
    )
    inputs: dict[str, object] = {"cohort": cohort.name, "cohort_digest": cohort.digest, "estimator": "FOCE-I"}
    return evidence(
        population_fit,
        twin.name,
        inputs,
        values=values,
        tables={"estimates": table},
        findings=findings,
        negative=negative,
    )


def _row(e: Estimate) -> tuple[str | float, ...]:
    rse = 100.0 * e.standard_error / abs(e.value) if e.value else float(np.inf)
    return (e.name, e.unit, e.value, e.standard_error, rse, e.low, e.high, e.meaning)
