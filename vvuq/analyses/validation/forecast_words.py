"""Shared by the analyses of forecasters: what a reader must not miss in their scores, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vvuq.analyses.validation.forecast_report import CLIMATOLOGY, PERSISTENCE
from vvuq.analyses.validation.forecasts import COLUMN, HORIZONS, Scored, slug
from vvuq.interaction.forecaster import Forecaster
from vvuq.record import Quantity

SOUND = (85.0, 95.0)  # percent of readings that a 90 % interval may hold
Known = Mapping[str, Forecaster]
Values = Mapping[str, Quantity]


def findings(known: Known, values: Values, who: str, suffix: str = "") -> tuple[str, ...]:
    """The best forecaster at each horizon, and how little so many patients settle."""
    out, best = [], PERSISTENCE
    for h in HORIZONS:
        best = _best(list(known), values, h, suffix)
        crps, gain = values[f"crps_{slug(best)}_{h}{suffix}"], values.get(f"crps_gain_{slug(best)}_{h}{suffix}")
        more = f", {_gained(gain)}" if gain else ""
        out.append(f"On {who}, at {h} min {best} has the lowest CRPS, {crps.value:.1f} {crps.unit}{more}.")
    others = [name for name in known if name not in (PERSISTENCE, CLIMATOLOGY)]
    named = _best(others, values, 60, suffix) if others else CLIMATOLOGY
    return (*out, _weakness(values, named, suffix))


def negative(found: Scored, known: Known, values: Values, who: str, suffix: str = "") -> tuple[str, ...]:
    """Forecasters that do not certainly beat persistence and climatology; mechanisms that others beat; intervals that
    hold too little or too much."""
    out = []
    for name, one in known.items():
        if one.kind == "baseline":
            continue
        unsure = [str(h) for h in HORIZONS if not _above_zero(values[f"crps_gain_{slug(name)}_{h}{suffix}"])]
        if unsure:
            at = ", ".join(unsure)
            out.append(f"On {who} it is not certain that {name} forecasts better than {PERSISTENCE} at {at} min.")
        skill = values[f"brier_skill_{slug(name)}{suffix}"]
        if not _above_zero(skill):
            told = f"the event's probability by {name} has no certain skill over {CLIMATOLOGY}: {skill.value:.2f}"
            out.append(f"On {who} {told}.")
        if one.kind == "mechanistic":
            out += _beaten(name, known, values, who, suffix)
    covered = (_coverage(found, values, name, who, suffix) for name in known)
    return (*out, *(sentence for sentence in covered if sentence))


def _gained(gain: Quantity) -> str:
    word = "less" if gain.value >= 0.0 else "more"
    less = f"{abs(gain.value):.1f} {gain.unit} {word} than {PERSISTENCE}"
    return f"{less} (gain, 95 % interval {gain.low:.1f} to {gain.high:.1f})" if gain.low is not None else less


def _beaten(name: str, known: Known, values: Values, who: str, suffix: str) -> list[str]:
    """Where something that knows no mechanism has the better CRPS."""
    out = []
    others = [n for n, one in known.items() if one.kind in ("baseline", "data-driven")]
    for h in HORIZONS:
        best = _best(others, values, h, suffix)
        own, rival = (values[f"crps_{slug(n)}_{h}{suffix}"] for n in (name, best))
        if rival.value < own.value:
            scores = f"CRPS {rival.value:.1f} against {own.value:.1f} {own.unit}"
            out.append(f"On {who}, at {h} min {best}, which knows no mechanism, is better than {name}: {scores}.")
    return out


def _weakness(values: Values, name: str, suffix: str) -> str:
    """How little few patients settle: the half width of the interval of a difference."""
    n, q = int(values[f"n_patients{suffix}"].value), values.get(f"crps_gain_{slug(name)}_60{suffix}")
    if q is None or q.low is None or q.high is None:
        return f"There are {n} patients: no interval over patients can be relied on."
    return (
        f"Intervals are Student's t over {n} patients, whose means are taken to be normal: at 60 min the CRPS of "
        f"{name} and of {PERSISTENCE} would have to differ by {0.5 * (q.high - q.low):.1f} {q.unit} to be told apart."
    )


def _coverage(found: Scored, values: Values, name: str, who: str, suffix: str) -> str:
    """What is wrong with the 90 % interval of a forecaster, and where; empty where it holds 85 to 95 % throughout."""
    parts = []
    each = [rows.mean(axis=0) for rows in found.rows[name].values()]
    for h in HORIZONS:
        share = values[f"coverage90_{slug(name)}_{h}{suffix}"].value
        if SOUND[0] <= share <= SOUND[1]:
            continue
        under, over = (np.array([100.0 * m[COLUMN[f"{side}_{h}"]] for m in each]) for side in ("under", "over"))
        inside = 100.0 - under - over
        parts.append(
            f"{share:.0f} % at {h} min ({under.mean():.0f} % of readings lie below and {over.mean():.0f} % above it, "
            f"{inside.min():.0f} to {inside.max():.0f} % inside by patient{_by_given(found, name, h)})"
        )
    asked = f"{SOUND[0]:.0f} to {SOUND[1]:.0f} % are asked"
    return f"On {who} the 90 % interval of {name} holds {'; '.join(parts)}; {asked}." if parts else ""


def _by_given(found: Scored, name: str, horizon: int) -> str:
    """Coverage with and without a meal or bolus that the forecast could not know; empty where one is missing."""
    rows = found.pooled(name)
    given = rows[:, COLUMN[f"given_{horizon}"]] > 0.0
    if given.all() or not given.any():
        return ""
    missed = rows[:, COLUMN[f"under_{horizon}"]] + rows[:, COLUMN[f"over_{horizon}"]]
    fed, alone = (100.0 * (1.0 - float(missed[part].mean())) for part in (given, ~given))
    return f"; {alone:.0f} % where nothing was given meanwhile, {fed:.0f} % where a meal or bolus was"


def _best(names: Sequence[str], values: Values, horizon: int, suffix: str) -> str:
    return min(names, key=lambda name: values[f"crps_{slug(name)}_{horizon}{suffix}"].value)


def _above_zero(q: Quantity) -> bool:
    return q.lower95 is not None and q.lower95 > 0.0
