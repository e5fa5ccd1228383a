"""Is a filter as uncertain as it should be: tests that end in a decision.

Normalized errors squared (NIS of innovations, NEES of estimation errors) against chi-square bounds, and whiteness of
the innovations. A test that cannot be made decides nothing: `consistent` is None, never True.

Sources: Bar-Shalom, Li & Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 5.4 (NIS, NEES);
Ljung & Box, Biometrika 65 (1978) 297; Phipson & Smyth, Stat Appl Genet Mol Biol 9 (2010) 39 (p of a random test)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincc, gammaincinv
from scipy.stats import binom

from vvuq.errors import InputError
from vvuq.record import Floats

LEAST_PAIRS = 4  # below this a correlation of neighbours says nothing at any usual level
RANK = 1e-8  # relative: eigenvalues of a correlation matrix below this are no direction of uncertainty


@dataclass(frozen=True, slots=True)
class Decision:
    """What a test decides. `statistic` is expected between `low` and `high` at `level` if the filter is consistent.

    n: how many independent terms stand behind it. consistent: None where the test could not be made. reason: what was
    found, in words; fault: how the filter is wrong, empty unless it was rejected."""

    test: str
    statistic: float
    p_value: float
    consistent: bool | None
    level: float
    low: float
    high: float
    n: int
    reason: str
    fault: str = ""


def undecided(test: str, level: float, n: int, reason: str) -> Decision:
    """A test that could not be made, and why."""
    nothing = float("nan")
    return Decision(test, nothing, nothing, None, level, nothing, nothing, n, reason)


def chi_square(test: str, values: Floats, degrees: Floats, level: float = 0.05) -> Decision:
    """Normalized squared errors (m,), each with its degrees of freedom, summed against two-sided chi-square bounds.

    Statistic and bounds are per degree of freedom: 1 is ideal, above it the filter is overconfident. Terms that are
    not-a-number or have no degree of freedom are left out (not measured). InputError for a negative value."""
    total, freedom, count = _summed(values, degrees)
    if freedom == 0:
        return undecided(test, level, 0, "nothing was measured")
    low, high = chi_square_bounds(freedom, level)
    tails = gammainc(0.5 * freedom, 0.5 * total), gammaincc(0.5 * freedom, 0.5 * total)
    p = 2.0 * float(min(tails))
    mean = total / freedom
    right, wrong = bool(low <= mean <= high), "overconfident" if mean > 1.0 else "underconfident"
    reason = f"squared errors are {mean:.3g} times what the filter expects; {low:.3g} to {high:.3g} is chance"
    return Decision(test, mean, min(1.0, p), right, level, low, high, count, reason, "" if right else wrong)


def chi_square_bounds(freedom: int, level: float = 0.05) -> tuple[float, float]:
    """Between what a mean of squared standard normal errors lies, with so many degrees of freedom, by chance."""
    low, high = (2.0 * float(gammaincinv(0.5 * freedom, p)) / freedom for p in (0.5 * level, 1.0 - 0.5 * level))
    return low, high


def _summed(values: Floats, degrees: Floats) -> tuple[float, int, int]:
    """Sum of what was measured, its degrees of freedom, and how many terms it has."""
    values, degrees = np.asarray(values, dtype=float), np.asarray(degrees)
    if values.shape != degrees.shape or np.any(values < 0.0) or np.any(degrees < 0):
        raise InputError("consistency test", "values", values.shape, "values >= 0, each with degrees of freedom >= 0")
    kept = ~np.isnan(values) & (degrees > 0)
    return float(values[kept].sum()), int(degrees[kept].sum()), int(kept.sum())


def by_patient(test: str, values: Sequence[Floats], degrees: Sequence[Floats], level: float = 0.05) -> Decision:
    """How many patients lie outside of their own chi-square bounds, against the binomial number that chance allows.

    Finds a filter that is wrong for some patients and right on average. Statistic and bounds are shares of patients;
    `low` is 0: fewer than expected is what the pooled test is for."""
    each = [chi_square(test, v, d, level) for v, d in zip(values, degrees, strict=True)]
    told = [d for d in each if d.consistent is not None]
    n, outside = len(told), sum(not d.consistent for d in told)
    if n == 0:
        return undecided(test, level, 0, "no patient was measured")
    p = float(binom.sf(outside - 1, n, level))
    most = int(binom.isf(level, n, level))  # more than these have a chance below the level
    reason = f"{outside} of {n} patients lie outside of their own bounds; chance allows {most}"
    fault = "" if outside <= most else "some patients are misjudged"
    return Decision(test, outside / n, p, outside <= most, level, 0.0, most / n, n, reason, fault)


def nees(error: Floats, root: Floats) -> tuple[float, int]:
    """Estimation error (d,) squared by the covariance root root', root (d, r), and its degrees of freedom.

    Directions without uncertainty (RANK) are left out; an error along one of them is infinitely many SDs."""
    sd = np.sqrt((root**2).sum(axis=1))
    scale = np.where(sd > 0.0, sd, 1.0)
    vectors, singular, _ = np.linalg.svd(root / scale[:, None], full_matrices=True)
    values = np.zeros(len(error))
    values[: len(singular)] = singular**2
    known = values > RANK * max(float(values.max(initial=0.0)), 1e-300)
    parts = vectors.T @ (error / scale)
    exact = float(np.abs(parts[~known]).max(initial=0.0))
    if exact > 1e-6 * max(1.0, float(np.abs(error / scale).max(initial=0.0))):
        return float("inf"), int(known.sum()) + 1
    return float((parts[known] ** 2 / values[known]).sum()), int(known.sum())


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each lag, the positions (pairs,) in the joined values of what lies that far apart in a patient's sequence."""

    joined: Floats
    first: tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]
    second: tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]

    @property
    def pairs(self) -> int:
        """How many pairs of direct neighbours there are."""
        return self.first[0].size if self.first else 0


