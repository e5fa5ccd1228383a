"""How often the ETKF with its published setting loses the truth on Lorenz-96: DAPPER's own filter and this project's.

Usage: lorenz_losses.py [OPTIONS]; without: the runs of tests/references/lorenz96_losses.csv, half an hour. Needs DAPPER
(`scripts/setup bench` installs requirements/bench.txt). Writes a line for each run, which ends with a loss."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.experiment import LOST, Score
from vvuq.assimilation.method import mean
from vvuq.numerics.streams import Draws

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

import lorenz  # the experiment as the tests run it

MEMBERS, CYCLES, BURN_IN, ERROR_SD = 24, 10_000, 400, 1.0
Watch = Callable[[float], None]


def followed(run: Callable[[Watch], None]) -> tuple[int, float]:
    """Where a run lost the truth (-1: nowhere) and the RMSE of its mean; `run` tells each cycle's error."""
    errors: list[float] = []

    def watch(error: float) -> None:
        errors.append(error)
        if len(errors) >= BURN_IN + LOST and min(errors[-LOST:]) > ERROR_SD:
            raise StopIteration  # no run that was followed to its end came back

    with contextlib.suppress(StopIteration):
        run(watch)
    score = Score(*[np.array(errors)] * 3, 1, ERROR_SD, BURN_IN, -1, 0.0)
    return score.lost_at, score.rmse


def ours(seed: int, inflation: float) -> Callable[[Watch], None]:
    """Truth and filter as in tests/assimilation/test_lorenz_table.py."""
    experiment, truth = lorenz.experiment("lorenz96"), lorenz.truth("lorenz96", CYCLES, seed)
    method, draws = Etkf(MEMBERS, inflation, True), Draws(seed, "lorenz filter")

    def run(watch: Watch) -> None:
        state = method.init(experiment.prior, draws)
        for cycle, observation in enumerate(truth.observations):
            state, seen = method.step(experiment.system, experiment.schedule, state, observation, draws)
            assert seen.code == 0, f"seed {seed}: the filter failed in cycle {cycle}"
            watch(float(np.sqrt(np.mean((mean(state) - truth.states[cycle]) ** 2))))

    return run


def dapper(seed: int, inflation: float) -> Callable[[Watch], None]:
    """DAPPER's own experiment (mods.Lorenz96.sakov2008), simulation and filter; its statistics alone are replaced."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # importing it prints a line
        warnings.simplefilter("ignore")
        import dapper.tools.progressbar as progress
        from dapper.da_methods import EnKF
        from dapper.mods.Lorenz96.sakov2008 import HMM as published
        from dapper.tools.seeding import set_seed
    progress.disable_progbar = True
    experiment = published.copy()
    experiment.tseq.Ko = CYCLES - 1

    def run(watch: Watch) -> None:
        set_seed(seed)
        states, observations = experiment.simulate()

        class Statistics:
            trHK = np.zeros(CYCLES)  # the filter writes there

            def assess(self, k: int, ko: Any = None, faus: Any = None, E: Any = None) -> None:
                if ko is not None and faus != "f":
                    watch(float(np.sqrt(np.mean((E.mean(0) - states[k]) ** 2))))

        filter_: Any = EnKF("Sqrt", N=MEMBERS, infl=inflation, rot=True)
        filter_.stats = Statistics()
        type(filter_).assimilate.__wrapped__(filter_, experiment, states, observations)

    return run


def runs(options: argparse.Namespace) -> Iterator[tuple[object, ...]]:
    """The lines of the table, run by run."""
    for who, begin, seeds in (("DAPPER", dapper, options.dapper), ("vvuq", ours, options.ours)):
        for seed in range(*(int(number) for number in seeds.split(":"))):
            lost_at, rmse = followed(begin(seed, options.inflation))
            of = who, version(who.lower()), options.inflation, seed, CYCLES
            yield *of, lost_at, "" if lost_at >= 0 else f"{rmse:.4f}"


def main() -> None:
    """Writes the table, each line as soon as it is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for who, seeds in (("--dapper", "3000:3018"), ("--ours", "1:20")):
        parser.add_argument(who, default=seeds, metavar="FIRST:END", help="seeds, the end left out")
    parser.add_argument("--inflation", type=float, default=1.013)
    parser.add_argument("--out", type=Path, default=lorenz.FOLDER / "lorenz96_losses.csv")
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8", newline="", buffering=1) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("who", "version", "inflation", "seed", "cycles", "lost_at", "rmse"))
        for line in runs(options):
            print(*line, flush=True)
            writer.writerow(line)


if __name__ == "__main__":
    main()
