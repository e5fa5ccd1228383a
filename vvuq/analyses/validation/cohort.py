"""Which patients were analysed, how were they split, and how much of the envelope do the held-out ones cover?"""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from vvuq.analyses import analysis, check, evidence
from vvuq.data import describe
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Context, Evidence, Finding, Patient, Quantity

Limits = dict[str, list[float]]


@analysis("Which patients were analysed, and how were they split?", suite="data", version=2)
def cohort(
    twin: Twin,
    context: Context,
    *,
    envelope: Limits | None = None,
    below: dict[str, float] | None = None,
) -> Evidence:
    """Counts, flow, table 1, what is missing. envelope: covariate -> [low, high] of the context of use."""
    build = context.build()
    sealed = context.open_sealed("counts and covariates for the flow diagram and table 1; concentrations are not used")
    values = {name: Quantity(float(count), "1") for name, count in describe.counts(build, sealed).items()}
    for name, (low, high) in (envelope or {}).items():
        values[f"envelope_{name}_covered"] = Quantity(
            100.0 * covered(sealed, name, low, high), "%", n=len(sealed.patients)
        )
    regimens = {regimen(p) for p in sealed.patients if p.doses}
    values["n_regimens_held_out"] = Quantity(float(len(regimens)), "1")
    tables = {
        "flow": describe.flow(build, sealed),
        "table1": describe.table1(build, sealed, tuple((below or {}).items())),
        "missingness": describe.missingness(build, sealed),
    }
    inputs: dict[str, object] = {"build": build.digest, "sealed": sealed.digest, "envelope": envelope or {}}
    return evidence(cohort, twin.name, inputs, values=values, tables=tables)


def covered(part: Cohort, covariate: str, low: float, high: float) -> float:
    """The share of [low, high] between the smallest and largest value of the part's patients."""
    values = [dict(p.covariates)[covariate] for p in part.patients]
    return max(0.0, min(max(values), high) - max(min(values), low)) / (high - low)


def regimen(patient: Patient) -> tuple[int, float, int]:
    """First dose to 5 per kg, median later dose to 0.5 per kg, median interval to 6: what makes regimens alike."""
    weight = dict(patient.covariates).get("weight", 1.0)
    first, later = patient.doses[0].amount / weight, [d.amount / weight for d in patient.doses[1:]]
    gaps = [b.time - a.time for a, b in pairwise(patient.doses)]
    maintenance, interval = (median(later), median(gaps)) if later else (0.0, 0.0)
    return 5 * round(first / 5), round(2 * maintenance) / 2, 6 * round(interval / 6)


@check("cohort")
def comparators_span_the_envelope(found: Evidence) -> tuple[Finding, ...]:
    """Comparator rows that the cohort's description decides; none where a patient stands in both parts."""
    if found.values["n_overlap"].value != 0:
        return ()
    spans = {name: v.value for name, v in found.values.items() if name.startswith("envelope_")}
    least = min(spans.values(), default=0.0)
    rung = "c" if least >= 90.0 else "b" if least > 0.0 else "a"
    text = ", ".join(
        f"{name.removeprefix('envelope_').removesuffix('_covered')} {v:.0f} %" for name, v in spans.items()
    )
    regimens = found.values["n_regimens_held_out"].value
    quantity = "c" if regimens > 4 else "b" if regimens >= 2 else "a"
    return (
        Finding(
            "validation.comparator.samples.range", rung, f"share of the envelope that held-out neonates span: {text}"
        ),
        Finding("validation.comparator.samples.measurements", "b", "weight and Apgar score are recorded; age is not"),
        Finding(
            "validation.comparator.conditions.quantity",
            quantity,
            f"{regimens:.0f} regimens, by dose per kg and interval",
        ),
        Finding(
            "validation.assessment.input_equivalency",
            "c" if least >= 90.0 else "b",
            f"inputs are of the same types; of the ranges of use held-out neonates span: {text}",
        ),
        Finding(
            "validation.comparator.conditions.measurements", "b", "doses and times are recorded; co-medication is not"
        ),
    )
