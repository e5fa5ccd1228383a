"""What every filter can do: begin from a normal prior, and take one step to the next observation."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble, Floats

State = Belief | Ensemble


class Method(Protocol):
    """A filter with its options. Both calls are pure: what they return is all that they do."""

    def init(self, prior: Belief, draws: Draws) -> Any:
        """The state before any observation: the prior itself, or members drawn from it."""

    def step(
        self, system: System, schedule: Schedule, state: Any, observation: Observation, draws: Draws
    ) -> tuple[Any, Diagnostics]:
        """The state carried to the observation's time and conditioned on it, and what the step saw."""


def mean(state: State) -> Floats:
    """The mean (d,) of a belief or of members."""
    if isinstance(state, Belief):
        return state.mean
    if state.log_weights is None:
        return np.asarray(state.members.mean(axis=1))
    return np.asarray(state.members @ np.exp(state.log_weights))


def spread(state: State) -> Floats:
    """The standard deviation (d,) of each row; of members with N - 1 in the denominator where they weigh the same."""
    if isinstance(state, Belief):
        return np.sqrt(np.einsum("ij,ij->i", state.root, state.root))
    if state.log_weights is None:
        return np.asarray(state.members.std(axis=1, ddof=1))
    deviation = state.members - mean(state)[:, None]
    return np.sqrt(deviation**2 @ np.exp(state.log_weights))
