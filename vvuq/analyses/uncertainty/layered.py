"""Shared by the analyses of forecasts in layers: whose forecast, of what, and with which numbers of the population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from vvuq.analyses.experiments import experiment
from vvuq.analyses.settings import Count, Finite, Name, Positive, Whole, refused, scenario
from vvuq.analyses.slotted import build_records
from vvuq.analyses.tracked import tracked
from vvuq.calibration import foce, state_space
from vvuq.calibration.subjects import (
    Subject,
    left_out,
    personal_subject,
    prior_subject,
    slot_subject,
    tracked_subject,
)
from vvuq.calibration.tracking import declared as declared_tracking
from vvuq.data.split import subset
from vvuq.errors import near
from vvuq.interaction.nested import Asked
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Context

Known = Literal["priors", "population_fit", "tracking_fit", "state_space_fit", "experiment"]
WORDS: Mapping[str, str] = {
    "priors": "the declared priors", "population_fit": "a population fit of the build patients",
    "tracking_fit": "a fit for following the build patients",
    "state_space_fit": "a fit of the build patients in slots", "experiment": "an experiment whose numbers are exact",
}  # fmt: skip


@with_config(ConfigDict(extra="forbid", strict=True))
class FitSettings(TypedDict, total=False):
    """How long the fit may search, as the analysis that shows it says. none: the declaration in place of a fit."""

    every: Positive
    evaluations: Count
    iterations: Count
    most: Whole
    none: bool


@with_config(ConfigDict(extra="forbid", strict=True))
class First(TypedDict):
    """The first reading of a patient who is followed, and when."""

    reading: Finite
    time: Finite


@dataclass(frozen=True, eq=False, slots=True)
class Question:
    """What is forecast of whom: under `schedule`, `observable` at `target`; `meaning` in words."""

    schedule: Schedule
    observable: str
    target: float
    meaning: str
    unit: str


Times = Annotated[list[Finite], Field(min_length=1)]
Counts = Annotated[list[Whole], Field(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1)]
Draws_ = Annotated[int, Field(ge=0)]


def question(
    twin: Twin, use: Mapping[str, Any], setting: str, target: float | None = None, observable: str | None = None
) -> Question:
    """What the plan asks: {"scenario": NAME, ...} says all of it; {"experiment": NAME, ...} and {} leave observable and
    target to the settings of these names. Raises InputError where one is missing or not the twin's."""
    stem = setting.partition(".")[0]
    if "scenario" in use:
        if target is not None or observable is not None:
            raise refused(f"{stem}.target", target, "remove target and observable: the scenario says both")
        found = scenario(twin, dict(use), setting)
        return Question(
            found.schedule, found.observable, found.time, found.meaning, _unit(twin, found.observable, stem)
        )
    if target is None or observable is None:
        raise refused(f"{stem}.target", target, "target and observable: what is forecast, and when")
    if "experiment" in use:
        of = experiment(twin, use, setting)
        known = [one.name for one in of.system.model.observables]
        if observable not in known:
            raise refused(f"{stem}.observable", observable, f"an observable of {of.name}{near(observable, known)}")
        unit = of.system.model.observables[known.index(observable)].unit
        return Question(of.schedule, observable, target, f"{observable} of {of.name} at {target:g}", unit)
    if use:
        raise refused(setting, dict(use), "a scenario, an experiment, or {}: a patient to whom nothing is given")
    return Question(
        Schedule(), observable, target, f"{observable} at {target:g} {twin.model.time_unit}, nothing given",
        _unit(twin, observable, stem),
    )  # fmt: skip


def _unit(twin: Twin, observable: str, stem: str) -> str:
    known = [one.name for one in twin.model.observables]
    if observable not in known:
        raise refused(f"{stem}.observable", observable, f"an observable of {twin.name}{near(observable, known)}")
    return twin.model.observables[known.index(observable)].unit


