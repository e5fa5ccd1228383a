"""The free-living structure: an identifiable model of glucose in type 1 diabetes, for a sensor at home.

Equations after Cappon, Vettoretti, Sparacino, Del Favero & Facchinetti, IEEE Trans Biomed Eng 2023;70:3227 (ReplayBG):

    Q1'   = carbohydrate - kempt Q1        Q2' = kempt (Q1 - Q2)        Qgut' = kempt Q2 - kabs Qgut
    Isc1' = basal + insulin - kd Isc1      Isc2' = kd Isc1 - ka2 Isc2   Ip' = intravenous + ka2 Isc2 - ke Ip
    X'    = -p2 (X - SI (Ip - Ipb) / (VI weight))
    G'    = -(SG + rho X) G + SG Gb + (f kabs Qgut + dextrose) / (VG weight) + W
    IG'   = (G - IG) / alpha               W'   = -fading W
    rho   = 1 + 10 r1 (ln(G)^r2 - ln(Gb)^r2)^2 for 60 mg/dL <= G < Gb, its value at 60 below, 1 above

Ipb, the plasma insulin that holds Gb, is not read from the record: a record may not tell the basal regimen, the regimen
may not hold Gb, and its mean looks ahead. It follows from `basal_share`, the share of SG that is the effect of basal
insulin: SI Ipb / (VI weight) = basal_share SG. A patient who is less sensitive to insulin so needs more of it, and
below 1 glucose stays bounded without any insulin. W, which the paper has not, is a flux of glucose that no record
explains; it is 0 unless a filter finds it. rho is continuous; its slope jumps at 60 mg/dL alone.
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
    Follow,
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
from vvuq.models.math import exp, log, maximum, minimum
from vvuq.models.simulate import parameter_matrix
from vvuq.record import Cohort, Floats, Patient

from .care import CARE
from .given import Ports, basal_now, given, weight_in
from .scenarios import DAY, DOSE_UNITS, DOSES, INFUSED, READING, WEIGHT, scenarios

R1, R2 = 1.4407, 0.8124  # Cappon 2023, from the symmetric risk scale of Kovatchev et al., Diabetes Care 1997;20:1655
LN60 = 4.0943445622221  # of the lower end of rho, in mg/dL
PORTS = Ports()
RELEASED = "Cappon et al. 2023; spread of the prior in the authors' released code"


def rhs(t, x, u, theta, dx):
    Q1, Q2, Qgut, Isc1, Isc2, Ip, X, G, IG, W = x
    carbohydrate, basal, insulin, intravenous, dextrose, weight = u
    SI, Gb, f, kabs, basal_share, SG, p2, kempt, kd, ka2, ke, VI, VG, alpha, fading, G60 = theta
    dx[0] = carbohydrate - kempt * Q1
    dx[1] = kempt * (Q1 - Q2)
    dx[2] = kempt * Q2 - kabs * Qgut
    dx[3] = basal + insulin - kd * Isc1
    dx[4] = kd * Isc1 - ka2 * Isc2
    dx[5] = intravenous + ka2 * Isc2 - ke * Ip
    dx[6] = -p2 * (X - SI * Ip / (VI * weight) + basal_share * SG)
    inside = minimum(maximum(G, G60), Gb)
    risk = exp(R2 * log(LN60 + log(inside / G60))) - exp(R2 * log(LN60 + log(Gb / G60)))
    rho = 1 + 10 * R1 * risk * risk
    dx[7] = -(SG + rho * X) * G + SG * Gb + (f * kabs * Qgut + dextrose) / (VG * weight) + W
    dx[8] = (G - IG) / alpha
    dx[9] = -fading * W


def cgm(t, x, u, theta, y):
    _, _, _, _, _, _, _, _, IG, _ = x
    y[0] = IG


def fingerstick(t, x, u, theta, y):
    _, _, _, _, _, _, _, G, _, _ = x
    y[0] = G


def known(name: str, unit: str, value: float, sd_log: float, meaning: str, bounds: tuple[float, float]) -> Parameter:
    """A parameter whose value is published and whose spread is assumed."""
    source = f"value: Cappon et al. 2023; spread {sd_log:g} of the logarithm: assumed, the data hardly tell it"
    return Parameter(name, unit, LogNormal(value, sd_log), source, meaning, bounds)


PARAMETERS = (
    Parameter(
        "SI", "L/mIU/min", LogNormal(10.35e-4 / 1.45, 0.4),
        f"{RELEASED}: of SI VG gamma, shape 3.3 and scale 5e-4, whose logarithm spreads by 0.6; here 0.4",
        "insulin sensitivity", (0.0, 0.1),
    ),
    Parameter("Gb", "mg/dL", LogNormal(119.13, 0.2),
              "value: Cappon et al. 2023; spread assumed, wider than the 0.06 of the released code",
              "glucose that basal insulin holds", (60.0, 400.0)),
    Parameter(
        "f", "1", LogNormal(0.9, 0.5),
        "value: Cappon et al. 2023; spread assumed: amounts are estimated from what was noted of a meal",
        "share of the recorded carbohydrate that reaches the blood as glucose", (0.0, 10.0),
    ),
    Parameter(
        "kabs", "1/min", LogNormal(0.012, 0.5),
        "value: Cappon et al. 2023; spread assumed: the released prior, 1.44 around 0.0043, is wider than any meal",
        "rate at which the gut absorbs a meal", (0.0, 1.0),
    ),
    Parameter(
        "basal_share", "1", LogNormal(0.34, 0.25),
        "SI Ib / SG with these values and Ib = 12 mIU/L, which 0.3 IU/kg of basal insulin a day give; spread assumed",
        "share of SG that is the effect of basal insulin", (0.0, 1.0),
    ),
    Parameter("SG", "1/min", LogNormal(0.025, 0.3),
              "value: Cappon et al. 2023; spread assumed: the released prior is 0.5 around 0.0224",
              "glucose effectiveness at basal insulin", (0.0, 1.0)),
    Parameter("p2", "1/min", LogNormal(0.012, 0.07), f"{RELEASED}: of the root normal, 0.11 and 0.004",
              "rate of onset of insulin action", (0.0, 1.0)),
    known("kempt", "1/min", 0.18, 0.2, "rate at which the stomach grinds and empties", (0.0, 1.0)),
    known("kd", "1/min", 0.026, 0.2, "rate from the first to the second insulin depot", (0.0, 1.0)),
    known("ka2", "1/min", 0.014, 0.2, "rate from the second insulin depot to plasma", (0.0, 1.0)),
    known("ke", "1/min", 0.127, 0.05, "rate of insulin elimination", (0.0, 1.0)),
    known("VI", "L/kg", 0.135, 0.05, "volume of insulin per body weight", (0.0, 1.0)),
    known("VG", "dL/kg", 1.45, 0.1, "volume of glucose per body weight", (0.0, 10.0)),
    known("alpha", "min", 7.0, 0.2, "lag of the tissue behind the blood", (0.0, 60.0)),
    Parameter("fading", "1/min", LogNormal(1.0 / 60.0, 0.7), "assumed: what no record explains lasts about an hour",
              "rate at which an unrecorded flux of glucose fades", (0.0, 1.0)),
    known("G60", "mg/dL", 60.0, 0.0, "below it the effect of insulin grows no further: an end of the risk scale",
          (59.0, 61.0)),
)  # fmt: skip


MODEL = Model(
    name="glucose_free_living",
    states={
        "Q1": "mg", "Q2": "mg", "Qgut": "mg", "Isc1": "mIU", "Isc2": "mIU", "Ip": "mIU", "X": "1/min", "G": "mg/dL",
        "IG": "mg/dL", "W": "mg/dL/min",
    },
    inputs={
        "carbohydrate": "mg/min", "basal": "mIU/min", "insulin": "mIU/min", "intravenous": "mIU/min",
        "dextrose": "mg/min",
    },
    covariates={"weight": "kg"},
    parameters=PARAMETERS,
    observables=(
        Observable("cgm", "mg/dL", cgm, noise=Additive(5.0)),  # Cappon 2023
        Observable("fingerstick", "mg/dL", fingerstick, noise=Additive(5.0)),  # assumed
    ),
    rhs=rhs,
    time_unit="min",
)  # fmt: skip


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Food, insulin and weight as the model takes them, from the first record on."""
    found = given(cohort, patient, PORTS)
    return Schedule(found.start, found.boluses, found.infusions, (Level(found.start, "weight", found.weight),))


