"""The personal twin: what a population knows before the first sample, and the belief after a patient's samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vvuq.assimilation.system import System, gaussian, observation
from vvuq.assimilation.ukf import Unscented
from vvuq.calibration.foce import Population
from vvuq.models.parameter import Noise
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Floats, Measurement

METHOD = Unscented()
_NOTHING_DRAWN = Draws(0, "personal twin")  # the filter draws nothing at random


def personal_system(twin: Twin, population: Population) -> System:
    """The system whose personal parameters are learned of one patient; the model itself is exact (no drift)."""
    scale = population.noise_scale
    noise = tuple(Noise(o.noise.sd * scale, o.noise.cv * scale) for o in twin.model.observables)
    drift = np.zeros(len(twin.model.states) + len(twin.personal))
    return System(twin.model, population.theta, twin.personal, noise, drift, twin.method.step)


def prior_belief(twin: Twin, population: Population, schedule: Schedule) -> Belief:
    """The belief at the start of a stay: an empty body, log parameters as they vary in the population."""
    typical = [float(np.log(population.theta[twin.model.parameter_index(name)])) for name in twin.personal]
    empty = np.zeros(len(twin.model.states))
    spread = np.concatenate([empty, population.omega])
    return gaussian(
        personal_system(twin, population), schedule.start, np.concatenate([empty, typical]), np.diag(spread**2)
    )


def assimilate(
    system: System, belief: Belief, schedule: Schedule, measurements: Sequence[Measurement]
) -> tuple[tuple[Belief, ...], tuple[Diagnostics, ...]]:
    """The beliefs after 0, 1, 2 ... measurements (in model units, ascending) and each step's diagnostics."""
    beliefs, found = [belief], []
    for m in measurements:
        seen = observation(system, m.time, {m.observable: m.value})
        belief, diagnostics = METHOD.step(system, schedule, belief, seen, _NOTHING_DRAWN)
        beliefs.append(belief)
        found.append(diagnostics)
    return tuple(beliefs), tuple(found)


def draws(belief: Belief, normals: Floats) -> Floats:
    """Members (d, members) of a belief from standard normals of the same shape."""
    return belief.mean[:, None] + belief.root @ normals
