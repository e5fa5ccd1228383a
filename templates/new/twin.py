"""{{ name }}: a drug given at once or by infusion into one compartment, eliminated in proportion to its amount.

    dA/dt = R - CL A / V,  concentration = A / V

Change whatever differs for yours: equations, units, parameters with their ranges and sources, claims, scenarios. Then
`pytest tests` tries the claims, and `vvuq new study NAME --twin {{ name }} --data FILE.csv` makes a study of it.
"""

from __future__ import annotations

import numpy as np

from vvuq.models import (
    RK4,
    Balance,
    Bolus,
    Claims,
    Envelope,
    Infusion,
    LogNormal,
    Model,
    Monotone,
    Observable,
    Parameter,
    Proportional,
    Range,
    Scenario,
    Schedule,
    Twin,
)
from vvuq.models.units import factor


# Equations: plain arithmetic, names in the order in which MODEL declares them; exp, log, ... are in vvuq.models.math.
def rhs(t, x, u, theta, dx):
    (A,) = x
    (R,) = u
    CL, V = theta
    dx[0] = R - CL * A / V


def concentration(t, x, u, theta, y):
    (A,) = x
    _, V = theta
    y[0] = A / V


MODEL = Model(
    name="{{ name }}",
    states={"A": "mg"},
    inputs={"R": "mg/h"},
    parameters=(
        Parameter(
            "CL",
            "L/h",
            prior=LogNormal(median=5.0, sd_log=0.4),
            source="TO WRITE: where this range comes from (a paper, a database, a guess and why)",
            meaning="clearance",
            bounds=(0.0, 1000.0),
        ),
        Parameter(
            "V",
            "L",
            prior=LogNormal(median=40.0, sd_log=0.4),
            source="TO WRITE: where this range comes from (a paper, a database, a guess and why)",
            meaning="volume of distribution",
            bounds=(0.0, 10000.0),
        ),
    ),
    observables=(Observable("concentration", "mg/L", concentration, noise=Proportional(0.15)),),
    rhs=rhs,
    time_unit="h",
)


def schedule(cohort, patient):
    """A patient's recorded doses as inputs of the model, in the model's units, from the first record on."""
    units = dict(cohort.units)
    h = factor(units["time"], "h", cohort.name)
    mg = factor(units["dose"], "mg", cohort.name) if patient.doses else 1.0
    start = min(record.time for record in (*patient.doses, *patient.measurements))
    boluses = tuple(Bolus(d.time * h, "A", d.amount * mg) for d in patient.doses if d.duration == 0.0)
    infusions = tuple(
        Infusion(d.time * h, (d.time + d.duration) * h, "R", d.amount * mg / (d.duration * h))
        for d in patient.doses
        if d.duration > 0.0
    )
    return Schedule(start * h, boluses, infusions)


# Scenarios: named what-ifs, with a value for every setting. A plan names one as its quantity of interest.
def trough(*, dose_mg: float = 100.0, interval_h: float = 12.0, doses: int = 10) -> Scenario:
    """The concentration just before the dose after the last of `doses` equal ones."""
    given = tuple(Bolus(i * interval_h, "A", dose_mg) for i in range(doses))
    meaning = f"trough after {doses} doses of {dose_mg:g} mg every {interval_h:g} h"
    return Scenario(Schedule(boluses=given), doses * interval_h, "concentration", meaning)


def verification(*, horizon_h: float = 96.0) -> Scenario:
    """A bolus at 0 and an infusion over the third quarter, for the order of the solver."""
    infusion = Infusion(0.5 * horizon_h, 0.75 * horizon_h, "R", 100.0 / (0.25 * horizon_h))
    plan = Schedule(boluses=(Bolus(0.0, "A", 100.0),), infusions=(infusion,))
    return Scenario(plan, horizon_h, "concentration", f"100 mg as a bolus and as an infusion over {horizon_h:g} h")


def closed_form(schedule, theta, times):
    """The exact concentration at `times`, before any dose given then. Leave it out where there is no exact solution."""
    CL, V = theta
    k = CL / V
    amount = np.zeros(len(times), dtype=np.result_type(np.asarray(theta), float))
    for i, time in enumerate(times):
        for b in schedule.boluses:
            if b.time < time:
                amount[i] += b.amount * np.exp(-k * (time - b.time))
        for f in schedule.infusions:
            if f.start < time:
                stop = min(f.stop, time)
                amount[i] += f.rate / k * (np.exp(-k * (time - stop)) - np.exp(-k * (time - f.start)))
    return amount / V


# Claims: what you promise, and where; `pytest tests` looks for a counter-example.
def inside(t, x, u, theta):
    """Drug in the body [mg]."""
    return x[0]


def gained(t, x, u, theta):
    """Infused less eliminated: clearance times concentration leaves the body [mg/h]."""
    (R,) = u
    CL, _ = theta
    y = [0.0]
    concentration(t, x, u, theta, y)
    return R - CL * y[0]


CLAIMS = Claims(
    nonnegative=("A", "concentration"),
    balances=(Balance("drug", "mg", inside, gained),),
    monotone=(Monotone("A", "concentration"), Monotone("R", "concentration")),
    envelope=Envelope(
        duration=240.0,
        doses={"dose": Range(10.0, 1000.0, "mg")},
        infused=Range(0.5, 4.0, "h"),
        measured={"concentration": Range(0.05, 100.0, "mg/L")},
        boluses={"A": Range(10.0, 1000.0, "mg")},
        rates={"R": Range(0.0, 2000.0, "mg/h")},
    ),
)

TWIN = Twin(
    name="{{ name }}",
    title="One compartment, elimination in proportion to the amount",
    model=MODEL,
    personal=("CL", "V"),  # these differ between patients; the others are shared by all
    schedule=schedule,
    method=RK4(step=0.25),  # the integrator's standard step, in the model's unit of time
    assumptions=(
        "The drug spreads at once and evenly through one compartment.",
        "Elimination is in proportion to the amount, at every amount.",
        "CL and V do not change over a patient's stay, and vary between patients log-normally and independently.",
        "Measurement error is independent, normal and proportional to the concentration.",
    ),
    scenarios={"trough": trough, "verification": verification},
    closed_form=closed_form,
    claims=CLAIMS,
)
