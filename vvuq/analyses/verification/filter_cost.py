"""What does a step of the unscented filter cost against one of an ensemble filter, as the state grows?"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.experiments import experiment as named
from vvuq.analyses.experiments import filter_of
from vvuq.analyses.settings import Count
from vvuq.analyses.verification.filter_reference import Approximation
from vvuq.assimilation.experiment import Experiment, make_truth
from vvuq.assimilation.method import Method
from vvuq.assimilation.ukf import Unscented
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Context, Evidence, Quantity, Table

CUBIC = 3.0  # the order at which the unscented filter's linear algebra grows


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one size of state: model runs of a step, and its CPU time, measured or computed."""

    size: int
    ukf_model_runs: int
    ensemble_model_runs: int
    ukf_measured: float | None
    ukf_computed: float | None
    ensemble_measured: float

    @property
    def ukf(self) -> float:
        """What an unscented step takes, measured if it was."""
        found = self.ukf_measured if self.ukf_measured is not None else self.ukf_computed
        return math.nan if found is None else found


COLUMNS = tuple(field.name for field in fields(Cost))
UNITS = ("1", "1", "1", "ms", "ms", "ms")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    return dict.fromkeys(("cost_ratio_smallest", "cost_ratio_largest", "model_runs_ratio_largest"), "1")


@analysis(
    "What does an unscented step cost against an ensemble's, as the state grows?",
    suite="verification",
    metrics=_metrics,
)
def filter_cost(
    twin: Twin,
    context: Context,
    *,
    experiment: dict[str, Any],
    sizes: list[Count],
    ensemble: Approximation,
    measured_to: Count = 1000,
    steps: Count = 5,
) -> Evidence:
    """CPU time of one step (model runs and linear algebra) of the unscented and of an ensemble filter, by size.

    `experiment` takes each size as its setting `count`. Measured: the median of `steps` steps after a first one that is
    not counted. Computed, for sizes beyond `measured_to`: the largest measured time by the cube of the sizes' ratio.
    Times are of the machine that ran this: they differ from run to run, and so does the digest of this evidence."""
    rows: list[Cost] = []
    for size in sorted(sizes):
        of = named(twin, experiment | {"count": size}, "filter_cost.experiment")
        method = filter_of(ensemble, of, "filter_cost.ensemble")
        measured = _milliseconds(of, Unscented(), steps) if size <= measured_to else None
        last = [row for row in rows if row.ukf_measured is not None][-1:]
        computed = last[0].ukf * (size / last[0].size) ** CUBIC if measured is None and last else None
        members = int(ensemble.get("options", {}).get("members", 0))
        rows.append(Cost(size, 2 * size, members, measured, computed, _milliseconds(of, method, steps)))
    smallest, largest = rows[0], rows[-1]
    values = {
        "cost_ratio_smallest": Quantity(smallest.ukf / smallest.ensemble_measured, "1", kind="numerical", n=steps),
        "cost_ratio_largest": Quantity(largest.ukf / largest.ensemble_measured, "1", kind="numerical", n=steps),
        "model_runs_ratio_largest": Quantity(largest.ukf_model_runs / largest.ensemble_model_runs, "1"),
    }
    lines = tuple(astuple(row) for row in rows)
    table = Table("CPU time of a step: measured, or computed from the largest that was", COLUMNS, UNITS, lines)
    inputs: dict[str, object] = {
        "experiment": experiment, "sizes": sizes, "ensemble": ensemble, "measured_to": measured_to, "steps": steps,
    }  # fmt: skip
    return evidence(filter_cost, twin.name, inputs, values=values, tables={"cost": table})


def _milliseconds(of: Experiment, method: Method, steps: int) -> float:
    truth = make_truth(of, steps + 1, Draws(0, "cost"))
    state, taken, draws = method.init(of.prior, Draws(0, "cost filter")), [], Draws(0, "cost filter")
    for observation in truth.observations:
        begun = time.process_time()
        state, _ = method.step(of.system, of.schedule, state, observation, draws)
        taken.append(time.process_time() - begun)
    return 1e3 * float(np.median(taken[1:]))