def basal_need(theta: Mapping[str, float] | Floats, weight: float) -> Floats:
    """The flow of insulin under the skin that holds Gb [mIU/min], (members,): ke Ipb. theta as `simulate` takes it."""
    p = _named(theta)
    return np.asarray(p["ke"] * p["basal_share"] * p["SG"] * p["VI"] * weight / p["SI"])


def rest(schedule: Schedule, theta: Floats) -> Floats:
    """The state in which a patient rests who was given nothing, (states, members): the equilibrium without inputs."""
    p = _named(theta)
    zero = 0.0 * p["SI"]
    G = p["Gb"] / (1.0 - p["basal_share"])
    return np.array([zero, zero, zero, zero, zero, zero, -p["basal_share"] * p["SG"], G, G, zero])


def steady_start(schedule: Schedule, theta: Mapping[str, float] | Floats, glucose: float) -> Floats:
    """A state to begin with at a first reading of `glucose` mg/dL, (states, members): nothing in the gut, blood and
    tissue at the reading, insulin as steady as the basal insulin that flows when the schedule begins holds it.

    Where none flows that the record tells of, it is what the patient needs to hold Gb."""
    p = _named(theta)
    weight = weight_in(schedule)
    rate = basal_now(schedule.infusions, schedule.start, PORTS) or basal_need(theta, weight)
    rate, zero = rate + 0.0 * p["SI"], 0.0 * p["SI"]
    Ip = rate / p["ke"]
    X = p["SI"] * Ip / (p["VI"] * weight) - p["basal_share"] * p["SG"]
    return np.array([zero, zero, zero, rate / p["kd"], rate / p["ka2"], Ip, X, glucose + zero, glucose + zero, zero])


