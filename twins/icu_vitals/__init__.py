"""Lactate, mean arterial pressure and heart rate in intensive care: each reverts to a level of the patient's own.

An Ornstein-Uhlenbeck process in three dimensions (Uhlenbeck & Ornstein, Phys Rev 36 (1930) 823): l, the natural
logarithm of lactate in mmol/L; P, the mean arterial pressure; H, the heart rate; their levels l0, P0, H0 do not move.

    dl/dt = -k_lactate (l - l0) - c_lactate (P - P0)
    dP/dt = -k_pressure (P - P0)
    dH/dt = -k_rate (H - H0) - c_rate (P - P0)

A pressure below its level raises lactate (too little flow) and heart rate (baroreflex), if the couplings are above 0.
What treatment does is not known to the twin; it stands in the random walk. Linear, so that the Kalman filter is exact.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import expm

from vvuq.assimilation.ordered import Ordered
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import in_stay, last_value, none_yet, since_last
from vvuq.data.missingness.mar import AtRandom
from vvuq.errors import InputError
from vvuq.models import (
    RK4,
    Additive,
    Bolus,
    Channel,
    Claims,
    Envelope,
    LogNormal,
    Model,
    Monotone,
    Normal,
    Observable,
    Parameter,
    Range,
    Scenario,
    Schedule,
    StateSpace,
    Twin,
)
from vvuq.models.units import factor
from vvuq.record import Cohort, Floats, Patient

from .ward import ward


def rhs(t, x, u, theta, dx):
    log_lactate, pressure, rate, log_lactate_level, pressure_level, rate_level = x
    k_lactate, k_pressure, k_rate, c_lactate, c_rate = theta
    below = pressure_level - pressure
    dx[0] = k_lactate * (log_lactate_level - log_lactate) + c_lactate * below
    dx[1] = k_pressure * below
    dx[2] = k_rate * (rate_level - rate) + c_rate * below
    dx[3] = 0.0
    dx[4] = 0.0
    dx[5] = 0.0


def log_of_lactate(t, x, u, theta, y):
    log_lactate, _, _, _, _, _ = x
    y[0] = log_lactate


def arterial(t, x, u, theta, y):
    _, pressure, _, _, _, _ = x
    y[0] = pressure


def beats(t, x, u, theta, y):
    _, _, rate, _, _, _ = x
    y[0] = rate


STATES = {
    "log_lactate": "1", "pressure": "mmHg", "rate": "1/min",
    "log_lactate_level": "1", "pressure_level": "mmHg", "rate_level": "1/min",
}  # fmt: skip
MODEL = Model(
    name="three_reverting_channels",
    states=STATES,
    inputs={},
    parameters=(
        Parameter(
            "k_lactate",
            "1/h",
            prior=LogNormal(median=0.05, sd_log=0.7),
            source="a fall by 10 % in 2 h, the goal of Jones et al., JAMA 2010;303:739; spread assumed, wide",
            meaning="rate at which the logarithm of lactate returns to its level",
            bounds=(0.0, 5.0),
        ),
        Parameter(
            "k_pressure",
            "1/h",
            prior=LogNormal(median=0.3, sd_log=0.5),
            source="assumed: a deviation is halved in a bit over 2 h; no publication gives it, the fit decides",
            meaning="rate at which mean arterial pressure returns to its level",
            bounds=(0.0, 10.0),
        ),
        Parameter(
            "k_rate",
            "1/h",
            prior=LogNormal(median=0.2, sd_log=0.5),
            source="assumed: a deviation is halved in 3 to 4 h; no publication gives it, the fit decides",
            meaning="rate at which heart rate returns to its level",
            bounds=(0.0, 10.0),
        ),
        Parameter(
            "c_lactate",
            "1/h/mmHg",
            prior=Normal(mean=0.0, sd=0.001),
            source="centred on no effect: sign and size are learned from the build patients",
            meaning="rise of the logarithm of lactate per hour and mmHg of pressure below its level",
            bounds=(-1.0, 1.0),
        ),
        Parameter(
            "c_rate",
            "1/min/h/mmHg",
            prior=Normal(mean=0.0, sd=0.05),
            source="centred on no effect: sign and size are learned from the build patients",
            meaning="rise of heart rate per hour and mmHg of pressure below its level",
            bounds=(-10.0, 10.0),
        ),
    ),
    observables=(
        Observable("log_lactate", "1", log_of_lactate, noise=Additive(0.1)),
        Observable("map", "mmHg", arterial, noise=Additive(8.0)),
        Observable("heart_rate", "1/min", beats, noise=Additive(5.0)),
    ),
    rhs=rhs,
)


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """Nothing that is given is known; the record begins with its first value."""
    return Schedule(min((m.time for m in patient.measurements), default=0.0) * factor(dict(cohort.units)["time"], "h"))


def recovery(
    *, lactate_mmol_per_L: float, lactate_level_mmol_per_L: float, pressure_deficit_mmHg: float, hours: float
) -> Scenario:
    """The logarithm of lactate `hours` after it was high and pressure below its level, without any random change."""
    given = {
        "lactate_mmol_per_L": lactate_mmol_per_L, "lactate_level_mmol_per_L": lactate_level_mmol_per_L, "hours": hours,
    }  # fmt: skip
    for name, value in given.items():
        if not 0.0 < value < math.inf:
            raise InputError("scenario recovery", name, value, "a positive number")
    if not math.isfinite(pressure_deficit_mmHg):
        raise InputError("scenario recovery", "pressure_deficit_mmHg", pressure_deficit_mmHg, "a finite number")
    start = {
        "log_lactate": math.log(lactate_mmol_per_L), "log_lactate_level": math.log(lactate_level_mmol_per_L),
        "pressure": 75.0 - pressure_deficit_mmHg, "pressure_level": 75.0, "rate": 90.0, "rate_level": 90.0,
    }  # fmt: skip
    plan = Schedule(0.0, tuple(Bolus(0.0, name, value) for name, value in start.items()))
    meaning = (
        f"log lactate {hours:g} h after {lactate_mmol_per_L:g} mmol/L, pressure {pressure_deficit_mmHg:g} mmHg low"
    )
    return Scenario(plan, hours, "log_lactate", meaning)


def closed_form(schedule: Schedule, theta: Floats, times: Floats) -> Floats:
    """The exact logarithm of lactate at `times` (before any change made then): its level, and by the exponential of the
    matrix its distance from that, which pressure's distance below its own level drives."""
    k_lactate, k_pressure, _, c_lactate, _ = theta
    matrix = np.array([[-k_lactate, c_lactate], [0.0 * k_lactate, -k_pressure]])
    found = np.zeros(len(times), dtype=matrix.dtype)
    for i, time in enumerate(times):
        for at in sorted({bolus.time for bolus in schedule.boluses if bolus.time < time}):
            given = dict.fromkeys(STATES, 0.0)
            for bolus in schedule.boluses:
                given[bolus.state] += bolus.amount if bolus.time == at else 0.0
            away = given["log_lactate"] - given["log_lactate_level"], given["pressure_level"] - given["pressure"]
            found[i] += given["log_lactate_level"] + (expm(matrix * (time - at)) @ np.array(away))[0]
    return found


