"""A linear twin for decisions: what is given adds up, a patient adds m + n, and z is of no account.

level(t) = the integral of the rate + m + n. With normal m and n every probability and every value is a closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from vvuq.models import RK4, Additive, Infusion, Model, Normal, Observable, Parameter, Scenario, Schedule, Twin

SD_M, SD_N, SD_Z, ERROR = 1.0, 0.5, 1.0, 0.6
END, DECIDE = 10.0, 4.0


def rhs(t, x, u, theta, dx):
    dx[0] = u[0]


def level(t, x, u, theta, y):
    m, n, _ = theta
    y[0] = x[0] + m + n


def spare(t, x, u, theta, y):
    _, _, z = theta
    y[0] = z


MODEL = Model(
    name="sum",
    states={"A": "mg"},
    inputs={"R": "mg/h"},
    parameters=(
        Parameter("m", "mg", Normal(0.0, SD_M), source="test"),
        Parameter("n", "mg", Normal(0.0, SD_N), source="test"),
        Parameter("z", "mg", Normal(0.0, SD_Z), source="test"),
    ),
    observables=(Observable("level", "mg", level, Additive(ERROR)), Observable("spare", "mg", spare, Additive(ERROR))),
    rhs=rhs,
)


def given(*, rate: float, end: float = END) -> Scenario:
    """A constant rate from 0 to `end`, at which the level is asked for."""
    flows = (Infusion(0.0, end, "R", rate),) if rate else ()
    return Scenario(Schedule(0.0, (), flows), end, "level", f"level after {end:g} h at {rate:g} mg/h")


TWIN = Twin(
    name="sum",
    title="A sum",
    model=MODEL,
    personal=(),
    schedule=lambda cohort, patient: Schedule(),
    method=RK4(step=1.0),
    assumptions=(),
    scenarios={"given": given},
)
RATES = (-0.3, 0.0, 0.3)
BENEFIT = {"low": -1.5, "high": 1.5, "harm_low": 1.0, "harm_high": 2.0}
SETTINGS: dict[str, Any] = {
    "known": "priors",
    "actions": [{"label": f"rate {r:g}", "use": {"scenario": "given", "rate": r}} for r in RATES],
    "benefit": BENEFIT,
    "current": {"use": {"scenario": "given", "rate": 0.0}},
    "decide": DECIDE,
    "measurements": [
        {"label": "the level", "observable": "level", "times": [DECIDE]},
        {"label": "what is of no account", "observable": "spare", "times": [DECIDE]},
        {"label": "the level twice", "observable": "level", "times": [2.0, DECIDE]},
    ],
    "samples": 2000,
}


def expected(mean, sd, current: float = 0.0):
    """Benefits (actions, ...) of levels that are normal of this mean and SD before anything is given."""
    shifts = np.array([current * DECIDE + rate * (END - DECIDE) for rate in RATES])
    at = np.asarray(mean)[None] + shifts.reshape(-1, *([1] * np.ndim(mean)))
    below, above = norm.cdf((BENEFIT["low"] - at) / sd), norm.sf((BENEFIT["high"] - at) / sd)
    return -(BENEFIT["harm_low"] * below + BENEFIT["harm_high"] * above)


def worth(known_variance: float) -> float:
    """What seeing is worth that takes away so much of the variance of m + n: a mean over what is then believed."""
    total = SD_M**2 + SD_N**2
    left = np.sqrt(max(total - known_variance, 0.0)) or 1e-12
    x = norm.ppf((np.arange(200_000) + 0.5) / 200_000)  # even shares: the kinks need no care
    then = expected(np.sqrt(known_variance) * x, left).max(axis=0)
    return float(then.mean() - expected(0.0, np.sqrt(total)).max())
