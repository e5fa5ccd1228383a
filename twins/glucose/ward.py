"""A patient on a ward without a sensor: a fingerstick is taken more often where the patient looks unwell.

Made up for `recovery`: glucose is high at first and badly known, and comes down. The nurse does not know its value, and
orders a stick at a round more often the higher it is."""

from __future__ import annotations

import math

import numpy as np

from vvuq.assimilation.ordered import Ordered
from vvuq.assimilation.system import gaussian
from vvuq.calibration.tracking import declared, followed, tracking_system
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import last_value
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.mcar import CompletelyAtRandom
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError
from vvuq.models import Infusion, Level, Schedule, Twin

EVEN = 200.0  # mg/dL at which a stick is as likely as not
SCALE = 60.0  # mg/dL
START, SPREAD = 300.0, 60.0  # glucose at first, mg/dL
WEIGHT = 70.0
BASAL = 0.86  # IU/h


def ward(twin: Twin, *, hours: float = 12.0, every_min: float = 30.0, slope: float = 1.0) -> Ordered:
    """Rounds `every_min`; at each the probability of a stick is Phi(slope (G - 200) / 60)."""
    given = {"hours": hours, "every_min": every_min, "slope": slope}
    for name, value in given.items():
        if not (math.isfinite(value) and (value > 0.0 or name == "slope")):
            raise InputError("situation ward", name, value, "a positive number, or a finite slope")
    steep = slope / SCALE
    routine = AtRandom("fingerstick", 0.0, ((last_value(EVEN, SCALE), slope),), "probit")
    nurse = SharedParameter("fingerstick", -slope * EVEN / SCALE, (("G", steep),))
    found, minutes = declared(twin), 60.0 * hours
    basal = Infusion(0.0, minutes, "basal", 1000.0 * BASAL / 60.0)
    schedule = Schedule(0.0, (), (basal,), (Level(0.0, "weight", WEIGHT),))
    system = tracking_system(twin, found)
    mean, sd = followed(twin).start(schedule, found.theta, START)
    states = list(twin.model.states)
    sd = sd.copy()
    sd[[states.index("G"), states.index("IG")]] = SPREAD
    typical = np.log([found.theta[twin.model.parameter_index(name)] for name in twin.personal])
    covariance = np.diag(np.concatenate([sd, found.omega]) ** 2)
    blood, tissue = states.index("G"), states.index("IG")
    covariance[blood, tissue] = covariance[tissue, blood] = 0.95 * SPREAD**2
    return Ordered(
        name="ward", system=system, schedule=schedule,
        prior=gaussian(system, 0.0, np.concatenate([mean, typical]), covariance),
        times=every_min * np.arange(1.0, math.floor(minutes / every_min) + 1.0),
        channel="fingerstick", watched="G", meaning="glucose in plasma",
        mechanisms={
            "state": nurse,
            "value": Selection("fingerstick", -slope * EVEN / SCALE, steep),
            "care": CareProcess(AtRandom("fingerstick", -slope * EVEN / SCALE, ((last_value(EVEN, SCALE), 0.5),),
                                         "probit"), (("G", steep),)),
            "at_random": routine,
            "completely_at_random": CompletelyAtRandom("fingerstick", 0.3),
        },
        believed=nurse,
    )  # fmt: skip
