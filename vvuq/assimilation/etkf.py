"""The ensemble transform Kalman filter with the symmetric square root: members change no more than they must.

Sources: Bishop, Etherton & Majumdar, Mon. Weather Rev. 129 (2001) 420; Hunt, Kostelich & Szunyogh, Physica D 230
(2007) 112 (symmetric root)."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.assimilation import ensemble
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.inflation import Inflation
from vvuq.assimilation.spectrum import evidence, right, shrunk, spectrum
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble


@dataclass(frozen=True, slots=True)
class Etkf:
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
    """The exact conditional mean and covariance of a normal belief with the ensemble's own mean and covariance."""
    of = spectrum(ahead.observed)
    mean = ahead.mean + ahead.deviations @ (of.left @ (right(of, ahead.innovation) / of.root**2))
    found = evidence(of, ahead.innovation, ahead.log_scale)
    return Conditioned(mean, shrunk(of, ahead.deviations), found)
