"""What the first use of a filter on a new model costs: CPU seconds of a process of its own, on one core.

Three states of the cache of compiled code, a temporary folder: empty; with the generic kernels, but not the model's
code; with both. `importing` is the package, numba included, once numpy and scipy are there; `using` is declaring the
model of five states and filtering three measurements."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from _harness import pin

TESTS = Path(__file__).resolve().parent.parent / "tests"
PROGRAM = """
import sys, time
sys.path.append(sys.argv[1])
import json, numpy, scipy.linalg, scipy.sparse
begin = time.process_time()
import turnover
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws
loaded = time.process_time()
method, draws, state = Unscented(), Draws(1, "first"), turnover.prior()
for observation in turnover.measured(3):
    state, seen = method.step(turnover.system(), Schedule(), state, observation, draws)
assert seen.code == 0
print(json.dumps([loaded - begin, time.process_time() - loaded]))
"""


@dataclass(frozen=True)
class FirstUse:
    """CPU seconds, and the goal for both together (None: none was set)."""

    cache: str
    importing_s: float
    using_s: float
    goal_s: float | None


def first_use(runs: int) -> list[FirstUse]:
    """In the order in which the cache fills; medians where a state can be had again."""
    with tempfile.TemporaryDirectory() as folder:
        empty = _seconds(folder)
        new = _median([_forgotten(folder) for _ in range(runs)])
        again = _median([_seconds(folder) for _ in range(runs)])
    return [
        FirstUse("empty", *empty, None),
        FirstUse("generic kernels", *new, 3.0),
        FirstUse("generic kernels and model", *again, 0.6),
    ]


def _forgotten(folder: str) -> tuple[float, float]:
    """With the model's own code taken away."""
    for path in list(Path(folder).rglob("vvuq_generated_*")):
        path.unlink()
    return _seconds(folder)


def _seconds(folder: str) -> tuple[float, float]:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(TESTS)],
        env=os.environ | {"VVUQ_CACHE": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    importing, using = json.loads(found.stdout)
    return importing, using


def _median(found: list[tuple[float, float]]) -> tuple[float, float]:
    importing, using = zip(*found, strict=True)
    return statistics.median(importing), statistics.median(using)


def main() -> None:
    """The command line: [--quick] [--json FILE]."""
    pin()
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args()
    rows = first_use(1 if options.quick else 7)
    for row in rows:
        total = row.importing_s + row.using_s
        state = "reached" if row.goal_s is None or total < row.goal_s else "missed"
        goal = "" if row.goal_s is None else f" (goal {row.goal_s:g} s: {state})"
        print(f"cache: {row.cache}: import {row.importing_s:.2g} s, use {row.using_s:.2g} s, sum {total:.2g} s{goal}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
