"""Lorenz-96: forty variables on a ring that advect, decay and are driven; chaotic, and the usual test of filters.

    dx_i/dt = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + F

After Lorenz, Predictability: a problem partly solved (ECMWF seminar, 1996). No patient is described: the twin shows the
filters alone. Its experiments also bring Lorenz-63 (Lorenz, J Atmos Sci 20 (1963) 130), a ring of 1,000 variables and a
linear tree of 1,000 nodes.
"""

from __future__ import annotations

import numpy as np

from vvuq.models import RK4, Scenario, Schedule, Twin
from vvuq.record import Cohort, Floats, Patient

from .experiments import lorenz63, lorenz96, ring_model
from .tree import tree


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Nothing is ever done to the ring."""
    return Schedule()


def verification(*, horizon: float = 2.0) -> Scenario:
    """The first variable at `horizon`, from rest: the forcing alone drives it."""
    return Scenario(Schedule(), horizon, "first", f"first variable after {horizon:g}, from rest")


def closed_form(schedule: Schedule, theta: Floats, times: Floats) -> Floats:
    """From rest all variables are alike, so that nothing is advected: x = F (1 - exp(-t))."""
    return np.asarray(theta[0] * (1.0 - np.exp(-(np.asarray(times) - schedule.start))))


TWIN = Twin(
    name="lorenz",
    title="Lorenz-96, forty variables",
    model=ring_model(40),
    personal=(),
    schedule=schedule,
    method=RK4(step=0.05),
    assumptions=("It stands for no patient: a chaotic system on which filters are compared with published results.",),
    scenarios={"verification": verification},
    closed_form=closed_form,
    experiments={"lorenz63": lorenz63, "lorenz96": lorenz96, "tree": tree},
)
