"""Chunks on a Dask cluster: one that runs already, by its scheduler's address, or one of processes on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

from vvuq.campaign.attempt import Attempt, attempt
from vvuq.campaign.executors import Closing, Finished, Task
from vvuq.campaign.function import AnyFunction
from vvuq.campaign.worker import loaded
from vvuq.errors import InputError, NotEvaluable
from vvuq.evidence.freshness import lock_digest, package_digest
from vvuq.record import Floats

LOCAL = "local"
_SECONDS = 20.0  # until a scheduler has answered
_AHEAD = 2  # tasks a thread: it should not wait for the next
_NAP, _SHORT, _LOOK, _ALONE = 0.003, 0.1, 2.0, 60.0  # seconds: between looks at what ended, at workers; without any
_PATIENCE = 5.0  # seconds that a result may be on its way
_CAREFUL = 1  # once a worker was lost: Dask would blame what waited there too


class Cluster(Closing):
    """address: of a Dask scheduler, as tcp://HOST:8786, or "local" for `jobs` (default: cores) processes here.

    A worker that is lost costs time only: what it ran is run elsewhere. A task that ends workers is told as lethal.
    Raises InputError where `distributed` is not installed, NotEvaluable where no scheduler answers, no worker
    is there, or one has other code."""

    def __init__(self, address: str, *, jobs: int | None = None) -> None:
        distributed = _distributed()
        self._local: Any = None
        self._jobs = jobs or os.cpu_count() or 1
        if address == LOCAL:
            self._local = _local(distributed, self._jobs)
            address = self._local.scheduler_address
        try:
            self._client = distributed.Client(address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            self._end_local()
            remedy = f"start one with: dask scheduler ({error})"
            raise NotEvaluable(f"campaign: no Dask scheduler answers at {address}: {remedy}") from None
        try:
            self.workers = _same_code(self._client, address)
        except BaseException:
            self.close()
            raise
        self._as_completed = partial(distributed.as_completed, loop=self._client.loop)
        self._killed = distributed.scheduler.KilledWorker
        self._text, self._ahead, self._patience = b"", _AHEAD, _PATIENCE
        self._ended, self._is_hurt = self._as_completed(), False
        self._running: dict[Any, Task] = {}

    def begin(self, function: AnyFunction) -> None:
        """Tasks from here on are of this function. Raises InputError where it cannot be pickled."""
        from cloudpickle import dumps

        try:
            self._text = dumps(function)
        except Exception as error:
            remedy = f"one that can be pickled ({type(error).__name__}: {error})"
            raise InputError("campaign", "function", function, remedy) from None

    def has_room(self) -> bool:
        """True where a worker could be waiting."""
        return len(self._running) < self._ahead * self.workers

    def submit(self, task: Task) -> None:
        """Sends the task to the cluster; once a worker was lost, when it was replaced: while it is being started, it
        may end for reasons of its own, and a task would be blamed."""
        if self._is_hurt:
            self._mend()
        future = self._client.submit(_run, self._text, task.points, pure=False)
        self._running[future] = task
        self._ended.add(future)

    def wait(self) -> list[Finished]:
        """The tasks that ended since, at least one. Raises NotEvaluable where the cluster itself fails."""
        found: list[Finished] = []
        while not found:
            self._sleep()
            while self._ended.has_ready():
                found += self._finished(next(self._ended))
        return found

    def _sleep(self) -> None:
        """Until a task has ended."""
        looked = time.monotonic()
        while not self._ended.has_ready():
            time.sleep(_NAP)
            if time.monotonic() - looked > _LOOK:
                self._mend()
                looked = time.monotonic()

    def _mend(self) -> None:
        """Waits until there are workers: one, or all of a local cluster. A guardian whose worker dies while it starts
        gives up; it is replaced. Raises NotEvaluable where that takes too long."""
        wanted, begun = self._jobs if self._local is not None else 1, time.monotonic()
        while len(self._client.scheduler_info(n_workers=-1)["workers"]) < wanted:
            if time.monotonic() - begun > _ALONE:
                raise NotEvaluable(f"campaign: workers of the Dask cluster are missing for {_ALONE:.0f} s")
            if self._local is not None:
                self._local.scale(self._jobs)
            time.sleep(_SHORT)
        self._is_hurt = False

    def _finished(self, future: Any) -> list[Finished]:
        """How a task ended; nothing where its result was lost with its worker: it is sent once more."""
        task = self._running.pop(future)
        try:
            found: Attempt = future.result(timeout=self._patience)
        except self._killed:
            self._ahead, self._is_hurt = _CAREFUL, True
            return [Finished(task.number, None, "ended its Dask worker")]
        except TimeoutError:  # Dask computes it anew, but does not always tell when that has ended
            self._patience *= 2.0
            future.release()
            self.submit(task)
            return []
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise NotEvaluable(f"campaign: the Dask cluster failed: {told}") from None
        return [Finished(task.number, found)]

    def abandon(self) -> None:
        """Cancels the tasks that did not end."""
        for future in self._running:
            future.cancel()
        self._running.clear()
        self._ended = self._as_completed()

    def close(self) -> None:
        """Leaves the cluster, and ends it where it is local."""
        self._client.close()
        self._end_local()

    def _end_local(self) -> None:
        if self._local is not None:
            self._local.close()
            self._local = None


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        remedy = "--jobs; or install what Dask needs: pip install 'vvuq[dask]'"
        raise InputError("campaign", "dask", "distributed is not installed", remedy) from None
    return distributed


def _local(distributed: Any, jobs: int) -> Any:
    """A cluster of processes; one that is killed is replaced, and what it ran is told as lethal: `Course` tries it in
    parts, and twice."""
    with _settings({"distributed.scheduler.allowed-failures": 0}):
        return distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50,
        )  # fmt: skip


@contextmanager
def _settings(values: dict[str, Any]) -> Iterator[None]:
    import dask

    with dask.config.set(values):
        yield


def _same_code(client: Any, address: str) -> int:
    """How many threads the workers have. Raises NotEvaluable where there are none, or other code runs there."""
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
    except TimeoutError:
        remedy = f"start some with: dask worker {address}"
        raise NotEvaluable(f"campaign: the Dask scheduler at {address} has no workers: {remedy}") from None
    mine = _code()
    for worker, code in client.run(_code).items():
        if code != mine:
            told = f"the Dask worker {worker} has another version of vvuq or of the libraries it is locked to"
            raise NotEvaluable(f"campaign: {told}: runs would be kept under code that did not make them")
    return sum(client.nthreads().values())


def _code() -> str:
    return package_digest() + lock_digest()


def _run(text: bytes, points: Floats) -> Attempt:
    """In a worker."""
    function, why = _loaded(text)
    return attempt(function, points) if function else Attempt(None, broken=f"it cannot be loaded: {why}")


@lru_cache(maxsize=8)
def _loaded(text: bytes) -> tuple[AnyFunction | None, str]:
    return loaded(text)
