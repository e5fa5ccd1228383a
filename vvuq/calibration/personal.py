"""The personal twin: what a population knows before the first sample, and the belief after a patient's samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vvuq.assimilation import ukf
from vvuq.calibration.foce import Population
from vvuq.models.parameter import Noise
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Belief, Diagnostics, Floats, Measurement


def personal_filter(twin: Twin, population: Population) -> ukf.Filter:
    """The filter that learns the personal parameters of one patient; the model itself is taken as exact (no drift)."""
    scale = population.noise_scale
    noise = tuple(Noise(o.noise.sd * scale, o.noise.cv * scale) for o in twin.model.observables)
    drift = np.zeros(len(twin.model.states) + len(twin.personal))
    return ukf.Filter(twin.model, population.theta, twin.personal, noise, drift, twin.method.step)


def prior_belief(twin: Twin, population: Population, schedule: Schedule) -> Belief:
    """The belief at the start of a stay: an empty body, log parameters as they vary in the population."""
    typical = {name: float(np.log(population.theta[twin.model.parameter_index(name)])) for name in twin.personal}
    return ukf.init(personal_filter(twin, population), schedule.start, typical, np.diag(population.omega**2))


def assimilate(
    filter_: ukf.Filter, belief: Belief, schedule: Schedule, measurements: Sequence[Measurement]
) -> tuple[tuple[Belief, ...], tuple[Diagnostics, ...]]:
    """The beliefs after 0, 1, 2 ... measurements (in model units, ascending) and each step's diagnostics."""
    beliefs, seen = [belief], []
    for m in measurements:
        belief, diagnostics = ukf.step(filter_, belief, schedule, m.time, m.observable, m.value)
        beliefs.append(belief)
        seen.append(diagnostics)
    return tuple(beliefs), tuple(seen)


def draws(belief: Belief, normals: Floats) -> Floats:
    """Members (d, members) of a belief from standard normals of the same shape."""
    return belief.mean[:, None] + belief.root @ normals