def _named(theta: Mapping[str, float] | Floats) -> dict[str, Any]:
    return dict(zip((p.name for p in MODEL.parameters), parameter_matrix(MODEL, theta), strict=True))


def food_inside(t, x, u, theta):
    """Carbohydrate between mouth and blood [mg]."""
    Q1, Q2, Qgut, _, _, _, _, _, _, _ = x
    return Q1 + Q2 + Qgut


def food_gained(t, x, u, theta):
    """Eaten less absorbed [mg/min]."""
    return u[0] - theta[3] * x[2]


def insulin_inside(t, x, u, theta):
    """Insulin under the skin and in plasma [mIU]."""
    _, _, _, Isc1, Isc2, Ip, _, _, _, _ = x
    return Isc1 + Isc2 + Ip


def insulin_gained(t, x, u, theta):
    """Given less eliminated [mIU/min]."""
    _, basal, insulin, intravenous, _, _ = u
    return basal + insulin + intravenous - theta[10] * x[5]


ENVELOPE = Envelope(
    duration=DAY,
    covariates={"weight": WEIGHT, "age": Range(18.0, 80.0, "year"), "bmi": Range(16.0, 35.0, "kg/m^2")},
    doses=DOSES,
    dose_units=DOSE_UNITS,
    dose_per="weight",
    infused=INFUSED,
    measured={"cgm": READING, "fingerstick": READING},
    samples=Range(1.0, 8.0, "1", whole=True),
    levels={"weight": WEIGHT},
    boluses={
        "Q1": Range(0.0, 60_000.0, "mg"), "Isc1": Range(0.0, 4_000.0, "mIU"), "Ip": Range(0.0, 500.0, "mIU"),
    },
    rates={
        "carbohydrate": Range(0.0, 1_000.0, "mg/min"), "basal": Range(0.0, 20.0, "mIU/min"),
        "insulin": Range(0.0, 20.0, "mIU/min"), "intravenous": Range(0.0, 20.0, "mIU/min"),
        "dextrose": Range(0.0, 500.0, "mg/min"),
    },
    initial={
        "Qgut": Range(0.0, 60_000.0, "mg"), "Isc1": Range(0.0, 1_000.0, "mIU"), "Isc2": Range(0.0, 1_000.0, "mIU"),
        "Ip": Range(0.0, 200.0, "mIU"), "X": Range(-0.01, 0.02, "1/min"), "G": READING, "IG": READING,
    },
)  # fmt: skip

