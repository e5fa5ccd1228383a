"""One campaign on its way: chunks go out, their ends come in, are placed, kept and told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vvuq.campaign.attempt import Attempt
from vvuq.campaign.chunks import Chunks, Columns
from vvuq.campaign.executors import Executor, Finished, Task
from vvuq.campaign.function import AnyFunction
from vvuq.campaign.ledger import Ledger
from vvuq.campaign.policy import STOP, Policy
from vvuq.campaign.progress import Pace, Progress
from vvuq.campaign.shelf import Shelf
from vvuq.campaign.store import State
from vvuq.errors import InputError, NotEvaluable, VvuqError
from vvuq.record import Floats

_WITNESS_FROM = 32  # runs from which on one of them is made twice
_TOLD_EVERY = 0.2  # s
_TASK = (0.01, 1.0)  # s


@dataclass(frozen=True, slots=True)
class Settings:
    """How a campaign is run.

    policy: what becomes of it where a run fails. code: what the values depend on of the code (None: digests of the
    package, of the function's file, of the libraries); with `seed`, part of every run's key. net: the points are a net
    or a grid, so that none may be replaced. progress: called a few times a second. task_seconds: what a chunk shall
    take, 0.01 to 1; what has ended is kept at once. keep_from: seconds of computing from which on runs are kept."""

    policy: Policy = STOP
    seed: int = 0
    code: str | None = None
    net: bool = False
    progress: Callable[[Progress], None] | None = None
    task_seconds: float = 0.1
    keep_from: float = 0.0

    def __post_init__(self) -> None:
        if self.net and self.policy.then == "replace":
            remedy = "stop, retry or skip: a net with another point in it is no net"
            raise InputError("campaign", "policy", "replace", remedy)
        if not _TASK[0] <= self.task_seconds <= _TASK[1]:
            raise InputError("campaign", "task_seconds", self.task_seconds, f"{_TASK[0]} to {_TASK[1]}")


class Course:
    """A campaign at points (d, n), which are changed in place where the policy replaces some. To be run once."""

    def __init__(self, points: Floats, shelf: Shelf | None, executor: Executor, settings: Settings) -> None:
        self.points, self.ledger = points, Ledger(points.shape[1])
        self._shelf, self._executor, self._settings = shelf, executor, settings
        everything, again = np.arange(points.shape[1]), settings.policy.runs_failed_ones_again
        todo = everything if shelf is None else shelf.look_up(self.ledger, everything, failed=not again)
        self._chunks = Chunks(todo, points.shape[0], executor.workers, settings.task_seconds)
        self._pace = Pace(executor.workers)
        self._running: dict[int, tuple[Columns, bool]] = {}
        self._tasks, self._told = 0, 0.0
        self._made = np.zeros(points.shape[1], dtype=bool)
        self._tries, self._deaths, self._draws = Counter[int](), Counter[int](), Counter[int]()
        self._has_witness = todo.size < _WITNESS_FROM  # or needs none
        self._suspects: list[int] = []
        self._stop: dict[int, str] = {}

    @property
    def fresh(self) -> int:
        """How many of the columns were run here."""
        return int(self._made.sum())

    @property
    def replaced(self) -> int:
        """How many columns stand at another point than was asked for."""
        return len(self._draws)

    def run(self, function: AnyFunction) -> None:
        """Runs what is not kept. Raises NotEvaluable where the policy stops."""
        self._executor.begin(function)
        try:
            for column, reason in list(self.ledger.reasons.items()):  # failures that were read
                self._after_failure(column, self.ledger.forget(column), reason)
            self._to_the_end()
        except BaseException:
            with suppress(VvuqError):  # the error that led here is the one to tell
                self._flush()
            self._executor.abandon()
            raise

    def _to_the_end(self) -> None:
        while True:
            self._submit_some()
            self._flush()
            if self._stop:
                column, reason = min(self._stop.items())
                raise NotEvaluable(f"run {column} of {self.ledger.n} failed: {reason}")
            self._tell()
            if not self._running:
                return
            for finished in self._executor.wait():
                self._take(finished)

    def _submit_some(self) -> None:
        """Whatever there is room for; at the end, one by one, what may have ended its worker."""
        while self._chunks and not self._stop and self._executor.has_room():
            self._submit(*self._chunks.next())
        if self._suspects and not self._running and not self._stop:
            self._submit(np.array([self._suspects.pop()]), False)

    def _submit(self, columns: Columns, regular: bool) -> None:
        if not self._has_witness and columns.size > 1 and (done := self.ledger.first_done()) is not None:
            columns, self._has_witness = np.append(columns, done), True
        self._tasks += 1
        self._running[self._tasks] = columns, regular
        self._executor.submit(Task(self._tasks, np.ascontiguousarray(self.points[:, columns])))

    def _take(self, finished: Finished) -> None:
        columns, regular = self._running.pop(finished.number)
        self._made[columns[~self.ledger.is_done(columns)]] = True
        if finished.attempt is None:
            self._lethal(columns, finished.lethal)
            return
        found = finished.attempt
        if found.broken:
            raise InputError("campaign", "values of the function", found.broken, "see vvuq.campaign.function.Function")
        self._pace.add(columns.size, found.seconds)
        if regular:
            self._chunks.learn(columns.size, found.seconds)
        if self._shelf is not None:
            self._shelf.took(found.seconds)
        self._place(columns, found)
        for place, reason in found.reasons.items():
            self._failed(int(columns[place]), "failed", reason)

    def _place(self, columns: Columns, found: Attempt) -> None:
        good = np.ones(columns.size, dtype=bool)
        good[list(found.reasons)] = False
        if found.values is None or not good.any():
            return
        self.ledger.place(columns[good], found.values[..., good])
        if self._shelf is not None:
            self._shelf.keep_done(columns[good], found.values[..., good])

    def _lethal(self, columns: Columns, why: str) -> None:
        """A chunk that ended its worker is halved. A single run is tried once more when no other is on its way: another
        run may have ended the worker, or somebody else; then it is not run again."""
        if columns.size > 1:
            half = columns.size // 2
            self._chunks.again(columns[:half])
            self._chunks.again(columns[half:])
            return
        column = int(columns[0])
        self._deaths[column] += 1
        if self._deaths[column] == 1:
            self._suspects.append(column)
        else:
            self._failed(column, "quarantined", why)

    def _failed(self, column: int, state: State, reason: str) -> None:
        self._tries[column] += 1
        if self._tries[column] <= self._settings.policy.retries:
            self._deaths[column] = 0
            self._chunks.again(np.array([column]))
            return
        if self._shelf is not None:
            self._shelf.keep_failed(column, state, reason)
        self._after_failure(column, state, reason)

    def _after_failure(self, column: int, state: State, reason: str) -> None:
        """As the policy says."""
        if self._settings.policy.then == "replace":
            self._replace(column, reason)
            return
        self.ledger.fail(column, state, reason)
        if self._settings.policy.then == "stop":
            self._stop[column] = reason

    def _replace(self, column: int, reason: str) -> None:
        """Another point for a column, until there is one that is not known to fail; at most as many as the policy
        says."""
        policy = self._settings.policy
        while self._draws[column] < policy.draws:
            self._draws[column] += 1
            self.points[:, column] = self._drawn(column)
            self._tries[column] = self._deaths[column] = 0
            if self._shelf is not None:
                self._shelf.moved(column, self.points[:, column])
                self._shelf.look_up(self.ledger, np.array([column]), failed=True)
            if column not in self.ledger.reasons:
                break
            reason = self.ledger.reasons[column]
            self.ledger.forget(column)
        else:
            self._stop[column] = f"{reason} (as did its {policy.draws} replacements)"
            return
        if not self.ledger.is_done(np.array([column]))[0]:
            self._chunks.again(np.array([column]))

    def _drawn(self, column: int) -> Floats:
        assert self._settings.policy.draw is not None
        point = np.asarray(self._settings.policy.draw(column, self._draws[column]), dtype=float)
        if point.shape != self.points.shape[:1] or np.isnan(point).any():
            raise InputError(
                "campaign", "replacement", point.tolist(), f"a point ({self.points.shape[0]},) without NaN"
            )
        return point

    def _flush(self) -> None:
        if self._shelf is not None:
            self._shelf.flush(self.ledger.outputs)

    def _tell(self) -> None:
        tell, now = self._settings.progress, time.monotonic()
        if tell is None or (self._running and now - self._told < _TOLD_EVERY):
            return
        self._told, ended = now, self.ledger.ended
        left = self._pace.left(self.ledger.n - ended)
        tell(Progress(ended, self.ledger.n, len(self.ledger.reasons), left))
