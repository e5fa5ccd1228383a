"""The two verbs of a twin at the bedside, for every twin: assimilate what is on record of a patient, and forecast what
comes next, as recorded or under other actions.

A forecast made at `origin` knows what is on record then and nothing later; continuous infusions go on as they were.
Two forecasts of one origin share their random numbers, so that their difference is what the actions do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.system import Observations, System
from vvuq.assimilation.ukf_run import filter_record
from vvuq.calibration.foce import Population
from vvuq.calibration.personal import METHOD, personal_system, prior_belief
from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import Tracking, first_belief, followed, track, tracking_system
from vvuq.calibration.units import in_model_units
from vvuq.data.known import known_at
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecast import Forecast, forecast_from
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Cohort, Dose, Floats, Patient


@dataclass(frozen=True, eq=False)
class Followed:
    """A patient as a twin has followed them: for each stretch of the record the belief before its first measurement,
    and what the filter found. Times are in the model's unit."""

    twin: Twin
    system: System
    cohort: Cohort
    patient: Patient
    priors: tuple[Belief, ...]
    courses: tuple[Filtered, ...]

    def belief(self, time: float) -> Belief:
        """The belief after the last measurement at `time` or before. Raises NotEvaluable before the record begins."""
        for prior, course in zip(reversed(self.priors), reversed(self.courses), strict=True):
            count = int(np.searchsorted(course.times, time, side="right"))
            if count and course.roots is not None:
                return Belief(float(course.times[count - 1]), self.system.names, course.mean[count - 1],
                              course.roots[count - 1], cycle=count)  # fmt: skip
            if prior.time <= time:
                return prior
        raise NotEvaluable(f"{self.cohort.name}, patient {self.patient.id}: nothing is on record at {time:g} or before")


@dataclass(frozen=True, slots=True)
class Actions:
    """What is done at the origin, other than is on record: doses given, and kinds of doses recorded at that very time
    that are withheld."""

    give: tuple[Dose, ...] = ()
    withhold: tuple[str, ...] = ()


AS_RECORDED = Actions()


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Forecasts of one origin as recorded and under other actions, member by member on the same random numbers."""

    recorded: Forecast
    changed: Forecast

    def difference(self) -> Floats:
        """changed - recorded (times, members), of the members that both could simulate."""
        one, other = self.recorded, self.changed
        if one.kept is None or other.kept is None:
            return other.values - one.values
        both = one.kept & other.kept
        return other.values[:, both[other.kept]] - one.values[:, both[one.kept]]


def assimilate(twin: Twin, known: Population | Tracking, cohort: Cohort, patient: Patient) -> Followed:
    """Learns a patient's state and personal parameters from the record, measurement by measurement.

    known: what a fit found of other patients. With a Tracking the twin's own observable is followed, in stretches; with
    a Population all measurements are one stretch. Raises InputError where units or doses do not fit."""
    if isinstance(known, Tracking):
        parts = stretches(twin, cohort, patient)
        priors = tuple(first_belief(twin, known, part) for part in parts)
        courses = tuple(track(twin, known, part) for part in parts)
        return Followed(twin, tracking_system(twin, known), cohort, patient, priors, courses)
    system, schedule = personal_system(twin, known), twin.schedule(cohort, patient)
    prior = prior_belief(twin, known, schedule)
    taken = in_model_units(twin, cohort, patient.measurements)
    times = np.unique([m.time for m in taken])
    values = np.full((times.size, len(system.noise)), np.nan)
    for m in taken:
        values[np.searchsorted(times, m.time), twin.model.observable_index(m.observable)] = m.value
    course = filter_record(METHOD, system, schedule, prior, Observations(times, values), roots=True)
    return Followed(twin, system, cohort, patient, (prior,), (course,))


def forecast(
    patient: Followed,
    origin: float,
    ahead: Sequence[float] | Floats,
    *,
    members: int,
    draws: Draws,
    observable: str = "",
    actions: Actions = AS_RECORDED,
) -> Forecast:
    """Forecast of an observable (default: the one followed, else the first) `ahead` of `origin`, in the model's time.

    draws: of this patient; the origin and what a draw is for key it. Raises NotEvaluable before the record begins and
    where no member can be simulated, InputError for what is not a time from the origin on."""
    twin, system = patient.twin, patient.system
    times = origin + np.asarray(ahead, dtype=float)
    if not (times.size and np.all(np.isfinite(times)) and times[0] > origin and np.all(np.diff(times) > 0.0)):
        raise InputError("forecast", "ahead", list(ahead), "ascending times above 0")
    belief, name = patient.belief(origin), observable or _observable(twin)
    schedule = twin.schedule(patient.cohort, record_at(patient, origin, float(times[-1]), actions))
    cycle, shape = max(round(origin), 0), (system.size, members)
    normals = draws.normal(cycle, "belief", shape)
    walk = None
    if np.any(moving := np.asarray(system.drift) > 0.0):
        walk = np.zeros((times.size, *shape))
        walk[:, moving] = draws.normal(cycle, "walk", (times.size, int(moving.sum()), members))
    return forecast_from(system, belief, schedule, name, times, normals, walk)


def what_if(
    patient: Followed, origin: float, ahead: Sequence[float] | Floats, actions: Actions, *, members: int, draws: Draws
) -> WhatIf:
    """Forecasts as recorded and under `actions`, paired. Raises as `forecast` does."""
    recorded = forecast(patient, origin, ahead, members=members, draws=draws)
    return WhatIf(recorded, forecast(patient, origin, ahead, members=members, draws=draws, actions=actions))


def readings_of(patient: Followed, origin: float, found: Forecast, draws: Draws) -> Floats:
    """What an instrument would read of a forecast, (times, members): its error added, within what it can show."""
    error = draws.normal(max(round(origin), 0), "error", found.error_sd.shape)
    values = found.values + found.error_sd * error
    follow = patient.twin.follow
    return values if follow is None else np.clip(values, follow.lowest, follow.highest)


def probability_below(readings: Floats, threshold: float) -> float:
    """The share of members (times, members) with a reading below the threshold at one of the times."""
    return float(np.mean(np.any(readings < threshold, axis=0)))


def record_at(patient: Followed, origin: float, until: float, actions: Actions = AS_RECORDED) -> Patient:
    """The record as it stood at `origin`, with the actions done; times in the model's unit.

    Raises InputError for a dose that is not at the origin or later, or of a kind without a unit, and where nothing of a
    withheld kind is on record at the origin."""
    cohort, twin = patient.cohort, patient.twin
    per = factor(dict(cohort.units)["time"], twin.model.time_unit, cohort.name)
    now = origin / per
    memory = followed(twin).memory / per if twin.follow is not None else np.inf
    known = known_at(patient.patient, now, until / per, memory)
    for what in actions.withhold:
        if not any(d.time == now and d.what == what for d in known.doses):
            there = sorted({d.what for d in known.doses if d.time == now})
            raise InputError("actions", "withhold", what, f"a kind recorded at the origin: {there or 'there is none'}")
    for dose in actions.give:
        if not (dose.time >= now and dose.amount > 0.0 and dose.duration >= 0.0 and dose.what in dict(cohort.units)):
            raise InputError("actions", "give", dose, f"a dose above 0 from {now:g} on, of a kind of {cohort.name}")
    kept = [d for d in known.doses if not (d.time == now and d.what in actions.withhold)]
    doses = sorted([*kept, *actions.give], key=lambda d: d.time)
    return replace(known, doses=tuple(doses))


def _observable(twin: Twin) -> str:
    return twin.follow.observable if twin.follow is not None else twin.model.observables[0].name
