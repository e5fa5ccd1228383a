"""Learning what may change: any filter, with what it knows of the parameters discounted as time goes on.

Without it a filter grows ever surer of parameters it holds to be constant, and cannot follow those that are not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.method import Method, State, mean
from vvuq.assimilation.system import Observation, System
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats


@dataclass(frozen=True, slots=True)
class Discounted:
    """`method`, before each of whose steps the learned parameters move at random, in proportion to what is unknown.

    Their covariance is divided by delta, 0 < delta <= 1; with 1 nothing is changed. interval: the time over which
    delta is lost, for irregular observations; None for each observation. shrinkage, for members: they move by the same
    noise and are drawn to their mean, so that mean and covariance stay; it keeps particles of constant parameters
    apart where resampling has made them few, and forgets nothing; delta > 1/3.
    Particles follow a slow drift but no leap: where all but one lose their weight, nothing is left to discount. A drift
    of the System's own does not fade.
    Raises InputError for a delta or an interval out of range, and for shrinkage of a belief without members.
    Sources: West & Harrison, Bayesian Forecasting and Dynamic Models, 2nd ed. (1997), 6.3; Liu & West in Sequential
    Monte Carlo Methods in Practice (2001), ch. 10 (shrinkage a = (3 delta - 1) / (2 delta))."""

    method: Method
    delta: float
    interval: float | None = None
    shrinkage: bool = False

    def __post_init__(self) -> None:
        lowest = 1.0 / 3.0 if self.shrinkage else 0.0
        if not lowest < self.delta <= 1.0:
            raise InputError("filter", "delta", self.delta, f"above {lowest:.3g}, at most 1")
        if self.interval is not None and not 0.0 < self.interval < np.inf:
            raise InputError("filter", "interval", self.interval, "a finite time > 0")

    def init(self, prior: Belief, draws: Draws) -> State:
        """As the method itself begins."""
        state: State = self.method.init(prior, draws)
        if self.shrinkage and isinstance(state, Belief):
            raise InputError("filter", "shrinkage", True, "a method with members")
        return state

    def step(
        self, system: System, schedule: Schedule, state: State, observation: Observation, draws: Draws
    ) -> tuple[State, Diagnostics]:
        """A step of the method from the discounted state. Draws: purpose "discount"."""
        share = self._share(state, observation)
        before = state if share == 1.0 or not system.learned else self._discounted(system, state, share, draws)
        after, seen = self.method.step(system, schedule, before, observation, draws)
        return (after if seen.code == 0 else state), seen

    def _share(self, state: State, observation: Observation) -> float:
        """What is left of the information on the parameters; all of it where nothing was measured or no time passed."""
        if self.interval is None:
            return 1.0 if np.all(np.isnan(observation.values)) else self.delta
        return float(self.delta ** (max(observation.time - state.time, 0.0) / self.interval))

    def _discounted(self, system: System, state: State, share: float, draws: Draws) -> State:
        if isinstance(state, Belief):
            return forgotten(state, system.states, share)
        count = state.members.shape[1]
        normals = draws.normal(state.cycle, "discount", (len(system.learned), count))
        if not self.shrinkage:
            return moved(state, system.states, 1.0, np.sqrt(1.0 / share - 1.0), normals)
        kept = max((3.0 * share - 1.0) / (2.0 * share), 0.0)
        return moved(state, system.states, kept, np.sqrt(1.0 - kept**2), normals)


def forgotten(belief: Belief, states: int, share: float) -> Belief:
    """The belief with the covariance of the rows after the first `states` divided by share; other blocks as they were.

    It is what an independent random walk adds, of (1 / share - 1) times their covariance."""
    walk = np.sqrt(1.0 / share - 1.0) * belief.root
    walk[:states] = 0.0
    return replace(belief, root=lower_root(np.hstack([belief.root, walk])))


def lower_root(wide: Floats) -> Floats:
    """The lower-triangular matrix (r, r) with a diagonal >= 0 and the same product with its transpose as wide (r, c).

    c >= r. By reflections: no product is formed."""
    lower = np.asarray(np.linalg.qr(wide.T, mode="r")).T
    return np.ascontiguousarray(lower * np.where(np.diag(lower) < 0.0, -1.0, 1.0))


def moved(state: Ensemble, states: int, kept: float, noise: float, normals: Floats) -> Ensemble:
    """Members whose k rows after the first `states` are drawn to their mean by `kept`, and moved.

    normals (k, N) are made into moves of `noise`^2 times the covariance (k, k) of the weighted members."""
    count = state.members.shape[1]
    weights = np.full(count, 1.0 / count) if state.log_weights is None else np.exp(state.log_weights)
    middle = mean(state)[states:, None]
    deviations = state.members[states:] - middle
    rest = 1.0 - float(np.sum(weights**2))
    scaled = deviations * np.sqrt(weights / rest) if rest > 0.0 else 0.0 * deviations
    root = lower_root(scaled if count >= len(scaled) else np.pad(scaled, ((0, 0), (0, len(scaled) - count))))
    members = state.members.copy()
    members[states:] = middle + kept * deviations + noise * (root @ normals)
    return replace(state, members=members)
