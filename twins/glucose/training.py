"""How the network of a hybrid learns: from forecasts without the sensor over stretches of record, whose error goes back
through the model's equations to every weight at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from vvuq.calibration.tracking import Tracking, followed
from vvuq.data.known import known_at
from vvuq.errors import NotEvaluable
from vvuq.interaction.corrected import Learn
from vvuq.interaction.forecaster import AHEAD, eligible, truths
from vvuq.interaction.patient import assimilate
from vvuq.models import Model, Schedule, Twin
from vvuq.models.adjoint import Course, Runs, back, go, runs
from vvuq.models.schedule import since
from vvuq.models.units import factor
from vvuq.record import Cohort, Floats

from .hybrid import UNITS, WEIGHTS, hybrid_twin, weight_names, with_time_of_day

STEP = 5.0  # min, of RK4
SCALE = 20.0  # mg/dL: the error that counts 1


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of record over which a hybrid runs without the sensor: core (p, windows) parameters and x0 (n,
    windows) at their beginning, seen (R, windows) what the sensor read; not-a-number where it did not."""

    over: Runs
    core: Floats
    x0: Floats
    seen: Floats


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights (65,), and the loss with all weights 0 and with these."""

    weights: Floats
    before: float
    after: float
    evaluations: int


def windows(
    model: Model,
    schedules: Sequence[Schedule],
    starts: Sequence[float],
    core: Floats,
    x0: Floats,
    seen: Floats,
    ahead: Floats = AHEAD,
) -> Windows:
    """Windows from `starts` on, read `ahead` minutes later; core, x0 and seen as `Windows` has them."""
    at = np.asarray(starts, dtype=float)[:, None] + ahead[None, :]
    timed = [with_time_of_day(one, float(end)) for one, end in zip(schedules, at[:, -1], strict=True)]
    over = runs(model, timed, at, STEP, starts=starts, states=["IG"], parameters=weight_names())
    return Windows(over, core, x0, seen)


def of_cohort(core: Twin, known: Tracking, cohort: Cohort, model: Model, *, every: float) -> Windows:
    """Windows of 3 h from moments, `every` minutes apart, at which forecasts are scored, as they are: from what a
    filter of the core believes then, and without what is given later.

    Raises NotEvaluable where there is no such moment."""
    memory, n = followed(core).memory, len(core.model.states)
    per = factor(dict(cohort.units)["time"], core.model.time_unit, cohort.name)
    personal = [core.model.parameter_index(name) for name in core.personal]
    plans: list[Schedule] = []
    starts, states, parameters, seen = [], [], [], []
    for patient in cohort.patients:
        at, follow = eligible(patient, stride=every), assimilate(core, known, cohort, patient)
        for origin, truth in zip(at.tolist(), truths(patient, at), strict=True):
            end, mean, theta = origin + float(AHEAD[-1]), follow.belief(origin).mean, known.theta.copy()
            theta[personal] = np.exp(mean[n:])
            then = known_at(patient, origin / per, end / per, memory / per)
            plans.append(since(core.schedule(cohort, then), origin))
            starts.append(origin)
            states.append(mean[:n])
            parameters.append(theta)
            seen.append(truth)
    if not starts:
        raise NotEvaluable(f"cohort {cohort.name}: no stretch of three hours of readings to learn from")
    return windows(model, plans, starts, *(np.stack(one, axis=1) for one in (parameters, states, seen)))


def learner(*, every: float = 120.0, decay: float = 0.1, iterations: int = 60) -> Learn:
    """How a hybrid is made of a core: its network is trained on the windows of a cohort."""

    def learn(core: Twin, known: Tracking, cohort: Cohort, draws: Any) -> tuple[Twin, Tracking]:
        twin = hybrid_twin(core)
        data = of_cohort(core, known, cohort, twin.model, every=every)
        start = start_from(draws.normal(0, "weights", (WEIGHTS - UNITS - 1,)))
        found = train(data, start, decay=decay, iterations=iterations)
        return twin, replace(known, theta=np.concatenate([known.theta, found.weights]))

    return learn


def loss_and_gradient(
    data: Windows, weights: Floats, decay: float, memory: list[Course] | None = None
) -> tuple[float, Floats]:
    """Half the mean squared error of the sensor over SCALE, with half of `decay` times the squares of the weights.

    memory: a list that holds the last course, so that the next takes its room."""
    theta = np.concatenate([data.core, np.repeat(weights[:, None], data.core.shape[1], axis=1)])
    course = go(data.over, theta, data.x0, memory.pop() if memory else None)
    error = (course.states[:, 0] - data.seen) / SCALE
    there = np.isfinite(data.seen)
    error[~there] = 0.0
    count = max(int(there.sum()), 1)
    slopes, _ = back(data.over, course, error[:, None] / (SCALE * count))
    if memory is not None:
        memory.append(course)
    loss = 0.5 * float(np.sum(error * error)) / count + 0.5 * decay * float(weights @ weights)
    return loss, slopes.sum(axis=1) + decay * weights


def start_from(normal: Floats) -> Floats:
    """Weights to begin with: small ones of the units, from 56 standard normal draws, and none of their sum."""
    return np.concatenate([0.5 * normal, np.zeros(UNITS + 1)])


def train(data: Windows, start: Floats, *, decay: float, iterations: int) -> Trained:
    """Weights with the least loss that L-BFGS finds from `start`. A loss that is not finite counts as very large."""
    memory: list[Course] = []

    def objective(weights: Floats) -> tuple[float, Floats]:
        loss, slopes = loss_and_gradient(data, weights, decay, memory)
        finite = np.isfinite(loss) and bool(np.all(np.isfinite(slopes)))
        return (loss, slopes) if finite else (1e30, np.zeros_like(weights))

    before, _ = loss_and_gradient(data, np.zeros(WEIGHTS), 0.0, memory)
    limits: Any = {"maxiter": iterations, "maxfun": 4 * iterations, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-8}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=limits)
    after, _ = loss_and_gradient(data, found.x, 0.0, memory)
    return Trained(found.x, before, after, int(found.nfev))
