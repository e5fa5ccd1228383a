"""A drug in one compartment, given into the vein: a small twin that keeps all it claims."""

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
    Observable,
    Parameter,
    Proportional,
    Range,
    Schedule,
    Twin,
)
from vvuq.models.units import factor


def rhs(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _ = theta
    dx[0] = R - k * A


def concentration(t, x, u, theta, y):
    (A,) = x
    _, weight = u
    _, V = theta
    y[0] = A / (V * weight)


def inside(t, x, u, theta):
    return x[0]


def gained(t, x, u, theta):
    return u[0] - theta[0] * x[0]


MODEL = Model(
    name="good",
    states={"A": "mg"},
    inputs={"R": "mg/h"},
    covariates={"weight": "kg"},
    parameters=(
        Parameter("k", "1/h", LogNormal(0.1, 0.3), source="made up"),
        Parameter("V", "L/kg", LogNormal(1.0, 0.3), source="made up"),
    ),
    observables=(Observable("concentration", "mg/L", concentration, Proportional(0.1)),),
    rhs=rhs,
)


def schedule(cohort, patient):
    units = dict(cohort.units)
    hours, mg = factor(units["time"], "h"), factor(units["dose"], "mg")
    start = min([d.time for d in patient.doses] + [m.time for m in patient.measurements]) * hours
    weight = dict(patient.covariates)["weight"] * factor(units["weight"], "kg")
    boluses = tuple(Bolus(d.time * hours, "A", d.amount * mg) for d in patient.doses if d.duration == 0.0)
    infusions = tuple(
        Infusion(d.time * hours, (d.time + d.duration) * hours, "R", d.amount * mg / (d.duration * hours))
        for d in patient.doses
        if d.duration > 0.0
    )
    return Schedule(start, boluses, infusions, (Level(start, "weight", weight),))


TWIN = Twin(
    name="good",
    title="A drug in one compartment",
    model=MODEL,
    personal=("k", "V"),
    schedule=schedule,
    method=RK4(step=1.0),
    assumptions=("The drug spreads at once.",),
    claims=Claims(
        nonnegative=("A", "concentration"),
        balances=(Balance("drug", "mg", inside, gained),),
        monotone=(Monotone("A", "concentration"), Monotone("R", "concentration")),
        lipschitz=0.3,
        envelope=Envelope(
            duration=96.0,
            covariates={"weight": Range(0.5, 5.0, "kg")},
            doses={"dose": Range(1.0, 20.0, "mg/kg")},
            dose_per="weight",
            infused=Range(0.5, 2.0, "h"),
            measured={"concentration": Range(1.0, 50.0, "mg/L")},
            levels={"weight": Range(0.5, 5.0, "kg")},
            boluses={"A": Range(1.0, 100.0, "mg")},
            rates={"R": Range(0.0, 50.0, "mg/h")},
        ),
    ),
)
