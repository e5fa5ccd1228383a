"""The deterministic ensemble Kalman filter: deviations shrink by half the gain.

It leaves more spread than the exact update where the gain is large.
Source: Sakov & Oke, Tellus A 60 (2008) 361."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.assimilation import ensemble
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.spectrum import evidence, gain, right, spectrum
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble


@dataclass(frozen=True, slots=True)
class Denkf:
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
        """The ensemble at the observation's time, conditioned on what was measured."""
        care = Care(self.inflation, self.rotate)
        return ensemble.cycle(system, schedule, state, observation, draws, care, update)


def update(ahead: Ahead) -> Conditioned:
    """The mean by the Kalman gain K; deviations A - K H A / 2, where the exact update would shrink their covariance."""
    of = spectrum(ahead.observed)
    K = gain(of, ahead.deviations)
    mean = ahead.mean + K @ right(of, ahead.innovation)
    deviations = ahead.deviations - 0.5 * K @ right(of, ahead.observed)
    found = evidence(of, ahead.innovation, ahead.log_scale)
    return Conditioned(mean, deviations, found)
