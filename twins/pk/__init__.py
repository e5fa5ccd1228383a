"""Phenobarbital given intravenously to a neonate: one compartment, first-order elimination.

Clearance and volume are proportional to weight; a 5-minute Apgar score below 5 enlarges the volume. Structure and
covariates after Grasela & Donn, Dev Pharmacol Ther 1985;8:374-383.

    dA/dt = R - CL weight A / V_total,  concentration = A / V_total,  V_total = V weight (1 + apgar_effect low_apgar)
"""

from __future__ import annotations

import math

import numpy as np

from vvuq.errors import InputError
from vvuq.models import (
    RK4,
    Balance,
    Bolus,
    Claims,
    Envelope,
    Infusion,
    Level,
    LogNormal,
    Model,
    Monotone,
    Normal,
    Observable,
    Parameter,
    Proportional,
    Range,
    Scenario,
    Schedule,
    Twin,
)
from vvuq.models.units import factor
from vvuq.record import Cohort, Floats, Patient

DRUG = ("dose", "phenobarbital")  # a dose without a name is the one drug of its table
LOW_APGAR_BELOW = 5.0  # 5-minute score; the published threshold


def rhs(t, x, u, theta, dx):
    (A,) = x
    R, weight, low_apgar = u
    CL, V, apgar_effect = theta
    dx[0] = R - CL * weight * A / (V * weight * (1 + apgar_effect * low_apgar))


def concentration(t, x, u, theta, y):
    (A,) = x
    _, weight, low_apgar = u
    _, V, apgar_effect = theta
    y[0] = A / (V * weight * (1 + apgar_effect * low_apgar))


MODEL = Model(
    name="neonate_one_compartment",
    states={"A": "mg"},
    inputs={"R": "mg/h"},
    covariates={"weight": "kg", "low_apgar": "1"},
    parameters=(
        Parameter(
            "CL",
            "L/h/kg",
            prior=LogNormal(median=0.0063, sd_log=0.5),
            source="geometric mean of Yukawa et al. 2005 (doi 10.1111/j.1365-2710.2005.00619.x) at 1.5 kg, 0.0045, and "
            "Marsot et al., PAGE abstract 1996, 0.0087; spread wide enough for both",
            meaning="clearance per kg of body weight",
            bounds=(0.0, 0.1),
        ),
        Parameter(
            "V",
            "L/kg",
            prior=LogNormal(median=1.25, sd_log=0.5),
            source="geometric mean of Yukawa et al. 2005, 1.09, and Marsot et al., PAGE abstract 1996, 1.44; wide",
            meaning="volume of distribution per kg of body weight, 5-minute Apgar score of 5 or more",
            bounds=(0.0, 20.0),
        ),
        Parameter(
            "apgar_effect",
            "1",
            prior=Normal(mean=0.0, sd=0.2),
            source="centred on no effect: size and sign are learned from the build patients",
            meaning="relative enlargement of the volume where the 5-minute Apgar score is below 5",
            bounds=(-0.99, 10.0),
        ),
    ),
    observables=(Observable("concentration", "mg/L", concentration, noise=Proportional(0.1)),),
    rhs=rhs,
)


def schedule(cohort: Cohort, patient: Patient) -> Schedule:
    """A neonate's doses of the drug and covariates as inputs, in the model's units, from the first record on."""
    units = dict(cohort.units)
    hours = factor(units["time"], "h", cohort.name)
    given = [d for d in patient.doses if d.what in DRUG]
    mg = {what: factor(units[what], "mg", cohort.name) for what in DRUG if what in units}
    covariates = dict(patient.covariates)
    times = [d.time for d in patient.doses] + [m.time for m in patient.measurements]
    start = min(times) * hours
    boluses = tuple(Bolus(d.time * hours, "A", d.amount * mg[d.what]) for d in given if d.duration == 0.0)
    infusions = tuple(
        Infusion(d.time * hours, (d.time + d.duration) * hours, "R", d.amount * mg[d.what] / (d.duration * hours))
        for d in given
        if d.duration > 0.0
    )
    weight = covariates["weight"] * factor(units["weight"], "kg", cohort.name)
    low = float(covariates["apgar"] < LOW_APGAR_BELOW)
    return Schedule(start, boluses, infusions, (Level(start, "weight", weight), Level(start, "low_apgar", low)))


def _positive(scenario: str, **settings: float) -> None:
    for name, value in settings.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"scenario {scenario}", name, value, "a positive number")


def maintenance_trough(
    *, dose_mg_per_kg: float, interval_h: float, weight_kg: float, low_apgar: bool, duration_h: float
) -> Scenario:
    """The trough after `duration_h` of equal doses; long enough a duration makes it the steady state."""
    _positive("maintenance_trough", dose_mg_per_kg=dose_mg_per_kg, interval_h=interval_h, weight_kg=weight_kg)
    if not interval_h <= duration_h < math.inf:
        raise InputError("scenario maintenance_trough", "duration_h", duration_h, "one interval or more")
    count = int(duration_h / interval_h + 1e-9)
    doses = tuple(Bolus(i * interval_h, "A", dose_mg_per_kg * weight_kg) for i in range(count))
    levels = (Level(0.0, "weight", weight_kg), Level(0.0, "low_apgar", float(low_apgar)))
    plan = Schedule(0.0, boluses=doses, levels=levels)
    meaning = f"trough after {count} doses of {dose_mg_per_kg:g} mg/kg every {interval_h:g} h"
    return Scenario(plan, count * interval_h, "concentration", meaning)


