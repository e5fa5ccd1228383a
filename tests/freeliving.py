"""Made-up patients at home: glucose every 15 minutes with gaps, days in a rhythm, meals and boluses, an infusion."""

from __future__ import annotations

import numpy as np

from vvuq.data.cohort import make_cohort
from vvuq.interaction.arx import ARX
from vvuq.interaction.course import Input
from vvuq.interaction.network import Training
from vvuq.interaction.recurrent import Recurrent
from vvuq.models import RK4, Additive, LogNormal, Model, Observable, Parameter, Schedule, Twin
from vvuq.record import Cohort, Dose, Measurement, Patient

UNITS = {
    "time": "min", "cgm": "mg/dL", "carbohydrate": "g", "rapid_insulin": "IU", "long_insulin": "IU",
    "basal_insulin": "IU", "weight": "kg",
}  # fmt: skip
DAY = 1440.0


def patient(number: int, days: float = 2.0, gaps: bool = True) -> Patient:
    """One patient: an autoregressive course around a daily rhythm."""
    rng = np.random.default_rng(number)
    begin = float(rng.integers(0, 96)) * 15.0 + float(rng.integers(0, 15))
    times = begin + 15.0 * np.arange(int(days * 96))
    course, swing = np.empty(times.size), 0.0
    for i, time in enumerate(times):
        swing = 0.95 * swing + rng.normal(0.0, 12.0)
        course[i] = 140.0 + 40.0 * np.sin(2.0 * np.pi * time / DAY + number) + swing
    keep = np.ones(times.size, dtype=bool)
    if gaps:
        start = int(rng.integers(times.size // 4, times.size // 2))
        keep[start : start + 7] = False
    values = np.clip(course, 40.0, 400.0)
    taken = tuple(Measurement(float(t), "cgm", float(v)) for t, v in zip(times[keep], values[keep], strict=True))
    meals = np.arange(begin + 40.0, times[-1], 300.0)
    doses = [Dose(float(t), float(rng.uniform(20.0, 80.0)), what="carbohydrate") for t in meals]
    doses += [Dose(float(t) - 5.0, float(rng.uniform(2.0, 8.0)), what="rapid_insulin") for t in meals]
    doses += [Dose(float(t), 12.0, what="long_insulin") for t in np.arange(begin, times[-1], DAY)]
    flow = np.arange(begin, times[-1], 240.0)
    doses += [Dose(float(t), float(rng.uniform(1.0, 3.0)), 240.0, what="basal_insulin") for t in flow]
    return Patient(f"p{number}", (("weight", 60.0 + number),), tuple(sorted(doses, key=lambda d: d.time)), taken)


def cohort(count: int = 4, days: float = 2.0) -> Cohort:
    """`count` such patients."""
    return make_cohort("home", [patient(i, days) for i in range(count)], UNITS)


def rhs(t, x, u, theta, dx):
    (G,) = x
    k, base = theta
    dx[0] = k * (base - G)


def reading(t, x, u, theta, y):
    y[0] = x[0]


MODEL = Model(
    name="relaxing",
    states={"G": "mg/dL"},
    inputs={},
    parameters=(
        Parameter("k", "1/min", LogNormal(0.01, 0.3), source="test"),
        Parameter("base", "mg/dL", LogNormal(140.0, 0.2), source="test"),
    ),
    observables=(Observable("cgm", "mg/dL", reading, Additive(5.0)),),
    rhs=rhs,
    time_unit="min",
)
INPUTS = (Input("meal", ("carbohydrate",), lags=4), Input("flow", ("basal_insulin",), flow=True))
LEARNERS = (ARX(INPUTS), Recurrent(INPUTS, hidden=4, networks=2, training=Training(epochs=2)))
TWIN = Twin(
    name="home",
    title="Readings that return to a level",
    model=MODEL,
    personal=("k",),
    schedule=lambda cohort, patient: Schedule(),
    method=RK4(15.0),
    assumptions=(),
    forecasters={one.name: one for one in LEARNERS},
)
