"""Twin experiments: Lorenz-63 and Lorenz-96 under the conventions of the published tables, and a long ring.

Conventions after Sakov & Oke (Tellus A 60 (2008) 361) and Sakov et al. (Mon Wea Rev 140 (2012) 1988)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array

from vvuq.assimilation.distance import periodic
from vvuq.assimilation.experiment import Experiment
from vvuq.assimilation.system import System, gaussian
from vvuq.models import Additive, Model, Normal, Observable, Parameter
from vvuq.record import Floats

from .equations import butterfly, first, ring

CHAOS = "the value at which the system is known to be chaotic; the spread serves no purpose but to be small"


def ring_model(count: int) -> Model:
    """Lorenz-96 of `count` variables x0, x1, ..., of which the first is the model's own observable."""
    forcing = Parameter("F", "1", Normal(8.0, 0.1), CHAOS, "forcing")
    seen = Observable("first", "1", first, Additive(1.0))
    states = {f"x{i}": "1" for i in range(count)}
    return Model(f"lorenz96_{count}", states, {}, (forcing,), (seen,), ring, time_unit="1")


def lorenz96(*, count: int = 40, every: int = 1) -> Experiment:
    """F = 8, RK4 step 0.05, each `every`-th variable observed at each step with error variance 1; no model noise.

    The start is a draw around (1, 0, 0, ...) with variance 0.001; 400 cycles are left out."""
    observed = np.arange(0, count, every)
    rows = np.arange(observed.size)
    operator = csr_array((np.ones(observed.size), (rows, observed)), shape=(observed.size, count))
    noise = (Additive(1.0),) * observed.size
    system = System(ring_model(count), np.array([8.0]), (), noise, np.zeros(count), 0.05, operator=operator)
    prior = gaussian(system, 0.0, np.eye(count)[0], 0.001 * np.eye(count))
    places, seen = np.arange(count, dtype=float)[:, None], observed.astype(float)[:, None]
    distances = periodic(places, seen, float(count)), periodic(seen, seen, float(count))
    return Experiment(f"Lorenz-96, {count} variables", system, prior, 0.05, 400, distances)


def lorenz63() -> Experiment:
    """sigma 10, rho 28, beta 8/3, RK4 step 0.01; all three variables observed every 25 steps with error variance 2.

    The start is a draw around (1.509, -1.531, 25.46) with variance 2; 64 cycles are left out."""
    names = (("sigma", 10.0), ("rho", 28.0), ("beta", 8.0 / 3.0))
    parameters = tuple(Parameter(name, "1", Normal(value, 0.01), CHAOS) for name, value in names)
    seen = Observable("first", "1", first, Additive(np.sqrt(2.0)))
    model = Model("lorenz63", dict.fromkeys("XYZ", "1"), {}, parameters, (seen,), butterfly, time_unit="1")
    operator, noise = csr_array(eye_array(3)), (Additive(np.sqrt(2.0)),) * 3
    theta: Floats = np.array([value for _, value in names])
    system = System(model, theta, (), noise, np.zeros(3), 0.01, operator=operator)
    prior = gaussian(system, 0.0, np.array([1.509, -1.531, 25.46]), 2.0 * np.eye(3))
    return Experiment("Lorenz-63", system, prior, 0.25, 64)