CLAIMS = Claims(
    nonnegative=("Q1", "Q2", "Qgut", "Isc1", "Isc2", "Ip", "cgm", "fingerstick"),
    balances=(
        Balance("carbohydrate", "mg", food_inside, food_gained),
        Balance("insulin", "mIU", insulin_inside, insulin_gained),
    ),
    monotone=(
        *(Monotone(given, seen) for given in ("Q1", "carbohydrate", "dextrose") for seen in ("cgm", "fingerstick")),
        *(Monotone(given, "cgm", rises=False) for given in ("Isc1", "Ip", "basal", "insulin", "intravenous")),
        Monotone("Isc1", "fingerstick", rises=False),
    ),
    solver_prior=0.95,
    solver_error=0.3,  # near 10 mg/dL, by a large dose in the most sensitive; docs/glucose.md has the usual error
    envelope=ENVELOPE,
)


def first(schedule: Schedule, theta: Floats, reading: float) -> tuple[Floats, Floats]:
    """Mean and SD (n,) of the states at a first reading: steady insulin, known badly; a meal may be in the gut."""
    mean = steady_start(schedule, theta, reading)[:, 0]
    weight = next(level.value for level in schedule.levels if level.input == "weight")
    insulin = 0.5 * mean[3:6] + weight * np.array([0.3, 0.3, 0.1])
    food = weight * np.array([20.0, 20.0, 100.0])
    return mean, np.concatenate([food, insulin, [0.005, 20.0, 5.0, 0.5]])


FOLLOW = Follow(
    observable="cgm",
    start=first,
    drift={"G": 0.5, "W": 0.1, "SI": 0.01, "Gb": 0.003, "f": 0.03},
    gap=240.0,
    step=15.0,
    memory=2880.0,
    shared=("SG", "kabs", "fading"),
    lowest=39.6,
    highest=500.0,
)

TWIN = Twin(
    name="glucose",
    title="Glucose in type 1 diabetes at home, an identifiable model",
    model=MODEL,
    personal=("SI", "Gb", "f"),
    schedule=schedule,
    method=RK4(step=5.0),
    assumptions=(
        "Carbohydrate is absorbed with one rate, whatever the meal; fat, protein and alcohol do nothing.",
        "Food is eaten at 5 g/min where the record does not say how long a meal took.",
        "Insulin under the skin is absorbed linearly, 8 min late.",
        "Short insulin is released over 136 min, intermediate over 12.7 h, long over 24 h, and then like rapid.",
        "Basal insulin holds Gb at a plasma level that follows from the patient's sensitivity, not from the record.",
        "What no record explains is a flux of glucose, W: 0, unless a filter that follows a patient finds one.",
        "There is no counter-regulation, no exercise, no illness and no change over the day.",
        "The effect of insulin above its basal level grows as glucose falls below Gb, up to 60 mg/dL.",
        "The sensor follows plasma glucose with a lag of alpha; its error is independent and normal, SD 5 mg/dL.",
        "SI, Gb and f vary between patients log-normally and independently of each other.",
    ),
    scenarios=scenarios(PORTS),
    rest=rest,
    claims=CLAIMS,
    follow=FOLLOW,
    care=CARE,
)
