"""How well is the next concentration of a build neonate forecast by a twin that never saw that neonate?"""

from __future__ import annotations

from vvuq.analyses import analysis, evidence
from vvuq.analyses.validation.next_measurement import normals, of_cohort
from vvuq.analyses.validation.report import Group, negative_of, tables_of, values_of
from vvuq.calibration.foce import fit_population
from vvuq.data.split import patient_folds, subset
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence


@analysis("How well is the next concentration of a build neonate forecast, out of fold?", suite="validation", version=2)
def cross_validation(
    twin: Twin,
    context: Context,
    *,
    folds: int = 5,
    repeats: int = 3,
    members: int = 256,
    resamples: int = 2000,
    groups: list[Group] | None = None,
) -> Evidence:
    """Repeated patient-level cross-validation on build patients: the population is fitted anew for each fold."""
    cohort = context.build()
    ids, draws = [p.id for p in cohort.patients], normals(twin, members, context.stream("members"))
    found = []
    for partition in patient_folds(ids, folds, repeats, context.stream("folds")):
        for fold in partition:
            fit = fit_population(twin, subset(cohort, [i for i in ids if i not in fold], "fitted"), errors=False)
            found += of_cohort(twin, fit, subset(cohort, fold, "left out"), draws)
    values = values_of(twin, found, context.stream("bootstrap"), resamples)
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "folds": folds, "repeats": repeats, "members": members, "resamples": resamples,
    }  # fmt: skip
    return evidence(
        cross_validation, twin.name, inputs, values=values,
        tables=tables_of(twin, found, values, groups or [], context.stream("groups"), individual=False),
        negative=negative_of(twin, values, "build neonates (cross-validation)"),
    )  # fmt: skip
