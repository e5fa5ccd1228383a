"""Made-up diaries whose fingersticks come by a law that is known: patients, a twin with that care process."""

from __future__ import annotations

from dataclasses import replace

import freeliving
import numpy as np

from vvuq.data.cohort import make_cohort
from vvuq.models import Additive, Care, Driver, Known, Observable
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Dose, Floats, Measurement, Patient

UNITS = {"time": "min", "cgm": "mg/dL", "fingerstick": "mg/dL", "carbohydrate": "g", "weight": "kg"}
DAY, SLOT = 1440.0, 15.0


def swing(known: Known) -> float:
    return float(np.sin(2.0 * np.pi * known.time / DAY))


def lately(known: Known) -> float:
    return float(known.orders.size > 0 and known.time - known.orders[-1] < 120.0)


def fed(known: Known) -> float:
    return float(known.given.size > 0 and known.time - known.given[-1] <= 30.0)


def high(known: Known) -> float:
    return float(known.values[-1] > 180.0) if known.values.size else np.nan


CARE = Care(
    orders="fingerstick", shows="cgm", slot=SLOT, gap=240.0, given=("carbohydrate",), step=50.0,
    drivers=(
        Driver("swing", "sine of the time of day", "clock", swing),
        Driver("lately", "a stick in the 2 h before", "orders", lately),
        Driver("fed", "a meal in the 30 min before", "given", fed),
        Driver("high", "the last reading is above 180 mg/dL", "shown", high),
    ),
)  # fmt: skip
TRUE: Floats = np.array([-2.5, 0.5, -1.0, 1.0, 0.7])


def blood(t, x, u, theta, y):
    y[0] = x[0]


MODEL = replace(
    freeliving.MODEL,
    observables=(*freeliving.MODEL.observables, Observable("fingerstick", "mg/dL", blood, Additive(5.0))),
)
TWIN = replace(freeliving.TWIN, model=MODEL, care=CARE)


def patient(number: int, days: float, by_state: float = 0.0, seed: int = 0) -> Patient:
    """A course that wanders around a level, three meals a day, and sticks by the law TRUE; by_state: change of the log
    odds by 50 mg/dL of the reading that the stick would find."""
    rng = np.random.default_rng([seed, number])
    times = float(rng.integers(0, 1000)) + SLOT * np.arange(int(days * DAY / SLOT))
    course, walk = np.empty(times.size), 0.0
    for i in range(times.size):
        walk = 0.9 * walk + rng.normal(0.0, 20.0)
        course[i] = np.clip(150.0 + walk, 40.0, 400.0)
    meals = np.arange(times[0] + 100.0, times[-1], 480.0)
    orders: list[float] = []
    for i, time in enumerate(times):
        seen = np.array(orders)
        fed_ = (meals < time) & (meals >= time - 30.0)
        x = [1.0, np.sin(2.0 * np.pi * time / DAY), float(seen.size > 0 and time - seen[-1] < 120.0), float(fed_.any()),
             float(i > 0 and course[i - 1] > 180.0)]  # fmt: skip
        odds = float(TRUE @ np.array(x)) + by_state * (course[i] - 150.0) / 50.0
        if rng.random() < 1.0 / (1.0 + np.exp(-odds)):
            orders.append(float(time))
    taken = [Measurement(float(t), "cgm", float(v)) for t, v in zip(times, course, strict=True)]
    taken += [Measurement(t, "fingerstick", float(course[int((t - times[0]) / SLOT)])) for t in orders]
    doses = tuple(Dose(float(t), 40.0, what="carbohydrate") for t in meals)
    return Patient(f"c{number}", (("weight", 60.0),), doses, tuple(sorted(taken, key=lambda m: (m.time, m.observable))))


def cohort(count: int = 6, days: float = 6.0, by_state: float = 0.0, seed: int = 0) -> Cohort:
    """`count` such patients."""
    return make_cohort("diaries", [patient(i, days, by_state, seed) for i in range(count)], UNITS)


def without(one: Patient, observable: str) -> Patient:
    """The patient without the measurements of an observable."""
    return replace(one, measurements=tuple(m for m in one.measurements if m.observable != observable))


DRAWS = Draws(7, "test")
