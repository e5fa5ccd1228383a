"""Is the filter that follows patients over days as uncertain as it should be?

Asked twice, as filter_consistency does: of patients drawn from the twin and its population, drift included, whose truth
is known; and of build patients, each met by a population that was fitted to others. Forecasts are those of the next
reading, as the filter has them: normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Count, Positive, Resamples, refused
from vvuq.analyses.tracked import tracked
from vvuq.analyses.verification import innovations
from vvuq.analyses.verification.filter_consistency import consistent_where_the_truth_is_known
from vvuq.analyses.verification.stays import Watched, errors_of
from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.system import Observations, observe, process_sd, propagate
from vvuq.assimilation.ukf_run import filter_record, walk_of
from vvuq.calibration.stretches import Stretch, stretches
from vvuq.calibration.tracking import METHOD, Tracking, first_belief, followed, track, tracking_system
from vvuq.data.split import same_folds, subset
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Cohort, Context, Evidence, Finding, Floats, Quantity

KNOWN = 1e-6
Readings = Annotated[int, Field(ge=10)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    if twin.follow is None:
        raise NotEvaluable(f"twin {twin.name} follows nobody: Twin(follow=...)")
    return innovations.metrics() | {"simulated_out_of_range": "%"}


@analysis(
    "Is the filter that follows patients over days as uncertain as it should be?",
    suite="verification",
    metrics=_metrics,
)
def tracking_consistency(
    twin: Twin,
    context: Context,
    *,
    copies: Annotated[int, Field(ge=2)] = 10,
    readings: Readings = 192,
    drawn: Readings = 48,
    folds: Annotated[int, Field(ge=2)] | None = None,
    every: Positive = 360.0,
    evaluations: Count = 150,
    resamples: Resamples = 2000,
    level: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05,
) -> Evidence:
    """The first `readings` of each build patient's longest stretch; `copies` times, with its doses, the first `drawn`.

    The belief before a drawn patient's first reading is the one it is drawn from; before a real one's it stands at that
    reading, which is not counted therefore. folds: as for forecast_comparison; every, evaluations: of the fits."""
    build = context.build()
    ids = [p.id for p in build.patients]
    if not 2 <= (folds or 2) <= len(ids):
        raise refused("tracking_consistency.folds", folds, f"2 to {len(ids)}: the cohort has so many build patients")
    parts = same_folds(ids, folds)
    real: list[Watched] = []
    for fold in parts:
        rest = subset(build, [i for i in ids if i not in fold], "fitted")
        known = tracked(twin, rest, every=every, evaluations=evaluations)
        real += [watched(twin, known, one) for one in _longest(twin, subset(build, fold, "left out"), readings)]
    known, base = tracked(twin, build, every=every, evaluations=evaluations), context.stream("patients")
    seed = int(base.integers(2**62))
    simulated: list[list[Watched]] = [[] for _ in range(copies)]
    outside = 0
    for stretch in _longest(twin, build, drawn):
        keyed = Draws(seed, "tracking_consistency", stretch.patient)
        patients, left = simulate_stretch(twin, known, stretch, copies, keyed)
        outside += left
        for copy, one in zip(simulated, patients, strict=True):
            copy.append(one)
    count = sum(len(copy) for copy in simulated)
    names = (*twin.model.states, *(f"log {name}" for name in twin.personal))
    found = innovations.judged(simulated, real, names, context, level=level, resamples=resamples)
    inputs: dict[str, object] = {
        "cohort": build.digest, "copies": copies, "readings": readings, "drawn": drawn, "folds": len(parts),
        "every": every,        "evaluations": evaluations, "resamples": resamples, "level": level,
    }  # fmt: skip
    values = found.values | {"simulated_out_of_range": Quantity(100.0 * outside / count, "%", n=count)}
    return evidence(
        tracking_consistency, twin.name, inputs, values=values, tables=found.tables, findings=found.findings,
        negative=(*found.negative, *_implausible(outside, count, drawn)),
    )  # fmt: skip


def _implausible(outside: int, count: int, readings: int) -> tuple[str, ...]:
    """Where many drawn patients are none that there could be."""
    told = f"Of {count} patients drawn from the twin with its drift, {outside} leave what the sensor can show within"
    return (
        (f"{told} {readings} readings: as a source of patients it is not plausible.",) if outside > 0.1 * count else ()
    )


def _longest(twin: Twin, cohort: Cohort, count: int) -> list[Stretch]:
    """The first `count` readings of each patient's longest stretch. Raises NotEvaluable where there is none."""
    found = [max(parts, key=lambda s: s.times.size) for p in cohort.patients if (parts := stretches(twin, cohort, p))]
    kept = [replace(s, times=s.times[:count], values=s.values[:count]) for s in found if s.times.size > 2]
    if not kept:
        raise NotEvaluable(f"{cohort.name}: nobody has 3 readings without a gap")
    return kept


