"""The UVA/Padova structure of 2008: meal, glucose, insulin and two depots under the skin, 13 states and a memory.

Equations after Dalla Man, Rizza & Cobelli, IEEE Trans Biomed Eng 2007;54:1740, with the depots of type 1 diabetes of
Kovatchev, Breton, Dalla Man & Cobelli, J Diabetes Sci Technol 2009;3:44, as the public simulator simglucose 0.2.11 has
them. Insulin is counted in pmol, not in pmol/kg; I = Ip / (Vi weight), G = Gp / Vg.

    q1' = carbohydrate - kmax q1     q2' = kmax q1 - kgut q2     q3' = kgut q2 - kabs q3     Ra = f kabs q3 / weight
    kgut = kmin + (kmax - kmin) / 2 (tanh(5 (q / Db - b) / (2 (1 - b))) - tanh(5 (q / Db - d) / (2 d)) + 2), q = q1 + q2
    EGP = max(kp1 - kp2 Gp - kp3 Id, 0)     E = ke1 max(Gp - ke2, 0)
    Gp' = EGP + Ra - Fcns - E - k1 Gp + k2 Gt     Gt' = k1 Gp - k2 Gt - (Vm0 + Vmx X) Gt / (Km0 + Gt)
    X' = -p2u (X - (I - Ib))     I1' = -ki (I1 - I)     Id' = -ki (Id - I1)
    Ip' = intravenous - (m2 + m4) Ip + m1 Il + ka1 Isc1 + ka2 Isc2     Il' = m2 Ip - (m1 + m30) Il
    Isc1' = basal + titrated need + insulin - (ka1 + kd) Isc1     Isc2' = kd Isc1 - ka2 Isc2     Gc' = -ksc (Gc - Gp)

Db is what the stomach held when the meal began and what was eaten of it since, this minute's food included: a reset and
boluses of the schedule (stomach.py); kgut = kmax before the first meal. Gp, Gt, Ip, Il, Isc1, Isc2 and Gc are not led
further below zero; X may be negative. `titrated` is a basal rate as a share of the patient's own need. kp1, Vm0, m4 and
m30 are not free: with the insulin that holds Ib, the glucose Gb is steady.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from vvuq.errors import InputError
from vvuq.models import (
    RK4,
    Additive,
    Bolus,
    Infusion,
    Level,
    LogNormal,
    Model,
    Observable,
    Parameter,
    Scenario,
    Schedule,
    Twin,
    Uniform,
)
from vvuq.models.math import maximum, tanh, where
from vvuq.models.simulate import parameter_matrix
from vvuq.record import Cohort, Floats, Patient

from .given import EATING, Ports, basal_now, flow, given, weight_in
from .scenarios import DAY, scenarios
from .stomach import with_meals
from .uva_padova_claims import CLAIMS

PORTS = Ports(mIU=6.0, lag=0.0)  # pmol; two depots are delay enough
NOTHING = 1e-9  # of the glucose in plasma: less than that in the stomach is no meal
MOST, HALVINGS = 1e6, 100  # mg/kg: where glucose rests is looked for below; the interval is halved so often
VIRTUAL = "the 30 virtual patients of simglucose 0.2.11 (vpatient_params.csv)"


def held(x, slope):
    """The slope of a state that is not led further below zero."""
    return where(-x, maximum(slope, 0.0), slope)


def cleared(m1, m2, HEb):
    """The flow of insulin that holds one pmol in plasma [1/min]."""
    return m2 + (1 - HEb) * m2 - m1 * m2 / (m1 + HEb * m1 / (1 - HEb))


def rhs(t, x, u, theta, dx):
    q1, q2, q3, Gp, Gt, Ip, X, I1, Id, Il, Isc1, Isc2, Gc, Db = x
    carbohydrate, basal, insulin, intravenous, dextrose, titrated, weight = u
    (
        EGPb, Gb, Ib, Vg, k1, k2, kp2, kp3, ki, Vmx, Km0, p2u, Fcns, ke1, ke2, ksc,
        kmax, kmin, kabs, b, d, f, Vi, m1, m2, HEb, kd, ka1, ka2,
    ) = theta  # fmt: skip
    Gpb = Gb * Vg
    Gtb = (Fcns - EGPb + k1 * Gpb) / k2
    Vm0 = (EGPb - Fcns) * (Km0 + Gtb) / Gtb
    kp1 = EGPb + kp2 * Gpb + kp3 * Ib
    m4 = (1 - HEb) * m2
    m30 = HEb * m1 / (1 - HEb)
    need = cleared(m1, m2, HEb) * Ib * Vi * weight
    meal = Db - NOTHING * Gpb * weight
    full = (q1 + q2) / where(meal, Db, Gpb * weight)
    slowed = (kmax - kmin) / 2 * (tanh(5 / (2 * (1 - b)) * (full - b)) - tanh(5 / (2 * d) * (full - d)) + 2)
    kgut = where(meal, kmin + slowed, kmax)
    EGP = maximum(kp1 - kp2 * Gp - kp3 * Id, 0.0)
    E = ke1 * maximum(Gp - ke2, 0.0)
    plasma = EGP + 1 / weight * (f * kabs * q3 + dextrose) - Fcns - E - k1 * Gp + k2 * Gt
    tissue = k1 * Gp - k2 * Gt - (Vm0 + Vmx * X) * Gt / (Km0 + Gt)
    insulin_plasma = intravenous - (m2 + m4) * Ip + m1 * Il + ka1 * Isc1 + ka2 * Isc2
    insulin_liver = m2 * Ip - (m1 + m30) * Il
    depot = basal + titrated * need + insulin - (ka1 + kd) * Isc1
    second = kd * Isc1 - ka2 * Isc2
    sensor = -ksc * (Gc - Gp)
    I = 1 / (Vi * weight) * Ip  # noqa: E741
    dx[0] = carbohydrate - kmax * q1
    dx[1] = kmax * q1 - kgut * q2
    dx[2] = kgut * q2 - kabs * q3
    dx[3] = held(Gp, plasma)
    dx[4] = held(Gt, tissue)
    dx[5] = held(Ip, insulin_plasma)
    dx[6] = -p2u * (X - (I - Ib))
    dx[7] = -ki * (I1 - I)
    dx[8] = -ki * (Id - I1)
    dx[9] = held(Il, insulin_liver)
    dx[10] = held(Isc1, depot)
    dx[11] = held(Isc2, second)
    dx[12] = held(Gc, sensor)
    dx[13] = 0.0


def cgm(t, x, u, theta, y):
    _, _, _, _, _, _, _, _, _, _, _, _, Gc, _ = x
    y[0] = Gc / theta[3]


def fingerstick(t, x, u, theta, y):
    _, _, _, Gp, _, _, _, _, _, _, _, _, _, _ = x
    y[0] = Gp / theta[3]


def fitted(name: str, unit: str, median: float, sd_log: float, meaning: str, high: float) -> Parameter:
    """A parameter whose prior is the mean and spread of the logarithm among the virtual patients."""
    source = f"mean and SD of the logarithm among {VIRTUAL}, children, adolescents and adults"
    return Parameter(name, unit, LogNormal(median, sd_log), source, meaning, (0.0, high))


def shared(name: str, unit: str, value: float, meaning: str, bounds: tuple[float, float]) -> Parameter:
    """A parameter that all virtual patients have in common."""
    return Parameter(name, unit, LogNormal(value, 0.0), f"the same in all of {VIRTUAL}", meaning, bounds)


def between(name: str, low: float, high: float, meaning: str) -> Parameter:
    """A share whose prior is the range among the virtual patients: a logarithm would leave what is possible."""
    return Parameter(name, "1", Uniform(low, high), f"range among {VIRTUAL}", meaning, (0.0, 1.0))


PARAMETERS = (
    fitted("EGPb", "mg/kg/min", 2.83, 0.18, "glucose that the liver makes, basal", 10.0),
    fitted("Gb", "mg/dL", 142.0, 0.041, "glucose that basal insulin holds", 300.0),
    fitted("Ib", "pmol/L", 106.0, 0.12, "plasma insulin that holds Gb", 500.0),
    fitted("Vg", "dL/kg", 1.85, 0.076, "volume of glucose per body weight", 10.0),
    fitted("k1", "1/min", 0.063, 0.30, "rate of glucose from plasma to tissue", 1.0),
    fitted("k2", "1/min", 0.111, 0.43, "rate of glucose from tissue to plasma", 2.0),
    fitted("kp2", "1/min", 0.00465, 0.63, "effect of glucose on the liver", 1.0),
    fitted("kp3", "mg*L/kg/min/pmol", 0.0099, 0.51, "effect of insulin on the liver", 1.0),
    fitted("ki", "1/min", 0.0085, 0.52, "rate at which the liver notices insulin", 1.0),
    fitted("Vmx", "mg*L/kg/min/pmol", 0.0613, 0.51, "effect of insulin on the use of glucose", 1.0),
    fitted("Km0", "mg/kg", 231.0, 0.099, "tissue glucose at which half of the most is used", 1000.0),
    fitted("p2u", "1/min", 0.0375, 0.39, "rate of onset of insulin action", 1.0),
    shared("Fcns", "mg/kg/min", 1.0, "glucose that brain and blood cells use", (0.5, 1.5)),
    shared("ke1", "1/min", 0.0005, "rate at which the kidney lets glucose go", (0.0, 0.01)),
    shared("ke2", "mg/kg", 339.0, "plasma glucose from which on it does", (200.0, 500.0)),
    fitted("ksc", "1/min", 0.0872, 0.26, "rate at which the sensor's tissue follows plasma", 1.0),
    fitted("kmax", "1/min", 0.0364, 0.44, "rate of the stomach, full or almost empty", 1.0),
    fitted("kmin", "1/min", 0.00859, 0.47, "rate of the stomach, half full", 1.0),
    fitted("kabs", "1/min", 0.136, 1.02, "rate at which the gut absorbs", 10.0),
    between("b", 0.564, 0.988, "share of a meal left where the stomach slows down"),
    between("d", 0.0895, 0.337, "share of a meal left where it is fast again"),
    shared("f", "1", 0.9, "share of carbohydrate that reaches the blood as glucose", (0.0, 1.0)),
    fitted("Vi", "L/kg", 0.0517, 0.23, "volume of insulin per body weight", 1.0),
    fitted("m1", "1/min", 0.192, 0.35, "rate of insulin from liver to plasma", 2.0),
    fitted("m2", "1/min", 0.253, 0.34, "rate of insulin from plasma to liver", 2.0),
    shared("HEb", "1", 0.6, "share of insulin that the liver extracts", (0.0, 0.99)),
    fitted("kd", "1/min", 0.0161, 0.10, "rate from the first to the second depot of insulin", 1.0),
    fitted("ka1", "1/min", 0.00358, 0.31, "rate from the first depot to plasma", 1.0),
    fitted("ka2", "1/min", 0.0166, 0.32, "rate from the second depot to plasma", 1.0),
)
COLUMNS = {"Fcns": "Fsnc"}  # of the virtual patients' table, where the name is another


MODEL = Model(
    name="uva_padova_2008",
    states={
        "q1": "mg", "q2": "mg", "q3": "mg", "Gp": "mg/kg", "Gt": "mg/kg", "Ip": "pmol", "X": "pmol/L", "I1": "pmol/L",
        "Id": "pmol/L", "Il": "pmol", "Isc1": "pmol", "Isc2": "pmol", "Gc": "mg/kg", "Db": "mg",
    },
    inputs={
        "carbohydrate": "mg/min", "basal": "pmol/min", "insulin": "pmol/min", "intravenous": "pmol/min",
        "dextrose": "mg/min", "titrated": "1",
    },
    covariates={"weight": "kg"},
    parameters=PARAMETERS,
    observables=(
        Observable("cgm", "mg/dL", cgm, noise=Additive(5.0)),  # as the free-living structure
        Observable("fingerstick", "mg/dL", fingerstick, noise=Additive(5.0)),
    ),
    rhs=rhs,
    time_unit="min",
)  # fmt: skip


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Food, insulin and weight as the model takes them, from the first record on."""
    found = given(cohort, patient, PORTS)
    plan = Schedule(found.start, found.boluses, found.infusions, (Level(found.start, "weight", found.weight),))
    return with_meals(plan, PORTS.food)


