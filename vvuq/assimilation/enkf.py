"""The ensemble Kalman filter with perturbed observations: every member is conditioned on a measurement of its own.

Sources: Evensen, J. Geophys. Res. 99 (1994) 10143; Burgers et al., Mon. Weather Rev. 126 (1998) 1719."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from vvuq.assimilation import ensemble
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.spectrum import evidence, gain, right, spectrum
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, slots=True)
class PerturbedObservations:
    """How many members; inflation and rotation against the loss of spread. Raises InputError below two members."""

    members: int
    inflation: Inflation = 1.0
    rotate: bool = False

    def __post_init__(self) -> None:
        ensemble.check(self.members, self.inflation)

    def init(self, prior: Belief, draws: Draws) -> Ensemble:
        """Members drawn from the prior."""
        return ensemble.init(prior, self.members, draws)

    def step(
        self, system: System, schedule: Schedule, state: Ensemble, observation: Observation, draws: Draws
    ) -> tuple[Ensemble, Diagnostics]:
        """The ensemble at the observation's time, conditioned on what was measured. Draws: purpose "perturbations"."""
        care, rule = Care(self.inflation, self.rotate), partial(_update, draws=draws, cycle=state.cycle)
        return ensemble.cycle(system, schedule, state, observation, draws, care, rule)


def _update(ahead: Ahead, draws: Draws, cycle: int) -> Conditioned:
    return update(ahead, draws.normal(cycle, "perturbations", ahead.observed.shape))


def update(ahead: Ahead, normals: Floats) -> Conditioned:
    """Each member conditioned on the values plus a perturbation of its own: standard normals (m, N) in whitened units.

    They are centred, so that they do not move the mean, and rescaled by sqrt(N / (N - 1)) to variance 1."""
    count = normals.shape[1]
    noise = (normals - normals.mean(axis=1, keepdims=True)) * (np.sqrt(count) / (count - 1.0))
    of = spectrum(ahead.observed)
    K = gain(of, ahead.deviations)
    mean = ahead.mean + K @ right(of, ahead.innovation)
    deviations = ahead.deviations + K @ right(of, noise - ahead.observed)
    found = evidence(of, ahead.innovation, ahead.log_scale)
    return Conditioned(mean, deviations, found)
