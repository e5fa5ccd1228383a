"""What knowing more is worth to a decision: all (EVPI), some parameters (EVPPI), or a measurement to come (EVSI).

Samples of what is believed now give the net benefit of each decision, and what would be seen, x: some parameters, or a
measurement simulated from the same sample. Now the decision of the greatest mean is taken; once x is seen, that of the
greatest E[benefit | x], which a smoother of the samples' benefits over x estimates.

The estimate is the value of the rule that a smoother teaches, on samples that taught it nothing: each fold is left out
in turn, the decision now and the rule for x are learned from the others, and what the rule gains over the decision now
is read off the fold's own benefits. A rule that is not the best one gains less, so that the value is low rather than
high, by as much as the smoother misses; its standard error is that of a mean over samples. The usual plug-in, the mean
of the greatest smoothed benefit less the greatest mean, is given beside: noise in the fit makes it too high. Where
decisions are about as good now, chance has a say in which is taken, and the value may come out a little high.

Sources: Raiffa & Schlaifer, Applied Statistical Decision Theory (1961), 5 (values, normal loss integral); Strong,
Oakley & Brennan, Med Decis Making 34 (2014) 311 (EVPPI by regression); Strong, Oakley, Brennan & Breeze, Med Decis
Making 35 (2015) 570 (EVSI); Stone, J R Stat Soc B 36 (1974) 111 (cross-validation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import ndtri

from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Floats

FOLDS, INNER = 10, 5  # of the value, and of the choice of a smoother's freedom within
LEAST = 100  # samples
DEGREES = 6  # of polynomials at most
PER_TERM = 20  # samples at least for each term
NEIGHBOURS = (10, 20, 40, 80, 160)
Places = NDArray[np.intp]
Smoother = Callable[[Floats, Floats, Floats], Floats]  # seen (q, n), benefit (k, n), new (q, m) -> (k, m)


@dataclass(frozen=True, slots=True)
class Value:
    """What knowing is worth, in the unit of the benefit, with its standard error, and the plug-in estimate.

    changes: the probability that another decision is taken than now, with its standard error; decision: the one now."""

    value: float
    error: float
    plug_in: float
    changes: float
    changes_error: float
    decision: int
    samples: int


def perfect_information(benefit: Floats) -> Value:
    """Of knowing everything that makes the samples differ: benefit (decisions, n). Minus a loss is a benefit.

    Raises InputError of shapes, NotEvaluable where benefits are missing."""
    benefit = _benefit(benefit)
    return _value(benefit, lambda inside, outside: benefit[:, outside], benefit)


def information(benefit: Floats, seen: Floats, *, smoother: Smoother | None = None) -> Value:
    """Of seeing x before deciding: benefit (decisions, n) and seen (q, n), or (n,), by sample.

    Parameters as `seen` give EVPPI, simulated measurements EVSI. smoother: `polynomial` where none is given. Raises
    InputError of shapes, NotEvaluable where something is missing or `seen` does not vary."""
    benefit, x, by = _benefit(benefit), np.atleast_2d(np.asarray(seen, dtype=float)), smoother or polynomial
    if x.ndim != 2 or x.shape[1] != benefit.shape[1]:
        raise InputError("value of information", "seen", x.shape, f"a column for each of {benefit.shape[1]} samples")
    _finite("seen values", x)
    if not np.ptp(x, axis=1).all():
        raise NotEvaluable(f"row {int(np.argmin(np.ptp(x, axis=1)))} of what is seen is the same in all samples")
    return _value(
        benefit, lambda inside, outside: by(x[:, inside], benefit[:, inside], x[:, outside]), by(x, benefit, x)
    )


def polynomial(seen: Floats, benefit: Floats, new: Floats) -> Floats:
    """Least squares by Hermite polynomials of the rows' normal scores, of the total degree (0 to 6, a term for each 20
    samples at most) that predicts left out samples best. Beyond what was seen it goes on as at the end."""
    q, n = seen.shape
    knots = [_scores(row) for row in seen]
    powers = [np.array(p) for d in range(DEGREES + 1) for p in combinations_with_replacement(range(q), d)]
    degree = np.array([len(p) for p in powers])
    counts = [int((degree <= d).sum()) for d in range(DEGREES + 1)]
    counts = [c for c in counts if c * PER_TERM <= n] or counts[:1]
    terms = _terms(knots, powers[: counts[-1]], seen)
    centre = benefit.mean(axis=1, keepdims=True)
    fold, y = np.arange(n) % INNER, benefit - centre
    grams = np.array([terms[:, fold == f] @ terms[:, fold == f].T for f in range(INNER)])
    sides = np.array([terms[:, fold == f] @ y[:, fold == f].T for f in range(INNER)])
    gram, side = grams.sum(axis=0), sides.sum(axis=0)
    scale = np.maximum(y.var(axis=1), np.finfo(float).tiny)
    losses = [
        sum(
            float((_lost(_solved(gram - g, side - s, c), terms[:c, fold == f], y[:, fold == f]) / scale).sum())
            for f, (g, s) in enumerate(zip(grams, sides, strict=True))
        )
        for c in counts
    ]
    best = counts[int(np.argmin(losses))]
    return centre + _solved(gram, side, best).T @ _terms(knots, powers[:best], new)


def neighbours(seen: Floats, benefit: Floats, new: Floats) -> Floats:
    """Means over the nearest samples in the rows' normal scores, their number being the one that predicts left out
    samples best: for what has no smooth course, or jumps."""
    n = seen.shape[1]
    knots = [_scores(row) for row in seen]
    at, to = (np.array([np.interp(row, *k) for row, k in zip(x, knots, strict=True)]).T for x in (seen, new))
    counts = [c for c in NEIGHBOURS if 4 * c <= n] or [1]
    fold = np.arange(n) % INNER
    losses = np.zeros(len(counts))
    for f in range(INNER):
        kept = fold != f
        means = _nearest(at[kept], benefit[:, kept], at[~kept], counts)
        losses += [((one - benefit[:, ~kept]) ** 2).sum() for one in means]
    return _nearest(at, benefit, to, [counts[int(np.argmin(losses))]])[0]


def _value(benefit: Floats, smoothed: Callable[[Places, Places], Floats], of_all: Floats) -> Value:
    """smoothed(inside, outside): E[benefit | x] of samples `outside`, learned from those inside."""
    n = benefit.shape[1]
    fold, gain, other = np.arange(n) % FOLDS, np.zeros(n), np.zeros(n)
    for f in range(FOLDS):
        outside = np.flatnonzero(fold == f)
        inside = np.flatnonzero(fold != f)
        now = int(benefit[:, inside].mean(axis=1).argmax())
        expected = smoothed(inside, outside)
        then = np.where(expected[now] >= expected.max(axis=0), now, expected.argmax(axis=0))  # no better, no change
        gain[outside] = benefit[then, outside] - benefit[now, outside]
        other[outside] = then != now
    plug_in = float(of_all.max(axis=0).mean() - of_all.mean(axis=1).max())
    errors = [float(each.std(ddof=1) / np.sqrt(n)) for each in (gain, other)]
    decision = int(benefit.mean(axis=1).argmax())
    return Value(float(gain.mean()), errors[0], plug_in, float(other.mean()), errors[1], decision, n)


def _benefit(benefit: Floats) -> Floats:
    benefit = np.asarray(benefit, dtype=float)
    if benefit.ndim != 2 or len(benefit) < 2 or benefit.shape[1] < LEAST:
        raise InputError(
            "value of information", "benefit", benefit.shape, f"rows of 2 decisions or more, {LEAST} samples or more"
        )
    _finite("benefits", benefit)
    return benefit


def _finite(name: str, values: Floats) -> None:
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise NotEvaluable(f"{missing} of {values.size} {name} are not finite")


def _scores(row: Floats) -> tuple[Floats, Floats]:
    """Values that occur, ascending, and the normal scores of their middle ranks."""
    values, counts = np.unique(row, return_counts=True)
    return values, ndtri((np.cumsum(counts) - 0.5 * counts) / row.size)


def _terms(knots: list[tuple[Floats, Floats]], powers: list[Floats], x: Floats) -> Floats:
    """Products (terms, m) of orthonormal Hermite polynomials of the scores; a power lists its variables."""
    scores = np.array([np.interp(row, *knot) for row, knot in zip(x, knots, strict=True)])
    hermite = [np.ones_like(scores), scores]
    for k in range(1, DEGREES):
        hermite.append((scores * hermite[k] - np.sqrt(k) * hermite[k - 1]) / np.sqrt(k + 1.0))
    found = np.ones((len(powers), x.shape[1]))
    for term, power in zip(found, powers, strict=True):
        for variable, degree in zip(*np.unique(power, return_counts=True), strict=True):
            term *= hermite[int(degree)][int(variable)]
    return found


def _solved(gram: Floats, side: Floats, count: int) -> Floats:
    return np.asarray(np.linalg.lstsq(gram[:count, :count], side[:count], rcond=1e-10)[0], dtype=float)


def _lost(weights: Floats, terms: Floats, y: Floats) -> Floats:
    return ((y - weights.T @ terms) ** 2).sum(axis=1)


def _nearest(at: Floats, benefit: Floats, to: Floats, counts: list[int]) -> list[Floats]:
    """Means (k, m) over the nearest c samples, for each c of ascending counts."""
    if at.shape[1] == 1:
        return _nearest_on_a_line(at[:, 0], benefit, to[:, 0], counts)
    _, index = KDTree(at).query(to, k=counts[-1])
    index = index.reshape(len(to), -1)
    sums = np.cumsum(benefit[:, index], axis=2)
    return [sums[:, :, c - 1] / c for c in counts]


def _nearest_on_a_line(at: Floats, benefit: Floats, to: Floats, counts: list[int]) -> list[Floats]:
    """The same in one dimension, where the c nearest of the sorted samples stand side by side."""
    order = np.argsort(at, kind="stable")
    line = at[order]
    sums = np.concatenate([np.zeros((len(benefit), 1)), np.cumsum(benefit[:, order], axis=1)], axis=1)
    found = []
    for c in counts:
        low, high = np.zeros(to.size, dtype=np.intp), np.full(to.size, line.size - c)
        while np.any(low < high):
            middle = (low + high) // 2
            later = (low < high) & (to - line[middle] > line[np.minimum(middle + c, line.size - 1)] - to)
            high = np.where(~later & (low < high), middle, high)
            low = np.where(later, middle + 1, low)
        found.append((sums[:, low + c] - sums[:, low]) / c)
    return found
