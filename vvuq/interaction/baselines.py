"""What any forecaster of a sensor has to beat: the last reading, its trend, the time of day.

Each has the joint distribution of the residual paths that it left in the patients it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from vvuq.interaction.empirical import Empirical, Library, current, library, span, with_residuals
from vvuq.interaction.forecaster import AHEAD, STEP, STEPS, Forecaster, Kind, around, eligible, readings, truths
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

DAY = 1440.0
DAMPING = (15.0, 30.0, 60.0, 120.0, 240.0, np.inf)  # minutes in which a trend fades; infinite: it goes on


@dataclass(frozen=True, slots=True)
class Persistence:
    """The last reading stays."""

    name: str = "persistence"
    kind: Kind = "baseline"

    def fit(self, cohort: Cohort, draws: Draws) -> Empirical:
        """The residual paths by the reading at the origin."""
        return with_residuals(_last, cohort)


def _last(patient: Patient, origins: Floats) -> Floats:
    return np.repeat(current(patient, origins)[:, None], STEPS, axis=1)


@dataclass(frozen=True, slots=True)
class Trend:
    """The least-squares line through the last `points` readings, its slope fading at a rate that the patients give.

    The fading, exp(-t / tau), is the one of DAMPING with the least squared error; the line passes the last reading."""

    points: int = 4
    name: str = "linear extrapolation"
    kind: Kind = "baseline"

    def fit(self, cohort: Cohort, draws: Draws) -> Empirical:
        """The fading, then the residual paths by the reading at the origin."""
        best = min(DAMPING, key=lambda tau: _squared(partial(_extrapolated, self.points, tau), cohort))
        return with_residuals(partial(_extrapolated, self.points, best), cohort)


def _extrapolated(points: int, tau: float, patient: Patient, origins: Floats) -> Floats:
    back = STEP * np.arange(1.0 - points, 1.0)
    seen = around(readings(patient), origins, back)
    slope = (seen * (back - back.mean())).sum(axis=1) / ((back - back.mean()) ** 2).sum()
    run = AHEAD if np.isinf(tau) else tau * -np.expm1(-AHEAD / tau)
    return seen[:, -1:] + slope[:, None] * run[None, :]


def _squared(point: partial[Floats], cohort: Cohort) -> float:
    total = 0.0
    for patient in cohort.patients:
        origins = eligible(patient)
        total += float(np.nansum((truths(patient, origins) - point(patient, origins)) ** 2))
    return total


@dataclass(frozen=True, slots=True)
class Climatology:
    """What the sensors of other patients read at that time of day: their paths that began within `within` minutes.

    It needs no reading at the origin, only the clock: times count from a midnight, in minutes."""

    within: float = 60.0
    name: str = "climatology"
    kind: Kind = "baseline"

    def fit(self, cohort: Cohort, draws: Draws) -> Empirical:
        """All paths of the patients by the time of day of their origins, the day's ends joined."""
        begins = [eligible(patient) for patient in cohort.patients]
        paths = [truths(patient, t) for patient, t in zip(cohort.patients, begins, strict=True)]
        day = library([t % DAY for t in begins], paths)
        keys = np.concatenate([day.key - DAY, day.key, day.key + DAY])
        width = max(round(day.key.size * 2.0 * self.within / DAY), 1)
        return Empirical(_nothing, Library(keys, np.tile(day.paths, (3, 1)), width), span(cohort), _clock, cohort.units)


def _nothing(patient: Patient, origins: Floats) -> Floats:
    return np.zeros((origins.size, STEPS))


def _clock(patient: Patient, origins: Floats) -> Floats:
    return origins % DAY


def baselines() -> Mapping[str, Forecaster]:
    """Those that need nothing but readings, by name."""
    return {one.name: one for one in (Persistence(), Trend(), Climatology())}
