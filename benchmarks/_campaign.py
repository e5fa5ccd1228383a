"""What campaigns cost: a trivial run with its store beside the goal, and days of the glucose twin in parallel."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from _harness import Row, agreed, flop_rate, installed, race

from vvuq import __version__
from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.executors import Executor, Serial
from vvuq.campaign.processes import Processes
from vvuq.models import Adaptive, simulate
from vvuq.models.portable import portable
from vvuq.models.twin import Twin, load_twin
from vvuq.paths import shipped
from vvuq.record import Floats

GOAL_S = 50e-6  # a run; a framework that keeps one file a run takes some 3 ms
STEPS = 1440 * 4 * 40  # of a day by minutes: stages, and operations of each; less cannot be hoped for
SETTINGS = Settings(code="benchmark")


@dataclass(frozen=True)
class Trivial:
    """A sum of squares."""

    def key(self) -> str:
        return ""

    def __call__(self, points: Floats) -> Floats:
        return points[0] * points[0] + points[1] * points[1]


def day(twin: Twin, *, spread: float) -> Callable[[Floats], Floats]:
    """The reading after 24 hours, integrated with error control; parameters about their medians by germs (d, n)."""
    problem = twin.scenarios["meal_with_bolus"](ahead_min=1.0)
    median = np.array([[p.prior.quantile(0.5)] for p in twin.model.parameters])

    def run(germs: Floats) -> Floats:
        theta = median * np.exp(spread * germs)
        return simulate(twin.model, problem.schedule, theta, [problem.time], method=Adaptive()).observed[0, 0]

    return run


def rows(quick: bool) -> list[Row]:
    """Overhead of keeping runs, of reading them, of running without a store; scaling."""
    n = 10_000 if quick else 100_000
    points = np.random.default_rng(0).standard_normal((2, n))
    found = [_overhead(f"{n} trivial runs, {what}, a run", points, what) for what in ("kept", "read", "not kept")]
    with _all_cores():
        return [*found, *_scaling(300 if quick else 4_000)]


def _overhead(label: str, points: Floats, what: str) -> Row:
    n = points.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        kept, count = Path(folder) / "kept", iter(range(1000))
        places = {"kept": lambda: Path(folder) / str(next(count)), "read": lambda: kept, "not kept": lambda: None}

        def campaign() -> Floats:
            return run_campaign(Trivial(), points, store=places[what](), settings=SETTINGS).values

        agreement = agreed(label, campaign(), Trivial()(points), 0.0)
        seconds = race([campaign])[0] / n
    floor = 3.0 / flop_rate()
    return Row(label, "the goal", "50 us", seconds, GOAL_S, GOAL_S / seconds, floor, agreement, 1.0)


def _scaling(n: int) -> list[Row]:
    """Seconds on the wall with two workers beside one process."""
    path = shipped("twins") / "glucose"
    twin = replace(load_twin(path), path=str(path))
    function = portable(twin, day, spread=0.05)
    points = np.random.default_rng(1).standard_normal((len(twin.model.parameters), n))
    makers: dict[str, Callable[[], Any]] = {"2 processes": lambda: Processes(2)}
    if installed("distributed") is not None:
        from vvuq.campaign.cluster import Cluster

        makers["Dask, 2 workers"] = lambda: Cluster("local", jobs=2)
    found = []
    for name, make in makers.items():
        with make() as several, Serial() as one:
            label = f"{n} days of glucose, {name}, seconds on the wall"
            values = [run_campaign(function, points, executor=executor).values for executor in (several, one)]
            agreement = agreed(label, values[0], values[1], 0.0)
            ours, theirs = _walls(function, points, several, one)
        floor = n * STEPS / flop_rate() / 2.0
        found.append(Row(label, "1 process", __version__, ours, theirs, theirs / ours, floor, agreement))
    return found


def _walls(function: Callable[[Floats], Floats], points: Floats, *executors: Executor) -> list[float]:
    """Median seconds of three rounds, in turn."""
    times: list[list[float]] = [[] for _ in executors]
    for _ in range(3):
        for column, executor in zip(times, executors, strict=True):
            begun = time.perf_counter()
            run_campaign(function, points, executor=executor)
            column.append(time.perf_counter() - begun)
    return [statistics.median(column) for column in times]


@contextmanager
def _all_cores() -> Iterator[None]:
    """The harness holds this process, and those it starts, on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
