"""Do observations fall evenly over what was forecast: rank histograms and probability integral transforms (PIT).

A decision says how it is wrong: biased (the observations lie to one side), overconfident (too many in the tails) or
underconfident (too many in the middle).

Sources: Jolliffe & Primo, Mon Weather Rev 136 (2008) 2133 (components of the chi-square of a rank histogram); Diebold,
Gunther & Tay, Int Econ Rev 39 (1998) 863 (PIT); Anderson & Darling, Ann Math Stat 23 (1952) 193 and 25 (1954) 765;
Neyman, Skand Aktuarietidskr 20 (1937) 149 (components of a smooth test)."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import binom, ndtr

from vvuq.errors import InputError
from vvuq.methods.consistency import Decision, undecided
from vvuq.record import Floats

LEAST = 5  # values; below this a histogram has no shape
LIMIT = 1e-15  # a PIT of 0 or 1 is a rounded one
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


def rank(members: Floats, observed: float, rng: np.random.Generator) -> int:
    """How many of the members (N,) lie below the observed value: 0 to N; among equal ones the place is drawn."""
    below, equal = int((members < observed).sum()), int((members == observed).sum())
    return below + int(rng.integers(0, equal + 1))


def weighted_pit(members: Floats, log_weights: Floats | None, observed: float, rng: np.random.Generator) -> float:
    """The weight of the members (N,) below the observed value, a random share of the equal ones' included."""
    weights = np.full(len(members), 1.0 / len(members)) if log_weights is None else np.exp(log_weights)
    below, equal = weights[members < observed].sum(), weights[members == observed].sum()
    return float(np.clip(below + rng.random() * equal, 0.0, 1.0))


def histogram(ranks: Counts, members: int, bins: int) -> tuple[Counts, Floats]:
    """Counts (bins,) of ranks 0 to `members`, and the share of them that each bin expects: neighbours are joined."""
    ranks = np.asarray(ranks)
    if ranks.size and not (ranks.min() >= 0 and ranks.max() <= members):
        raise InputError("rank histogram", "ranks", (int(ranks.min()), int(ranks.max())), f"0 to {members}")
    if not 2 <= bins <= members + 1:
        raise InputError("rank histogram", "bins", bins, f"2 to {members + 1}")
    of = np.arange(members + 1) * bins // (members + 1)
    counts = np.bincount(of[ranks], minlength=bins).astype(np.int64)
    return counts, np.bincount(of, minlength=bins) / (members + 1.0)


def rank_uniformity(
    test: str, counts: Counts, shares: Floats, rng: np.random.Generator, *, level: float = 0.05, repeats: int = 9999
) -> Decision:
    """Chi-square of a rank histogram (bins,) against the expected `shares`, with its p-value from multinomial draws.

    Exact up to the number of draws, however few the counts are."""
    n = int(counts.sum())
    if n < LEAST:
        return undecided(test, level, n, f"fewer than {LEAST} ranks")
    chance = _chi_square(rng.multinomial(n, shares, size=repeats), n, shares)
    observed = float(_chi_square(counts[None, :], n, shares)[0])
    p = (1.0 + float((chance >= observed * (1.0 - 1e-12)).sum())) / (1.0 + repeats)
    high = float(np.quantile(chance, 1.0 - level))
    middle = np.cumsum(shares) - 0.5 * shares
    residual = (counts - n * shares) / np.sqrt(n * shares)
    reason, fault = shape(*_components(residual, np.sqrt(shares), middle))
    return Decision(test, observed, p, p > level, level, 0.0, high, n, reason, "" if p > level else fault)


def _chi_square(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], n: int, shares: Floats) -> Floats:
    return ((counts - n * shares) ** 2 / (n * shares)).sum(axis=1)


