"""The personal twin as a forecaster: a population is fitted, each patient is followed reading by reading, and paths are
drawn from the belief at an origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from vvuq.calibration.numbers import numbers_of
from vvuq.calibration.tracked import fit_once
from vvuq.calibration.tracking import Tracking
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecaster import AHEAD, Kind, check_units, own
from vvuq.interaction.inside import Inside
from vvuq.interaction.patient import Followed, assimilate, forecast, readings_of
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

HORIZONS = (30.0, 60.0, 120.0, 180.0)  # minutes that the fit scores


@dataclass(frozen=True, slots=True)
class FittedPersonal:
    """A fitted population. learned: parameters that no prior knows, the weights of a correction."""

    twin: Twin
    known: Tracking
    units: tuple[tuple[str, str], ...]
    learned: tuple[str, ...] = ()

    def inside(self) -> Inside:
        """What the fit moved, in its units, and the weights."""
        places = [self.twin.model.parameter_index(name) for name in self.learned]
        return Inside(numbers_of(self.twin, self.known), self.known.theta[places])

    def paths(self, cohort: Cohort, patient: Patient, origins: Floats, members: int, draws: Draws) -> Floats:
        """Paths (k, 12, members) of readings; not-a-number where the filter knows nothing yet or fails."""
        check_units(self.units, cohort)
        mine, follow = own(draws, patient), assimilate(self.twin, self.known, cohort, patient)
        return np.array([_drawn(follow, float(origin), members, mine) for origin in origins])


@dataclass(frozen=True, slots=True)
class Personal:
    """The twin's own forecaster. every: minutes between the forecasts that the fit scores; evaluations: of its
    objective, at most; threads: by which it is computed, which changes no number."""

    twin: Twin
    name: str = "personal twin"
    kind: Kind = "mechanistic"
    every: float = 360.0
    evaluations: int = 150
    threads: int = field(default=2, compare=False)

    def short(self) -> Personal:
        """The same with a fit of a few seconds, for a first look."""
        return replace(self, every=max(self.every, 720.0), evaluations=min(self.evaluations, 40))

    def over(self, change: Callable[[Twin], Twin]) -> Personal:
        """The same for another twin in place of its own."""
        return replace(self, twin=change(self.twin))

    def fit(self, cohort: Cohort, draws: Draws) -> FittedPersonal:
        """Fits the population to the cohort's patients. Raises as fit_tracking does."""
        known = fit_once(
            self.twin, cohort, ahead=HORIZONS, every=self.every, evaluations=self.evaluations, threads=self.threads
        )
        return FittedPersonal(self.twin, known, cohort.units)


def _drawn(follow: Followed, origin: float, members: int, draws: Draws) -> Floats:
    """Readings (12, members); members that cannot be simulated are replaced by others, in turn."""
    try:
        found = forecast(follow, origin, AHEAD, members=members, draws=draws)
    except NotEvaluable:
        return np.full((AHEAD.size, members), np.nan)
    seen = readings_of(follow, origin, found, draws)
    return seen[:, np.arange(members) % seen.shape[1]]
