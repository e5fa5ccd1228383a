"""Values and states of the runs of a campaign, placed by column: in which order they end decides nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vvuq.campaign.chunks import Columns
from vvuq.campaign.store import NO_OUTPUTS, State
from vvuq.errors import InputError
from vvuq.record import Floats

_DONE = 1


class Ledger:
    """What is known of n runs; values (n,) or (k, n) from the first one that is done."""

    def __init__(self, n: int) -> None:
        self.n, self.reasons = n, dict[int, str]()
        self._states: NDArray[np.uint8] = np.zeros(n, dtype=np.uint8)
        self._failed: dict[int, State] = {}
        self._values: Floats | None = None

    @property
    def outputs(self) -> int | None:
        """Numbers a run, NO_OUTPUTS for values (n,); None while no run is done."""
        if self._values is None:
            return None
        return NO_OUTPUTS if self._values.ndim == 1 else self._values.shape[0]

    @property
    def values(self) -> Floats:
        """The values, not-a-number where a run is not done."""
        return np.full(self.n, np.nan) if self._values is None else self._values

    def is_done(self, columns: Columns) -> NDArray[np.bool_]:
        """Whether each of these columns is done."""
        return np.asarray(self._states[columns] == _DONE)

    def first_done(self) -> int | None:
        """The first column that is done."""
        place = int(self._states.argmax())
        return place if self._states[place] == _DONE else None

    @property
    def ended(self) -> int:
        """How many runs are done or failed."""
        return int(self._states.sum()) + len(self._failed)

    def states(self) -> tuple[State, ...]:
        """The state of each run."""
        found: list[State] = ["done"] * self.n
        for column, state in self._failed.items():
            found[column] = state
        return tuple(found)

    def count(self, state: State) -> int:
        """How many runs ended in a state."""
        return sum(one == state for one in self._failed.values())

    def place(self, columns: Columns, values: Floats) -> None:
        """Values of runs that are done. Raises InputError where a run that was done before now gives others."""
        if self._values is None:
            self._values = np.full((*values.shape[:-1], self.n), np.nan)
        if self._values.shape[:-1] != values.shape[:-1]:
            shapes = f"now {self._values.shape[:-1]}, now {values.shape[:-1]}"
            raise InputError("campaign", "outputs a point", shapes, "one number of outputs for all points")
        old = self._states[columns] == _DONE
        before, again = self._values[..., columns[old]], values[..., old]
        if before.tobytes() != again.tobytes():
            self._differs(columns[old], before, again)
        self._values[..., columns] = values
        self._states[columns] = _DONE

    def fail(self, column: int, state: State, reason: str) -> None:
        """A run that ended without values. Raises InputError where it was done before."""
        if self._states[column] == _DONE:
            raise InputError("campaign", f"run {column}", reason, "the values that it had before: see `Function`")
        self._failed[column], self.reasons[column] = state, reason

    def forget(self, column: int) -> State:
        """A run that failed is open again; returns how it had ended."""
        del self.reasons[column]
        return self._failed.pop(column)

    def _differs(self, columns: Columns, before: Floats, again: Floats) -> None:
        place = int(columns[np.flatnonzero((np.atleast_2d(before) != np.atleast_2d(again)).any(axis=0))[0]])
        shown = f"{before.ravel()[:3].tolist()}, then {again.ravel()[:3].tolist()}"
        remedy = (
            "the same bits each time: a column must depend on its point and on what key() tells alone, "
            "not on the columns beside it or on chance"
        )
        raise InputError("campaign", f"run {place}", shown, remedy)