def _components(residual: Floats, weight: Floats, middle: Floats) -> tuple[float, float]:
    """The residuals' component along a slope and, orthogonal to it, along a U: each standard normal by chance."""
    basis = [weight / np.linalg.norm(weight)]
    for power in (1, 2):
        vector = weight * (middle - 0.5) ** power
        vector = vector - sum(((vector @ known) * known for known in basis), np.zeros_like(vector))
        size = float(np.linalg.norm(vector))
        basis.append(vector / size if size > 1e-12 else np.zeros_like(vector))
    return float(residual @ basis[1]), float(residual @ basis[2])


def pit_components(pit: Floats) -> tuple[float, float]:
    """Bias and dispersion of PIT values (n,): both standard normal by chance. Bias above 0: observations lie above the
    forecasts. Dispersion above 0: too many lie in the tails (overconfident), below 0 in the middle (underconfident)."""
    x, scale = 2.0 * np.asarray(pit) - 1.0, len(pit) ** -0.5
    return float(scale * np.sqrt(3.0) * x.sum()), float(scale * np.sqrt(5.0) * (1.5 * x**2 - 0.5).sum())


def shape(bias: float, dispersion: float) -> tuple[str, str]:
    """What bias and dispersion, in SDs of what chance gives, say of forecasts that were rejected: reason and fault."""
    wrong = []
    if abs(dispersion) > 1.96:
        wrong.append("overconfident" if dispersion > 0.0 else "underconfident")
    if abs(bias) > 1.96:
        wrong.append(f"biased, observations lie {'above' if bias > 0.0 else 'below'} the forecasts")
    reason = f"bias {bias:+.1f} and dispersion {dispersion:+.1f} in SDs of chance"
    return reason, " and ".join(wrong) or "of another shape than forecast"


def pit_uniformity(test: str, pit: Floats, level: float = 0.05) -> Decision:
    """Anderson-Darling test that PIT values (n,) of independent forecasts are uniform; not-a-number is left out."""
    pit = np.asarray(pit, dtype=float)
    pit = pit[np.isfinite(pit)]
    if np.any((pit < 0.0) | (pit > 1.0)):
        raise InputError("PIT test", "pit", (float(pit.min()), float(pit.max())), "values between 0 and 1")
    if len(pit) < LEAST:
        return undecided(test, level, len(pit), f"fewer than {LEAST} values")
    observed = float(anderson_darling(pit))
    p = 1.0 - anderson_darling_cdf(observed)
    (reason, fault), high = shape(*pit_components(pit)), anderson_darling_limit(level)
    return Decision(test, observed, p, p >= level, level, 0.0, high, len(pit), reason, "" if p >= level else fault)


def anderson_darling(u: Floats) -> Floats:
    """The Anderson-Darling statistic A^2 (...,) of values u (..., n) against the uniform distribution."""
    u = np.sort(np.clip(u, LIMIT, 1.0 - LIMIT), axis=-1)
    n = u.shape[-1]
    odd = 2.0 * np.arange(n) + 1.0
    return -n - (odd * (np.log(u) + np.log1p(-u[..., ::-1]))).sum(axis=-1) / n


def anderson_darling_cdf(a: float) -> float:
    """P(A^2 <= a) in the limit of many values; for 5 values and more it is right to 0.002 where tests are decided."""
    if a < 0.01:
        return 0.0
    if a > 60.0:
        return 1.0
    total = 0.0
    for j in range(12):
        c = (4 * j + 1) ** 2 * np.pi**2 / (8.0 * a)
        if c > 700.0:
            break
        inner, _ = quad(lambda w, c=c: np.exp(a / (8.0 * (w * w + 1.0)) - c * (w * w + 1.0)), 0.0, np.inf)
        total += float(binom(-0.5, j)) * (4 * j + 1) * inner
    return float(np.clip(np.sqrt(2.0 * np.pi) / a * total, 0.0, 1.0))


@cache
def anderson_darling_limit(level: float) -> float:
    """The value that A^2 exceeds with probability `level` by chance."""
    return float(brentq(lambda a: 1.0 - anderson_darling_cdf(a) - level, 0.1, 50.0, xtol=1e-6))


def normal_pit(z: Floats) -> Floats:
    """The PIT of standardized innovations under a normal forecast."""
    return np.asarray(ndtr(z))
