"""Chunks in processes of their own: one that is killed, ends itself or takes too long costs only what it ran."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import connection as connections
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

from vvuq.campaign.executors import Closing, Finished, Task, checked_jobs
from vvuq.campaign.function import AnyFunction
from vvuq.campaign.worker import ONE_THREAD, work
from vvuq.errors import InputError, VvuqError
from vvuq.record import Floats

_STARTS = 3  # of a worker that ends before it is ready
_SLACK = 1.0  # seconds that a chunk of several runs may take beyond the deadline of one: it is cut to take less


@dataclass
class _Worker:
    """A process, what it was sent last, and when it has to answer."""

    process: BaseProcess
    connection: Connection
    function: int = 0  # the number of the function it holds
    ready: bool = False  # it has loaded the function and made a first run
    task: Task | None = None
    until: float | None = None
    sent: bool = False  # the task is on its way; else the worker is not ready yet


class Processes(Closing):
    """`jobs` processes, forked from a server that has used nothing yet; linear algebra has one thread in each.

    deadline: seconds that one run may take; who takes longer is ended. starting: seconds more that a worker may take
    until its first run has ended, for imports and compilation. preload: modules that the server imports, once for all
    workers; only the first server of a process is started, so that those of later calls are left to the workers."""

    def __init__(
        self, jobs: int, *, deadline: float | None = None, starting: float = 120.0, preload: tuple[str, ...] = ()
    ) -> None:
        self.workers, self._preload = checked_jobs(jobs), preload
        for name, value in (("deadline", deadline), ("starting", starting)):
            if value is not None and not 0.0 < value < float("inf"):
                raise InputError("campaign", name, value, "a positive number of seconds")
        self._deadline, self._starting = deadline, starting
        self._all: list[_Worker] = []
        self._text, self._function, self._failed_starts = b"", 0, 0
        self._first: Floats | None = None  # a run that is known to end: before a deadline counts, a new worker makes it

    def begin(self, function: AnyFunction) -> None:
        """Tasks from here on are of this function. Raises InputError where it cannot be pickled."""
        try:
            text = pickle.dumps(function)
        except Exception as error:
            remedy = "one that can be pickled, as a frozen dataclass at the top level of a module"
            raise InputError("campaign", "function", function, f"{remedy} ({type(error).__name__}: {error})") from None
        if text != self._text:
            self._text, self._function, self._first = text, self._function + 1, None

    def has_room(self) -> bool:
        """True where a process is idle, or one more may be started."""
        return sum(one.task is not None for one in self._all) < self.workers

    def submit(self, task: Task) -> None:
        """Sends the task to an idle process, started where there is none."""
        worker = next((one for one in self._all if one.task is None), None) or self._start()
        worker.task, worker.sent = task, False
        self._go_on(worker)

    def wait(self) -> list[Finished]:
        """The tasks that ended since, at least one. Raises VvuqError where no worker can be started."""
        ended: list[Finished] = []
        while not ended:
            busy = {one.connection: one for one in self._all if one.task is not None}
            limits = [one.until for one in busy.values() if one.until is not None]
            left = max(0.0, min(limits) - time.monotonic()) if limits else None
            for ready in connections.wait(list(busy), left):
                ended += self._hear(busy[ready])  # type: ignore[index]
            now = time.monotonic()
            for one in [one for one in self._all if one.task is not None and one.until is not None]:
                if one.until is not None and one.until <= now and not one.connection.poll():
                    ended += self._too_late(one)
        return ended

    def abandon(self) -> None:
        """Ends the processes that are at a task."""
        for one in [one for one in self._all if one.task is not None]:
            self._end(one)

    def close(self) -> None:
        """Ends all processes."""
        for one in list(self._all):
            self._end(one)

    def _start(self) -> _Worker:
        server = _server(self._preload)
        here, there = server.Pipe()
        with _one_thread():
            process = server.Process(target=work, args=(there,), daemon=True)
            process.start()
        there.close()
        worker = _Worker(process, here)
        self._all.append(worker)
        return worker

    def _go_on(self, worker: _Worker) -> None:
        """Sends what the worker has to have next: the function, the first run, or its task."""
        assert worker.task is not None
        if worker.function != self._function:
            message: Any = self._text
            worker.function, worker.ready = self._function, False
        elif not worker.ready and self._first is not None and self._deadline is not None:
            message, worker.ready = self._first, True
        else:
            message, worker.sent = worker.task.points, True
        worker.until = self._limit(worker)
        try:
            worker.connection.send(message)
        except OSError:  # it ended while it was idle: to be heard of in `wait`
            return

    def _limit(self, worker: _Worker) -> float | None:
        if self._deadline is None or worker.task is None:
            return None
        several = _SLACK if worker.task.points.shape[1] > 1 else 0.0
        more = 0.0 if worker.sent and worker.ready else self._starting
        return time.monotonic() + self._deadline + several + more

    def _hear(self, worker: _Worker) -> list[Finished]:
        task = worker.task
        assert task is not None
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            return self._lost(worker, "")
        if isinstance(answer, str) and answer:
            raise InputError("campaign", "function", answer, "one that the workers can load: in a module, or by path")
        if not worker.sent:
            self._go_on(worker)
            return []
        worker.ready, self._failed_starts = True, 0
        worker.task = worker.until = None
        if self._first is None and answer.values is not None and not answer.reasons:
            self._first = task.points[:, :1].copy()
        return [Finished(task.number, answer)]

    def _too_late(self, worker: _Worker) -> list[Finished]:
        return self._lost(worker, f"took longer than {self._deadline:g} s")

    def _lost(self, worker: _Worker, why: str) -> list[Finished]:
        """The worker is gone, or to go: its task is told as lethal, unless it never came to it."""
        task, sent = worker.task, worker.sent
        assert task is not None
        exit_code = self._end(worker, kill=bool(why))
        if sent:
            return [Finished(task.number, None, why or _ending(exit_code))]
        self._failed_starts += 1
        if self._failed_starts >= _STARTS * self.workers:
            raise VvuqError(f"campaign: no worker can be started: the last {why or _ending(exit_code)}")
        self.submit(task)
        return []

    def _end(self, worker: _Worker, kill: bool = True) -> int | None:
        """Ends a process and returns its exit code."""
        self._all.remove(worker)
        worker.connection.close()
        if not kill:
            worker.process.join(5.0)
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()
        code = worker.process.exitcode
        worker.process.close()
        return code


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"ended its process by {signal.Signals(-code).name}"
    return f"ended its process with exit code {code}"


@cache
def _server(preload: tuple[str, ...] = ()) -> ForkServerContext:
    """The server that processes are forked from; it has imported what a worker needs."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["vvuq.campaign.worker", *preload])
    with _one_thread():
        forkserver.ensure_running()
    return forks


@contextmanager
def _one_thread() -> Iterator[None]:
    """The environment says to use one thread: for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
