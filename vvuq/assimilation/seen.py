"""What a Gaussian filter saw in one step, as Diagnostics: by observable, not-a-number where nothing was measured."""

from __future__ import annotations

import numpy as np

from vvuq.numerics.codes import Code
from vvuq.record import Diagnostics, Floats


def failed(time: float, values: Floats, code: int) -> Diagnostics:
    """A step that ended in a code that is not 0: nothing else is known of it."""
    nothing = np.full(values.shape, np.nan)
    return Diagnostics(time, nothing, nothing, nothing, np.nan, 0, np.nan, inflation=np.nan, code=int(code))


def fault(values: Floats, expected: Floats, variance: Floats, sd: Floats) -> int:
    """The code of a forecast that cannot be held against values (q,): not finite by its error's SD, or that SD is 0."""
    kept = ~np.isnan(values)
    if not np.all(sd[kept] != 0.0):
        return int(Code.SINGULAR)
    with np.errstate(all="ignore"):
        sizes = (np.abs(values) + np.abs(expected) + np.sqrt(variance)) / sd
    return 0 if np.all(np.isfinite(sizes[kept])) else int(Code.NOT_FINITE)


def unobserved(time: float, values: Floats, least_pivot: float) -> Diagnostics:
    """A forecast alone: nothing was measured."""
    nothing = np.full(values.shape, np.nan)
    return Diagnostics(time, nothing, nothing, nothing, 0.0, 0, 0.0, least_pivot)


def observed(
    time: float, values: Floats, expected: Floats, spread: Floats, evidence: tuple[float, float], least_pivot: float
) -> Diagnostics:
    """An update by values (q,), of which the forecast was `expected` with SD `spread`, the error's included.

    evidence: the innovation squared by its forecast covariance, and the gain in log-likelihood."""
    missing = np.isnan(values)
    predicted, sd = np.where(missing, np.nan, expected), np.where(missing, np.nan, spread)
    n = int(values.size - missing.sum())
    return Diagnostics(time, values - expected, predicted, sd, evidence[0], n, evidence[1], least_pivot)