def verification(*, horizon_h: float, weight_kg: float, low_apgar: bool) -> Scenario:
    """A bolus at 0, an infusion over the third quarter: one jump of the state, two of the input, smooth in between."""
    _positive("verification", horizon_h=horizon_h, weight_kg=weight_kg)
    levels = (Level(0.0, "weight", weight_kg), Level(0.0, "low_apgar", float(low_apgar)))
    infusion = Infusion(0.5 * horizon_h, 0.75 * horizon_h, "R", 20.0 * weight_kg / (0.25 * horizon_h))
    plan = Schedule(0.0, (Bolus(0.0, "A", 20.0 * weight_kg),), (infusion,), levels)
    return Scenario(plan, horizon_h, "concentration", f"20 mg/kg as a bolus and as an infusion over {horizon_h:g} h")


def closed_form(schedule: Schedule, theta: Floats, times: Floats) -> Floats:
    """The exact concentration at `times` (before any dose given then), by superposition of exponentials.

    theta = (CL, V, apgar_effect); complex theta gives exact derivatives."""
    levels = {level.input: level.value for level in schedule.levels}
    CL, V, apgar_effect = theta
    volume = V * levels["weight"] * (1 + apgar_effect * levels["low_apgar"])
    k = CL * levels["weight"] / volume
    amount = np.zeros(len(times), dtype=np.result_type(np.asarray(theta), float))
    for i, time in enumerate(times):
        for b in schedule.boluses:
            if b.time < time:
                amount[i] += b.amount * np.exp(-k * (time - b.time))
        for f in schedule.infusions:
            if f.start < time:
                stop = min(f.stop, time)
                amount[i] += f.rate / k * (np.exp(-k * (time - stop)) - np.exp(-k * (time - f.start)))
    return amount / volume


def inside(t, x, u, theta):
    """Drug in the body, from what is measured: concentration times volume [mg]."""
    _, weight, low_apgar = u
    _, V, apgar_effect = theta
    y = [0.0]
    concentration(t, x, u, theta, y)
    return y[0] * (V * weight * (1 + apgar_effect * low_apgar))


def gained(t, x, u, theta):
    """Infused less cleared: clearance times concentration leaves the body [mg/h]."""
    R, weight, _ = u
    CL, _, _ = theta
    y = [0.0]
    concentration(t, x, u, theta, y)
    return R - CL * weight * y[0]


# The envelope of use of the study `phenobarbital`, followed for as long as its scenarios look ahead.
WEIGHT, LOW_APGAR = Range(0.6, 3.6, "kg"), Range(0.0, 1.0, "1", whole=True)
MAINTENANCE, LOADING = Range(0.5, 2.5, "mg/kg"), Range(10.0, 30.0, "mg/kg")
INFUSED = Range(0.25, 2.0, "h")
LARGEST = LOADING.high * WEIGHT.high
ENVELOPE = Envelope(
    duration=960.0,
    covariates={"weight": WEIGHT, "apgar": Range(1.0, 10.0, "1", whole=True)},
    doses={"maintenance_dose": MAINTENANCE, "loading_dose": LOADING},
    dose_unit="mg",
    dose_per="weight",
    infused=INFUSED,
    measured={"concentration": Range(1.0, 100.0, "mg/L")},
    samples=Range(1.0, 3.0, "1", whole=True),
    levels={"weight": WEIGHT, "low_apgar": LOW_APGAR},
    boluses={"A": Range(MAINTENANCE.low * WEIGHT.low, LARGEST, "mg")},
    rates={"R": Range(0.0, LARGEST / INFUSED.low, "mg/h")},
)


def fastest_elimination() -> float:
    """CL / V_total [1/h] with CL at its 99.9 %, V and the effect of a low score at their 0.1 % quantiles."""
    CL, V, apgar_effect = (p.prior for p in MODEL.parameters)
    return CL.quantile(0.999) / (V.quantile(0.001) * (1 + apgar_effect.quantile(0.001)))


CLAIMS = Claims(
    nonnegative=("A", "concentration"),
    balances=(Balance("drug", "mg", inside, gained),),
    monotone=(Monotone("A", "concentration"), Monotone("R", "concentration")),
    lipschitz=1.001 * fastest_elimination(),
    solver_error=0.02,  # of the standard step where elimination is fastest
    envelope=ENVELOPE,
)


TWIN = Twin(
    name="pk",
    title="Phenobarbital in the neonate, one compartment, intravenous",
    model=MODEL,
    personal=("CL", "V"),
    schedule=schedule,
    method=RK4(step=4.0),
    assumptions=(
        "The drug spreads at once and evenly through one compartment.",
        "Elimination is first order at every concentration.",
        "Clearance and volume are proportional to body weight and do not change during the stay (no maturation).",
        "A dose is given in full at the recorded time; short infusions are taken as boluses.",
        "Measurement error is independent, normal and proportional to the concentration.",
        "CL and V vary between neonates log-normally and independently of each other.",
    ),
    scenarios={"maintenance_trough": maintenance_trough, "verification": verification},
    closed_form=closed_form,
    claims=CLAIMS,
)
