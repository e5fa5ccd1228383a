"""Scores of forecasts given by members or by a normal distribution, and how many members really count.

Sources: Gneiting & Raftery, JASA 102 (2007) 359 (CRPS); Ferro, QJRMS 140 (2014) 1917 (fair score); Fortin, Abaza,
Anctil & Turcotte, J Hydrometeorol 15 (2014) 1708 (spread and skill of a finite ensemble); Kong, Liu & Wong, JASA 89
(1994) 278 (effective number)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr

from vvuq.errors import InputError
from vvuq.methods.bootstrap import patient_bootstrap
from vvuq.record import Diagnostics, Floats


def crps_ensemble(members: Floats, observed: float, *, fair: bool = False) -> float:
    """Continuous ranked probability score of members (N,), in their unit, in O(N log N); 0 is perfect.

    Plain: of the members' empirical distribution. fair: what infinitely many members of that distribution would score
    on average; it can be negative, and needs two members or more."""
    x = np.sort(np.asarray(members, dtype=float))
    n = x.size
    if n < (2 if fair else 1):
        raise InputError("CRPS", "members", n, "two members or more for the fair score, one for the plain one")
    halved_gaps = float(((2.0 * np.arange(n) + 1.0 - n) * x).sum())  # half of the sum of |x_i - x_j| over all pairs
    return float(np.abs(x - observed).mean()) - halved_gaps / (n * (n - 1.0) if fair else float(n) ** 2)


def crps_normal(mean: Floats, sd: Floats, observed: Floats) -> Floats:
    """Continuous ranked probability score of normal forecasts, element by element; sd 0 is a point."""
    error, sd = np.asarray(observed, dtype=float) - mean, np.asarray(sd, dtype=float)
    z = error / np.where(sd > 0.0, sd, 1.0)
    score = sd * (z * (2.0 * ndtr(z) - 1.0) + np.sqrt(2.0 / np.pi) * np.exp(-0.5 * z**2) - 1.0 / np.sqrt(np.pi))
    return np.where(sd > 0.0, score, np.abs(error))


@dataclass(frozen=True, slots=True)
class SpreadSkill:
    """Forecast spread over the error made: 1 is ideal, below it the forecasts are overconfident; 95 % interval."""

    ratio: float
    low: float
    high: float
    patients: int
    consistent: bool | None


def spread_skill(
    errors: Sequence[Floats], variances: Sequence[Floats], rng: np.random.Generator, *, resamples: int = 2000,
    members: int | None = None,
) -> SpreadSkill:  # fmt: skip
    """Root mean forecast variance over root mean squared error, one array of each for every patient (or block).

    The interval is from patients drawn with replacement. members: size of the ensemble whose (unbiased) variance this
    is; the error of its mean then counts, (N + 1) / N. consistent: None for fewer than 5 patients."""
    kept = [(e[np.isfinite(e)], v[np.isfinite(e)]) for e, v in zip(errors, variances, strict=True)]
    groups = [np.stack([e**2, v], axis=1) for e, v in kept if e.size]
    if not groups:
        return SpreadSkill(float("nan"), float("nan"), float("nan"), 0, None)
    factor = 1.0 if members is None else (members + 1.0) / members

    def ratio(rows: Floats) -> Floats:
        squared, variance = rows.mean(axis=0)
        return np.array([np.sqrt(factor * variance / max(squared, 1e-300))])

    observed, repeated = patient_bootstrap(groups, ratio, rng, resamples)
    low, high = (float(v) for v in np.quantile(repeated[:, 0], [0.025, 0.975]))
    told = bool(low <= 1.0 <= high) if len(groups) >= 5 else None
    return SpreadSkill(float(observed[0]), low, high, len(groups), told)


def effective_number(log_weights: Floats) -> float:
    """How many equally weighted members these log weights (N,), not necessarily normalized, are worth: 1 to N."""
    logs = np.asarray(log_weights, dtype=float)
    return float(np.exp(2.0 * logsumexp(logs) - logsumexp(2.0 * logs)))


def least_pivot(seen: Sequence[Diagnostics]) -> float:
    """The smallest pivot of all roots that these steps computed; not-a-number where none computed one."""
    found = [d.least_pivot for d in seen if d.code == 0 and np.isfinite(d.least_pivot)]
    return min(found, default=float("nan"))
