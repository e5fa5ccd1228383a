"""What is filtered to see what awareness costs: systems, records of which half is missing, mechanisms, and runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import freeliving
import numpy as np
import turnover
from _days import operations
from home import structures
from large import ring

from vvuq.assimilation.aware import Aware, Mechanism
from vvuq.assimilation.localization import Localization, gaspari_cohn, localization
from vvuq.assimilation.method import Method, mean
from vvuq.assimilation.system import Observation, Observations, System
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record, walk_of
from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import declared, first_belief, tracking_system
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats

GAPS = 0.5
RADIUS = 4.0  # of the taper, where its weight is 0.63
Run = Callable[[], Floats]


@dataclass(frozen=True, eq=False)
class Work:
    """A record (T, q), and mechanisms by name that its values may have come by. flops: of the deaf filter's step with
    2 d points, and of one run of the model from one observation to the next."""

    label: str
    system: System
    schedule: Schedule
    prior: Belief
    observations: Observations
    mechanisms: dict[str, Mechanism]
    run_flops: float

    @property
    def unscented_flops(self) -> float:
        """The points' runs; the forecast's root from 2 d points, and the update's array."""
        d, m = self.system.size, len(self.system.noise)
        return 2 * d * self.run_flops + 4.0 * d**3 + 2.0 * (m + d) ** 2 * d


def with_gaps(values: Floats, share: float = GAPS) -> Floats:
    """The same without a share of the values."""
    return np.where(np.random.default_rng(5).random(values.shape) < share, np.nan, values)


def five(cycles: int) -> Work:
    """The five states of tests/turnover.py, ten RK4 steps an interval; 19 operations a slope."""
    seen = turnover.measured(cycles)
    values = with_gaps(np.array([one.values for one in seen]))
    by_state = SharedParameter("central_seen", -1.0, (("central", 0.01), ("effect", -0.004)))
    mechanisms: dict[str, Mechanism] = {
        "state, probit": by_state,
        "state, logit": replace(by_state, link="logit"),
        "value, probit": Selection("response_seen", 2.0, -0.01),
        "value, logit": Selection("response_seen", 2.0, -0.01, "logit"),
    }
    observations = Observations(np.array([one.time for one in seen]), values)
    flops = turnover.SUBSTEPS * (4 * 19 + 13 * 5)
    return Work("5 states", turnover.system(), Schedule(), turnover.prior(), observations, mechanisms, flops)


def glucose(days: float) -> Work:
    """The glucose twin on a made-up patient at home, a slot every 15 min."""
    twin, cohort = structures()["glucose"], freeliving.cohort(1, days=days)
    known, stretch = declared(twin), stretches(twin, cohort, cohort.patients[0])[0]
    system = tracking_system(twin, known)
    values = np.full((stretch.times.size, len(system.noise)), np.nan)
    at = system.channels.index("cgm")
    values[:, at] = with_gaps(stretch.values)
    by_state = SharedParameter("cgm", -1.0, (("G", 0.005),))
    mechanisms: dict[str, Mechanism] = {
        "state, probit": by_state,
        "state, logit": replace(by_state, link="logit"),
        "value, probit": Selection("cgm", -1.0, 0.005),
        "value, logit": Selection("cgm", -1.0, 0.005, "logit"),
    }
    prior = first_belief(twin, known, stretch)
    inputs = walk_of(system, stretch.schedule, stretch.times).grid[1][0]
    steps = int(np.ceil(15.0 / twin.method.step))
    flops = operations(twin.model.rhs, prior.mean[: system.states], inputs, system.theta, steps)
    label = f"glucose twin, {system.size} rows, 15 min"
    return Work(label, system, stretch.schedule, prior, Observations(stretch.times, values), mechanisms, flops)


def wide(n: int, channels: int) -> tuple[Work, Localization]:
    """Lorenz-96, every second variable measured where it is not missing; the first channels have mechanisms."""
    experiment, draws = ring(n), np.random.default_rng(6)
    system, count = experiment.system, n // 2
    values = 8.0 * (np.arange(0, n, 2) % 3 == 0) + draws.standard_normal((2, count))
    assert experiment.distances is not None
    near = localization(*experiment.distances, taper=lambda apart: gaspari_cohn(apart, 1.82 * RADIUS))
    mechanisms: dict[str, Mechanism] = {
        system.channels[i]: SharedParameter(system.channels[i], 0.0, ((system.names[2 * i], 0.5),))
        for i in range(channels)
    }
    observations = Observations(np.array([0.05, 0.1]), with_gaps(values))
    prior = replace(experiment.prior, time=0.0)
    return Work(f"n {n:,}", system, Schedule(), prior, observations, mechanisms, n * (4 * 4 + 13.0)), near


def flat(one: Mechanism) -> Mechanism:
    """The same with slopes of 0: the belief is the deaf filter's own."""
    if isinstance(one, Selection):
        return replace(one, slope=0.0)
    return replace(one, slopes=tuple((name, 0.0) for name, _ in one.slopes))


def whole(work: Work, method: Unscented | Aware) -> Run:
    """Means (T, d) of the record in one call."""
    return lambda: filter_record(method, work.system, work.schedule, work.prior, work.observations).mean


def stepped(work: Work, method: Method, cycles: int) -> Run:
    """Means (cycles, d) step by step; the first belief is drawn before."""
    draws = Draws(1, "benchmark")
    start, many = method.init(work.prior, draws), work.observations
    seen = [Observation(float(t), y) for t, y in zip(many.times[:cycles], many.values, strict=False)]

    def run() -> Floats:
        state, found = start, []
        for one in seen:
            state, told = method.step(work.system, work.schedule, state, one, draws)
            assert told.code == 0
            found.append(mean(state))
        return np.array(found)

    return run