def virtual_patient(row: Mapping[str, str]) -> tuple[dict[str, float], float]:
    """Parameters and body weight [kg] of a row, by column, of simglucose's table of virtual patients."""
    theta = {p.name: float(row[COLUMNS.get(p.name, p.name)]) for p in MODEL.parameters}
    return theta, float(row["BW"])


def basal_need(theta: Mapping[str, float] | Floats, weight: float) -> Floats:
    """The flow of insulin under the skin that holds Gb [pmol/min], (members,). theta as `simulate` takes it."""
    p = _named(theta)
    return np.asarray(p["Ib"] * cleared(p["m1"], p["m2"], p["HEb"]) * p["Vi"] * weight)


def rest(schedule: Schedule, theta: Floats) -> Floats:
    """The state in which a patient rests who was given nothing, (states, members): the equilibrium without inputs.

    The lowest glucose at which what the liver makes, and what brain, kidney and tissue use, cross from above."""
    p = _named(theta)
    zero = 0.0 * p["Gb"]
    Vm = _most_used(p, zero)

    def gained(Gp: Floats) -> Floats:
        made = (
            np.maximum(_basal_production(p) - p["kp2"] * Gp, 0.0)
            - p["Fcns"]
            - p["ke1"] * np.maximum(Gp - p["ke2"], 0.0)
        )
        return np.asarray(made - p["k1"] * Gp + p["k2"] * _tissue(p, Gp, Vm))

    low, high = zero, zero + MOST
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = gained(middle) > 0.0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    states = np.zeros((len(MODEL.states), zero.size))
    states[[3, 4, 6, 12]] = low, _tissue(p, low, Vm), -p["Ib"], low
    return states


