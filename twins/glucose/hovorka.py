"""The rival structure of Hovorka et al., Physiol Meas 2004;25:905: two glucose compartments, three actions of insulin.

    D1' = AG food - D1 / tmaxG     D2' = (D1 - D2) / tmaxG     UG = D2 / tmaxG     (in closed form t exp(-t / tmaxG))
    S1' = insulin - S1 / tmaxI     S2' = (S1 - S2) / tmaxI     Ip' = S2 / tmaxI - ke Ip     I = Ip / (VI weight)
    x1' = ka1 (SIT I - x1)         x2' = ka2 (SID I - x2)      x3' = ka3 (SIE I - x3)
    Q1' = -F01c - x1 Q1 + k12 Q2 - FR + UG + EGP0 weight (1 - x3)
    Q2' = x1 Q1 - (k12 + x2) Q2    G = Q1 / (VG weight)
    F01c = F01 weight min(1, G / 4.5 mmol/L)     FR = 0.003/min (G - 9 mmol/L) VG weight above 9 mmol/L, else 0

Glucose is in mmol, and shown in mg/dL through its molar mass. Production is cut off at 0 where x3 exceeds 1, as in
Wilinska et al., J Diabetes Sci Technol 2010;4:132. Kinks: at x3 = 1, G = 4.5 and G = 9 mmol/L, all continuous. The
sensor, which the paper does not have, follows plasma as in the free-living structure (Basu et al., Diabetes
2013;62:4083 measured a lag of 5 to 6 min by tracers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.models import (
    RK4,
    Additive,
    Balance,
    Claims,
    Envelope,
    Level,
    LogNormal,
    Model,
    Monotone,
    Observable,
    Parameter,
    Range,
    Schedule,
    Twin,
)
from vvuq.models.math import maximum, minimum
from vvuq.models.simulate import parameter_matrix
from vvuq.record import Cohort, Floats, Patient

from .given import Ports, basal_now, given, weight_in
from .scenarios import DAY, DOSE_UNITS, DOSES, INFUSED, READING, WEIGHT, scenarios

AG = 0.8  # share of carbohydrate that reaches the blood
MOLAR_MASS = 180.156  # of glucose [mg/mmol]
PORTS = Ports(depot="S1", mg=1.0 / MOLAR_MASS, lag=0.0)
TARGET = 119.13  # mg/dL: what basal insulin is taken to hold where a record tells of none


def rhs(t, x, u, theta, dx):
    D1, D2, S1, S2, Ip, x1, x2, x3, Q1, Q2, C = x
    carbohydrate, basal, insulin, intravenous, dextrose, weight = u
    SIT, SIE, EGP0, tmaxG, SID, F01, k12, ka1, ka2, ka3, ke, VI, VG, tmaxI, alpha, F01_full, R_from, R_rate, _ = theta
    dx[0] = AG * carbohydrate - D1 / tmaxG
    dx[1] = (D1 - D2) / tmaxG
    dx[2] = basal + insulin - S1 / tmaxI
    dx[3] = (S1 - S2) / tmaxI
    dx[4] = intravenous + S2 / tmaxI - ke * Ip
    I = Ip / (VI * weight)  # noqa: E741 (as in the paper)
    dx[5] = ka1 * (SIT * I - x1)
    dx[6] = ka2 * (SID * I - x2)
    dx[7] = ka3 * (SIE * I - x3)
    G = Q1 / (VG * weight)
    brain = F01 * weight * minimum(1, G / F01_full)
    kidney = R_rate * VG * weight * maximum(G - R_from, 0)
    liver = EGP0 * weight * maximum(1 - x3, 0)
    dx[8] = -brain - x1 * Q1 + k12 * Q2 - kidney + D2 / tmaxG + dextrose + liver
    dx[9] = x1 * Q1 - (k12 + x2) * Q2
    dx[10] = (G - C) / alpha


def cgm(t, x, u, theta, y):
    _, _, _, _, _, _, _, _, _, _, C = x
    y[0] = C * theta[18]


def fingerstick(t, x, u, theta, y):
    _, _, _, _, _, _, _, _, Q1, _, _ = x
    _, _, _, _, _, weight = u
    y[0] = Q1 / (theta[12] * weight) * theta[18]


def known(name: str, unit: str, value: float, cv: float, meaning: str, high: float) -> Parameter:
    """A parameter of the paper; cv: the coefficient of variation between virtual patients, of which half is taken."""
    half = f"half the coefficient of variation, {cv:g}, of the virtual clinic of Boiroux et al."
    source = f"value: Hovorka et al. 2004; spread: {half}, as public codes cite it: its normals reach below 0"
    return Parameter(name, unit, LogNormal(value, 0.5 * cv), source, meaning, (0.0, high))


def fixed(name: str, unit: str, value: float, source: str, meaning: str) -> Parameter:
    """A threshold or constant, taken as it is."""
    return Parameter(name, unit, LogNormal(value, 0.0), source, meaning, (0.99 * value, 1.01 * value))


PAPER = "Hovorka et al. 2004, taken as it is"
PARAMETERS = (
    known("SIT", "L/mIU/min", 51.2e-4, 0.63, "sensitivity to insulin of transport into tissue", 0.1),
    known("SIE", "L/mIU", 520e-4, 0.59, "sensitivity to insulin of production by the liver", 1.0),
    known("EGP0", "mmol/kg/min", 0.0161, 0.24, "production by the liver without insulin", 0.1),
    known("tmaxG", "min", 40.0, 0.25, "time from food to the peak of its absorption", 300.0),
    known("SID", "L/mIU/min", 8.2e-4, 0.96, "sensitivity to insulin of disposal in tissue", 0.1),
    known("F01", "mmol/kg/min", 0.0097, 0.23, "use of glucose that needs no insulin", 0.1),
    known("k12", "1/min", 0.066, 0.43, "rate of return from tissue", 1.0),
    known("ka1", "1/min", 0.006, 1.0, "rate of onset and decay of the action on transport", 1.0),
    known("ka2", "1/min", 0.06, 0.74, "rate of onset and decay of the action on disposal", 1.0),
    known("ka3", "1/min", 0.03, 0.77, "rate of onset and decay of the action on the liver", 1.0),
    known("ke", "1/min", 0.138, 0.25, "rate of insulin elimination", 1.0),
    known("VI", "L/kg", 0.12, 0.10, "volume of insulin per body weight", 1.0),
    known("VG", "L/kg", 0.16, 0.23, "volume of glucose per body weight", 1.0),
    known("tmaxI", "min", 55.0, 0.25, "time from an injection to the peak of its absorption", 300.0),
    Parameter("alpha", "min", LogNormal(7.0, 0.2), "value: Cappon et al., IEEE TBME 2023;70:3227; spread assumed",
              "lag of the tissue behind the blood", (0.0, 60.0)),
    fixed("F01_full", "mmol/L", 4.5, PAPER, "glucose from which on F01 is used in full"),
    fixed("R_from", "mmol/L", 9.0, PAPER, "glucose above which the kidneys let it pass"),
    fixed("R_rate", "1/min", 0.003, PAPER, "rate at which they do"),
    fixed("molar_mass", "mg*L/dL/mmol", MOLAR_MASS / 10.0, "C6H12O6: 180.156 g/mol", "mg/dL of glucose in a mmol/L"),
)  # fmt: skip


MODEL = Model(
    name="glucose_hovorka",
    states={
        "D1": "mmol", "D2": "mmol", "S1": "mIU", "S2": "mIU", "Ip": "mIU", "x1": "1/min", "x2": "1/min", "x3": "1",
        "Q1": "mmol", "Q2": "mmol", "C": "mmol/L",
    },
    inputs={
        "carbohydrate": "mmol/min", "basal": "mIU/min", "insulin": "mIU/min", "intravenous": "mIU/min",
        "dextrose": "mmol/min",
    },
    covariates={"weight": "kg"},
    parameters=PARAMETERS,
    observables=(
        Observable("cgm", "mg/dL", cgm, noise=Additive(5.0)),  # as in the free-living structure
        Observable("fingerstick", "mg/dL", fingerstick, noise=Additive(5.0)),
    ),
    rhs=rhs,
    time_unit="min",
)  # fmt: skip


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Food, insulin and weight as the model takes them, from the first record on."""
    found = given(cohort, patient, PORTS)
    return Schedule(found.start, found.boluses, found.infusions, (Level(found.start, "weight", found.weight),))


