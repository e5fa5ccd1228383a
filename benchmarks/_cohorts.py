"""Cohorts of 1 to 100,000 patients: what one of them costs in time and memory, and how far that is from the floor.

The day of _hovorka.py, glucose every 5 min. The peer is this project's own way of one run at a time (tier 1), to the
same bits. memory: the largest that numpy held during the run, the result included, a patient."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from _days import operations
from _harness import Row, compare
from _hovorka_model import MODEL, TIMES, patients, rhs, schedule

from vvuq import __version__
from vvuq.models import RK4, simulate
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import Tier, interval_steps

METHOD = RK4(5.0)
SIZES, FEW = (1, 16, 1_000, 100_000), (1, 16, 1_000)


def rows(quick: bool) -> list[Row]:
    """One row a size."""
    return [_row(size) for size in (FEW if quick else SIZES)]


def _row(size: int) -> Row:
    theta, x0 = patients(size)
    plan = schedule()

    def run(tier: Tier) -> Callable[[], np.ndarray]:
        common = MODEL, plan, theta, TIMES
        return lambda: simulate(*common, method=METHOD, x0=x0, tier=tier, states=False).observed[:, 0]

    steps = interval_steps(compile_grid(MODEL, plan, TIMES).t, METHOD.step)
    flops = operations(rhs, x0[:, 0] + 1.0, np.ones(2), theta[:, 0], int(steps.sum()))
    work = f"a patient's day in a cohort of {size:,}"
    peer = "one at a time", __version__
    row = compare(work, peer, run("lanes"), run("pointer"), flops=flops * size, tolerance=0.0)
    seconds = {name: getattr(row, name) / size for name in ("ours_s", "peer_s", "floor_s")}
    return replace(row, **seconds, memory=_peak(run("lanes")) / size)


def _peak(function: Callable[[], np.ndarray]) -> int:
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
