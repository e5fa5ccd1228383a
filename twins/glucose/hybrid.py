"""The hybrid: the free-living structure, and beside it a small network that learns what its equation of glucose misses.

    G' = core + SG Gb network(z)

z, all without unit: glucose over Gb less 1, the effect of insulin over SG, plasma insulin by what that effect will be,
absorption of food over SG Gb, and sine and cosine of the time of day. Six inputs, eight units of tanh, 65 weights; with
all weights 0 it is the core. The core may be any model with the states, inputs and parameters that z names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from vvuq.calibration.tracking import followed
from vvuq.models import Claims, Level, Model, Normal, Parameter, Schedule, Twin
from vvuq.models.math import tanh
from vvuq.models.units import factor
from vvuq.record import Cohort, Floats, Patient

from .freeliving import MODEL as CORE

INPUTS, UNITS = 6, 8
FIRST = UNITS * (INPUTS + 1)  # weights of the units: a threshold and one for each input
WEIGHTS = FIRST + UNITS + 1
DAY, HOUR = 1440.0, 60.0  # min


def unit_of(w, z):
    b, w1, w2, w3, w4, w5, w6 = w
    z1, z2, z3, z4, z5, z6 = z
    return tanh(b + w1 * z1 + w2 * z2 + w3 * z3 + w4 * z4 + w5 * z5 + w6 * z6)


def network(z, w):
    """A sum of the units; weights (65,): seven for each unit, then the threshold of the sum and its weights."""
    b, s1, s2, s3, s4, s5, s6, s7, s8 = w[56:65]
    low = s1 * unit_of(w[0:7], z) + s2 * unit_of(w[7:14], z) + s3 * unit_of(w[14:21], z) + s4 * unit_of(w[21:28], z)
    high = s5 * unit_of(w[28:35], z) + s6 * unit_of(w[35:42], z) + s7 * unit_of(w[42:49], z) + s8 * unit_of(w[49:56], z)
    return b + low + high


@lru_cache(maxsize=8)
def hybrid_model(core: Model = CORE) -> Model:
    """`core` with the network: its parameters, then the weights; its inputs and covariates, then the time of day."""
    p, k = len(core.parameters), len(core.inputs) + len(core.covariates)
    at_G, at_X, at_Ip, at_gut = (core.state_index(name) for name in ("G", "X", "Ip", "Qgut"))
    of_SI, of_Gb, of_SG, of_kabs, of_VI, of_VG = (
        core.parameter_index(name) for name in ("SI", "Gb", "SG", "kabs", "VI", "VG")
    )
    of_weight, core_rhs = core.input_index("weight"), core.rhs

    def hybrid_rhs(t, x, u, theta, dx):
        core_rhs(t, x, u[:k], theta[:p], dx)
        turnover = theta[of_SG] * theta[of_Gb]
        insulin = theta[of_SI] * x[at_Ip] / (theta[of_VI] * u[of_weight] * theta[of_SG])
        food = theta[of_kabs] * x[at_gut] / (theta[of_VG] * u[of_weight] * turnover)
        z = (x[at_G] / theta[of_Gb] - 1, x[at_X] / theta[of_SG], insulin, food, u[k], u[k + 1])
        dx[at_G] += turnover * network(z, theta[p:])

    return replace(
        core,
        name=f"{core.name}_hybrid",
        parameters=core.parameters + WEIGHT_PARAMETERS,
        covariates={**core.covariates, "day_sine": "1", "day_cosine": "1"},
        rhs=hybrid_rhs,
    )


def weight_names() -> tuple[str, ...]:
    """The names of the weights, in their order."""
    units = [f"w{j}{i}" for j in range(1, UNITS + 1) for i in range(INPUTS + 1)]
    return (*units, *(f"s{j}" for j in range(UNITS + 1)))


WEIGHT_PARAMETERS = tuple(
    Parameter(name, "1", Normal(0.0, 0.3), "learned from the build patients", "weight of the network")
    for name in weight_names()
)
HYBRID_MODEL = hybrid_model()


def with_time_of_day(schedule: Schedule, end: float) -> Schedule:
    """The schedule with sine and cosine of the time of day, hour by hour, up to `end`; minute 0 is midnight."""
    first = math.floor(schedule.start / HOUR)
    levels = []
    for hour in range(first, max(first + 1, math.ceil(end / HOUR))):
        angle = 2.0 * math.pi * (hour + 0.5) * HOUR / DAY
        at = max(schedule.start, hour * HOUR)
        levels += [Level(at, "day_sine", math.sin(angle)), Level(at, "day_cosine", math.cos(angle))]
    return replace(schedule, levels=(*schedule.levels, *levels))


def hybrid_twin(core: Twin) -> Twin:
    """The twin `core` with the network beside its model; what was promised of the core is not promised of it."""
    p, follow = len(core.model.parameters), followed(core)

    def start(schedule: Schedule, theta: Floats, reading: float) -> tuple[Floats, Floats]:
        return follow.start(schedule, theta[:p], reading)

    return replace(
        core, name=f"{core.name}_hybrid", title=f"{core.title}, with a network", model=hybrid_model(core.model),
        schedule=_timed(core.schedule), follow=replace(follow, start=start), claims=Claims(), scenarios={},
        closed_form=None, rest=None, forecasters={},
    )  # fmt: skip


def _timed(schedule: Callable[[Cohort, Patient], Schedule]) -> Callable[[Cohort, Patient], Schedule]:
    def timed(cohort: Cohort, patient: Patient) -> Schedule:
        """With the time of day, up to a day after the last that is on record."""
        plan = schedule(cohort, patient)
        last = max([m.time for m in patient.measurements] + [d.time for d in patient.doses])
        return with_time_of_day(plan, last * factor(dict(cohort.units)["time"], "min", cohort.name) + DAY)

    return timed
