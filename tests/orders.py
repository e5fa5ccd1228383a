"""A cohort in intensive care, made up: lactate is measured more often where it is high, less where it never was."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from vvuq.assimilation.kalman import transition
from vvuq.calibration.state_space import declared, first_belief, system_of
from vvuq.data.cohort import make_cohort
from vvuq.models import Schedule, Twin
from vvuq.models.twin import load_twin
from vvuq.paths import shipped
from vvuq.record import Cohort, Measurement, Patient

INTERCEPT, NONE_YET, SLOPE = -1.4, -0.3, 0.9


@lru_cache(maxsize=1)
def twin() -> Twin:
    """The twin of the ICU studies."""
    return load_twin(shipped("twins") / "icu_vitals")


@lru_cache(maxsize=4)
def cohort(count: int = 60, hours: int = 24, slope: float = SLOPE, frailty: float = 0.0, seed: int = 1) -> Cohort:
    """Patients of the twin's own declaration; a care process of none_yet, the state and a constant of the patient's own
    decides on lactate."""
    of, rng = twin(), np.random.default_rng(seed)
    candidate = replace(declared(of), level={**declared(of).level, "log_lactate_level": (0.2, 0.5)})
    system, prior = system_of(of, candidate), first_belief(of, candidate)
    through, patients = transition(system, Schedule(), 0.0, 1.0), []
    for number in range(count):
        x, found, none = prior.mean + prior.root @ rng.standard_normal(6), [], True
        own = frailty * rng.standard_normal() if frailty else 0.0
        for t in range(hours):
            x = x if t == 0 else through.matrix @ x + system.drift * rng.standard_normal(6)
            values = x[:3] + np.array([n.sd for n in candidate.noise]) * rng.standard_normal(3)
            found += [
                Measurement(float(t), name, float(v)) for name, v in (("heart_rate", values[2]), ("map", values[1]))
            ]
            if rng.random() < ndtr(INTERCEPT + NONE_YET * none + slope * x[0] + own):
                found.append(Measurement(float(t), "lactate", float(np.exp(values[0]))))
                none = False
        patients.append(Patient(f"p{number}", (), (), tuple(found), group=f"g{number}"))
    units = {"time": "h", "lactate": "mmol/L", "map": "mmHg", "heart_rate": "1/min"}
    return make_cohort("made up", patients, units)
