"""A model with each construct of which derivatives are taken, and a schedule with each kind of event."""

from __future__ import annotations

from examples import parameter

from vvuq.models import Additive, Bolus, Infusion, Level, Model, Observable, Reset, Schedule
from vvuq.models.math import exp, log, maximum, minimum, sqrt, tanh, where
from vvuq.models.math import pow as power

RATES = (0.1, 0.2, 0.3)


def hill(v, n=2):
    return power(v, n) / (1 + power(v, n))


def everything(t, x, u, theta, dx):
    """Each construct that has a dual form, and each function of vvuq.models.math."""
    A, B, C = x
    k, V, e = theta
    R, w = u[0], u[1]
    total = 0
    for i, rate in enumerate(RATES):
        total += rate * x[i]
    z = (
        hill(A)
        + hill(B, n=3)
        + hill(C, -1)
        + hill(A, 5)
        + where(1, A, B)
        + power(1 + A * A, e)
        + power(2.0, B)
        + (1 + A * A) ** B
    )
    z = z * maximum(0.0, A - 1.0) + minimum(B, C) * where(A - 1.2, 2 * A, -0.0)
    dx[0] = R - k * A + 0.1 * tanh(z) + 0 * t
    dx[1] = exp(-V * B) - 0.1 * sqrt(A * A + B) - total * 0.01 * +w
    dx[2] = 0.01 * (A - B * k) ** 3 + (C * C + 1) ** -0.5 if len(x) == 3 else 0.0
    dx[-1] += 0.1 * log(C * C + 1) - (1 / 7) * C * t / 10 - 1 / (2 + C)
    for i in range(3):
        dx[i] *= 1.5


def blend(t, x, u, theta, y):
    y[0] = x[0] / theta[1] + 0.5 * x[-1] * u[0] + 0.1 * t


def constant(t, x, u, theta, y):
    y[0] = 2.0


def built(rhs, observables=(blend, constant), states=3):
    """A model with the names that a declared one has; its units are not what is looked at here."""
    model = object.__new__(Model)
    values = {
        "name": rhs.__name__, "states": {f"s{i}": "1" for i in range(states)}, "inputs": {"R": "1/h", "w": "1"},
        "covariates": {}, "parameters": tuple(parameter(name, "1") for name in ("k", "V", "e")),
        "observables": tuple(Observable(f.__name__, "1", f, Additive(0.1)) for f in observables), "rhs": rhs,
        "time_unit": "h",
    }  # fmt: skip
    for name, value in values.items():
        object.__setattr__(model, name, value)
    return model


EVERYTHING = built(everything)
ON = Schedule(
    0.0,
    (Bolus(0.3, "s1", 0.1), Bolus(0.4, "s2", 0.2)),
    (Infusion(0.2, 0.7, "R", 0.5),),
    (Level(0.0, "w", 0.8), Level(0.5, "w", 0.4)),
    (Reset(0.4, "s0", ("s1", "s2")), Reset(0.8, "s2", ("s2", "s1"))),
)
