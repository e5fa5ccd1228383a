"""How well is the next concentration of a held-out neonate forecast?"""

from __future__ import annotations

import numpy as np

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.validation.next_measurement import CENTRAL90, Rows, normals, of_cohort
from vvuq.analyses.validation.report import Group, agreement, negative_of, tables_of, values_of
from vvuq.calibration.foce import Population, fit_population
from vvuq.calibration.personal import assimilate, personal_filter, prior_belief
from vvuq.calibration.units import in_model_units
from vvuq.interaction.forecast import forecast
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Context, Evidence, Finding, Floats, Table


@analysis("How well is the next concentration of a held-out neonate forecast?", suite="validation", version=2)
def holdout(
    twin: Twin,
    context: Context,
    *,
    members: int = 256,
    resamples: int = 2000,
    groups: list[Group] | None = None,
) -> Evidence:
    """The population fitted to build patients, each held-out patient's measurements forecast from the earlier ones."""
    build = context.build()
    fit = fit_population(twin, build)
    sealed = context.open_sealed("held-out validation: each next concentration from the earlier ones")
    draws = normals(twin, members, context.stream("members"))
    found = of_cohort(twin, fit, sealed, draws)
    values = values_of(twin, found, context.stream("bootstrap"), resamples)
    tables = tables_of(twin, found, values, groups or [], context.stream("groups"), individual=True)
    tables["bands"] = _bands(twin, fit, sealed, found, draws)
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest, "members": members, "resamples": resamples,
    }  # fmt: skip
    return evidence(
        holdout,
        twin.name,
        inputs,
        values=values,
        tables=tables,
        negative=negative_of(twin, values, "held-out neonates"),
    )


def _bands(twin: Twin, fit: Population, cohort: Cohort, found: list[Rows], draws: Floats) -> Table:
    """The first held-out patient with the most measurements (at most 3 are shown): the course to the last record as
    forecast after 0, 1, 2 ... of them."""
    most = min(3, max(len(r.patient.measurements) for r in found))
    patient = next(r.patient for r in found if len(r.patient.measurements) >= most)
    filter_, schedule = personal_filter(twin, fit), twin.schedule(cohort, patient)
    taken = in_model_units(twin, cohort, patient.measurements)
    beliefs, _ = assimilate(filter_, prior_belief(twin, fit, schedule), schedule, taken[:most])
    rows: list[tuple[Cell, ...]] = []
    for k, belief in enumerate(beliefs):
        times = np.linspace(belief.time, taken[-1].time, 61)[1:] if belief.time < taken[-1].time else np.empty(0)
        if not times.size:
            continue
        ahead = forecast(filter_, belief, schedule, taken[0].observable, times, draws)
        outer, inner = ahead.total_quantiles(CENTRAL90), ahead.epistemic_quantiles(CENTRAL90)
        for t, (low, median, high), (inner_low, _, inner_high) in zip(times, outer, inner, strict=True):
            rows.append((patient.id, k, *(float(v) for v in (t, median, low, high, inner_low, inner_high))))
    columns = ("patient", "earlier_samples", "time", "median", "low90", "high90", "epistemic_low90", "epistemic_high90")
    units = ("", "1", "h", "mg/L", "mg/L", "mg/L", "mg/L", "mg/L")
    return Table("One neonate's forecast band as samples arrive", columns, units, tuple(rows), individual=True)


@check("holdout")
def held_out_patients_agree(found: Evidence) -> tuple[Finding, ...]:
    """What held-out forecasts substantiate: agreement, its rigor, the inputs' equivalency, how many comparators."""
    n = found.values["n_patients"].value
    return (
        agreement(found),
        Finding(
            "validation.assessment.output_comparison.rigor", "c",
            "each comparison carries the forecast's uncertainty; the assay's own error is not known apart",
        ),
        Finding(
            "validation.assessment.output_comparison.quantity", "a", "one output, the serum concentration, is compared"
        ),
        Finding(
            "validation.assessment.output_comparison.equivalency", "b",
            "the next concentration is compared, the decision rests on the steady-state trough",
        ),
        Finding(
            "validation.comparator.samples.quantity", "b" if n >= 2 else "a", f"{n:.0f} held-out neonates are compared"
        ),
        Finding(
            "applicability.quantities_of_interest", "a", "concentrations in the first days are related to the trough"
        ),
        Finding(
            "applicability.validation_activities", "b",
            "internal validation: the neonates of the same unit whose data shaped structure and covariates",
        ),
    )  # fmt: skip