def _named(theta: Mapping[str, float] | Floats) -> dict[str, Any]:
    return dict(zip((p.name for p in MODEL.parameters), parameter_matrix(MODEL, theta), strict=True))


def _net(p: Mapping[str, Any], G: Any, insulin: Any) -> Any:
    """Production less use [mmol/kg/min] where glucose G [mmol/L] and insulin [mIU/L] are held."""
    x1, x2 = p["SIT"] * insulin, p["SID"] * insulin
    lost = p["F01"] * np.minimum(1.0, G / p["F01_full"]) + p["R_rate"] * p["VG"] * np.maximum(G - p["R_from"], 0.0)
    stored = p["VG"] * G * x1 * x2 / (p["k12"] + x2)
    return p["EGP0"] * np.maximum(1.0 - p["SIE"] * insulin, 0.0) - lost - stored


def basal_need(theta: Mapping[str, float] | Floats, weight: float, glucose: float = TARGET) -> Floats:
    """The flow of insulin under the skin that holds `glucose` mg/dL [mIU/min], (members,).

    0 where glucose would not reach that without any insulin. theta as `simulate` takes it."""
    p = _named(theta)
    G, low, high = glucose / p["molar_mass"], 0.0 * p["SIE"], 1.0 / p["SIE"]
    for _ in range(100):  # the net flow falls as insulin rises
        middle = 0.5 * (low + high)
        more = _net(p, G, middle) > 0.0
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.asarray(low * p["ke"] * p["VI"] * weight)