def watched(twin: Twin, known: Tracking, stretch: Stretch) -> Watched:
    """The filter's way through a real patient's stretch, from the second reading on."""
    return _seen(twin, track(twin, known, stretch), None)


def simulate_stretch(
    twin: Twin, known: Tracking, stretch: Stretch, copies: int, draws: Draws
) -> tuple[list[Watched], int]:
    """`copies` patients drawn from the belief before the first reading, moved at random as the twin says, read at the
    stretch's times, and filtered; and how many of them left what the sensor can show. More copies leave the first ones
    as they are.

    Raises NotEvaluable where one of them leaves the model's range."""
    system, prior = tracking_system(twin, known), first_belief(twin, known, stretch)
    times, d = stretch.times, system.size
    begun = draws.normal(0, "patients", (copies, d)).T
    moved = draws.normal(0, "drift", (copies, times.size, d))
    errors = draws.normal(0, "errors", (copies, times.size))
    follow, outside = followed(twin), np.zeros(copies, dtype=bool)
    channel = twin.model.observable_index(follow.observable)
    members, before = prior.mean[:, None] + prior.root @ begun, prior.time
    read = np.full((times.size, len(system.noise), copies), np.nan)
    for i, time in enumerate(times):
        members, codes = propagate(system, stretch.schedule, members, before, float(time))
        members = members + process_sd(system, before, float(time))[:, None] * moved[:, i].T
        exact = observe(system, stretch.schedule, members, float(time))[channel]
        if np.any(codes != 0) or not np.isfinite(exact).all():
            raise NotEvaluable("a simulated patient left the model's range")
        outside |= (exact < follow.lowest) | (exact > follow.highest)
        noise, before = system.noise[channel], float(time)
        read[i, channel] = exact + np.hypot(noise.sd, noise.cv * exact) * errors[:, i]
    walk = walk_of(system, stretch.schedule, np.append(times[0], times))
    courses = (
        filter_record(
            METHOD, system, stretch.schedule, prior, Observations(times, read[:, :, j]), roots=True, walk=walk
        )
        for j in range(copies)
    )
    sds = np.sqrt((prior.root**2).sum(axis=1))
    return [_seen(twin, course, members[:, j], sds) for j, course in enumerate(courses)], int(outside.sum())


def _seen(twin: Twin, course: Filtered, truth: Floats | None, sds: Floats | None = None) -> Watched:
    """What `innovations` needs, from the second reading on; errors at the last reading where the truth is known.

    A state that the filter has come to know to a millionth of `sds`, those it began with, and rightly so, has none."""
    channel = twin.model.observable_index(followed(twin).observable)
    z = (course.innovation[1:, channel] / course.spread[1:, channel]).copy()
    z[course.codes[1:] != 0] = np.nan
    nis, degrees = np.where(np.isnan(z), np.nan, course.nis[1:]), np.isfinite(z).astype(float)
    last = course.last
    if not isinstance(last, Belief):
        raise NotEvaluable("the filter that follows patients gives no normal belief")
    n = len(twin.model.states)
    states, parameters = errors_of(last, truth, n)
    if truth is not None and sds is not None:
        wrong = np.maximum(np.abs(truth - last.mean), np.sqrt((last.root**2).sum(axis=1)))[:n]
        states = np.where(wrong <= KNOWN * sds[:n], np.nan, states)
    return Watched(z, nis, degrees, ndtr(z), states, parameters, int(np.isnan(z).sum()))


@check("tracking_consistency")
def tracks_where_the_truth_is_known(found: Evidence) -> tuple[Finding, ...]:
    """As for filter_consistency: rung b where SDs are right within 10 %, surely, on simulated patients."""
    return tuple(consistent_where_the_truth_is_known.run(found))
