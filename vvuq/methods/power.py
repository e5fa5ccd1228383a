"""Several tests on the same data, and what they could have found: Holm's correction, and power by simulation.

A test that does not reject says little until it is known what it would have rejected.

Sources: Holm, Scand J Stat 6 (1979) 65; Clopper & Pearson, Biometrika 26 (1934) 404 (bounds of a share)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import stdtrit
from scipy.stats import beta

from vvuq.methods.consistency import Decision, Neighbours, ljung_box, neighbours
from vvuq.methods.uniformity import anderson_darling, normal_pit
from vvuq.record import Floats

FARTHEST = 10.0  # a factor that no test at these numbers detects up to here is called not detectable
Statistic = Callable[[Floats], Floats]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: rejecting those at most `level` rejects a true null in the family with at most that chance.

    Not-a-number (a test that was not made) stays and does not count."""
    p = np.asarray(p_values, dtype=float)
    order = [i for i in np.argsort(p, kind="stable") if not np.isnan(p[i])]
    adjusted, largest = p.copy(), 0.0
    for step, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - step) * p[i]))
        adjusted[i] = largest
    return [float(v) for v in adjusted]


def family(decisions: Sequence[Decision], level: float = 0.05) -> tuple[Decision, ...]:
    """The same tests decided together: p-values adjusted by Holm; bounds stay those of each test alone."""
    adjusted = holm([d.p_value for d in decisions])
    return tuple(d if d.consistent is None else _again(d, p, level) for d, p in zip(decisions, adjusted, strict=True))


def _again(alone: Decision, p: float, level: float) -> Decision:
    """The decision by an adjusted p-value; what is rejected now was rejected alone, so that its fault is known."""
    rejected = p <= level
    return replace(alone, p_value=p, consistent=not rejected, level=level, fault=alone.fault if rejected else "")


def share_bounds(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a share of which `hits` in n were seen."""
    tail = 0.5 * (1.0 - level)
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    return low, 1.0 if hits == n else float(beta.ppf(1.0 - tail, hits + 1, n - hits))


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest departure that a test finds with probability `power` at these numbers; infinite where none is.

    departure: "overconfident" and "underconfident" (by what factor the SDs are wrong) or "correlated" (of successive
    innovations)."""

    test: str
    departure: str
    size: float
    power: float
    n: int


def detectable(
    series: Sequence[Floats], rng: np.random.Generator, *, level: float = 0.05, power: float = 0.8,
    repeats: int = 2000, lags: int = 3,
) -> tuple[Detectable, ...]:  # fmt: skip
    """What the tests of spread (NIS), uniformity (PIT) and whiteness would find in sequences shaped like `series`.

    series: standardized innovations by patient; only their lengths and gaps count. `repeats` cohorts are drawn from a
    consistent filter, for the bounds, and again with each departure; its size is found by bisection on the same draws.
    """
    at, n = neighbours(series, lags), int(sum(np.isfinite(one).sum() for one in series))
    if n < 2:
        return ()
    null, drawn = rng.standard_normal((2, repeats, n))
    found = []
    for test, statistic, tails in (("nis", _nis, 2), ("pit", _pit, 1)):
        ends = _bounds(statistic(null), level, tails)
        for departure, sign in (("overconfident", 1.0), ("underconfident", -1.0)):
            share = partial(_share_of_scaled, drawn, statistic, ends, sign)
            found.append(Detectable(test, departure, _smallest(share, 1.0, FARTHEST, power), power, n))
    if at.pairs:
        _, limit = _bounds(ljung_box(null, at), level, 1)
        share = partial(_share_of_chained, drawn, series, at, limit)
        found.append(Detectable("whiteness", "correlated", _smallest(share, 0.0, 0.99, power), power, at.pairs))
    return tuple(found)


def _share_of_scaled(drawn: Floats, statistic: Statistic, ends: tuple[float, float], sign: float, size: float) -> float:
    """How often a filter whose SDs are too small (sign 1) or too large (-1) by `size` is rejected."""
    value = statistic(drawn * size**sign)
    return float(((value < ends[0]) | (value > ends[1])).mean())


def _share_of_chained(drawn: Floats, series: Sequence[Floats], at: Neighbours, limit: float, size: float) -> float:
    """How often innovations with a correlation of `size` between neighbours are found to be correlated."""
    return float((ljung_box(_chained(drawn, series, size), at) > limit).mean())


def _nis(z: Floats) -> Floats:
    return np.asarray((z**2).mean(axis=-1))


def _pit(z: Floats) -> Floats:
    return anderson_darling(normal_pit(z))


def _bounds(null: Floats, level: float, tails: int) -> tuple[float, float]:
    if tails == 1:
        return -np.inf, float(np.quantile(null, 1.0 - level))
    low, high = np.quantile(null, [0.5 * level, 1.0 - 0.5 * level])
    return float(low), float(high)


def _chained(drawn: Floats, series: Sequence[Floats], size: float) -> Floats:
    """Draws (repeats, n) made dependent: each patient's is an autoregression of order 1 with variance 1."""
    out, start, fresh = drawn.copy(), 0, np.sqrt(1.0 - size**2)
    for one in series:
        length = int(np.isfinite(one).sum())
        for k in range(start + 1, start + length):
            out[:, k] = size * out[:, k - 1] + fresh * drawn[:, k]
        start += length
    return out


def _smallest(share: Callable[[float], float], start: float, end: float, power: float) -> float:
    """The smallest size in [start, end] at which the rising `share` reaches `power`; infinite where it never does."""
    if share(end) < power:
        return float("inf")
    low, high = start, end
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if share(middle) >= power else (middle, high)
    return high


def would_be_seen(error: float, n: int, power: float = 0.8) -> float:
    """The size of an effect that a two-sided 95 % interval over n patients would tell from 0 with this power, when its
    standard error is `error`; infinite with one patient."""
    if n < 2 or not np.isfinite(error):
        return float("inf")
    return float(error) * float(stdtrit(n - 1, 0.975) + stdtrit(n - 1, power))