def steady_start(schedule: Schedule, theta: Mapping[str, float] | Floats, glucose: float) -> Floats:
    """A state to begin with at a first reading of `glucose` mg/dL, (states, members): nothing in the gut, plasma and
    sensor at the reading, insulin as steady as the basal insulin that flows when the schedule begins holds it.

    Where none flows that the record tells of, it is what the patient needs to hold Gb."""
    p = _named(theta)
    weight = weight_in(schedule)
    zero = 0.0 * p["Gb"]
    rate = (basal_now(schedule.infusions, schedule.start, PORTS) or basal_need(theta, weight)) + zero
    Isc1 = rate / (p["ka1"] + p["kd"])
    Ip = rate / cleared(p["m1"], p["m2"], p["HEb"])
    insulin, Gp = Ip / (p["Vi"] * weight), glucose * p["Vg"]
    Gt = _tissue(p, Gp, _most_used(p, insulin))
    Il = p["m2"] * Ip / (p["m1"] + p["m1"] * p["HEb"] / (1.0 - p["HEb"]))
    depots = Isc1, p["kd"] * Isc1 / p["ka2"]
    return np.array([zero, zero, zero, Gp, Gt, Ip, insulin - p["Ib"], insulin, insulin, Il, *depots, Gp, zero])


def _most_used(p: Mapping[str, Any], insulin: Any) -> Any:
    """The most glucose that tissue uses at an insulin level."""
    Gtb = (p["Fcns"] - p["EGPb"] + p["k1"] * p["Gb"] * p["Vg"]) / p["k2"]
    return (p["EGPb"] - p["Fcns"]) * (p["Km0"] + Gtb) / Gtb + p["Vmx"] * (insulin - p["Ib"])