def rest(schedule: Schedule, theta: Floats) -> Floats:
    """The state in which a patient rests who was given nothing, (states, members): the equilibrium without inputs."""
    p = _named(theta)
    surplus, zero = p["EGP0"] - p["F01"], 0.0 * p["SIE"]
    high = p["R_from"] + surplus / (p["R_rate"] * p["VG"])
    G = np.where(surplus > 0.0, high, p["F01_full"] * p["EGP0"] / p["F01"])
    return np.array([*[zero] * 8, G * p["VG"] * weight_in(schedule), zero, G])


def steady_start(schedule: Schedule, theta: Mapping[str, float] | Floats, glucose: float) -> Floats:
    """A state to begin with at a first reading of `glucose` mg/dL, (states, members): nothing in the gut, blood and
    sensor at the reading, tissue and insulin as steady as the basal insulin that flows when the schedule begins holds
    them. Where none flows that the record tells of, it is what holds 119 mg/dL."""
    p, weight = _named(theta), weight_in(schedule)
    zero = 0.0 * p["SIE"]
    rate = (basal_now(schedule.infusions, schedule.start, PORTS) or basal_need(theta, weight)) + zero
    Ip, G = rate / p["ke"], glucose / p["molar_mass"]
    insulin = Ip / (p["VI"] * weight)
    x1, x2, Q1 = p["SIT"] * insulin, p["SID"] * insulin, G * p["VG"] * weight
    depot = rate * p["tmaxI"]
    return np.array([zero, zero, depot, depot, Ip, x1, x2, p["SIE"] * insulin, Q1, x1 * Q1 / (p["k12"] + x2), G])


def food_inside(t, x, u, theta):
    """Glucose from food on its way to the blood [mmol]."""
    return x[0] + x[1]


