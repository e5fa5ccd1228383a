"""Where chunks of runs are made: one protocol; here in this process, one after another or in threads.

Other processes: `vvuq.campaign.processes`. A Dask cluster: `vvuq.campaign.cluster`."""

from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from vvuq.campaign.attempt import Attempt, attempt
from vvuq.campaign.function import AnyFunction
from vvuq.errors import InputError
from vvuq.record import Floats

MOST_WORKERS = 1024


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk to run: points (d, m), and a number that its end is told by."""

    number: int
    points: Floats


@dataclass(frozen=True, slots=True)
class Finished:
    """How a task ended: with an attempt; or without one, because it ended its worker, and how."""

    number: int
    attempt: Attempt | None
    lethal: str = ""


class Executor(Protocol):
    """Takes tasks of one function at a time and yields them finished, in any order."""

    workers: int

    def begin(self, function: AnyFunction) -> None:
        """Tasks from here on are of this function."""

    def has_room(self) -> bool:
        """True where another task would not only wait."""

    def submit(self, task: Task) -> None: ...

    def wait(self) -> list[Finished]:
        """The tasks that ended since, at least one; blocks until there is one."""

    def abandon(self) -> None:
        """Forgets the tasks that did not end."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing:
    """What an executor does at the end of `with`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what was begun."""
        raise NotImplementedError


class Serial(Closing):
    """One chunk after another in this process."""

    workers = 1

    def __init__(self) -> None:
        self._function: AnyFunction | None = None
        self._tasks: list[Task] = []

    def begin(self, function: AnyFunction) -> None:
        """Tasks from here on are of this function."""
        self._function = function

    def has_room(self) -> bool:
        """True until a task is there."""
        return not self._tasks

    def submit(self, task: Task) -> None:
        """Keeps the task until it is waited for."""
        self._tasks.append(task)

    def wait(self) -> list[Finished]:
        """Runs the task."""
        assert self._function is not None
        task = self._tasks.pop(0)
        return [Finished(task.number, attempt(self._function, task.points))]

    def abandon(self) -> None:
        """Forgets the task."""
        self._tasks.clear()

    def close(self) -> None:
        """Nothing is to be ended."""


class Threads(Closing):
    """Threads of this process, for functions that spend their time in compiled code without the interpreter's lock."""

    def __init__(self, jobs: int) -> None:
        self.workers = checked_jobs(jobs)
        self._pool = ThreadPoolExecutor(self.workers)
        self._ended: queue.SimpleQueue[Future[Finished]] = queue.SimpleQueue()
        self._running: set[Future[Finished]] = set()
        self._function: AnyFunction | None = None

    def begin(self, function: AnyFunction) -> None:
        """Tasks from here on are of this function."""
        self._function = function

    def has_room(self) -> bool:
        """True where a thread is idle."""
        return len(self._running) < self.workers

    def submit(self, task: Task) -> None:
        """Runs the task in an idle thread."""
        assert self._function is not None
        future = self._pool.submit(_run, self._function, task)
        self._running.add(future)
        future.add_done_callback(self._ended.put)

    def wait(self) -> list[Finished]:
        """The tasks that ended since, at least one."""
        futures = [self._ended.get()]
        while not self._ended.empty():
            futures.append(self._ended.get())
        self._running -= set(futures)
        return [future.result() for future in futures]

    def abandon(self) -> None:
        """Waits for what runs, since a thread cannot be ended, and forgets it."""
        while self._running:
            self.wait()

    def close(self) -> None:
        """Ends the threads, after what they run."""
        self._pool.shutdown()


def _run(function: AnyFunction, task: Task) -> Finished:
    return Finished(task.number, attempt(function, task.points))


def checked_jobs(jobs: int) -> int:
    """The number of workers. Raises InputError where it is none."""
    if not (isinstance(jobs, int) and 1 <= jobs <= MOST_WORKERS):
        raise InputError("campaign", "jobs", jobs, f"how many workers, 1 to {MOST_WORKERS}")
    return jobs
