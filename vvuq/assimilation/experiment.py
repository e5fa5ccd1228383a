"""Twin experiments: a truth drawn from the system itself is observed, filtered, and held against what was found."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from vvuq.assimilation.method import Method, mean, spread
from vvuq.assimilation.system import (
    Observation,
    System,
    error_sd,
    observe,
    process_sd,
    propagate,
)
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats

LOST = 50  # cycles in a row with an error above the SD of a measurement's: the truth is lost


@dataclass(frozen=True, eq=False)
class Experiment:
    """A system, what is known of it at the start (the truth is a draw from it), and how it is observed.

    Every `interval` all observables are measured. Scores leave out the first `burn_in` cycles. distances: between rows
    and observables (d, q), and between observables (q, q), for localization; None where nothing has a place."""

    name: str
    system: System
    prior: Belief
    interval: float
    burn_in: int
    distances: tuple[Floats, Floats] | None = None
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened: states (cycles, d) at the times of the observations, and these."""

    states: Floats
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How a filter fared, cycle by cycle: root mean square over rows of the error of its mean and of its spread, NIS.

    Arrays have one entry a cycle, not-a-number from the cycle in which the filter failed, if it did (failed_at, -1).
    error_sd: root mean square over observables and cycles of the SD of a measurement's error. seconds: CPU time of all
    steps."""

    error: Floats
    spread: Floats
    nis: Floats
    components: int
    error_sd: float
    burn_in: int
    failed_at: int
    seconds: float

    @property
    def rmse(self) -> float:
        """The mean over the cycles after burn-in, as published tables have it; not-a-number after a failure."""
        return float(np.mean(self.error[self.burn_in :]))

    @property
    def lost_at(self) -> int:
        """The cycle from which the truth counts as lost, -1 where it was kept.

        That is where the filter failed, or where the first LOST cycles in a row after burn-in begin in which the error
        of its mean is above the SD of a measurement's. A mean over all cycles would miss a late loss. What lasts less,
        or begins in the last cycles of a run, is no loss by this rule."""
        begins = first_stretch(self.error[self.burn_in :], self.error_sd, LOST)
        found = (self.failed_at, begins + self.burn_in if begins >= 0 else -1)
        return min((cycle for cycle in found if cycle >= 0), default=-1)

    @property
    def spread_skill(self) -> float:
        """Root mean square spread over root mean square error after burn-in: 1 where a filter knows how wrong it is."""
        kept = slice(self.burn_in, None)
        return float(np.sqrt(np.mean(self.spread[kept] ** 2) / np.mean(self.error[kept] ** 2)))

    @property
    def nis_per_component(self) -> float:
        """The mean squared innovation by its forecast covariance, a measured value: 1 where a filter is consistent."""
        return float(np.mean(self.nis[self.burn_in :]) / self.components)


def first_stretch(error: Floats, limit: float, length: int) -> int:
    """Where the first `length` entries in a row above the limit (or not-a-number) begin; -1 where there are none."""
    above = np.concatenate([[0], np.cumsum(~(error <= limit))])
    begins = np.flatnonzero(above[length:] - above[:-length] == length)
    return int(begins[0]) if begins.size else -1


def make_truth(experiment: Experiment, cycles: int, draws: Draws) -> Truth:
    """A truth of the system and its observations. Raises InputError where the truth itself cannot be simulated."""
    system, prior = experiment.system, experiment.prior
    state = prior.mean + prior.root @ draws.normal(0, "truth at the start", (system.size,))
    states, observations = np.empty((cycles, system.size)), []
    lower = np.linalg.cholesky(np.asarray(system.correlation)) if system.correlation is not None else None
    for cycle in range(cycles):
        start, end = prior.time + cycle * experiment.interval, prior.time + (cycle + 1) * experiment.interval
        members, codes = propagate(system, experiment.schedule, state[:, None], start, end)
        if codes[0] != 0:
            raise InputError(experiment.name, "truth", f"code {codes[0]} at {end}", "a truth that can be simulated")
        state = members[:, 0]
        walk = process_sd(system, start, end)
        if np.any(walk > 0.0):
            state = state + walk * draws.normal(cycle, "truth", state.shape)
        seen = observe(system, experiment.schedule, state[:, None], end)
        error = draws.normal(cycle, "measurement", (seen.shape[0],))
        error = lower @ error if lower is not None else error
        states[cycle] = state
        observations.append(Observation(end, seen[:, 0] + error_sd(system, seen) * error))
    return Truth(states, tuple(observations))


def score(experiment: Experiment, truth: Truth, method: Method, draws: Draws) -> Score:
    """Filters the observations of a truth by a method, whose random numbers are `draws`."""
    measured = np.array([observation.values for observation in truth.observations])
    sd = float(np.sqrt(np.mean(error_sd(experiment.system, measured.T) ** 2)))
    cycles, q = len(truth.observations), len(experiment.system.noise)
    found, failed_at = np.full((3, cycles), np.nan), -1
    state = method.init(experiment.prior, draws)
    begun = time.process_time()
    for cycle, observation in enumerate(truth.observations):
        state, seen = method.step(experiment.system, experiment.schedule, state, observation, draws)
        if seen.code != 0:
            failed_at = cycle
            break
        deviation = mean(state) - truth.states[cycle]
        found[:, cycle] = np.sqrt(np.mean(deviation**2)), np.sqrt(np.mean(spread(state) ** 2)), seen.nis
    seconds = time.process_time() - begun
    return Score(found[0], found[1], found[2], q, sd, experiment.burn_in, failed_at, seconds)
