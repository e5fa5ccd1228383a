"""Do the filters reach what is published of them, and is one that must fail seen to fail?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, NotRequired

import numpy as np
from pydantic import ConfigDict, with_config
from scipy.stats import chi2
from typing_extensions import TypedDict

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.experiments import experiment, filter_of
from vvuq.analyses.settings import Count, Name, Positive, refused
from vvuq.assimilation.experiment import LOST, Experiment, Score, make_truth, score
from vvuq.assimilation.method import Method
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Context, Evidence, Finding, Quantity, Table

LEAF = "verification.code.numerical_code_verification"
LEVEL = 1e-6  # of the test by which a filter that has lost the truth is caught
ALLOWED = 6  # seeds of which one may be lost: this project's own rule, no published one


@with_config(ConfigDict(extra="forbid", strict=True))
class Row(TypedDict):
    """One filter in one experiment of the twin. published: the root mean square error it is known to reach."""

    label: Name
    experiment: dict[str, Any]  # {"experiment": NAME, and its settings}
    method: Name
    options: NotRequired[dict[str, Any]]
    published: NotRequired[Positive]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    rows = (f"rmse_{row['label']}" for row in settings["rows"])
    return dict.fromkeys(("largest_excess", "n_lost", "n_controls_missed", "n_rows", *rows), "1")


@analysis(
    "Do filters reach their published errors, and is one that must fail caught?",
    suite="verification",
    version=2,
    metrics=_metrics,
)
def filter_skill(
    twin: Twin,
    context: Context,
    *,
    rows: list[Row],
    controls: Sequence[Row] = (),
    cycles: Count = 1000,
    seeds: Count = 1,
) -> Evidence:
    """Root mean square errors of the analysis mean, averaged over cycles after burn-in, then over the seeds that kept
    track. A seed is lost (`Score.lost_at`) where the filter failed, or where the error of its mean was above the SD of
    a measurement's error in 50 cycles in a row after burn-in.

    controls: filters that must be lost, and whose innovations must say so."""
    numbers = [int(n) for n in context.stream("seeds").integers(2**62, size=seeds)]
    found = [_fared(twin, row, numbers, cycles, f"filter_skill.rows.{i}") for i, row in enumerate(rows)]
    failing = [_fared(twin, row, numbers, cycles, f"filter_skill.controls.{i}") for i, row in enumerate(controls)]
    excess = [one.rmse - one.published for one in found if one.published is not None]
    lost = sum(one.lost * ALLOWED > seeds for one in found)
    missed = sum(one.lost < seeds or one.caught < seeds for one in failing)
    values = {
        "largest_excess": Quantity(max(excess, default=math.nan), "1", kind="numerical", n=len(excess)),
        "n_lost": Quantity(float(lost), "1", n=len(found)),
        "n_controls_missed": Quantity(float(missed), "1", n=len(failing)),
        "n_rows": Quantity(float(len(found)), "1"),
    }
    for one in found:
        values[f"rmse_{one.label}"] = Quantity(one.rmse, "1", kind="numerical", n=seeds - one.lost)
    lines = tuple(astuple(one) for one in (*found, *failing))
    table = Table("Root mean square error of the mean after each observation", COLUMNS, UNITS, lines)
    inputs: dict[str, object] = {"rows": rows, "controls": controls, "cycles": cycles, "seeds": seeds}
    return evidence(filter_skill, twin.name, inputs, values=values, tables={"skill": table})


@dataclass(frozen=True, slots=True)
class Fared:
    """How one filter fared over all seeds. rmse and what follows are means over the seeds that kept track, if any."""

    label: str
    published: float | None
    rmse: float
    sd_of_seeds: float
    spread_by_error: float
    nis: float
    lost: int
    caught: int
    seeds: int
    cycles_of_loss: str


COLUMNS = tuple(field.name for field in fields(Fared))
UNITS = tuple("" if name in ("label", "cycles_of_loss") else "1" for name in COLUMNS)


def _fared(twin: Twin, row: Row, seeds: Sequence[int], cycles: int, setting: str) -> Fared:
    of = experiment(twin, row["experiment"], f"{setting}.experiment")
    filter_ = filter_of(row, of, setting)
    if cycles < of.burn_in + LOST:
        wanted = f"at least the {of.burn_in} that {of.name} leaves out and {LOST}, by which a loss is told"
        raise refused("filter_skill.cycles", cycles, wanted)
    scores = [_score(of, filter_, seed, cycles) for seed in seeds]
    kept = [one for one in scores if one.lost_at < 0]

    def over(values: Iterable[float]) -> float:
        found = list(values)
        return float(np.mean(found)) if found else math.nan

    return Fared(
        label=row["label"],
        published=row.get("published"),
        rmse=over(one.rmse for one in kept),
        sd_of_seeds=float(np.std([one.rmse for one in kept], ddof=1)) if len(kept) > 1 else math.nan,
        spread_by_error=over(one.spread_skill for one in kept),
        nis=over(one.nis_per_component for one in kept),
        lost=len(scores) - len(kept),
        caught=sum(caught(one) for one in scores),
        seeds=len(scores),
        cycles_of_loss=", ".join(str(cycle) for cycle in sorted(one.lost_at for one in scores) if cycle >= 0),
    )


def _score(of: Experiment, filter_: Method, seed: int, cycles: int) -> Score:
    truth = make_truth(of, cycles, Draws(seed, "truth"))
    return score(of, truth, filter_, Draws(seed, "filter"))


def caught(one: Score) -> bool:
    """True where the filter says itself that it has lost the truth: by a code, or by innovations far too large.

    The sum of NIS after burn-in is chi-square distributed where a filter is consistent; it is tested at 1e-6."""
    if one.failed_at >= 0:
        return True
    after = one.nis[one.burn_in :]
    return bool(after.sum() > chi2.isf(LEVEL, after.size * one.components))


@check("filter_skill")
def reaches_what_is_published(found: Evidence) -> Sequence[Finding]:
    """A comparison with other verified codes, where no filter was lost and every control was caught."""
    if found.values["n_lost"].value > 0.0 or found.values["n_controls_missed"].value > 0.0:
        return ()
    rows = int(found.values["n_rows"].value)
    return (Finding(LEAF, "b", f"{rows} filters were held against published errors, and filters bound to fail did"),)
