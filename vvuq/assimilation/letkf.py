"""The local ensemble transform Kalman filter: each row is conditioned, by the symmetric root, on what is near it.

A measured value's error variance is divided by its taper's weight at the row. The eigenproblem of a row is as large as
the number of its observables or of the members, whichever is less.
Source: Hunt, Kostelich & Szunyogh, Physica D 230 (2007) 112; tapered errors: Greybush et al., Mon. Weather Rev. 139
(2011) 511."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from vvuq.assimilation import ensemble, etkf, neighbours
from vvuq.assimilation.eakf import sweep
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.neighbours import Indices, Lists
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.ensemble_local import local
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats

_BLAS = 10.0  # one product of matrices computes as many dot products as loops do in this many times the time


@dataclass(frozen=True, slots=True)
class Letkf:
    """How many members; inflation and rotation against the loss of spread; localization: None makes it the Etkf.

    With localization, NIS and log-likelihood are those of the tapered covariance of the observables, as in Eakf.
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
    """Each row conditioned by itself on the measured values near it."""
    if localization is None:
        return etkf.update(ahead)
    d, m = ahead.mean.size, ahead.innovation.size
    states, shift = ahead.deviations.copy(), np.zeros(d)
    place = neighbours.places(ahead.kept, localization.state_taper.shape[1])
    _apply(ahead, states, shift, np.arange(d), neighbours.by_state(localization), place)
    sampled = neighbours.sampled_rows(localization)
    if sampled.size:
        weights = neighbours.sampled_weights(localization, ahead.deviations, ahead.observed)
        _apply(ahead, states, shift, sampled, neighbours.lists(weights), np.arange(m))
    empty = np.empty((0, ahead.deviations.shape[1]))
    found = sweep(ahead, empty, localization)[2]
    return Conditioned(ahead.mean + shift, states, found)


def _apply(ahead: Ahead, states: Floats, shift: Floats, rows: Indices, near: Lists, place: Indices) -> None:
    """Conditions some rows of states (d, N) in place and adds to shift (d,). Raises LinAlgError."""
    sizes = np.diff(near.first).astype(float)
    dense = ahead.innovation.size**2 < _BLAS * float(sizes @ sizes)
    products = ahead.observed @ ahead.observed.T if dense else np.empty((0, 0))
    code = local(
        states, shift, ahead.observed, products, ahead.innovation, rows, near.first, near.index, near.weight, place
    )
    if code != 0:
        raise np.linalg.LinAlgError("the eigenvalues of a row's problem do not converge")
