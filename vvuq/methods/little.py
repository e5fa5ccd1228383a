"""Little's test: do rows in which other things are missing have the same means? Rejected, data are not MCAR.

Rows are independent and near normal; each pattern needs rows enough for its mean to be so. It looks at means only, and
by values that were seen only: not rejected, data may be missing at random or not at random. `power` says by simulation
what it would find. Source: Little, J Am Stat Assoc 83 (1988) 1198; moments by EM: Dempster, Laird & Rubin (1977)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, skew

from vvuq.errors import NotEvaluable
from vvuq.record import Floats

ROUNDS = 5000  # of EM; tens are usual, hundreds where much is missing
CLOSE = 1e-9  # change of moments in a round, in SDs of the columns


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows that have the same columns: which (k,), how many rows, their mean (k,) and scatter about it (k, k)."""

    columns: NDArray[np.intp]
    rows: int
    mean: Floats
    scatter: Floats


@dataclass(frozen=True, slots=True)
class Little:
    """statistic, chi squared with df where MCAR holds, p_value; mean (p,) and covariance (p, p) by maximum likelihood;
    the patterns, most frequent first.

    small: rows in patterns that have no more rows than columns; skewness (p,) of what was seen; empty: rows without
    anything, which do not count."""

    statistic: float
    df: int
    p_value: float
    mean: Floats
    covariance: Floats
    patterns: tuple[Pattern, ...]
    small: int
    skewness: Floats
    empty: int


def little(rows: Floats) -> Little:
    """The test of rows (n, p), not-a-number where something is missing.

    Raises NotEvaluable for no more rows than columns, where a column has fewer than two different values, where two are
    never seen together, where all rows have the same columns, and where columns tell the same, so that moments are not
    unique."""
    if len(rows) <= rows.shape[1]:
        raise NotEvaluable(f"Little's test: {len(rows)} rows of {rows.shape[1]} columns; it needs many more of them.")
    seen = np.isfinite(rows)
    kept, empty = rows[seen.any(axis=1)], int((~seen).all(axis=1).sum())
    for j in range(rows.shape[1]):
        if np.unique(kept[np.isfinite(kept[:, j]), j]).size < 2:
            raise NotEvaluable(f"Little's test: column {j + 1} has fewer than two different values; leave it out.")
    both = seen.astype(float).T @ seen
    if (both == 0.0).any():
        i, j = np.argwhere(both == 0.0)[0].tolist()
        raise NotEvaluable(
            f"Little's test: columns {i + 1} and {j + 1} are never seen together; leave one of them out."
        )
    centre, scale = np.nanmean(kept, axis=0), np.nanstd(kept, axis=0)
    patterns = patterns_of((kept - centre) / scale)
    if len(patterns) < 2:
        raise NotEvaluable("Little's test: all rows have the same columns, so that there is nothing to compare.")
    mean, covariance = moments(patterns, rows.shape[1])
    statistic, df = _statistic(patterns, mean, covariance)
    small = sum(one.rows for one in patterns if one.rows <= one.columns.size)
    skewness = np.array([float(skew(kept[np.isfinite(kept[:, j]), j])) for j in range(rows.shape[1])])
    p_value = float(chi2.sf(statistic, df))
    back = centre + scale * mean, scale[:, None] * covariance * scale
    return Little(statistic, df, p_value, *back, tuple(patterns), small, skewness, empty)


def patterns_of(rows: Floats) -> list[Pattern]:
    """The patterns of rows (n, p), none of them empty; most frequent first."""
    kinds, which = np.unique(np.isfinite(rows), axis=0, return_inverse=True)
    found = []
    for i, kind in enumerate(kinds):
        columns = np.flatnonzero(kind)
        own = rows[which.ravel() == i][:, columns]
        mean = own.mean(axis=0)
        found.append(Pattern(columns, len(own), mean, (own - mean).T @ (own - mean)))
    return sorted(found, key=lambda one: (-one.rows, one.columns.tolist()))


def moments(patterns: Sequence[Pattern], p: int) -> tuple[Floats, Floats]:
    """Mean (p,) and covariance (p, p) of a normal distribution by maximum likelihood, by EM over patterns; columns are
    of a size near 1. Raises NotEvaluable where it does not come to rest."""
    mean, covariance = np.zeros(p), np.eye(p)
    for _ in range(ROUNDS):
        try:
            new, spread = _round(patterns, mean, covariance)
        except np.linalg.LinAlgError:
            break
        change = max(float(np.abs(new - mean).max()), float(np.abs(spread - covariance).max()))
        mean, covariance = new, spread
        if change < CLOSE:
            if np.linalg.eigvalsh(covariance)[0] < CLOSE:
                break
            return mean, covariance
    raise NotEvaluable("Little's test: columns that tell the same have no unique moments; leave one of them out.")


def _round(patterns: Sequence[Pattern], mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """One round of EM: what is missing is expected from what is seen, by the moments so far."""
    p, n = len(mean), sum(one.rows for one in patterns)
    total, square = np.zeros(p), np.zeros((p, p))
    for one in patterns:
        seen = one.columns
        onto = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[seen]).T  # (p, k): the identity where seen
        full = mean + onto @ (one.mean - mean[seen])
        left = covariance - onto @ covariance[seen]
        total += one.rows * full
        square += onto @ one.scatter @ onto.T + one.rows * (left + np.outer(full, full))
    new = total / n
    return new, square / n - np.outer(new, new)


def _statistic(patterns: Sequence[Pattern], mean: Floats, covariance: Floats) -> tuple[float, int]:
    """Squared distances of the patterns' means, by the covariance of maximum likelihood as usual programs take it, and
    the degrees of freedom."""
    total = 0.0
    for one in patterns:
        apart = one.mean - mean[one.columns]
        total += one.rows * float(apart @ np.linalg.solve(covariance[np.ix_(one.columns, one.columns)], apart))
    return total, sum(one.columns.size for one in patterns) - len(mean)


def power(
    found: Little, rng: np.random.Generator, *, sizes: Sequence[float] = (0.0, 0.5), repeats: int = 200,
    level: float = 0.05,
) -> list[int]:  # fmt: skip
    """How often, of `repeats`, the test rejects at `level` in normal data of the same moments and the same patterns,
    where each row that lacks something lies `size` SDs higher in all columns; size 0: how often it errs."""
    p = len(found.mean)
    scale = np.sqrt(np.diag(found.covariance))
    root = np.linalg.cholesky(found.covariance / np.outer(scale, scale))
    return [sum(_p_of(_drawn(found.patterns, root, s, rng), p) <= level for _ in range(repeats)) for s in sizes]


def _drawn(patterns: Sequence[Pattern], root: Floats, size: float, rng: np.random.Generator) -> list[Pattern]:
    rows = []
    for one in patterns:
        drawn = rng.standard_normal((one.rows, len(root))) @ root.T + size * (one.columns.size < len(root))
        lacking = np.full(drawn.shape, np.nan)
        lacking[:, one.columns] = drawn[:, one.columns]
        rows.append(lacking)
    return patterns_of(np.concatenate(rows))


def _p_of(patterns: Sequence[Pattern], p: int) -> float:
    """The p-value; 1 where moments are not unique, so that nothing is rejected."""
    try:
        statistic, df = _statistic(patterns, *moments(patterns, p))
    except NotEvaluable:
        return 1.0
    return float(chi2.sf(statistic, df))