def _tissue(p: Mapping[str, Any], Gp: Any, Vm: Any) -> Any:
    """The glucose in tissue that rests beside that in plasma: the positive root of a quadratic."""
    half = 0.5 * (p["Km0"] + (Vm - p["k1"] * Gp) / p["k2"])
    return np.sqrt(half**2 + p["k1"] * Gp * p["Km0"] / p["k2"]) - half


def _basal_production(p: Mapping[str, Any]) -> Any:
    """What the liver would make without glucose and insulin."""
    return p["EGPb"] + p["kp2"] * p["Gb"] * p["Vg"] + p["kp3"] * p["Ib"]


def _named(theta: Mapping[str, float] | Floats) -> dict[str, Any]:
    return dict(zip((p.name for p in MODEL.parameters), parameter_matrix(MODEL, theta), strict=True))


def _with_stomach(make: Callable[..., Scenario]) -> Callable[..., Scenario]:
    """A scenario whose meals the stomach remembers."""

    @wraps(make)
    def scenario(**settings: float) -> Scenario:
        found = make(**settings)
        return replace(found, schedule=with_meals(found.schedule, PORTS.food))

    return scenario


def titrated_meal(
    *, weight_kg: float = 70.0, carbohydrate_g: float = 60.0, bolus_IU: float = 6.0, ahead_min: float = 300.0
) -> Scenario:
    """The sensor's reading `ahead_min` after a meal with its bolus, after a day at the basal rate that holds Gb."""
    for name, value in (("weight_kg", weight_kg), ("carbohydrate_g", carbohydrate_g), ("ahead_min", ahead_min)):
        if not 0.0 < value < math.inf:
            raise InputError("scenario titrated_meal", name, value, "a positive number")
    if not 0.0 <= bolus_IU < math.inf:
        raise InputError("scenario titrated_meal", "bolus_IU", bolus_IU, "a number, 0 or more")
    food = flow(PORTS.food, DAY, 1000.0 * carbohydrate_g / EATING, 1000.0 * carbohydrate_g)
    flows = Infusion(0.0, DAY + ahead_min, "titrated", 1.0), food
    bolus = Bolus(DAY, PORTS.depot, 1000.0 * bolus_IU * PORTS.mIU)
    plan = with_meals(Schedule(0.0, (bolus,), flows, (Level(0.0, "weight", weight_kg),)), PORTS.food)
    meaning = f"{ahead_min:g} min after {carbohydrate_g:g} g with {bolus_IU:g} IU, basal rate titrated"
    return Scenario(plan, DAY + ahead_min, "cgm", meaning)