def food_gained(t, x, u, theta):
    """Eaten and usable, less absorbed [mmol/min]."""
    return AG * u[0] - x[1] / theta[3]


def insulin_inside(t, x, u, theta):
    """Insulin under the skin and in plasma [mIU]."""
    _, _, S1, S2, Ip, _, _, _, _, _, _ = x
    return S1 + S2 + Ip


def insulin_gained(t, x, u, theta):
    """Given less eliminated [mIU/min]."""
    _, basal, insulin, intravenous, _, _ = u
    return basal + insulin + intravenous - theta[10] * x[4]


ENVELOPE = Envelope(
    duration=DAY,
    covariates={"weight": WEIGHT},
    doses=DOSES,
    dose_units=DOSE_UNITS,
    dose_per="weight",
    infused=INFUSED,
    measured={"cgm": READING, "fingerstick": READING},
    samples=Range(1.0, 8.0, "1", whole=True),
    levels={"weight": WEIGHT},
    boluses={
        "D1": Range(0.0, 300.0, "mmol"), "S1": Range(0.0, 8_000.0, "mIU"), "Ip": Range(0.0, 1_000.0, "mIU"),
    },
    rates={
        "carbohydrate": Range(0.0, 6.0, "mmol/min"), "basal": Range(0.0, 20.0, "mIU/min"),
        "insulin": Range(0.0, 20.0, "mIU/min"), "intravenous": Range(0.0, 20.0, "mIU/min"),
        "dextrose": Range(0.0, 3.0, "mmol/min"),
    },
    initial={
        "D2": Range(0.0, 300.0, "mmol"), "S1": Range(0.0, 3_000.0, "mIU"), "S2": Range(0.0, 3_000.0, "mIU"),
        "Ip": Range(0.0, 500.0, "mIU"), "x1": Range(0.0, 0.1, "1/min"), "x2": Range(0.0, 0.02, "1/min"),
        "x3": Range(0.0, 1.0, "1"), "Q1": Range(10.0, 300.0, "mmol"), "Q2": Range(0.0, 300.0, "mmol"),
        "C": Range(2.0, 22.0, "mmol/L"),
    },
)  # fmt: skip

CLAIMS = Claims(
    nonnegative=("D1", "D2", "S1", "S2", "Ip", "x1", "x2", "x3", "Q1", "Q2", "cgm", "fingerstick"),
    balances=(
        Balance("glucose from food", "mmol", food_inside, food_gained),
        Balance("insulin", "mIU", insulin_inside, insulin_gained),
    ),
    monotone=tuple(
        Monotone(given, seen) for given in ("D1", "carbohydrate") for seen in ("cgm", "fingerstick")
    ),  # insulin: not promised, see docs/glucose.md
    solver_error=0.02,
    envelope=ENVELOPE,
)


TWIN = Twin(
    name="hovorka",
    title="Glucose in type 1 diabetes, the model of Hovorka et al. 2004",
    model=MODEL,
    personal=("SIT", "SIE", "EGP0", "tmaxG"),
    schedule=schedule,
    method=RK4(step=1.0),
    assumptions=(
        "Of carbohydrate 80 % reach the blood, each meal by the same time course.",
        "Food is eaten at 5 g/min where the record does not say how long a meal took.",
        "Insulin under the skin is absorbed linearly through two compartments.",
        "Short insulin is released over 136 min, intermediate over 12.7 h, long over 24 h, and then like rapid.",
        "Insulin acts on transport, disposal and production of glucose, each with its own delay, linearly.",
        "There is no counter-regulation, no exercise, no illness and no change over the day.",
        "The sensor follows plasma glucose with a lag of alpha; its error is independent and normal, SD 5 mg/dL.",
        "SIT, SIE, EGP0 and tmaxG vary between patients log-normally and independently of each other.",
    ),
    scenarios=scenarios(PORTS),
    rest=rest,
    claims=CLAIMS,
)
