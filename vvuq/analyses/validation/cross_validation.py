"""How well is the next measurement of a build patient forecast by a twin that never saw that patient?"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Count, Group, Name, PowerOfTwo, Resamples, refused
from vvuq.analyses.validation.next_measurement import normals, of_cohort
from vvuq.analyses.validation.report import check_cohort, compared, declared, negative_of, tables_of, values_of
from vvuq.calibration.foce import fit_population
from vvuq.data.split import overlap, patient_folds, subset
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity


@analysis(
    "How well is the next measurement of a build patient forecast, out of fold?",
    suite="validation",
    version=3,
    metrics=partial(declared, "cross_validation"),
)
def cross_validation(
    twin: Twin,
    context: Context,
    *,
    folds: Annotated[int, Field(ge=2)] = 5,
    repeats: Count = 3,
    members: PowerOfTwo = 256,
    resamples: Resamples = 2000,
    groups: list[Group] | None = None,
    observable: Name | None = None,
) -> Evidence:
    """Repeated patient-level cross-validation on build patients: the population is fitted anew for each fold.

    n_leaked counts patients that were compared although they, or their very record, were among the fitted."""
    cohort, seen = context.build(), compared(twin, observable, "cross_validation")
    check_cohort(cohort, seen, groups or [], "cross_validation")
    ids, draws = [p.id for p in cohort.patients], normals(twin, members, context.stream("members"))
    if folds > len(ids):
        raise refused("cross_validation.folds", folds, f"{len(ids)} at most: the cohort has so many build patients")
    found, leaked = [], 0
    for partition in patient_folds(ids, folds, repeats, context.stream("folds")):
        for fold in partition:
            fitted, left_out = subset(cohort, [i for i in ids if i not in fold], "fitted"), subset(cohort, fold, "left")
            leaked += len(overlap(left_out, fitted))
            found += of_cohort(twin, fit_population(twin, fitted, errors=False), left_out, draws)
    values = values_of(twin, seen.unit, found, context.stream("bootstrap"), resamples)
    values["n_leaked"] = Quantity(float(leaked), "1")
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "folds": folds, "repeats": repeats, "members": members, "resamples": resamples,
        "observable": seen.name,
    }  # fmt: skip
    return evidence(
        cross_validation, twin.name, inputs, values=values,
        tables=tables_of(twin, seen.unit, found, values, groups or [], context.stream("groups")),
        negative=negative_of(twin, values, "build patients (cross-validation)"),
    )  # fmt: skip
