"""Intervals that respect clustering: patients are drawn with replacement, never single observations.

Source: Davison & Hinkley, Bootstrap Methods and their Application (1997), 5.3 (percentile), 3.8 (clusters)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vvuq.record import Floats, Kind, Quantity


def patient_bootstrap(
    groups: Sequence[Floats], statistics: Callable[[Floats], Floats], rng: np.random.Generator, resamples: int
) -> tuple[Floats, Floats]:
    """The statistics (k,) of all rows, and of `resamples` draws of patients (resamples, k).

    groups: one array (rows, columns) for each patient."""
    observed = statistics(np.concatenate(groups))
    picks = rng.integers(0, len(groups), size=(resamples, len(groups)))
    repeated = [statistics(np.concatenate([groups[i] for i in pick])) for pick in picks]
    return observed, np.array(repeated)


def quantity(value: float, replicates: Floats, unit: str, *, n: int, kind: Kind = "epistemic") -> Quantity:
    """A value with its two-sided 95 % percentile interval and one-sided 95 % bounds."""
    low, lower, upper, high = (float(v) for v in np.quantile(replicates, [0.025, 0.05, 0.95, 0.975]))
    return Quantity(float(value), unit, low, high, 0.95, lower, upper, kind, n)


def ratio_bootstrap(above: Floats, below: Floats, rng: np.random.Generator, resamples: int) -> tuple[float, Floats]:
    """sum(above) / sum(below), one entry (patients,) each, and the same of `resamples` draws of patients."""
    n = len(above)
    picks = (rng.integers(0, n, size=n) for _ in range(resamples))
    return float(above.sum() / below.sum()), np.array([above[pick].sum() / below[pick].sum() for pick in picks])
