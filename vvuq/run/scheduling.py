"""Where the model runs of a study are made and kept: what the command line says, and what it opens for that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vvuq.campaign.campaign import Outcome, Settings, run_campaign
from vvuq.campaign.executors import Executor, Serial, checked_jobs
from vvuq.campaign.function import Function
from vvuq.campaign.policy import SKIP
from vvuq.campaign.progress import Progress
from vvuq.campaign.store import CampaignStore
from vvuq.errors import InputError
from vvuq.models.portable import portable
from vvuq.record import Floats

FILE = "campaign.sqlite"
KEEP_FROM = 0.05  # s: a call whose runs take less together is not kept, since keeping it would take longer


@dataclass(frozen=True, slots=True)
class Scheduling:
    """jobs: processes, 1 for this one alone; or dask: the address of a Dask scheduler, or "local". campaign: a file or
    a URL of PostgreSQL that keeps runs; empty for campaign.sqlite beside the evidence."""

    jobs: int = 1
    dask: str = ""
    campaign: str = ""

    def __post_init__(self) -> None:
        checked_jobs(self.jobs)
        if self.dask and self.jobs != 1:
            raise InputError("command line", "--jobs", self.jobs, "left out beside --dask: its workers do the runs")


class Campaigns:
    """The store and the executor that the campaigns of one run of a study share, to be used in `with`.

    What the command line names is opened at once, so that it is found missing before anything was run; the rest when
    it is first needed. place: the default store; None: nothing is kept."""

    def __init__(self, place: Path | None, how: Scheduling | None = None) -> None:
        self._how, self._place, self._stack = how or Scheduling(), place, ExitStack()
        self._opened: CampaignStore | None = None
        self._executor: Executor | None = None
        try:
            if self._how.campaign:
                self._store()
            if self._how.dask:
                self._workers()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, function: Function, points: Floats, settings: Settings) -> Outcome:
        """The campaign of a function at points (d, n)."""
        return run_campaign(function, points, store=self._store(), executor=self._workers(), settings=settings)

    def _store(self) -> CampaignStore | None:
        where = self._how.campaign or self._place
        if self._opened is None and where is not None:
            self._opened = self._stack.enter_context(CampaignStore(where))
        return self._opened

    def _workers(self) -> Executor:
        if self._executor is None:
            self._executor = self._stack.enter_context(_executor(self._how))
        return self._executor


def _executor(how: Scheduling) -> Executor:
    if how.dask:
        from vvuq.campaign.cluster import Cluster

        return Cluster(how.dask)
    if how.jobs == 1:
        return Serial()
    from vvuq.campaign.processes import Processes

    return Processes(how.jobs, preload=(portable.__module__,))


def settings_of(code: str, seed: int, tell: Callable[[Progress], None] | None) -> Settings:
    """How an analysis' campaign is run: failed runs are not-a-number, for the analysis to judge."""
    return Settings(policy=SKIP, code=code, seed=seed, progress=tell, keep_from=KEEP_FROM)
