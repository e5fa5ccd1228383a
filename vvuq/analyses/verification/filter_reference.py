"""How near do filters for large states come to the exact filter, and does one without localization fall behind?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, NotRequired

import numpy as np
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.experiments import experiment as named
from vvuq.analyses.experiments import filter_of
from vvuq.analyses.settings import Count, Name, refused
from vvuq.assimilation.experiment import Experiment, Truth, make_truth
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.method import Method, mean, spread
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Context, Evidence, Finding, Floats, Quantity, Table

LEAF = "verification.code.numerical_code_verification"


@with_config(ConfigDict(extra="forbid", strict=True))
class Approximation(TypedDict):
    """One filter that approximates the exact one."""

    label: Name
    method: Name
    options: NotRequired[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one filter is from the exact one, over rows and cycles after burn-in.

    from_exact: root mean square difference of the means, in SDs of the exact belief. spread_by_exact: root mean
    variance over that of the exact belief. error_by_exact: root mean square error against the truth over that of the
    exact mean. cycles: how many were filtered before the filter failed, if it did."""

    label: str
    from_exact: float
    spread_by_exact: float
    error_by_exact: float
    cycles: int


COLUMNS = tuple(field.name for field in fields(Distance))
MEASURES = ("from_exact", "spread_by_exact", "error_by_exact")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    labels = [row["label"] for row in settings["rows"]]
    return dict.fromkeys(["n_failed", *(f"{measure}_{label}" for label in labels for measure in MEASURES)], "1")


@analysis("How near do filters come to the exact one on a linear system?", suite="verification", metrics=_metrics)
def filter_reference(
    twin: Twin, context: Context, *, experiment: dict[str, Any], rows: list[Approximation], cycles: Count = 25
) -> Evidence:
    """Filters on the measurements of one truth, against the Kalman filter on the same: exact, for it is linear."""
    of = named(twin, experiment, "filter_reference.experiment")
    if not of.burn_in < cycles:
        raise refused("filter_reference.cycles", cycles, f"more than the {of.burn_in} that {of.name} leaves out")
    methods = [filter_of(row, of, f"filter_reference.rows.{i}") for i, row in enumerate(rows)]
    truth = make_truth(of, cycles, Draws(int(context.stream("truth").integers(2**62)), "truth"))
    draws = Draws(int(context.stream("filter").integers(2**62)), "filter")
    exact = _followed(of, truth, Kalman(), draws)
    pairs = zip(rows, methods, strict=True)
    found = [_distance(of, truth, row["label"], _followed(of, truth, one, draws), exact) for row, one in pairs]
    values = {
        f"{measure}_{one.label}": Quantity(getattr(one, measure), "1", kind="numerical", n=one.cycles)
        for one in found
        for measure in MEASURES
    }
    values["n_failed"] = Quantity(float(sum(one.cycles < cycles for one in found)), "1", n=len(found))
    lines = tuple(astuple(one) for one in found)
    table = Table(f"Filters against the exact one: {of.name}", COLUMNS, ("", *("1",) * (len(COLUMNS) - 1)), lines)
    inputs: dict[str, object] = {"experiment": experiment, "rows": rows, "cycles": cycles}
    return evidence(filter_reference, twin.name, inputs, values=values, tables={"distances": table})


@dataclass(frozen=True, slots=True)
class Path:
    """Means and SDs (cycles, d) after each observation, until a filter failed."""

    means: Floats
    spreads: Floats


def _followed(of: Experiment, truth: Truth, method: Method, draws: Draws) -> Path:
    state, means, spreads = method.init(of.prior, draws), [], []
    for observation in truth.observations:
        state, seen = method.step(of.system, of.schedule, state, observation, draws)
        if seen.code != 0:
            break
        means.append(mean(state))
        spreads.append(spread(state))
    shape = (len(means), of.system.size)
    return Path(np.reshape(means, shape), np.reshape(spreads, shape))


def _distance(of: Experiment, truth: Truth, label: str, path: Path, exact: Path) -> Distance:
    kept = slice(of.burn_in, len(path.means))
    if len(path.means) <= of.burn_in:
        return Distance(label, np.nan, np.nan, np.nan, len(path.means))
    apart = (path.means[kept] - exact.means[kept]) / exact.spreads[kept]
    errors = [float(np.sqrt(np.mean((one.means[kept] - truth.states[kept]) ** 2))) for one in (path, exact)]
    return Distance(
        label=label,
        from_exact=float(np.sqrt(np.mean(apart**2))),
        spread_by_exact=float(np.sqrt(np.mean(path.spreads[kept] ** 2) / np.mean(exact.spreads[kept] ** 2))),
        error_by_exact=errors[0] / errors[1],
        cycles=len(path.means),
    )


@check("filter_reference")
def holds_against_the_exact_filter(found: Evidence) -> Sequence[Finding]:
    """A comparison with an exact solution, where no filter failed; how near they came is for criteria to judge."""
    if found.values["n_failed"].value > 0.0:
        return ()
    return (Finding(LEAF, "c", f"{found.values['n_failed'].n} filters were held against the exact one"),)
