"""Estimates of a population fit with their errors, from the objective's slope and curvature at the optimum.

An unconstrained point holds log typical values of the personal parameters, the shared parameters, log variation between
patients, log noise scale. With O = -2 ln L = sum O_i: R = O'' / 2, S = sum (O_i' / 2)(O_i' / 2)'. Standard errors are
from R^-1; robust ones from R^-1 S R^-1, which holds as well where the model's distribution is not the data's.

In a small cohort the likelihood is often highest with no variation of a parameter at all. Its SD then stands at 0 where
curvature says nothing: it has no error and no interval, and the errors of the others hold given that it is 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Floats

GRADIENT_STEP = 1e-4
HESSIAN_STEP = 2e-3
ZERO = 0.01  # an SD of a log parameter below 1 % is none: it changes no forecast that carries measurement error


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fitted quantity with its standard error, the robust one, and the 95 % interval by the standard error.

    All four are not-a-number for a variation that is estimated as 0."""

    name: str
    unit: str
    meaning: str
    value: float
    standard_error: float
    robust_error: float
    low: float
    high: float


def named(twin: Twin) -> dict[str, tuple[str, str]]:
    """{name: (unit, meaning)} of the quantities that a population fit of `twin` estimates, in their order."""
    model = twin.model
    personal = [model.parameters[model.parameter_index(name)] for name in twin.personal]
    shared = [p for p in model.parameters if p.name not in twin.personal]
    rows = {p.name: (p.unit, p.meaning) for p in (*personal, *shared)}
    rows |= {f"omega_{p.name}": ("1", f"SD between patients of log {p.name}") for p in personal}
    return rows | {"sigma": _noise(twin)[1:]}


def noise_base(twin: Twin) -> float:
    """What the noise scale multiplies to give "sigma": the declared error where it is one number, else 1."""
    return _noise(twin)[0]


def _noise(twin: Twin) -> tuple[float, str, str]:
    """(base, unit, meaning) of "sigma"."""
    errors = {(o.noise.sd, o.noise.cv, o.unit if o.noise.sd else "1") for o in twin.model.observables}
    sd, cv, unit = next(iter(errors))
    if len(errors) == 1 and sd == 0.0:
        return cv, unit, "SD of the residual error, relative to the true value"
    if len(errors) == 1 and cv == 0.0:
        return sd, unit, "SD of the residual error"
    return 1.0, "1", "factor on the declared residual error"


def estimates(twin: Twin, point: Floats, by_patient: Callable[[Floats], Floats]) -> tuple[tuple[Estimate, ...], Floats]:
    """The estimates at the optimum `point`, and the covariance (m, m) of the point by R^-1, 0 for what is held;
    by_patient(point) -> (patients,) is -2 ln L of each.

    Raises NotEvaluable where the objective has no curvature in one direction."""
    first = len(twin.model.parameters)
    free = [i for i in range(point.size) if not (first <= i < point.size - 1 and np.exp(point[i]) < ZERO)]
    errors, robust = np.full((2, point.size), np.nan)
    inverse, robust[free] = _errors(twin, point, by_patient, free)
    errors[free] = np.sqrt(np.diag(inverse))
    covariance = np.zeros((point.size, point.size))
    covariance[np.ix_(free, free)] = inverse
    z, shared, out = float(ndtri(0.975)), set(range(len(twin.personal), len(twin.model.parameters))), []
    for i, (name, (unit, meaning)) in enumerate(named(twin).items()):
        base = noise_base(twin) if name == "sigma" else 1.0
        to = float if i in shared else (lambda v, b=base: b * float(np.exp(min(v, 700.0))))
        ratio = 1.0 if i in shared else to(point[i])
        low, high = to(point[i] - z * errors[i]), to(point[i] + z * errors[i])
        both = float(ratio * errors[i]), float(ratio * robust[i])
        out.append(Estimate(name, unit, meaning, to(point[i]), *both, low, high))
    return tuple(out), covariance


def _errors(
    twin: Twin, point: Floats, by_patient: Callable[[Floats], Floats], free: Sequence[int]
) -> tuple[Floats, Floats]:
    """Covariance and robust errors of the entries `free`, the others held where they are."""

    def moved(x: Floats) -> Floats:
        full = point.copy()
        full[free] = x
        return by_patient(full)

    hessian = _hessian(lambda x: float(moved(x).sum()), point[free])
    values = np.linalg.eigvalsh(hessian)
    if not values[0] > 0.0:
        names = ", ".join(name for i, name in enumerate(named(twin)) if i in free)
        raise NotEvaluable(
            f"the population fit of {twin.name} has no curvature in one direction of {names}: these patients cannot "
            f"tell them apart (least eigenvalue {values[0]:.2g})"
        )
    inverse: Floats = np.asarray(np.linalg.inv(hessian / 2.0))
    slopes = gradient(moved, point[free]) / 2.0
    return inverse, np.sqrt(np.diag(inverse @ (slopes @ slopes.T) @ inverse))


def gradient(function: Callable[[Floats], float | Floats], point: Floats) -> Floats:
    """Central differences of function(point) -> () or (m,): (p,) or (p, m)."""
    out = []
    for step in GRADIENT_STEP * np.eye(point.size):
        out.append((function(point + step) - function(point - step)) / (2.0 * GRADIENT_STEP))
    return np.array(out)


def _hessian(objective: Callable[[Floats], float], point: Floats) -> Floats:
    out = np.empty((point.size, point.size))
    steps = HESSIAN_STEP * np.eye(point.size)
    for i in range(point.size):
        for j in range(i + 1):
            a, b = steps[i], steps[j]
            corners = objective(point + a + b) - objective(point + a - b) - objective(point - a + b)
            out[i, j] = out[j, i] = (corners + objective(point - a - b)) / (4.0 * HESSIAN_STEP**2)
    return out
