"""The ensemble smoother: what was measured later also speaks of earlier times, through the same members.

Each update of the ensemble transform Kalman filter multiplies the members, as columns, by a matrix of weights. The same
matrix conditions the members of all earlier times. Products of these matrices are gathered from the last update
backwards, so that the cost grows with the number of observations and not with its square; each takes N x N numbers.

Source: Evensen & van Leeuwen, Mon. Weather Rev. 128 (2000) 1852; as transforms: Evensen, Ocean Dyn. 53 (2003) 343."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation import ensemble, etkf
from vvuq.assimilation.ensemble import Ahead, Care, Conditioned
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Ensembles at the prior's time and at each observation's: given all that was measured, and until then.

    Where a step fails, the ensembles end before it and the last of the diagnostics holds its code. An ensemble's
    log_likelihood is that of what was measured until its time."""

    smoothed: tuple[Ensemble, ...]
    filtered: tuple[Ensemble, ...]
    diagnostics: tuple[Diagnostics, ...]


@dataclass(frozen=True, slots=True)
class EnsembleSmoother:
    """How many members; a fixed factor of inflation for those that are carried on. InputError below two members."""

    members: int
    inflation: float = 1.0

    def __post_init__(self) -> None:
        ensemble.check(self.members, self.inflation)

    def smooth(
        self, system: System, schedule: Schedule, prior: Belief, observations: Sequence[Observation], draws: Draws
    ) -> Smoothed:
        """Over a fixed interval: from the prior through observations in ascending order of time."""
        state = ensemble.init(prior, self.members, draws)
        filtered, seen, transforms = [state], list[Diagnostics](), list[Floats | None]()
        for one in observations:
            state, diagnostics, transform = self._step(system, schedule, state, one, draws)
            seen.append(diagnostics)
            if diagnostics.code != 0:
                break
            filtered.append(state)
            transforms.append(transform)
        return Smoothed(backward(filtered, transforms), tuple(filtered), tuple(seen))

    def _step(
        self, system: System, schedule: Schedule, state: Ensemble, observation: Observation, draws: Draws
    ) -> tuple[Ensemble, Diagnostics, Floats | None]:
        """A step of the filter and the matrix that it multiplied the members by; None where nothing was measured."""
        met: list[Ahead] = []

        def rule(ahead: Ahead) -> Conditioned:
            met.append(ahead)
            return etkf.update(ahead)

        care = Care(self.inflation, rotate=False)
        state, diagnostics = ensemble.cycle(system, schedule, state, observation, draws, care, rule)
        return state, diagnostics, transform_of(met[0]) if met and diagnostics.code == 0 else None


def transform_of(ahead: Ahead) -> Floats:
    """The matrix (N, N) that turns the forecast's members, as columns, into the conditioned ones. Columns sum to 1.

    It is what the update makes of members that are the unit vectors."""
    count = ahead.deviations.shape[1]
    scale, mean = np.sqrt(count - 1.0), np.full(count, 1.0 / count)
    found = etkf.update(replace(ahead, mean=mean, deviations=(np.eye(count) - 1.0 / count) / scale))
    return found.mean[:, None] + found.deviations * scale


def backward(filtered: Sequence[Ensemble], transforms: Sequence[Floats | None]) -> tuple[Ensemble, ...]:
    """The filtered ensembles, each multiplied by the transforms of all later updates; transforms[k] led to k + 1."""
    found, later = [filtered[-1]], None
    for state, transform in zip(reversed(filtered[:-1]), reversed(transforms), strict=True):
        if transform is not None:
            later = transform if later is None else transform @ later
        found.append(state if later is None else _combined(state, later))
    return tuple(reversed(found))


def _combined(state: Ensemble, transform: Floats) -> Ensemble:
    mean = state.members.mean(axis=1, keepdims=True)
    return replace(state, members=mean + (state.members - mean) @ transform)
