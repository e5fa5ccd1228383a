"""How well is the next measurement of a held-out patient forecast?"""

from __future__ import annotations

from functools import partial

import numpy as np

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Group, Name, PowerOfTwo, Resamples
from vvuq.analyses.validation.next_measurement import CENTRAL90, Rows, normals, of_cohort
from vvuq.analyses.validation.report import (
    agreement,
    check_cohort,
    compared,
    declared,
    individual_tables,
    negative_of,
    tables_of,
    values_of,
)
from vvuq.calibration.foce import Population, fit_population
from vvuq.calibration.personal import assimilate, personal_system, prior_belief
from vvuq.calibration.units import in_model_units
from vvuq.data.split import overlap
from vvuq.interaction.forecast import forecast_from
from vvuq.models.parameter import Observable
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Context, Evidence, Finding, Floats, Quantity, Table


@analysis(
    "How well is the next measurement of a held-out patient forecast?",
    suite="validation",
    version=3,
    metrics=partial(declared, "holdout"),
)
def holdout(
    twin: Twin,
    context: Context,
    *,
    members: PowerOfTwo = 256,
    resamples: Resamples = 2000,
    groups: list[Group] | None = None,
    observable: Name | None = None,
) -> Evidence:
    """The population fitted to build patients, each held-out patient's measurements forecast from the earlier ones.

    n_leaked counts held-out patients that are, by id or by their very record, among the fitted."""
    build, seen = context.build(), compared(twin, observable, "holdout")
    check_cohort(build, seen, groups or [], "holdout")
    fit = fit_population(twin, build)
    sealed = context.open_sealed("held-out validation: each next measurement from the earlier ones")
    draws = normals(twin, members, context.stream("members"))
    found = of_cohort(twin, fit, sealed, draws)
    values = values_of(twin, seen.unit, found, context.stream("bootstrap"), resamples)
    values["n_leaked"] = Quantity(float(len(overlap(sealed, fit.cohort or build))), "1")
    tables = tables_of(twin, seen.unit, found, values, groups or [], context.stream("groups"))
    tables |= individual_tables(twin, seen.unit, found)
    tables["bands"] = _bands(twin, fit, sealed, seen, found, draws)
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest, "members": members, "resamples": resamples,
        "observable": seen.name,
    }  # fmt: skip
    negative = negative_of(twin, values, "held-out patients")
    return evidence(holdout, twin.name, inputs, values=values, tables=tables, negative=negative)


def _bands(twin: Twin, fit: Population, cohort: Cohort, seen: Observable, found: list[Rows], draws: Floats) -> Table:
    """The first held-out patient with the most measurements (at most 3 are shown): the course to the last record as
    forecast after 0, 1, 2 ... of them."""
    most = min(3, max(len(r.patient.measurements) for r in found))
    patient = next(r.patient for r in found if len(r.patient.measurements) >= most)
    system, schedule = personal_system(twin, fit), twin.schedule(cohort, patient)
    taken = in_model_units(twin, cohort, patient.measurements)
    beliefs, _ = assimilate(system, prior_belief(twin, fit, schedule), schedule, taken[:most])
    rows: list[tuple[Cell, ...]] = []
    for k, belief in enumerate(beliefs):
        times = np.linspace(belief.time, taken[-1].time, 61)[1:] if belief.time < taken[-1].time else np.empty(0)
        if not times.size:
            continue
        ahead = forecast_from(system, belief, schedule, seen.name, times, draws)
        outer, inner = ahead.total_quantiles(CENTRAL90), ahead.epistemic_quantiles(CENTRAL90)
        for t, (low, median, high), (inner_low, _, inner_high) in zip(times, outer, inner, strict=True):
            rows.append((patient.id, k, *(float(v) for v in (t, median, low, high, inner_low, inner_high))))
    columns = ("patient", "earlier_samples", "time", "median", "low90", "high90", "epistemic_low90", "epistemic_high90")
    units = ("", "1", twin.model.time_unit, *(seen.unit for _ in columns[3:]))
    return Table("One patient's forecast band as samples arrive", columns, units, tuple(rows), individual=True)


@check("holdout")
def held_out_patients_agree(found: Evidence) -> tuple[Finding, ...]:
    """What held-out forecasts substantiate; nothing where a compared patient was among the fitted."""
    if found.values["n_leaked"].value != 0:
        return ()
    n, seen = found.values["n_patients"].value, str(found.inputs["observable"]).replace("_", " ")
    return (
        agreement(found),
        Finding(
            "validation.assessment.output_comparison.rigor", "c",
            "each comparison carries the forecast's uncertainty; the measurement's own error is not known apart",
        ),
        Finding("validation.assessment.output_comparison.quantity", "a", f"one output, {seen}, is compared"),
        Finding(
            "validation.assessment.output_comparison.equivalency", "b",
            f"the next measured {seen} is compared, under what was given; other quantities of interest are not",
        ),
        Finding(
            "validation.comparator.samples.quantity", "b" if n >= 2 else "a", f"{n:.0f} held-out patients are compared"
        ),
        Finding(
            "applicability.quantities_of_interest", "a",
            f"{seen} at the patients' own samples is related to the quantities of interest; how closely is not shown",
        ),
        Finding(
            "applicability.validation_activities", "b",
            "internal validation: held-out patients of the same cohort as those the twin was fitted to",
        ),
    )  # fmt: skip
