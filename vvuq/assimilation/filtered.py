"""What a filter found over one patient's record: arrays with one entry a cycle, whatever the filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vvuq.assimilation.method import Method, State, mean, spread
from vvuq.assimilation.system import Observation, System
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Diagnostics, Floats

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Filtered:
    """T cycles of a state of d rows and q observables.

    mean and sd (T, d): of the state after each cycle (the one before it where the cycle failed); roots (T, d, d) of a
    Gaussian filter that was asked for them, else None. The rest is what Diagnostics holds, cycle by cycle: innovation,
    predicted and spread (T, q), the others (T,). last: the state after all cycles."""

    times: Floats
    mean: Floats
    sd: Floats
    roots: Floats | None
    innovation: Floats
    predicted: Floats
    spread: Floats
    nis: Floats
    n: Integers
    log_likelihood: Floats
    least_pivot: Floats
    ess: Floats
    inflation: Floats
    codes: Integers
    last: State

    def step(self, cycle: int) -> Diagnostics:
        """What one cycle saw, as the filter's own step returns it."""
        return Diagnostics(
            time=float(self.times[cycle]),
            innovation=self.innovation[cycle].copy(),
            predicted=self.predicted[cycle].copy(),
            spread=self.spread[cycle].copy(),
            nis=float(self.nis[cycle]),
            n=int(self.n[cycle]),
            log_likelihood=float(self.log_likelihood[cycle]),
            least_pivot=float(self.least_pivot[cycle]),
            ess=float(self.ess[cycle]),
            inflation=float(self.inflation[cycle]),
            code=int(self.codes[cycle]),
        )


def filter_steps(
    method: Method,
    system: System,
    schedule: Schedule,
    prior: Belief,
    observations: Sequence[Observation],
    draws: Draws,
    *,
    roots: bool = False,
) -> Filtered:
    """Any filter over a patient's record, one step after another, from its own beginning on a normal prior.

    roots: keeps the covariance root after each cycle of a Gaussian filter. Raises InputError as the steps do."""
    state = method.init(prior, draws)
    states, seen = [], []
    for one in observations:
        state, found = method.step(system, schedule, state, one, draws)
        states.append(state)
        seen.append(found)
    return _collected(state, states, seen, len(system.noise), roots)


def _collected(last: State, states: Sequence[State], seen: Sequence[Diagnostics], q: int, roots: bool) -> Filtered:
    """The results of single steps: the state after each, and what it saw. roots: of beliefs, if they are to be kept."""

    def column(name: str, kind: Any = float) -> Any:
        return np.array([getattr(one, name) for one in seen], dtype=kind)

    def rows(name: str) -> Floats:
        return column(name).reshape(len(seen), q)

    d = mean(last).size
    kept = [state.root for state in states if isinstance(state, Belief)] if roots and isinstance(last, Belief) else None
    return Filtered(
        times=column("time"),
        mean=np.array([mean(state) for state in states]).reshape(len(states), d),
        sd=np.array([spread(state) for state in states]).reshape(len(states), d),
        roots=None if kept is None else np.array(kept).reshape(len(states), d, d),
        innovation=rows("innovation"),
        predicted=rows("predicted"),
        spread=rows("spread"),
        nis=column("nis"),
        n=column("n", np.int64),
        log_likelihood=column("log_likelihood"),
        least_pivot=column("least_pivot"),
        ess=column("ess"),
        inflation=column("inflation"),
        codes=column("code", np.int64),
        last=last,
    )
