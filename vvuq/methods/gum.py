"""How uncertain a computed quantity is, by the guides of metrology: Monte Carlo until its digits stand still, the law
of propagation beside it, and whether the two agree.

The rule of the supplement stops where twice the standard deviation of the average over blocks is below the tolerance,
for estimate, uncertainty and both ends of the interval. It keeps less than it promises. After two blocks a standard
deviation is hardly known: with two digits of N(0, 4) each end was then right in 93 % of 2,000 seeds, all four numbers
in 87 %. And the ends of the shortest interval of all values do not settle as the root of their number does but as its
cube root, so that averages over blocks do not speak for them: right in 80 %, all four numbers in 70 % of 400 seeds. The
default, "simultaneous", takes ten blocks and more, Student's t for four numbers at once, and the cube root where it
belongs: all four were right in more than 99 %, for 1.2e5 trials in place of 5e4 (shortest: 1.6e6 in place of 1.8e5).
`rule="supplement"` is the guide to the letter.

Sources: JCGM 101:2008, 5.3.3, 5.3.4, 7.2 to 7.9, 8; JCGM 100:2008, 5.1, 5.2, G.4 (Welch-Satterthwaite); Wuebbeler,
Harris, Cox & Elster, Metrologia 47 (2010) 317 (what the rule promises); Kim & Pollard, Ann Stat 18 (1990) 191."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Floats

Interval = Literal["symmetric", "shortest"]
Rule = Literal["simultaneous", "supplement"]
BLOCK = 10_000  # trials of a block at least (7.9.4 b)
FEWEST = {"simultaneous": 10, "supplement": 2}  # blocks


@dataclass(frozen=True, eq=False, slots=True)
class Propagated:
    """What Monte Carlo found: the estimate, its standard uncertainty, and the ends of the coverage interval.

    errors (4,): half-widths of 95 % intervals of these four numbers. stabilized: all of them are at most `tolerance`,
    which is `share` of half a unit of the last of the digits of the uncertainty; where it is not, as many digits are
    not known. A promise about the sampling alone, of 95 %: nothing is said of the model."""

    estimate: float
    uncertainty: float
    low: float
    high: float
    coverage: float
    interval: Interval
    rule: Rule
    errors: Floats
    tolerance: float
    trials: int
    stabilized: bool


@dataclass(frozen=True, slots=True)
class Framework:
    """What the law of propagation says: the estimate, its standard uncertainty, coverage factor and interval."""

    estimate: float
    uncertainty: float
    factor: float
    low: float
    high: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Validation:
    """How far the ends of the law of propagation are from those of Monte Carlo, and what is allowed.

    agrees is None where the Monte Carlo is not sharp enough to tell."""

    d_low: float
    d_high: float
    delta: float
    agrees: bool | None


def adaptive(
    sample: Callable[[int, np.random.Generator], Floats],
    rng: np.random.Generator,
    *,
    coverage: float = 0.95,
    digits: int = 2,
    interval: Interval = "symmetric",
    rule: Rule = "simultaneous",
    share: float = 1.0,
    budget: int = 10_000_000,
) -> Propagated:
    """Draws blocks of independent values of the quantity, sample(count, rng) -> (count,), until `digits` significant
    digits of its uncertainty stand still, or the next block would exceed `budget` trials.

    share: of the tolerance, 0.2 where the result is to validate the law of propagation (8.2). Raises InputError of
    settings, NotEvaluable where values are not finite, or all equal."""
    size = max(int(np.ceil(100.0 / (1.0 - _share("coverage", coverage)) - 1e-9)), BLOCK)
    if rule not in FEWEST:
        raise InputError("uncertainty", "rule", rule, "one of " + ", ".join(FEWEST))
    if not 0.0 < share <= 1.0:
        raise InputError("uncertainty", "share", share, "above 0, at most 1")
    if budget < FEWEST[rule] * size:
        raise InputError("uncertainty", "budget", budget, f"{FEWEST[rule] * size} or more: blocks have {size} trials")
    values, blocks, bound = list[Floats](), list[Floats](), 0.0
    errors, stabilized = np.full(4, np.inf), False
    while not stabilized and (len(values) + 1) * size <= budget:
        values.append(_drawn(sample, size, rng))
        blocks.append(_numbers(values[-1], coverage, interval))
        if len(blocks) >= FEWEST[rule]:
            bound = share * tolerance(_pooled(values, np.array(blocks)), digits)
            errors = _errors(np.array(blocks), interval, rule)
            stabilized = bool(np.all(errors <= bound))
    found = _numbers(np.concatenate(values), coverage, interval)
    estimate, uncertainty, low, high = (float(v) for v in found)
    trials = len(values) * size
    return Propagated(estimate, uncertainty, low, high, coverage, interval, rule, errors, bound, trials, stabilized)


def coverage_interval(values: Floats, coverage: float = 0.95, interval: Interval = "symmetric") -> tuple[float, float]:
    """Ends of the interval that holds the share `coverage` of values (n,): with equal tails, or the shortest (7.7)."""
    n, held = len(values), int(_share("coverage", coverage) * len(values) + 0.5)
    if interval not in ("symmetric", "shortest"):
        raise InputError("uncertainty", "interval", interval, "symmetric or shortest")
    if n - held < 2:
        raise NotEvaluable(f"{n} values are too few for an interval of {coverage:g}")
    ordered = np.sort(values)
    shortest = interval == "shortest"
    first = int(np.argmin(ordered[held:] - ordered[:-held])) if shortest else (n - held + 1) // 2 - 1
    return float(ordered[first]), float(ordered[first + held])


def tolerance(uncertainty: float, digits: int) -> float:
    """Half a unit of the last of `digits` significant digits of an uncertainty (7.9.2): 0.0005 for 0.0754 and 2."""
    if digits not in range(1, 7):
        raise InputError("uncertainty", "digits", digits, "a whole number from 1 to 6")
    if not (np.isfinite(uncertainty) and uncertainty > 0.0):
        raise NotEvaluable(f"an uncertainty of {uncertainty:g} has no significant digits: the quantity does not vary")
    exponent = int(f"{uncertainty:.{digits - 1}e}".partition("e")[2])
    return float(0.5 * 10.0 ** (exponent - digits + 1))


def propagated(
    estimate: float,
    sensitivities: Floats,
    uncertainties: Floats,
    *,
    correlation: Floats | None = None,
    freedom: Floats | None = None,
    coverage: float = 0.95,
) -> Framework:
    """The law of propagation: inputs of standard uncertainties (k,) move the quantity by sensitivities (k,).

    correlation (k, k) of the inputs, else none; freedom (k,): degrees of freedom of each uncertainty, else infinitely
    many; both at once are refused, the effective ones being defined for independent inputs only."""
    c, u = np.asarray(sensitivities, dtype=float), np.asarray(uncertainties, dtype=float)
    if c.ndim != 1 or c.shape != u.shape or not c.size:
        raise InputError("uncertainty", "sensitivities", c.shape, f"one for each of the uncertainties, {u.shape}")
    if not (np.all(np.isfinite(c)) and np.all(np.isfinite(u)) and np.all(u >= 0.0) and np.isfinite(estimate)):
        raise InputError("uncertainty", "uncertainties", u.tolist(), "finite numbers, and uncertainties of 0 or more")
    parts = c * u
    related = np.eye(c.size) if correlation is None else _correlation(correlation, c.size)
    variance = float(parts @ related @ parts)
    if not variance > 0.0:
        raise NotEvaluable("the inputs' uncertainties do not move the quantity: its uncertainty is 0")
    tail = 0.5 + 0.5 * _share("coverage", coverage)
    factor = float(ndtri(tail)) if freedom is None else _student(tail, parts, np.asarray(freedom, float), correlation)
    half = factor * float(np.sqrt(variance))
    return Framework(estimate, float(np.sqrt(variance)), factor, estimate - half, estimate + half, coverage)


def validated(framework: Framework, found: Propagated, digits: int = 2) -> Validation:
    """Whether both ends agree within the tolerance of the law's uncertainty (8.1); the Monte Carlo is sharp enough
    where it stood still within a fifth of that (8.2)."""
    if framework.coverage != found.coverage:
        raise InputError("uncertainty", "coverage", found.coverage, f"{framework.coverage:g}, as of the law")
    delta = tolerance(framework.uncertainty, digits)
    low, high = abs(framework.low - found.low), abs(framework.high - found.high)
    sharp = found.stabilized and bool(np.all(found.errors <= 0.2 * delta * (1.0 + 1e-9)))
    return Validation(low, high, delta, (low <= delta and high <= delta) if sharp else None)


def _share(name: str, value: float) -> float:
    if not 0.0 < value < 1.0:
        raise InputError("uncertainty", name, value, "between 0 and 1")
    return value


def _drawn(sample: Callable[[int, np.random.Generator], Floats], size: int, rng: np.random.Generator) -> Floats:
    values = np.asarray(sample(size, rng), dtype=float)
    if values.shape != (size,):
        raise InputError("uncertainty", "sample", values.shape, f"{size} values, as many as were asked for")
    if not np.all(np.isfinite(values)):
        raise NotEvaluable(f"{int((~np.isfinite(values)).sum())} of {size} trials failed: their values are not finite")
    return values


def _numbers(values: Floats, coverage: float, interval: Interval) -> Floats:
    return np.array([values.mean(), values.std(ddof=1), *coverage_interval(values, coverage, interval)])


def _pooled(values: list[Floats], blocks: Floats) -> float:
    """The standard deviation of all values, from the blocks' means and standard deviations."""
    size = len(values[0])
    inner, outer = (size - 1) * (blocks[:, 1] ** 2).sum(), size * ((blocks[:, 0] - blocks[:, 0].mean()) ** 2).sum()
    return float(np.sqrt((inner + outer) / (size * len(blocks) - 1)))