def neighbours(series: Sequence[Floats], lags: int) -> Neighbours:
    """The pairs within patients at lags 1 to `lags`; a lag that has too few pairs (LEAST_PAIRS) ends the list.

    series: innovations by patient, in sequence; not-a-number keeps the place of one that was not measured."""
    whole = [np.asarray(one, dtype=float) for one in series]
    starts = np.cumsum([0, *(np.isfinite(one).sum() for one in whole)])[:-1]
    index = [_places(one, int(start)) for one, start in zip(whole, starts, strict=True)]
    first, second = [], []
    for lag in range(1, lags + 1):
        pairs = [np.stack([one[:-lag], one[lag:]]) for one in index if one.size > lag]
        both = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.intp)
        both = both[:, (both >= 0).all(axis=0)]
        if both.shape[1] < LEAST_PAIRS:
            break
        first.append(both[0])
        second.append(both[1])
    joined = np.concatenate([one[np.isfinite(one)] for one in whole]) if whole else np.empty(0)
    return Neighbours(joined, tuple(first), tuple(second))


def _places(one: Floats, start: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Where each of a patient's values stands among the joined ones; -1 for one that was not measured."""
    measured = np.isfinite(one)
    return np.where(measured, np.cumsum(measured) - 1 + start, -1)


def autocorrelations(z: Floats, at: Neighbours) -> Floats:
    """Autocorrelation at each lag (..., lags) of joined values z (..., n) about their common mean."""
    z = z - z.mean(axis=-1, keepdims=True)
    power = np.maximum((z**2).mean(axis=-1), 1e-300)
    return np.stack(
        [(z[..., a] * z[..., b]).mean(axis=-1) / power for a, b in zip(at.first, at.second, strict=True)], axis=-1
    )


def ljung_box(z: Floats, at: Neighbours) -> Floats:
    """The Ljung-Box statistic (...,) of joined values z (..., n); for one patient it is the textbook's."""
    n = z.shape[-1]
    pairs = np.array([a.size for a in at.first], dtype=float)
    return (n + 2.0) / n * (pairs * autocorrelations(z, at) ** 2).sum(axis=-1)


def whiteness(
    test: str, series: Sequence[Floats], rng: np.random.Generator, *, lags: int = 3, level: float = 0.05,
    permutations: int = 999,
) -> Decision:  # fmt: skip
    """Are standardized innovations uncorrelated in sequence? Pairs are taken within patients only.

    The p-value is that of random permutations: exact for any number of patients and any length of their sequences,
    whatever mean and spread the innovations have (those are other tests' question)."""
    at = neighbours(series, lags)
    if not at.pairs:
        return undecided(test, level, 0, f"fewer than {LEAST_PAIRS} pairs of successive measurements of one patient")
    observed = float(ljung_box(at.joined, at))
    shuffled = rng.permuted(np.repeat(at.joined[None, :], permutations, axis=0), axis=1)
    chance = ljung_box(shuffled, at)
    p = (1.0 + float((chance >= observed * (1.0 - 1e-12)).sum())) / (1.0 + permutations)
    high, r = float(np.quantile(chance, 1.0 - level)), float(autocorrelations(at.joined, at)[0])
    reason = f"correlation of successive innovations {r:.2f} over {at.pairs} pairs"
    fault = "" if p > level else "correlated in sequence"
    return Decision(test, observed, p, p > level, level, 0.0, high, at.pairs, reason, fault)