def asked(
    of: Question, subject: Subject, stem: str, measured: Sequence[float], after: Sequence[int],
    observed: Sequence[str] | None, pace: float | None, members: tuple[int, int],
) -> Asked:  # fmt: skip
    """The forecast of a subject. Raises InputError for an observable it does not have, or times that do not fit."""
    names = subject.system.channels if subject.system.operator is None else None
    seen = np.ones(len(subject.system.noise), dtype=bool)
    if observed is not None:
        for name in observed:
            if names is None or name not in names:
                known = names or ()
                raise refused(f"{stem}.observed", name, f"an observable that is measured{near(name, known)}")
        seen = np.array([name in observed for name in names or ()])
    return Asked(
        of.observable, of.target, np.array(measured, dtype=float), seen, tuple(after), *members,
        pace=float("inf") if pace is None else pace,
    )  # fmt: skip


def worlds(
    twin: Twin, context: Context, known: Known, of: Question, use: Mapping[str, Any], populations: int,
    fit: FitSettings, first: First | None, members: int, stem: str,
) -> tuple[Subject, tuple[Subject, ...], str]:  # fmt: skip
    """A subject by the estimates, subjects by `populations` draws of what the fit leaves open (as many as there are,
    which may be none), and what the draws are, in words."""
    rng = context.stream("populations")
    if known == "experiment":
        one = experiment(twin, use, f"{stem}.use")
        return Subject(one.system, one.prior, one.schedule), (), "the system's numbers are given and exact"
    if known == "priors":
        return (
            prior_subject(twin, of.schedule, members),
            (),
            "priors stand for all that is known of patients; nobody was fitted",
        )
    if known == "population_fit":
        found = foce.fit_population(twin, context.build())
        draws = foce.drawn(twin, found, rng.standard_normal((found.point.size, populations))) if populations else ()
        made = tuple(personal_subject(twin, draw, of.schedule) for draw in draws)
        return personal_subject(twin, found, of.schedule), made, "draws from the covariance of the fit"
    if known == "state_space_fit":
        return _slots(twin, context, populations, fit, rng)
    return _tracked(twin, context, of, populations, fit, first, stem)


def _slots(
    twin: Twin, context: Context, populations: int, fit: FitSettings, rng: np.random.Generator
) -> tuple[Subject, tuple[Subject, ...], str]:
    if fit.get("none"):
        return slot_subject(twin, state_space.declared(twin)), (), "the twin's declaration; nobody was fitted"
    records = build_records(twin, context, fit.get("most", 0))
    found = state_space.fit_state_space(twin, records, iterations=fit.get("iterations", 60), threads=2)
    normals = rng.standard_normal((found.point.size, populations))
    draws = state_space.drawn(twin, found, normals) if populations else ()
    said = "draws from the covariance of the fit"
    return slot_subject(twin, found.candidate), tuple(slot_subject(twin, draw) for draw in draws), said


def _tracked(
    twin: Twin, context: Context, of: Question, populations: int, fit: FitSettings, first: First | None, stem: str
) -> tuple[Subject, tuple[Subject, ...], str]:
    if first is None:
        raise refused(f"{stem}.first", None, "{reading, time}: with what a patient who is followed begins")

    def made(known: Any) -> Subject:
        return tracked_subject(twin, known, of.schedule, first["reading"], first["time"])

    if fit.get("none"):
        return made(declared_tracking(twin)), (), "the twin's declaration; nobody was fitted"
    build, how = context.build(), {"every": fit.get("every", 360.0), "evaluations": fit.get("evaluations", 150)}
    found = tracked(twin, build, every=float(how["every"]), evaluations=int(how["evaluations"]))
    ids = [patient.id for patient in build.patients]
    if not populations or len(ids) < 3:
        return made(found), (), "no fit was made with patients left out"
    rest = tuple(
        tracked(
            twin,
            subset(build, [i for i in ids if i != one], "fitted"),
            every=float(how["every"]),
            evaluations=int(how["evaluations"]),
        )
        for one in ids
    )
    said = f"fits that leave one of {len(ids)} patients out, spread as the jackknife has it"
    return made(found), tuple(made(one) for one in left_out(found, rest)), said
