"""One campaign's part of a store: looks up what is kept, and keeps what has ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vvuq.campaign.chunks import Columns
from vvuq.campaign.function import Function, campaign_id, run_keys
from vvuq.campaign.ledger import Ledger
from vvuq.campaign.store import NO_OUTPUTS, CampaignStore, Run, State
from vvuq.errors import IntegrityError
from vvuq.record import Floats


class Shelf:
    """The runs of one function at points (d, n), in a store. Nothing is written until they took `from_seconds`."""

    def __init__(
        self, store: CampaignStore, function: Function, points: Floats, *, code: str, seed: int, from_seconds: float
    ) -> None:
        self._store, self._from_seconds, self._seconds = store, from_seconds, 0.0
        self._id = campaign_id(function, code, seed)
        self._told = f"{type(function).__qualname__} {function.key()}", code, seed
        self._known, self._outputs = store.knows(self._id), store.outputs(self._id)
        self._noted = self._known, self._outputs
        self._keys = run_keys(self._id, points)
        self._waiting: list[Run] = []

    def look_up(self, ledger: Ledger, columns: Columns, *, failed: bool) -> Columns:
        """Places the kept runs among the columns, of failed ones only where `failed` says so; returns the others."""
        if not self._known:
            return columns
        kept = self._store.read([self._keys[column] for column in columns])
        found = [(int(column), run) for column in columns if (run := kept.get(self._keys[column])) is not None]
        done = [(column, run) for column, run in found if run.state == "done"]
        if done:
            ledger.place(np.array([column for column, _ in done]), self._values([run.results for _, run in done]))
        ended = {column for column, _ in done}
        for column, run in found if failed else ():
            if run.state != "done":
                ledger.fail(column, run.state, run.reason)
                ended.add(column)
        return np.array([column for column in columns if int(column) not in ended], dtype=np.intp)

    def _values(self, results: Sequence[bytes]) -> Floats:
        outputs = self._outputs
        wide = max(1, outputs or 0)
        if outputs is None or any(len(one) != 8 * wide for one in results):
            raise IntegrityError(f"{self._store.name} is damaged: a run has not the number of outputs that it says")
        values = np.frombuffer(b"".join(results), dtype="<f8").reshape(-1, wide).T.astype(np.float64)
        return values[0] if outputs == NO_OUTPUTS else values

    def moved(self, column: int, point: Floats) -> None:
        """The run of a column is at another point now."""
        (self._keys[column],) = run_keys(self._id, point[:, None])

    def keep_done(self, columns: Columns, values: Floats) -> None:
        """Runs that are done, to be written with the next `flush`."""
        rows = np.ascontiguousarray(np.atleast_2d(values).T, dtype="<f8")
        for column, row in zip(columns.tolist(), rows, strict=True):
            self._waiting.append(Run(self._keys[column], "done", "", row.tobytes()))

    def keep_failed(self, column: int, state: State, reason: str) -> None:
        """A run that failed, to be written with the next `flush`."""
        self._waiting.append(Run(self._keys[column], state, reason))

    def took(self, seconds: float) -> None:
        """So much time went into runs."""
        self._seconds += seconds

    def flush(self, outputs: int | None) -> None:
        """Writes what waits, unless all runs together are faster than writing is worth."""
        if not self._waiting or self._seconds < self._from_seconds:
            return
        if self._noted != (True, outputs):
            self._store.begin(self._id, *self._told, outputs)
            self._noted = True, outputs
        self._store.write(self._id, self._waiting)
        self._waiting.clear()
