"""What the first use of a filter on a new model costs: CPU seconds of a process of its own, on one core.

Three states of the cache of compiled code, a temporary folder: empty; with the generic kernels, but not the model's
code; with both. `importing` is the package, numba included, once numpy and scipy are there; `using` is declaring the
model of five states and filtering three measurements. `numba` is the part of the sum that no use of numba can do
without: its import, and its tables. numba imports the package coverage where that is installed, as it is for
development; one row hides it, as in an environment made for use alone. The last rows filter by a record whose model and
algebra are written out (tier 2). Modules are compiled to bytecode."""

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
if "bare" in sys.argv:
    sys.modules["coverage"] = None
import json, numpy, scipy.linalg, scipy.sparse
begin = time.process_time()
if "numba" in sys.argv:
    import numba
    from numba.core.registry import cpu_target
    cpu_target.target_context.refresh()
    print(time.process_time() - begin)
    sys.exit()
import turnover
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws
loaded = time.process_time()
if "straight" in sys.argv:
    from vvuq.assimilation.ukf_run import filter_record
    seen = filter_record(
        Unscented(), turnover.system(), Schedule(), turnover.prior(), turnover.measured(3), tier="straight"
    )
    assert not seen.codes.any()
    print(json.dumps([loaded - begin, time.process_time() - loaded]))
    sys.exit()
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
    numba_s: float
    importing_s: float
    using_s: float
    goal_s: float | None


def first_use(runs: int) -> list[FirstUse]:
    """In the order in which the cache fills; medians where a state can be had again."""
    with tempfile.TemporaryDirectory() as folder:
        empty = _seconds(folder)
        new = _median([_forgotten(folder) for _ in range(runs)])
        again = _median([_seconds(folder) for _ in range(runs)])
        record = _median([_forgotten(folder, "straight") for _ in range(runs)])
        again_record = _median([_seconds(folder, "straight") for _ in range(runs)])
        bare = _median([_seconds(folder, "bare") for _ in range(runs)])
        numba = statistics.median(_floor(folder) for _ in range(runs))
        bare_numba = statistics.median(_floor(folder, "bare") for _ in range(runs))
    return [
        FirstUse("empty", numba, *empty, None),
        FirstUse("generic kernels", numba, *new, 3.0),
        FirstUse("generic kernels and model", numba, *again, 0.6),
        FirstUse("generic kernels and model, without coverage", bare_numba, *bare, 0.6),
        FirstUse("generic kernels; a record by generated ones", numba, *record, 10.0),
        FirstUse("all kernels; a record by generated ones", numba, *again_record, None),
    ]


def _forgotten(folder: str, *more: str) -> tuple[float, float]:
    """With the model's own code taken away, and that it was checked."""
    for path in [*Path(folder).rglob("vvuq_generated_*"), *Path(folder).rglob("vvuq_declared_*")]:
        path.unlink()
    return _seconds(folder, *more)


def _seconds(folder: str, *more: str) -> tuple[float, float]:
    importing, using = json.loads(_told(folder, *more))
    return importing, using


def _floor(folder: str, *more: str) -> float:
    return float(_told(folder, "numba", *more))


def _told(folder: str, *more: str) -> str:
    environment = os.environ | {"VVUQ_CACHE": folder, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", PROGRAM, str(TESTS), *more]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


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
        parts = f"import {row.importing_s:.2g} s, use {row.using_s:.2g} s, numba {row.numba_s:.2g} s of these"
        print(f"cache: {row.cache}: {parts}, sum {total:.2g} s{goal}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
