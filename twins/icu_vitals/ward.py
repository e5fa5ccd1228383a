"""A patient in intensive care whose lactate is measured more often the higher it is, though nobody has seen it yet.

Made up for `recovery`: all numbers of the patient are the twin's declaration. Pressure and heart rate are charted each
hour. Whoever orders lactate does not know its value, and orders it more often where the patient looks as if it were
high."""

from __future__ import annotations

import math

import numpy as np

from vvuq.assimilation.ordered import Ordered
from vvuq.calibration.slots import space_of
from vvuq.calibration.state_space import declared, first_belief, system_of
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import last_value
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.mcar import CompletelyAtRandom
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError
from vvuq.models import Schedule, Twin

CHANNEL = "log_lactate"
EVEN = math.log(4.0)  # lactate at which an order in an hour is as likely as not: 4 mmol/L
SCALE = 0.5  # in the logarithm of lactate


def ward(twin: Twin, *, hours: float = 48.0, slope: float = 1.0) -> Ordered:
    """Each hour the probability of a lactate is Phi(slope (l - log 4) / 0.5), l the logarithm of lactate."""
    for name, value in {"hours": hours, "slope": slope}.items():
        if not (math.isfinite(value) and (value >= 1.0 or name == "slope")):
            raise InputError("situation ward", name, value, "an hour or more, or a finite slope")
    steep, intercept = slope / SCALE, -slope * EVEN / SCALE
    last = last_value(EVEN, SCALE)
    nurse = SharedParameter(CHANNEL, intercept, ((CHANNEL, steep),))
    candidate, every = declared(twin), space_of(twin).slot
    return Ordered(
        name="ward", system=system_of(twin, candidate), schedule=Schedule(), prior=first_belief(twin, candidate),
        times=every * np.arange(1.0, math.floor(hours / every) + 1.0),
        channel=CHANNEL, watched=CHANNEL, meaning="the logarithm of lactate", others=("map", "heart_rate"),
        mechanisms={
            "state": nurse,
            "value": Selection(CHANNEL, intercept, steep),
            "care": CareProcess(AtRandom(CHANNEL, intercept, ((last, 0.5),), "probit"), ((CHANNEL, steep),)),
            "at_random": AtRandom(CHANNEL, -1.0, ((last, slope),), "probit"),
            "completely_at_random": CompletelyAtRandom(CHANNEL, 0.1),
        },
        believed=nurse,
    )  # fmt: skip
