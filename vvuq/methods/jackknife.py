"""Intervals over few patients: leave each out in turn, and take Student's t for the patients that there are.

For a mean over patients this is the t interval, to the last digit. Few patients make it wide and leave it dependent on
their values being near normal: that is said where it is used, not repaired.

Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), 11.2 (the standard error)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from vvuq.record import Floats, Quantity


def jackknife(rows: Floats, statistics: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """The statistics (k,) of rows (patients, columns), and their standard errors (k,); 2 patients or more."""
    n = len(rows)
    without = np.array([statistics(np.delete(rows, i, axis=0)) for i in range(n)])
    return statistics(rows), errors_of(without)


def errors_of(without: Floats) -> Floats:
    """Standard errors (k,) from statistics (n, k), each without one of n patients, or groups of patients."""
    n = len(without)
    return np.asarray(np.sqrt((n - 1.0) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0)))


def t_quantity(
    value: float, error: float, unit: str, n: int, *, low: float = -np.inf, high: float = np.inf
) -> Quantity:
    """A value with its two-sided 95 % interval and one-sided 95 % bounds, none beyond `low` and `high`; no interval
    where the error is not finite, as with one patient."""
    if n < 2 or not np.isfinite(error):
        return Quantity(float(value), unit, n=n)
    two, one = (float(stdtrit(n - 1, p)) * float(error) for p in (0.975, 0.95))
    ends = (float(np.clip(value + e, low, high)) for e in (-two, two, -one, one))
    below, above, lower, upper = ends
    return Quantity(float(value), unit, below, above, 0.95, lower, upper, "epistemic", n)


def mean_quantity(each: Floats, unit: str, *, low: float = -np.inf, high: float = np.inf) -> Quantity:
    """The mean of values (patients,) with its interval; what is not a number counts as no patient, and of one patient
    there is no interval."""
    kept = each[np.isfinite(each)]
    if kept.size < 2:
        return Quantity(float(kept.mean()) if kept.size else float("nan"), unit, n=int(kept.size))
    value, error = jackknife(kept[:, None], lambda rows: rows.mean(axis=0))
    return t_quantity(float(value[0]), float(error[0]), unit, int(kept.size), low=low, high=high)


def raised(q: Quantity) -> Quantity:
    """A quantity of a logarithm as one of the value itself."""
    ends = (None if v is None else float(np.exp(min(v, 700.0))) for v in (q.low, q.high, q.lower95, q.upper95))
    low, high, lower, upper = ends
    return Quantity(float(np.exp(q.value)), q.unit, low, high, q.level, lower, upper, q.kind, q.n)


def ratio(above: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Sums over patients (patients, ...) of the one over those of the other, with standard errors; not-a-number where
    there is nothing to divide by, and as an error where leaving one patient out leaves nothing."""
    a, b, n = above.sum(axis=0), below.sum(axis=0), len(above)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, without = a / b, (a - above) / (b - below)
    errors = np.sqrt((n - 1.0) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0)) if n > 1 else np.nan * value
    return np.asarray(value), np.asarray(errors)
