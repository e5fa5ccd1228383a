"""A twin of one reverting state that is measured more often the higher it is, for the analyses of orders."""

from __future__ import annotations

import numpy as np
import ou

from vvuq.assimilation.ordered import Ordered
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import last_value
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.mcar import CompletelyAtRandom
from vvuq.models import RK4, Schedule, Twin
from vvuq.record import Cohort, Patient


def bed(*, decisions: int = 60, slope: float = ou.SLOPE) -> Ordered:
    """The chain of ou.py, decided on once an hour."""
    state = ou.SharedParameter("seen", ou.INTERCEPT, (("x", slope),))
    last = ((last_value(0.0, 1.0), 0.8),)
    return Ordered(
        name="bed", system=ou.system(), schedule=Schedule(), prior=ou.prior(),
        times=np.arange(1.0, decisions + 1.0), channel="seen", watched="x", meaning="the state",
        mechanisms={
            "state": state,
            "value": ou.Selection("seen", ou.INTERCEPT, slope),
            "care": CareProcess(AtRandom("seen", ou.INTERCEPT, last, "probit"), (("x", slope),)),
            "at_random": AtRandom("seen", -1.0, last, "probit"),
            "completely_at_random": CompletelyAtRandom("seen", 0.2),
        },
        believed=state,
    )  # fmt: skip


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Nothing is given."""
    return Schedule()


TWIN = Twin(
    name="chain", title="One reverting state", model=ou.system().model, personal=(), schedule=schedule,
    method=RK4(step=0.5), assumptions=("Nothing is given.",), ordered={"bed": bed},
)  # fmt: skip
