"""Randomised nets: independent scrambles of a Sobol' sequence, and intervals from the spread between them.

Within a net the rows depend on one another; the scrambles do not, and each gives an unbiased mean. A ratio of sums over
the scrambles is jackknifed over them, and takes Student's t: of the intervals that L'Ecuyer, Nakayama, Owen & Tuffin
(Winter Simulation Conference 2023, 504) compare for such means, the plain t interval covers best.

Sources: Owen, J Complexity 14 (1998) 466; Matousek, J Complexity 14 (1998) 527 (the scrambling that scipy has)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import qmc

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.jackknife import ratio
from vvuq.record import Floats

MOST_DIMENSIONS = 21201  # of scipy's direction numbers
HALF_STEP = 2.0**-31  # scipy's points are multiples of 2**-30 and may be 0: they are moved to the middle of their cell


def seeds_of(scrambles: int, rng: np.random.Generator) -> tuple[int, ...]:
    """One seed for each scramble."""
    return tuple(int(s) for s in rng.integers(0, 2**63, size=scrambles))


def net(dimensions: int, rows: int, seed: int, start: int = 0) -> Floats:
    """Rows start, start + 1, ... (dimensions, rows) of one scrambled sequence, in the open unit cube."""
    sequence = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    if start:
        sequence.fast_forward(start)
    return np.ascontiguousarray(sequence.random(rows).T) + HALF_STEP


def checked_sizes(where: str, dimensions: int, base: int, scrambles: int) -> None:
    """Raises InputError for sizes that no replicated net has; `dimensions` counts those of the net."""
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InputError(where, "dimensions", dimensions, f"from 1 to {MOST_DIMENSIONS} of the net")
    if base < 2 or base & (base - 1):
        raise InputError(where, "base", base, "a power of 2, from 2 on")
    if scrambles < 2:
        raise InputError(where, "scrambles", scrambles, "2 or more: the interval comes from the spread between them")


def checked_outputs(where: str, values: object, n: int) -> Floats:
    """Outputs as floats (k, n). Raises InputError unless they were (n,) or (k, n) with n points."""
    found = np.asarray(values, dtype=float)
    if found.ndim not in (1, 2) or found.shape[-1] != n or found.size == 0:
        raise InputError(where, "shape of the outputs", found.shape, f"({n},) or (k, {n}) for {n} points")
    return found.reshape(-1, n)


def failed_runs(values: Floats) -> NDArray[np.bool_]:
    """Which runs (n,) of outputs (k, n) failed: those with an output that is not finite."""
    return np.asarray(~np.isfinite(values).all(axis=0))


def refuse_failed(values: Floats) -> None:
    """Raises NotEvaluable where a run failed: an index over the runs that worked answers another question."""
    failed = failed_runs(values)
    if failed.any():
        raise NotEvaluable(f"{int(failed.sum())} of {failed.size} model runs failed")


def centred(values: Floats, reference: Floats, at: int = 0) -> tuple[Floats, Floats, Floats]:
    """Outputs (k, n) less the mean of the reference runs (k, m), by their largest distance from it; mean and distance
    (k, 1). Raises NotEvaluable for an output that is the same in all runs, up to rounding; `at` is the first one's
    number."""
    mean = reference.mean(axis=1, keepdims=True)
    apart = values - mean
    size = np.maximum(apart.max(axis=1, keepdims=True), -apart.min(axis=1, keepdims=True))
    largest = np.abs(mean) + size
    still = (size <= 16.0 * np.finfo(float).eps * largest)[:, 0]
    if still.any():
        which = ", ".join(str(at + i) for i in np.flatnonzero(still)[:5])
        raise NotEvaluable(f"output {which} has the same value in all model runs: it has no variance to share")
    apart /= size
    return apart, mean, size


def shares(above: Floats, below: Floats, level: float) -> tuple[Floats, Floats]:
    """Ratios sum(above) / sum(below) over the scrambles, and half-widths of their intervals at `level`, (k, m).

    above: (R, k, m) and below: (R, k, 1), a mean of each scramble. Raises NotEvaluable where one scramble has all the
    variance."""
    value, error = ratio(above, below)
    if not (np.isfinite(value).all() and np.isfinite(error).all()):
        raise NotEvaluable("an output varies in one scramble at most: use a larger base")
    return value, float(stdtrit(len(above) - 1, 0.5 + 0.5 * level)) * error
