"""A personal twin whose model is corrected by what it misses: the core is fitted, then a correction is learned from the
same patients. Drift and error of the sensor stay those of the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from vvuq.calibration.tracking import Tracking
from vvuq.interaction.forecaster import Kind
from vvuq.interaction.personal import FittedPersonal, Personal
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort


class Learn(Protocol):
    """How a correction is learned."""

    def __call__(self, core: Twin, known: Tracking, cohort: Cohort, draws: Draws) -> tuple[Twin, Tracking]:
        """The corrected twin, and what is known of its population, where the core's is `known`.

        The corrected model has parameters beside those of the core; with all of these 0 it is the core."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A hybrid forecaster: its core's fit, then `learn`; `brief` is learning in a few seconds, for a first look."""

    core: Personal
    learn: Learn
    brief: Learn
    name: str = "hybrid"
    kind: Kind = "hybrid"

    def short(self) -> Corrected:
        """The same with a short fit of the core and brief learning."""
        return replace(self, core=self.core.short(), learn=self.brief)

    def over(self, change: Callable[[Twin], Twin]) -> Corrected:
        """The same with another core."""
        return replace(self, core=self.core.over(change))

    def fit(self, cohort: Cohort, draws: Draws) -> FittedPersonal:
        """Fits the core and learns. Raises as fit_tracking does."""
        core = self.core.twin
        twin, known = self.learn(core, self.core.fit(cohort, draws).known, cohort, draws)
        before = {p.name for p in core.model.parameters}
        learned = tuple(p.name for p in twin.model.parameters if p.name not in before)
        return FittedPersonal(twin, known, cohort.units, learned)
