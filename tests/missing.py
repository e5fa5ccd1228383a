"""Complete records and mechanisms for tests of missing data."""

from __future__ import annotations

import numpy as np

from vvuq.data.missingness.bursts import Bursts
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import daily, last_value, protocol, since_last
from vvuq.data.missingness.dropout import DropOut
from vvuq.data.missingness.intensity import Intensity
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.mcar import CompletelyAtRandom
from vvuq.data.missingness.record import Complete, Mechanism
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter

ROUTINE = AtRandom("lactate", -0.3, ((protocol(4.0), 1.5), (last_value(1.0, 0.7), 0.8), (since_last(2.0), 0.4)))
LEAVES = AtRandom("lactate", -1.5, ((last_value(1.0, 0.7), 0.9), (daily(3.0, 24.0), 0.2)))
EACH: dict[str, Mechanism] = {
    "mcar": CompletelyAtRandom("lactate", 0.4),
    "mar": ROUTINE,
    "care": CareProcess(ROUTINE, (("ill", 0.9),)),
    "shared": SharedParameter("lactate", -0.2, (("ill", 1.1),)),
    "selection": Selection("lactate", -1.0, 0.8, "logit"),
    "intensity": Intensity("lactate", -0.7, (("ill", 0.6),)),
    "bursts": Bursts("glucose", 0.2, 0.4, 0.9),
    "dropout": DropOut(("lactate", "glucose"), LEAVES),
}


def complete(n: int, seed: int = 1, patient: str = "a", step: float = 1.0) -> Complete:
    """n decisions, `step` apart, on lactate and glucose of a patient who is more or less ill."""
    rng = np.random.default_rng(seed)
    ill = np.empty(n)
    at = rng.normal()
    for k in range(n):
        ill[k] = at
        at = 0.8 * at + 0.6 * rng.normal()
    values = np.stack([1.0 + 0.7 * ill + 0.3 * rng.normal(size=n), 6.0 + rng.normal(size=n)], axis=1)
    return Complete(patient, step * np.arange(n), ("lactate", "glucose"), values, ("ill",), ill[:, None])
