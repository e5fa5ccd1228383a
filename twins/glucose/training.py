"""How the network of a hybrid learns: from forecasts without the sensor over stretches of record, whose error goes back
through the model's equations to every weight at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from vvuq.interaction.forecaster import AHEAD, around, eligible, readings, truths
from vvuq.models import RK4, Model, Schedule, simulate
from vvuq.models.adjoint import Course, Runs, back, go, runs
from vvuq.record import Cohort, Floats

from .freeliving import MODEL as CORE
from .freeliving import schedule, steady_start
from .hybrid import UNITS, WEIGHTS, weight_names, with_time_of_day

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


def of_cohort(model: Model, cohort: Cohort, core: Mapping[str, Floats], *, every: float, of: Model = CORE) -> Windows:
    """Windows of 3 h from the moments, `every` minutes apart, at which forecasts are scored.

    core: each patient's parameters of the model `of`, without the network. Food and insulin at a beginning are what the
    record gives; blood and tissue are what the sensor and its change say."""
    schedules: list[Schedule] = []
    starts, states, parameters, seen = [], [], [], []
    for patient in cohort.patients:
        at = eligible(patient, stride=every)
        if not at.size:
            continue
        theta, own, sensor = core[patient.id], schedule(cohort, patient), readings(patient)
        x0 = steady_start(own, theta, float(sensor.values[0]))
        found = simulate(of, own, theta, at, method=RK4(STEP), x0=x0).states[:, :, 0]
        before, now = around(sensor, at, np.array([-AHEAD[0], 0.0])).T
        found[:, of.state_index("IG")] = now
        rising = theta[of.parameter_index("alpha")] * (now - before) / AHEAD[0]
        found[:, of.state_index("G")] = np.clip(now + rising, 0.5 * now, 2.0 * now)
        schedules += [own] * at.size
        starts += at.tolist()
        states.append(found.T)
        parameters.append(np.repeat(theta[:, None], at.size, axis=1))
        seen.append(truths(patient, at).T)
    whole = (np.concatenate(parts, axis=1) for parts in (parameters, states, seen))
    return windows(model, schedules, starts, *whole)


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
