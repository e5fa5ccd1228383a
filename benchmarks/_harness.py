"""Paired timings: CPU seconds on one core, one thread, all contestants in turn, the median of 7 rounds or more.

floor_s: the work's floating-point operations over the measured rate of a matrix product, which no code can beat.
A ratio without an agreement of the numbers is void: `compare` refuses where results differ by more than they may."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))  # the models that tests and benchmarks share

RUNS = 7
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Contestant = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison: seconds a call, their ratio, and the ratio that was set as the goal (None: none was).

    agreement: largest relative difference between the two results. Where both are held against a reference solution:
    error and peer_error, the largest difference of each from it, in the unit that `work` names. memory: bytes that ours
    took beyond what it was given, a unit of work."""

    work: str
    peer: str
    peer_version: str
    ours_s: float
    peer_s: float
    ratio: float
    floor_s: float
    agreement: float
    goal: float | None = None
    error: float | None = None
    peer_error: float | None = None
    memory: float | None = None


@lru_cache(maxsize=1)
def flop_rate() -> float:
    """Floating-point operations a second of a 400 x 400 matrix product on one thread."""
    a = np.random.default_rng(0).standard_normal((400, 400))
    return 2 * 400**3 / min(_cpu(lambda: a @ a) for _ in range(20))


def installed(package: str, how: str = "make bench") -> str | None:
    """The version of a peer; None where it is not installed, and a line that says so and what installs it."""
    try:
        return version(package)
    except PackageNotFoundError:
        print(f"skipped: {package} is not installed ({how})")
        return None


def compare(
    work: str,
    peer: tuple[str, str],
    ours: Contestant,
    theirs: Contestant,
    *,
    flops: float,
    tolerance: float,
    goal: float | None = None,
    read: Callable[[object], object] = lambda result: result,
) -> Row:
    """Times both, interleaved; raises SystemExit where their results differ by more than `tolerance`, relative.

    read: what of our result is compared, where it comes in another form; it is not timed."""
    agreement = agreed(work, read(ours()), theirs(), tolerance)
    a, b = race([ours, theirs])
    return Row(work, *peer, a, b, b / a, flops / flop_rate(), agreement, goal)


def agreed(work: str, mine: object, other: object, tolerance: float) -> float:
    """The largest difference relative to the largest value; SystemExit where it is above `tolerance`."""
    a, b = np.asarray(mine), np.asarray(other)
    difference = float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
    if not difference <= tolerance:
        sys.exit(f"{work}: results differ by {difference:.1e}, more than {tolerance:.0e}: no ratio")
    return difference


def race(contestants: Sequence[Contestant], runs: int = RUNS) -> list[float]:
    """Median CPU seconds of each, all of them in turn in every round, forwards and backwards."""
    times: list[list[float]] = [[] for _ in contestants]
    order = list(range(len(contestants)))
    for _ in range(runs):
        for i in order:
            times[i].append(_cpu(contestants[i]))
        order.reverse()
    return [statistics.median(column) for column in times]


def _cpu(function: Contestant) -> float:
    """CPU seconds of one call, over as many calls as take 20 ms."""
    count, begin = 0, time.process_time()
    while time.process_time() - begin < 0.02:
        function()
        count += 1
    return (time.process_time() - begin) / count


def pin() -> None:
    """One thread on one core: begins the program anew where its libraries may have started more threads."""
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    if hasattr(os, "sched_setaffinity"):  # XLA has a pool of threads that no variable limits
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main(rows: Callable[[bool], list[Row]]) -> None:
    """The command line of a benchmark: [--quick] [--json FILE]."""
    pin()
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args()
    found = rows(options.quick)
    if options.quick:  # a goal speaks of the whole work
        found = [replace(row, goal=None) for row in found]
    for row in found:
        print(line(row))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")


def line(row: Row) -> str:
    """One comparison as text, the goal beside what was reached."""
    wanted = "" if row.goal is None else f" (goal {row.goal:g}: {'reached' if row.ratio >= row.goal else 'missed'})"
    more = "" if row.error is None else f", error {row.error:.1e}, theirs {row.peer_error:.1e}"
    more += "" if row.memory is None else f", memory {row.memory:.3g} bytes"
    return (
        f"{row.work}: {row.ours_s:.3g} s, {row.peer} {row.peer_version} {row.peer_s:.3g} s, "
        f"ratio {row.ratio:.3g}{wanted}, "
        f"floor {row.floor_s:.2g} s ({row.ours_s / row.floor_s:.3g} times), agreement {row.agreement:.1e}{more}"
    )
