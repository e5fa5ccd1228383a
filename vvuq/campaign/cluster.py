"""Chunks on a Dask cluster: one that runs already, by its scheduler's address, or one of processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
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
_CAREFUL = 1  # once a worker was lost: Dask would blame what waited there too


class Cluster(Closing):
    """address: of a Dask scheduler, as tcp://HOST:8786, or "local" for `jobs` (default: cores) processes here.

    A worker that is lost costs time only: Dask runs its tasks elsewhere. A task that ends several workers is told as
    lethal. Raises InputError where `distributed` is not installed, NotEvaluable where no scheduler answers, no worker
    is there, or one has other code."""

    def __init__(self, address: str, *, jobs: int | None = None) -> None:
        distributed = _distributed()
        self._local: Any = None
        if address == LOCAL:
            self._local = _local(distributed, jobs or os.cpu_count() or 1)
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
        self._as_completed = distributed.as_completed
        self._killed = distributed.scheduler.KilledWorker
        self._text, self._ahead = b"", _AHEAD
        self._ended = self._as_completed()
        self._running: dict[Any, int] = {}

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
        """Sends the task to the cluster."""
        future = self._client.submit(_run, self._text, task.points, pure=False)
        self._running[future] = task.number
        self._ended.add(future)

    def wait(self) -> list[Finished]:
        """The tasks that ended since, at least one. Raises what Dask raises where the cluster itself fails."""
        futures = [next(self._ended)]
        while self._ended.has_ready():
            futures.append(next(self._ended))
        return [self._finished(future) for future in futures]

    def _finished(self, future: Any) -> Finished:
        number = self._running.pop(future)
        error = future.exception()
        if isinstance(error, self._killed):
            self._ahead = _CAREFUL
            return Finished(number, None, "ended every worker that it was given to")
        if error is not None:
            raise NotEvaluable(f"campaign: the Dask cluster failed: {type(error).__name__}: {error}")
        found: Attempt = future.result()
        return Finished(number, found)

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
    """A cluster of processes; one that is killed is replaced. The second worker that a task ends is its last."""
    with _settings({"distributed.scheduler.allowed-failures": 1, "distributed.comm.timeouts.connect": "60s"}):
        return distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50,
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
