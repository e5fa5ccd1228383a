"""The model of Hovorka et al., Physiol Meas 2004;25:905, as published, and a day of three meals.

Ten states: two compartments of carbohydrate D, of insulin under the skin S, of glucose Q, plasma insulin I, three
actions x; mmol, mU, min. Doses flow in over minutes, so that all that happens is a jump of an input."""

from __future__ import annotations

import numpy as np

from vvuq.models import Additive, Infusion, LogNormal, Model, Observable, Parameter, Schedule
from vvuq.models.math import maximum, minimum

MEDIANS = {  # of a patient of 70 kg
    "F01": ("mmol/min", 0.0097 * 70), "k12": ("1/min", 0.066), "EGP0": ("mmol/min", 0.0161 * 70),
    "VG": ("L", 0.16 * 70), "VI": ("L", 0.12 * 70), "ke": ("1/min", 0.138),
    "ka1": ("1/min", 0.006), "ka2": ("1/min", 0.06), "ka3": ("1/min", 0.03),
    "SIT": ("L/mU/min", 51.2e-4), "SID": ("L/mU/min", 8.2e-4), "SIE": ("L/mU", 520e-4),
    "tmaxI": ("min", 55.0), "tmaxG": ("min", 40.0), "AG": ("1", 0.8), "low": ("mmol/L", 4.5), "high": ("mmol/L", 9.0),
    "kidney": ("1/min", 0.003),
}  # fmt: skip
SPREAD = 0.1  # SD of the logarithm of each, among patients
DAY, EVERY = 1440.0, 5.0
TIMES = np.arange(0.0, DAY + 1.0, EVERY)
BASAL = 6.0  # mU/min: holds the published patient at 8 mmol/L, and the boluses bring it back there
MEALS = ((420.0, 15.0, 250.0, 1500.0), (750.0, 20.0, 390.0, 2100.0), (1140.0, 20.0, 440.0, 2400.0))  # and a bolus


def rhs(t, x, u, theta, dx):
    D1, D2, S1, S2, I, x1, x2, x3, Q1, Q2 = x  # noqa: E741 (as in the paper)
    food, insulin = u
    F01, k12, EGP0, VG, VI, ke, ka1, ka2, ka3, SIT, SID, SIE, tmaxI, tmaxG, AG, low, high, kidney = theta
    fed, held, G = 1 / tmaxG, 1 / tmaxI, 1 / VG * Q1
    dx[0] = AG * food - fed * D1
    dx[1] = fed * (D1 - D2)
    dx[2] = insulin - held * S1
    dx[3] = held * (S1 - S2)
    dx[4] = held / VI * S2 - ke * I
    dx[5] = ka1 * (SIT * I - x1)
    dx[6] = ka2 * (SID * I - x2)
    dx[7] = ka3 * (SIE * I - x3)
    moved, back = x1 * Q1, k12 * Q2
    used, lost = F01 * minimum(1 / low * G, 1.0), kidney * VG * maximum(G - high, 0.0)
    dx[8] = back - moved - used - lost + fed * D2 + EGP0 * (1.0 - x3)
    dx[9] = moved - back - x2 * Q2


def glucose(t, x, u, theta, y):
    y[0] = x[8] / theta[3]


MODEL = Model(
    name="hovorka_2004",
    states={
        "D1": "mmol", "D2": "mmol", "S1": "mU", "S2": "mU", "I": "mU/L", "x1": "1/min", "x2": "1/min", "x3": "1",
        "Q1": "mmol", "Q2": "mmol",
    },
    inputs={"food": "mmol/min", "insulin": "mU/min"},
    parameters=tuple(
        Parameter(name, unit, LogNormal(value, SPREAD), "Hovorka 2004") for name, (unit, value) in MEDIANS.items()
    ),
    observables=(Observable("glucose", "mmol/L", glucose, Additive(0.3)),),
    rhs=rhs,
    time_unit="min",
)  # fmt: skip


def schedule(anew: float = DAY) -> Schedule:
    """The day: three meals, a bolus in the first minute of each, and a rate of insulin that is set every `anew` min."""
    rates = BASAL * np.random.default_rng(12).uniform(0.5, 1.5, int(DAY / anew)) if anew < DAY else [BASAL]
    flows = [Infusion(k * anew, (k + 1) * anew, "insulin", float(rate)) for k, rate in enumerate(rates)]
    for at, long, food, bolus in MEALS:
        flows += [Infusion(at, at + long, "food", food / long), Infusion(at, at + 1.0, "insulin", bolus)]
    return Schedule(0.0, infusions=tuple(flows))


def patients(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Parameters (p, count) drawn around the published ones, and the state (10, count) in the morning."""
    medians = np.array([value for _, value in MEDIANS.values()])
    theta = medians[:, None] * np.exp(np.random.default_rng(11).normal(0.0, SPREAD, (medians.size, count)))
    theta[-4:] = medians[-4:, None]  # a share and thresholds, which all have in common
    start = np.array([0.0, 0.0, 330.0, 330.0, 5.176, 0.0265, 0.00424, 0.2692, 90.35, 34.08])  # at rest with BASAL
    return theta, np.repeat(start[:, None], count, axis=1)