def _errors(blocks: Floats, interval: Interval, rule: Rule) -> Floats:
    """Half-widths (4,) for the averages of blocks (h, 4), or for what all values give."""
    h, spread = len(blocks), blocks.std(axis=0, ddof=1)
    if rule == "supplement":
        return 2.0 * spread / np.sqrt(h)
    rate = np.array([0.5, 0.5, *(2 * [1.0 / 3.0] if interval == "shortest" else 2 * [0.5])])
    return float(stdtrit(h - 1, 1.0 - 0.025 / 4.0)) * spread / h**rate


def _correlation(given: Floats, k: int) -> Floats:
    r = np.asarray(given, dtype=float)
    proper = r.shape == (k, k) and bool(np.all(np.isfinite(r))) and np.allclose(r, r.T) and np.allclose(np.diag(r), 1.0)
    if not proper or np.linalg.eigvalsh(r)[0] < -1e-9:
        raise InputError("uncertainty", "correlation", r.tolist(), f"a correlation matrix ({k}, {k})")
    return r


def _student(tail: float, parts: Floats, freedom: Floats, correlation: Floats | None) -> float:
    if correlation is not None:
        raise InputError("uncertainty", "freedom", freedom.tolist(), "none where inputs are correlated")
    if freedom.shape != parts.shape or not np.all(freedom > 0.0):
        raise InputError("uncertainty", "freedom", freedom.tolist(), "a number above 0 for each input; inf where known")
    lost = float((parts**4 / freedom).sum())
    return float(ndtri(tail) if lost == 0.0 else stdtrit(float((parts**2).sum()) ** 2 / lost, tail))
