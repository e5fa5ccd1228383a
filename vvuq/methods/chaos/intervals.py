"""Bootstrap intervals of indices: the coefficients are refitted to resampled points, with the same terms or with terms
that are selected anew each time.

With the same terms, what the selection could have missed does not count. Neither counts what no candidate can express;
`error_bounds` counts it, from the reported error, without any assumption on how it is spread.

Sources: Dubreuil et al., Reliab Eng Syst Saf 121 (2014) 263; Marelli & Sudret, Struct Saf 75 (2018) 67."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.methods.chaos.basis import products, tables
from vvuq.methods.chaos.expansion import Expansion
from vvuq.methods.chaos.indices import shares
from vvuq.methods.chaos.select import Search, checked, reselected
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Intervals:
    """Low and high ends (2, d) of the first-order and of the total indices."""

    first: Floats
    total: Floats


def error_bounds(found: Expansion) -> Intervals:
    """Where the indices of the function itself lie if the error is at most its upper bound e, a share of the variance.

    The norm of every part differs by at most that of the error (triangle inequality), so that the root of an index lies
    within sqrt(e) (1 + its root) of the expansion's."""
    e = found.error.upper**0.5
    roots = np.sqrt(np.array(shares(found.terms, found.coefficients)))
    low, high = np.maximum(roots * (1.0 - e) - e, 0.0) ** 2, np.minimum(roots * (1.0 + e) + e, 1.0) ** 2
    return Intervals(np.array([low[0], high[0]]), np.array([low[1], high[1]]))


def bootstrap(
    found: Expansion, points: Floats, values: Floats, rng: np.random.Generator, *, resamples: int = 200,
    level: float = 0.95, reselect: Search | None = None,
) -> Intervals:  # fmt: skip
    """Percentile intervals from resampled points (d, n) and values (n,), those that `found` was fitted to.

    With `reselect` each resample selects its own terms, by cross-validation over folds of different points."""
    points, values = checked(found.basis, points, values)
    if resamples < 20 or not 0.0 < level < 1.0:
        raise InputError("bootstrap", "resamples, level", (resamples, level), "give at least 20, and 0 < level < 1")
    if reselect is not None and max(reselect.degrees) > found.basis.degree:
        remedy = f"give degrees of at most {found.basis.degree}, those of the expansion's basis"
        raise InputError("bootstrap", "reselect.degrees", reselect.degrees, remedy)
    n, drawn = values.size, []
    columns = products(tables(found.basis, points), found.terms).T
    for _ in range(resamples):
        rows = rng.integers(n, size=n)
        if reselect is None:
            terms, solved = found.terms, np.linalg.lstsq(columns[rows], values[rows], rcond=None)[0]
            coefficients = np.asarray(solved, dtype=float)
        else:
            counts = np.bincount(rows, minlength=n)
            used = counts > 0
            resample = points[:, used], values[used], counts[used].astype(float)
            terms, coefficients = reselected(found.basis, *resample, reselect, rng)
        drawn.append(shares(terms, coefficients))
    tail = 0.5 * (1.0 - level)
    low_high = np.quantile(np.array(drawn), [tail, 1.0 - tail], axis=0)
    return Intervals(low_high[:, 0], low_high[:, 1])