def fastest() -> float:
    """The largest sum of a row's absolute slopes [1/h], all parameters at an end of their priors' central 99.8 %."""
    ends = {p.name: max(abs(p.prior.quantile(0.001)), p.prior.quantile(0.999)) for p in MODEL.parameters}
    rows = (
        ends["k_lactate"] + ends["c_lactate"], ends["k_pressure"], ends["k_rate"] + ends["c_rate"],
    )  # fmt: skip
    return 2.0 * max(rows)


POSITIVE = Range(0.0, 3.5, "1")  # a bolus of a logarithm below 0 would lower it
LOG_LACTATE, PRESSURE, RATE = Range(-1.0, 3.5, "1"), Range(30.0, 180.0, "mmHg"), Range(20.0, 250.0, "1/min")
ENVELOPE = Envelope(
    duration=168.0,
    covariates={"age": Range(18.0, 90.0, "year"), "male": Range(-1.0, 1.0, "1", whole=True)},
    measured={"log_lactate": LOG_LACTATE, "map": PRESSURE, "heart_rate": RATE},
    samples=Range(1.0, 6.0, "1", whole=True),
    boluses={
        "log_lactate": POSITIVE, "pressure": PRESSURE, "rate": RATE,
        "log_lactate_level": POSITIVE, "pressure_level": PRESSURE, "rate_level": RATE,
    },
)  # fmt: skip

# Whether lactate is measured in an hour: by the record of lactate so far, as the patient looks, and for reasons of the
# patient's own (frailty), without which one who is measured often would be taken for a sick one. All of it is fitted;
# a probability of about 5 % an hour is where a fit begins.
LACTATE_ORDERS = CareProcess(
    AtRandom(
        "log_lactate",
        -1.6,
        ((none_yet(), 0.0), (since_last(1.0), 0.0), (in_stay(1.0), 0.0), (last_value(0.6, 0.5), 0.0)),
        "probit",
    ),
    (("log_lactate", 0.0), ("pressure", 0.0), ("rate", 0.0)),
    frailty=0.5,
)


def on_a_ward(*, hours: float = 48.0, slope: float = 1.0) -> Ordered:
    """A patient whose lactate is likelier to be measured the higher it is; the rest is charted each hour."""
    return ward(TWIN, hours=hours, slope=slope)


TWIN = Twin(
    name="icu_vitals",
    title="Lactate, arterial pressure and heart rate in intensive care, reverting to the patient's own levels",
    model=MODEL,
    personal=(),
    schedule=schedule,
    method=RK4(step=0.5),
    assumptions=(
        "Each channel has one level a patient, which does not move while the record lasts.",
        "What pulls a channel back is in proportion to its distance from the level.",
        "Lactate moves on a logarithmic scale; its error is in proportion to its value.",
        "Treatment, bleeding, infection and all else that drives a patient is a random walk without memory.",
        "The random walks of the three channels are independent of each other, and alike for all patients.",
        "The error of a charted value is normal and independent, for arterial line and cuff alike.",
        "That a value is there says nothing of the state (the filter that is aware of it drops this).",
    ),
    scenarios={"recovery": recovery},
    closed_form=closed_form,
    claims=Claims(
        monotone=(Monotone("log_lactate", "log_lactate"), Monotone("log_lactate_level", "log_lactate")),
        lipschitz=1.001 * fastest(),
        solver_error=0.02,
        envelope=ENVELOPE,
    ),
    state_space=StateSpace(
        slot=1.0,
        channels=(
            Channel("log_lactate", "lactate", "mmol/L", log=True),
            Channel("map", "map", "mmHg"),
            Channel("heart_rate", "heart_rate", "1/min"),
        ),
        levels={"log_lactate": "log_lactate_level", "pressure": "pressure_level", "rate": "rate_level"},
        level={"log_lactate_level": (0.4, 0.4), "pressure_level": (77.0, 9.0), "rate_level": (87.0, 14.0)},
        start={"log_lactate": (0.3, 0.5), "pressure": (0.0, 10.0), "rate": (5.0, 15.0)},
        drift={"log_lactate": 0.12, "pressure": 3.5, "rate": 5.0},
    ),
    orders=(LACTATE_ORDERS,),
    ordered={"ward": on_a_ward},
)
