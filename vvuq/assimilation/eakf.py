"""The serial ensemble adjustment Kalman filter: measured values are taken one by one, without a matrix.

Each value adjusts the members' own values of its observable, and every row near it by regression on these; so does it
the observables still to come. A cycle costs (measured values) x members x (rows near one).
Source: Anderson, Mon. Weather Rev. 131 (2003) 634."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from vvuq.assimilation import ensemble, neighbours
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.neighbours import Indices, Lists
from vvuq.assimilation.spectrum import Evidence
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.ensemble import serial
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, slots=True)
class Eakf:
    """How many members; inflation and rotation against the loss of spread; localization, None for none.

    With localization, NIS and log-likelihood are those of the tapered covariance that the serial update implies.
    Raises InputError below two members; a step, where localization meets correlated errors or another system."""

    members: int
    inflation: Inflation = 1.0
    rotate: bool = False
    localization: Localization | None = None

    def __post_init__(self) -> None:
        ensemble.check(self.members, self.inflation)

    def init(self, prior: Belief, draws: Draws) -> Ensemble:
        """Members drawn from the prior."""
        return ensemble.init(prior, self.members, draws)

    def step(
        self, system: System, schedule: Schedule, state: Ensemble, observation: Observation, draws: Draws
    ) -> tuple[Ensemble, Diagnostics]:
        """The ensemble at the observation's time, conditioned on what was measured."""
        neighbours.check(self.localization, system)
        care, rule = Care(self.inflation, self.rotate), partial(update, localization=self.localization)
        return ensemble.cycle(system, schedule, state, observation, draws, care, rule)


def update(ahead: Ahead, localization: Localization | None = None) -> Conditioned:
    """Mean and deviations after the measured values, in the order of the observables."""
    rows, shift, found = sweep(ahead, ahead.deviations, localization)
    return Conditioned(ahead.mean + shift, rows, found)


def sweep(ahead: Ahead, states: Floats, localization: Localization | None) -> tuple[Floats, Floats, Evidence]:
    """The deviations of d states (d, N) after the sweep, the way of their means (d,), and the evidence.

    Where the states are those of the forecast, they are written over. `states` may be empty, (0, N),
    for the evidence alone."""
    d, m = states.shape[0], ahead.innovation.size
    place, near = _near(ahead, d, localization)
    some = localization if d else None
    within = ahead.joint if states is ahead.deviations else None
    weights = neighbours.sampled_weights(some, ahead.deviations, ahead.observed)
    rows = np.concatenate([states, ahead.observed]) if within is None else within
    shift, seen = np.zeros(d + m), np.empty(3)
    kept = np.asarray(ahead.kept, dtype=np.int64)
    serial(
        rows, shift, ahead.innovation, kept, place, near.first, near.index, near.weight,
        neighbours.sampled_rows(some), weights, seen,
    )  # fmt: skip
    nis, log_determinant, least = (float(value) for value in seen)
    density = -0.5 * (m * np.log(2.0 * np.pi) + nis + log_determinant) - ahead.log_scale
    return rows[:d], shift[:d], Evidence(nis, float(density), least)


def _near(ahead: Ahead, states: int, localization: Localization | None) -> tuple[Indices, Lists]:
    """Where the measured observables stand (q,), and whom each of the q observables moves."""
    if localization is None:
        q = int(ahead.kept.max(initial=-1)) + 1
        return neighbours.places(ahead.kept, q), neighbours.everyone(states, q)
    near = neighbours.by_observable(localization) if states else neighbours.between_observables(localization)
    return neighbours.places(ahead.kept, localization.state_taper.shape[1]), near
