"""The joint belief about a state now and at a later time, from which a smoother learns backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vvuq.assimilation.system import System
from vvuq.models.schedule import Schedule
from vvuq.record import Belief, Floats


@dataclass(frozen=True, slots=True)
class Joint:
    """Deviations (c, d) of the state now and of its forecast, whose products now'now, now'ahead, ahead'ahead are the
    covariances, the forecast's without the noise of SD noise (d,); the forecast's mean (d,).

    rounding (d,): the size below which deviations of the forecast say nothing. code: numerics/codes.py."""

    mean: Floats
    now: Floats
    ahead: Floats
    noise: Floats
    rounding: Floats
    code: int


class Smoothable(Protocol):
    """A Gaussian filter whose beliefs can be smoothed."""

    def joint(self, system: System, schedule: Schedule, belief: Belief, time: float) -> Joint:
        """The belief now and its forecast for `time`, together."""
