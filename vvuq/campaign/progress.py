"""How far a campaign is, and how long it will still take."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

_RECENT = 33  # tasks that an estimate looks back on
_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """Runs done (kept ones that were read, and failed ones, included), of how many, failed ones among them, and the
    seconds left, None while too little was seen."""

    done: int
    total: int
    failed: int
    seconds_left: float | None

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        left = "" if self.seconds_left is None or self.done == self.total else f", {duration(self.seconds_left)} left"
        return f"{self.done} of {self.total} runs{failed}{left}"


class Pace:
    """Seconds a run, by the median of recent tasks: one that waited for compilation, or for a slow point, moves the
    estimate little."""

    def __init__(self, workers: int) -> None:
        self._workers, self._recent = workers, deque[float](maxlen=_RECENT)

    def add(self, runs: int, seconds: float) -> None:
        """A task of so many runs took so long."""
        self._recent.append(seconds / runs)

    def left(self, runs: int) -> float | None:
        """Seconds for so many runs more; None while too little was seen."""
        if len(self._recent) < _ENOUGH:
            return None
        return runs * statistics.median(self._recent) / self._workers


def duration(seconds: float) -> str:
    """A duration for people: 42 s, 3 min, 2.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5970.0 else f"{seconds / 3600.0:.1f} h"
