"""Is the unscented filter exact where an exact answer exists: on linear models with normal errors?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Count
from vvuq.assimilation import kalman
from vvuq.assimilation.system import System, gaussian, observation
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Additive, Bolus, LogNormal, Model, Observable, Parameter, Schedule
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Context, Evidence, Finding, Floats, Quantity, Table

STEP, DOSE = 0.25, 7.0
_SOURCE = "a range of linear systems for verification; not physiology"


def two_compartments(t: Any, x: Any, u: Any, theta: Any, dx: Any) -> None:
    """Amounts in two compartments with exchange, eliminated from the first."""
    a, b = x
    out, there, back = theta
    dx[0] = -(out + there) * a + back * b
    dx[1] = there * a - back * b


def first(t: Any, x: Any, u: Any, theta: Any, y: Any) -> None:
    """The amount in the first compartment."""
    y[0] = x[0]


def total(t: Any, x: Any, u: Any, theta: Any, y: Any) -> None:
    """The amount in the body."""
    y[0] = x[0] + x[1]


LINEAR = Model(
    name="two_compartments",
    states={"a": "mg", "b": "mg"},
    inputs={},
    parameters=tuple(Parameter(name, "1/h", LogNormal(0.2, 0.5), _SOURCE) for name in ("out", "there", "back")),
    observables=(
        Observable("first", "mg", first, Additive(0.5)),
        Observable("total", "mg", total, Additive(0.2)),
    ),
    rhs=two_compartments,
)
ROWS = np.array([[1.0, 0.0], [1.0, 1.0]])
ERROR = np.diag([o.noise.sd**2 for o in LINEAR.observables])


DIFFERENCES = ("mean_difference", "covariance_difference", "log_likelihood_difference")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    return dict.fromkeys((*DIFFERENCES, "n_cases"), "1")


@analysis(
    "Does the unscented filter equal the Kalman filter where both are exact?", suite="verification", metrics=_metrics
)
def filter_exactness(twin: Twin, context: Context, *, cases: Count = 100, observations: Count = 12) -> Evidence:
    """Random linear models with doses, process noise and irregular times; largest relative differences."""
    rng = context.stream("cases")
    rows = [one_case(rng, observations) for _ in range(cases)]
    largest = np.max(np.array(rows), axis=0)
    values = {n: Quantity(float(v), "1", kind="numerical", n=cases) for n, v in zip(DIFFERENCES, largest, strict=True)}
    values["n_cases"] = Quantity(float(cases), "1")
    ranked = sorted(range(cases), key=lambda i: -max(rows[i]))[:10]
    table = Table(
        "The ten largest differences", ("case", "observations", *DIFFERENCES), ("", "1", "1", "1", "1"),
        tuple((i, observations, *rows[i]) for i in ranked),
    )  # fmt: skip
    inputs: dict[str, object] = {"cases": cases, "observations": observations, "model": LINEAR.name}
    return evidence(filter_exactness, twin.name, inputs, values=values, tables={"cases": table})


def one_case(rng: np.random.Generator, observations: int, *, noise_error: float = 1.0) -> tuple[float, float, float]:
    """Relative differences of mean, covariance and log-likelihood after a random sequence of observations.

    noise_error scales the noise that the unscented filter believes in: other than 1 is a seeded fault for the tests."""
    theta, drift = np.exp(rng.normal(-1.5, 0.5, 3)), rng.uniform(0.0, 0.5, 2)
    noise = tuple(Additive(noise_error * o.noise.sd) for o in LINEAR.observables)
    system, method = System(LINEAR, theta, (), noise, drift, STEP), Unscented(kappa=float(rng.choice([0.0, 1.0, 3.0])))
    root = np.tril(rng.normal(size=(2, 2)))
    mean, covariance, likelihood = rng.normal(10.0, 3.0, 2), root @ root.T, 0.0
    belief, unused = gaussian(system, 0.0, mean, covariance), Draws(0, "cases")
    schedule, time = Schedule(boluses=(Bolus(0.0, "a", DOSE),)), 0.0
    for i in range(observations):
        gap, name = float(rng.exponential(2.0)) + 0.01, ("first", "total")[i % 2]
        seen = observation(system, time + gap, {name: float(rng.normal(10.0, 5.0))})
        belief, _ = method.step(system, schedule, belief, seen, unused)
        given = mean + (np.array([DOSE, 0.0]) if i == 0 else 0.0)
        ahead = kalman.predict(given, covariance, transition(theta, gap), np.diag(drift**2 * gap))
        mean, covariance, gained = kalman.update(*ahead, ROWS, seen.values, ERROR)
        likelihood, time = likelihood + gained, time + gap
    return (
        float(np.abs(belief.mean - mean).max() / np.abs(mean).max()),
        float(np.abs(belief.root @ belief.root.T - covariance).max() / np.abs(covariance).max()),
        float(abs(belief.log_likelihood - likelihood) / max(1.0, abs(likelihood))),
    )


def transition(theta: Floats, length: float) -> Floats:
    """What RK4 in steps of at most STEP does to x' = M x: its stability polynomial, step by step."""
    out, there, back = theta
    steps = max(1, int(np.ceil(length / STEP - 1e-9)))
    z = np.array([[-(out + there), back], [there, -back]]) * length / steps
    one = np.eye(2) + z + z @ z / 2.0 + z @ z @ z / 6.0 + z @ z @ z @ z / 24.0
    return np.asarray(np.linalg.matrix_power(one, steps))


@check("filter_exactness")
def equals_the_kalman_filter(found: Evidence) -> tuple[Finding, ...]:
    """Code verification of the filter against an independent, exact one: rung b, another verified code."""
    largest = max(v.value for name, v in found.values.items() if name.endswith("_difference"))
    models = found.values["n_cases"].value
    reason = f"largest relative difference from the Kalman filter {largest:.1e} over {models:g} models"
    return (Finding("verification.code.numerical_code_verification", "b" if largest <= 1e-10 else "a", reason),)
