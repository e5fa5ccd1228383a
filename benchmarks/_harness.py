"""Paired timings: CPU seconds, one thread, peers interleaved, the median of 7 runs or more; a row for each work.

floor_s: the work's floating-point operations over the measured matrix-product rate, which no code can beat."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (after the threads are pinned)

RUNS = 7


@dataclass(frozen=True)
class Row:
    """One comparison. agreement: largest relative difference between the two results; without one a ratio is void."""

    work: str
    peer: str
    peer_version: str
    ours_s: float
    peer_s: float
    ratio: float
    floor_s: float
    agreement: float


def flop_rate() -> float:
    """Floating-point operations a second of a 400 x 400 matrix product on one thread."""
    a = np.random.default_rng(0).standard_normal((400, 400))
    return 2 * 400**3 / min(_cpu(lambda: a @ a) for _ in range(20))


def compare(
    work: str,
    peer: tuple[str, str],
    ours: Callable[[], np.ndarray],
    theirs: Callable[[], np.ndarray],
    *,
    flops: float,
    tolerance: float,
) -> Row:
    """Times both, interleaved; raises SystemExit where their results differ by more than `tolerance`, relative."""
    mine, other = np.asarray(ours()), np.asarray(theirs())
    agreement = float(np.max(np.abs(mine - other)) / np.max(np.abs(other)))
    if not agreement <= tolerance:
        sys.exit(f"{work}: results differ by {agreement:.1e}, more than {tolerance:.0e}: no ratio")
    times = [(_cpu(ours), _cpu(theirs)) for _ in range(RUNS)]
    a, b = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(work, *peer, a, b, b / a, flops / flop_rate(), agreement)


def _cpu(function: Callable[[], object]) -> float:
    """CPU seconds of one call, over as many calls as take 20 ms."""
    count, begin = 0, time.process_time()
    while time.process_time() - begin < 0.02:
        function()
        count += 1
    return (time.process_time() - begin) / count


def main(rows: Callable[[bool], list[Row]]) -> None:
    """The command line of a benchmark: [--quick] [--json FILE]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args()
    found = rows(options.quick)
    for row in found:
        print(
            f"{row.work}: {row.ours_s:.3g} s, {row.peer} {row.peer_version} {row.peer_s:.3g} s, ratio {row.ratio:.3g}, "
            f"floor {row.floor_s:.1g} s, agreement {row.agreement:.1e}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
