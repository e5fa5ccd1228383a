"""Is the filter's own uncertainty consistent with what it then sees?

Asked twice: of patients drawn from the twin itself, whose truth is known (a right filter passes, up to what the model's
nonlinearity costs a normal belief), and of the build patients, each met by a population fitted to the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Count, PowerOfTwo, Resamples, refused, scenario
from vvuq.analyses.validation.next_measurement import normals
from vvuq.analyses.verification import innovations
from vvuq.analyses.verification.stays import Stay, Watched, drawn, watch
from vvuq.calibration.foce import Population, fit_population
from vvuq.calibration.units import in_model_units
from vvuq.data.split import patient_folds, subset
from vvuq.errors import NotEvaluable
from vvuq.models.parameter import LogNormal
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Context, Evidence, Finding, Floats, Measurement

Case = tuple[Schedule, tuple[Measurement, ...]]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    if settings.get("alone") is not None:
        scenario(twin, settings["alone"], "filter_consistency.alone")
    return innovations.metrics()


@analysis("Is the filter's own uncertainty consistent with what it then sees?", suite="verification", metrics=_metrics)
def filter_consistency(
    twin: Twin,
    context: Context,
    *,
    copies: Annotated[int, Field(ge=2)] = 50,
    folds: Annotated[int, Field(ge=2)] = 5,
    members: PowerOfTwo = 64,
    resamples: Resamples = 2000,
    level: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05,
    alone: Choice | None = None,
    samples: Count = 6,
) -> Evidence:
    """Each build patient's stay is drawn `copies` times from the twin and its population, with its doses and sampling
    times, and filtered beside the real one. level: of each family of tests, after Holm's correction.

    alone, samples: where a study has no patients, 30 are drawn under this scenario of the twin, from its priors, and
    sampled so often up to its time."""
    cohort = _build(context, alone is not None)
    standard = normals(twin, members, context.stream("members"))
    population, cases = _alone(twin, alone or {}, samples) if cohort is None else _of_build(twin, cohort)
    seed = int(context.stream("patients").integers(2**62))
    simulated: list[list[Watched]] = [[] for _ in range(copies)]
    for i, (schedule, taken) in enumerate(cases):
        stays = drawn(twin, population, schedule, taken, copies, Draws(seed, "filter_consistency", str(i)))
        for copy, stay in zip(simulated, stays, strict=True):
            copy.append(watch(twin, population, stay, standard))
    real = None if cohort is None else _real(twin, cohort, folds, context.stream("folds"), standard)
    names = (*twin.model.states, *(f"log {name}" for name in twin.personal))
    found = innovations.judged(simulated, real, names, context, level=level, resamples=resamples)
    inputs: dict[str, object] = {
        "cohort": cohort.digest if cohort else "", "copies": copies, "folds": folds, "members": members,
        "resamples": resamples, "level": level, "alone": alone or {}, "samples": samples,
    }  # fmt: skip
    return evidence(
        filter_consistency, twin.name, inputs, values=found.values, tables=found.tables, findings=found.findings,
        negative=found.negative,
    )  # fmt: skip


def _build(context: Context, can_do_without: bool) -> Cohort | None:
    """The build patients; None where there are none and a scenario stands in."""
    try:
        return context.build()
    except NotEvaluable:
        if can_do_without:
            return None
        raise


def _of_build(twin: Twin, cohort: Cohort) -> tuple[Population, list[Case]]:
    """The population of all build patients, and what was given to and measured in each."""
    cases = [(twin.schedule(cohort, p), in_model_units(twin, cohort, p.measurements)) for p in cohort.patients]
    return fit_population(twin, cohort, errors=False), [case for case in cases if case[1]]


def _alone(twin: Twin, choice: dict[str, Any], samples: int, patients: int = 30) -> tuple[Population, list[Case]]:
    """A population as the priors have it, all of it under one scenario."""
    made = scenario(twin, choice, "filter_consistency.alone")
    theta = np.array([p.prior.quantile(0.5) for p in twin.model.parameters])
    priors = {p.name: p.prior for p in twin.model.parameters}
    spread = [prior.sd_log for name in twin.personal if isinstance(prior := priors[name], LogNormal)]
    if len(spread) < len(twin.personal):
        raise NotEvaluable(f"a personal parameter of twin {twin.name} has no log-normal prior to draw patients from")
    times = np.linspace(made.schedule.start, made.time, samples + 1)[1:]
    taken = tuple(Measurement(float(t), made.observable, float("nan")) for t in times)
    found = Population(theta, np.array(spread), 1.0, 0.0, 0.0, (), np.empty((0, len(spread))), (), 0, 0)
    return found, [(made.schedule, taken)] * patients


def _real(twin: Twin, cohort: Cohort, folds: int, rng: np.random.Generator, standard: Floats) -> list[Watched]:
    """Every build patient with a measurement, filtered by the population of the folds that do not hold that patient."""
    ids = [p.id for p in cohort.patients]
    if folds > len(ids):
        raise refused("filter_consistency.folds", folds, f"{len(ids)} at most: the cohort has so many build patients")
    found = []
    for fold in patient_folds(ids, folds, 1, rng)[0]:
        fitted = fit_population(twin, subset(cohort, [i for i in ids if i not in fold], "fitted"), errors=False)
        for patient in subset(cohort, fold, "left").patients:
            if patient.measurements:
                taken = in_model_units(twin, cohort, patient.measurements)
                found.append(watch(twin, fitted, Stay(twin.schedule(cohort, patient), taken), standard))
    return found


@check("filter_consistency")
def consistent_where_the_truth_is_known(found: Evidence) -> tuple[Finding, ...]:
    """Code verification of the filter against a truth that was drawn: rung b where the SDs of innovations, states and
    parameters are right within 10 %, surely. What build patients show is for the criteria of the plan."""
    factors = {name: found.values.get(f"simulated_{name}_factor") for name in innovations.FACTORS}
    right = all(innovations.within(factor) for factor in factors.values())
    whole = found.values["failed_steps"].value == 0.0
    errors = ", ".join(f"{name} {q.value:.3f}" if q else f"{name} infinite" for name, q in factors.items())
    patients = found.values["simulated_patients"].value
    reason = f"on {patients:.0f} simulated patients errors are so many times the filter's SDs: {errors}"
    return (Finding("verification.code.numerical_code_verification", "b" if right and whole else "a", reason),)
