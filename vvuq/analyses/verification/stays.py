"""Stays of patients, real or drawn from the twin itself, and what the personal filter makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate, personal_system, prior_belief
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecast import forecast_from
from vvuq.methods.consistency import nees
from vvuq.methods.scores import mixture_cdf
from vvuq.models.schedule import Schedule
from vvuq.models.simulate import simulate
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats, Measurement


@dataclass(frozen=True, slots=True)
class Stay:
    """What was given and measured, in the model's units. truth (d,): states at the last measurement, then logarithms
    of the personal parameters; None where nobody knows it."""

    schedule: Schedule
    measurements: tuple[Measurement, ...]
    truth: Floats | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """One stay as the filter saw it, by measurement: standardized innovation, its square (NIS), degrees of freedom of
    that, and the PIT of the forecast that the twin would have issued; not-a-number where a step failed.

    Where the truth is known, at the last measurement: error of each state in its SDs (n,; not-a-number where it has
    no uncertainty and no error), error of the personal parameters squared by their covariance, degrees of freedom."""

    innovations: Floats
    nis: Floats
    degrees: Floats
    pit: Floats
    states: Floats
    parameters: tuple[float, int]
    failed: int


def drawn(
    twin: Twin, population: Population, schedule: Schedule, samples: Sequence[Measurement], copies: int, draws: Draws
) -> list[Stay]:
    """`copies` patients of the population under one schedule, sampled when and where `samples` were; their values are
    the model's with errors of the population's size. Asking for more copies does not change the first ones.

    Raises NotEvaluable where the model cannot be run for one of them."""
    model, rows = twin.model, [twin.model.parameter_index(name) for name in twin.personal]
    theta = np.repeat(np.asarray(population.theta, dtype=float)[:, None], copies, axis=1)
    spread = draws.normal(0, "personal parameters", (copies, len(rows))).T
    logs = np.log(theta[rows]) + population.omega[:, None] * spread
    theta[rows] = np.exp(logs)
    times = sorted({m.time for m in samples})
    paths = simulate(model, schedule, theta, times, method=twin.method)
    if np.any(paths.codes != 0):
        raise NotEvaluable(f"{int((paths.codes != 0).sum())} of {copies} simulated patients left the model's range")
    errors = draws.normal(0, "measurement errors", (copies, len(samples)))
    values = np.empty((copies, len(samples)))
    for j, m in enumerate(samples):
        channel = model.observable_index(m.observable)
        noise, exact = model.observables[channel].noise, paths.observed[times.index(m.time), channel]
        sd = population.noise_scale * np.sqrt(noise.sd**2 + (noise.cv * exact) ** 2)
        values[:, j] = exact + sd * errors[:, j]
    taken = [tuple(Measurement(m.time, m.observable, float(v)) for m, v in zip(samples, row, strict=True))
             for row in values]  # fmt: skip
    truth = np.concatenate([paths.states[-1], logs])
    return [Stay(schedule, measured, truth[:, i]) for i, measured in enumerate(taken)]


def watch(twin: Twin, population: Population, stay: Stay, normals: Floats) -> Watched:
    """The filter's way through one stay; normals (d, members) are the standard draws of its forecasts."""
    system = personal_system(twin, population)
    start = prior_belief(twin, population, stay.schedule)
    beliefs, seen = assimilate(system, start, stay.schedule, stay.measurements)
    walk = np.roll(normals, 1, axis=1)[None] if np.any(system.drift) else None
    rows = np.full((4, len(seen)), np.nan)
    for k, (m, found) in enumerate(zip(stay.measurements, seen, strict=True)):
        if found.code != 0:
            continue
        channel = twin.model.observable_index(m.observable)
        try:
            ahead = forecast_from(system, beliefs[k], stay.schedule, m.observable, np.array([m.time]), normals, walk)
        except NotEvaluable:
            continue
        pit = mixture_cdf(m.value, ahead.values[0], ahead.error_sd[0])
        rows[:, k] = found.innovation[channel] / found.spread[channel], found.nis, found.n, pit
    states, parameters = errors_of(beliefs[-1], stay.truth, len(twin.model.states))
    z, nis, degrees, fallen = rows
    return Watched(z, nis, np.nan_to_num(degrees), fallen, states, parameters, int(np.isnan(z).sum()))


def errors_of(belief: Belief, truth: Floats | None, n: int) -> tuple[Floats, tuple[float, int]]:
    """Errors of the states in SDs, and of the parameters squared by their covariance."""
    if truth is None:
        return np.full(n, np.nan), (float("nan"), 0)
    error, sd = truth - belief.mean, np.sqrt((belief.root**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0: known exactly, and right; else infinitely wrong
        states = error[:n] / sd[:n]
    return states, nees(error[n:], belief.root[n:])
