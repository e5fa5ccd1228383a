"""Little's test on a cohort: a row for each patient, with covariates and the mean of each channel in parts of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import skew

from vvuq.analyses.missingness.patterns_rows import covariate
from vvuq.data.missingness.patterns import Presence
from vvuq.errors import NotEvaluable
from vvuq.methods.little import Little, little, power
from vvuq.methods.power import share_bounds
from vvuq.record import Cohort, Floats, Quantity

SHIFT = 0.5  # SDs, for which the power is told first
SIZES = (0.0, 0.25, SHIFT, 1.0)


@dataclass(frozen=True, slots=True)
class Tested:
    """The columns that were tested, which of them in logarithms, and the share of rows (k,) that have each; what was
    found, or why nothing; of `repeats` simulations at each of `sizes` how many were rejected."""

    columns: tuple[str, ...]
    logs: tuple[bool, ...]
    shares: tuple[float, ...]
    found: Little | None
    why: str
    sizes: tuple[float, ...]
    rejected: tuple[int, ...]
    repeats: int

    def share(self, hits: int) -> Quantity:
        """Of simulations, in %, with its exact interval."""
        (low, high), (lower, upper) = (share_bounds(hits, self.repeats, level) for level in (0.95, 0.9))
        ends = (100.0 * end for end in (hits / self.repeats, low, high, lower, upper))
        value, low, high, lower, upper = ends
        return Quantity(value, "%", low, high, 0.95, lower, upper, "numerical", self.repeats)


def tested(cohort: Cohort, there: Presence, parts: int, repeats: int, rng: np.random.Generator) -> Tested:
    """The test, its assumptions and its power; where it cannot be made, why."""
    names, rows = rows_of(cohort, there, parts)
    if not names:
        return Tested((), (), (), None, "Little's test: no column has two different values.", SIZES, (), repeats)
    logs = tuple(_in_logs(column[np.isfinite(column)]) for column in rows.T)
    rows = np.stack([np.log(column) if log else column for column, log in zip(rows.T, logs, strict=True)], axis=1)
    shares = tuple(float(np.isfinite(column).mean()) for column in rows.T)
    try:
        found = little(rows)
    except NotEvaluable as error:
        return Tested(names, logs, shares, None, str(error), SIZES, (), repeats)
    rejected = tuple(power(found, rng, sizes=SIZES, repeats=repeats))
    return Tested(names, logs, shares, found, "", SIZES, rejected, repeats)


def _in_logs(values: Floats) -> bool:
    """Are the logarithms less skewed?"""
    return bool((values > 0.0).all()) and abs(float(skew(np.log(values)))) < abs(float(skew(values)))


def rows_of(cohort: Cohort, there: Presence, parts: int) -> tuple[tuple[str, ...], Floats]:
    """Names (k,) and rows (n, k): covariates of more than two values; each channel's mean in `parts` equal parts of the
    time that the median record lasts, not-a-number where it has none. Columns without two values are left out."""
    end = float(np.median(there.on_record.sum(axis=1))) * there.width
    columns = {name: covariate(cohort, name) for name, _ in cohort.patients[0].covariates}
    columns = {name: values for name, values in columns.items() if np.unique(values).size > 2}
    for channel in there.channels:
        for part in range(parts):
            inside = (end * part / parts, end * (part + 1) / parts)
            label = f"{channel}, part {part + 1} of {parts}" if parts > 1 else channel
            columns[label] = np.array([_mean(cohort, there, i, channel, inside) for i in range(len(cohort.patients))])
    kept = {name: c for name, c in columns.items() if np.unique(c[np.isfinite(c)]).size > 1}
    return tuple(kept), np.stack(list(kept.values()), axis=1) if kept else np.zeros((len(cohort.patients), 0))


def _mean(cohort: Cohort, there: Presence, i: int, channel: str, inside: tuple[float, float]) -> float:
    start = there.starts[i]
    values = [
        m.value for m in cohort.patients[i].measurements
        if m.observable == channel and inside[0] <= m.time - start < inside[1]
    ]  # fmt: skip
    return float(np.mean(values)) if values else float("nan")