TWIN = Twin(
    name="uva_padova",
    title="Glucose in type 1 diabetes, the UVA/Padova structure of 2008",
    model=MODEL,
    personal=("Gb", "Vmx", "kp3", "kmax"),
    schedule=schedule,
    method=RK4(step=1.0 / 3.0),
    assumptions=(
        "How fast the stomach empties depends on what it held when the meal began and on what was eaten since.",
        "Food that is eaten before a meal has ended belongs to that meal; where not recorded, 5 g/min are eaten.",
        "Insulin under the skin is absorbed linearly; slower kinds as a rapid analogue, after an even release.",
        "Where insulin is far below its basal level, tissue gives glucose back: X is not bounded below.",
        "There is no glucagon, no exercise, no illness, and no change over the day.",
        "The sensor's tissue follows plasma glucose with rate ksc; its error is independent and normal, SD 5 mg/dL.",
        "Parameters vary between patients independently of each other, which those of the virtual patients do not.",
        "Gb, Vmx, kp3 and kmax vary between patients log-normally; a record of one patient hardly tells the others.",
    ),
    scenarios={
        **{name: _with_stomach(make) for name, make in scenarios(PORTS).items()},
        "titrated_meal": titrated_meal,
    },
    rest=rest,
    claims=CLAIMS,
)
