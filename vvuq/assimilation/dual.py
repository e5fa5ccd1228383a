"""Dual estimation: two filters that take turns, one for the states and one for the parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.learning import lower_root
from vvuq.assimilation.method import Method, State, mean
from vvuq.assimilation.system import Observation, System
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Ensemble


@dataclass(frozen=True, slots=True)
class Dual:
    """states: the filter of the states, which holds the parameters at their mean; parameters: the filter of these,
    which holds the states at their mean before the step, and sees the measured values through the model's run.

    What is not known of the one does not count as doubt in the other, and their correlation is not kept: cheaper and
    cruder than learning both at once, for which any filter may be used alone. Both filters carry beliefs, or both as
    many members of equal weight; otherwise InputError. The log-likelihood and diagnostics are those of the states.
    Source: Wan & Nelson in Kalman Filtering and Neural Networks (ed. Haykin, 2001), ch. 5."""

    states: Method
    parameters: Method

    def init(self, prior: Belief, draws: Draws) -> State:
        """As the filter of the states begins."""
        state, other = self.states.init(prior, draws), self.parameters.init(prior, draws)
        _check_pair(state, other)
        return state

    def step(
        self, system: System, schedule: Schedule, state: State, observation: Observation, draws: Draws
    ) -> tuple[State, Diagnostics]:
        """A step of each from the same state; a failure of either leaves the state as it was."""
        n = system.states
        still = replace(system, drift=np.where(np.arange(system.size) < n, system.drift, 0.0))
        now, seen = self.states.step(still, schedule, held(state, slice(n, None)), observation, draws)
        others = replace(draws, stream=f"{draws.stream} parameters")
        learned, found = self.parameters.step(system, schedule, held(state, slice(0, n)), observation, others)
        if seen.code != 0 or found.code != 0:
            return state, seen if seen.code != 0 else found
        _check_pair(now, learned)
        return joined(now, learned, n), replace(seen, least_pivot=min(seen.least_pivot, found.least_pivot))


def held(state: State, rows: slice) -> State:
    """The state with some rows held at their mean: known, and independent of the others."""
    if isinstance(state, Ensemble):
        members = state.members.copy()
        members[rows] = mean(state)[rows, None]
        return replace(state, members=members)
    free = np.setdiff1d(np.arange(state.mean.size), np.arange(state.mean.size)[rows])
    root = np.zeros_like(state.root)
    root[np.ix_(free, free)] = lower_root(state.root[free])
    return replace(state, root=root)


def joined(states: State, parameters: State, n: int) -> State:
    """The first n rows of the one and the others of the other, independent of one another."""
    if isinstance(states, Belief) and isinstance(parameters, Belief):
        root = np.zeros_like(states.root)
        root[:n, :n] = states.root[:n, :n]
        root[n:, n:] = lower_root(parameters.root[n:])
        return replace(states, mean=np.concatenate([states.mean[:n], parameters.mean[n:]]), root=root)
    assert isinstance(states, Ensemble) and isinstance(parameters, Ensemble)
    return replace(states, members=np.concatenate([states.members[:n], parameters.members[n:]]))


def _check_pair(one: State, other: State) -> None:
    if isinstance(one, Belief) and isinstance(other, Belief):
        return
    if isinstance(one, Ensemble) and isinstance(other, Ensemble):
        equal = one.log_weights is None and other.log_weights is None
        if equal and one.members.shape == other.members.shape:
            return
    kinds = type(one).__name__, type(other).__name__
    raise InputError("filter", "dual", kinds, "two filters of beliefs, or of as many members of equal weight")
