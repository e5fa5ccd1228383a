"""How runs are cut into chunks: as many columns as take the wanted time, by what the last chunks took."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.intp]
_GROWTH = 4  # a chunk has at most so many times the columns of the one that was measured
_LONGEST = 1.0  # seconds of a chunk that tries whether more columns are run faster
_MOST = 65536
_MOST_BYTES = 1 << 26


class Chunks:
    """Columns that wait to be run, `inputs` numbers each; a chunk shall take `seconds`, one of `workers` has it.

    The first is a single column, for nothing is known of the time it takes. Functions may be much faster from some
    width on, where they run columns abreast: once, a chunk of four times the columns is tried."""

    def __init__(self, columns: Columns, inputs: int, workers: int, seconds: float) -> None:
        self._columns, self._place, self._workers, self._seconds = columns, 0, workers, seconds
        self._pieces: deque[Columns] = deque()
        self._has_tried = False
        self._width, self._most = 1, max(1, min(_MOST, _MOST_BYTES // (8 * inputs)))

    def __bool__(self) -> bool:
        return bool(self._pieces) or self._place < self._columns.size

    @property
    def waiting(self) -> int:
        """How many columns wait."""
        return self._columns.size - self._place + sum(piece.size for piece in self._pieces)

    def again(self, columns: Columns) -> None:
        """These columns are run once more, in one chunk of their own."""
        self._pieces.append(columns)

    def next(self) -> tuple[Columns, bool]:
        """(columns of the next chunk, whether its width was chosen here)."""
        if self._pieces:
            return self._pieces.popleft(), False
        left = self._columns.size - self._place
        width = min(self._width, -(-left // self._workers))
        found = self._columns[self._place : self._place + width]
        self._place += found.size
        return found, True

    def learn(self, width: int, seconds: float) -> None:
        """A chunk of so many columns took so long. What is much narrower than chunks are by now tells nothing."""
        if 2 * width < self._width:
            return
        wanted = int(width * self._seconds / max(seconds, 1e-9))
        if wanted < 2 * width and not self._has_tried and _GROWTH * seconds < _LONGEST:
            self._has_tried, wanted = True, _GROWTH * width
        self._width = max(1, min(wanted, _GROWTH * width, self._most))
