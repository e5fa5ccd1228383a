"""Probability boxes: what chance does is drawn, what is not known lies in intervals, and results are bounds.

An aleatory input has a distribution; of an epistemic one it is known only that it lies between two ends, and no
distribution is put there. For each point of the box of intervals the output has a distribution, by the same aleatory
draws at each point (common random numbers), so that statistics are as smooth over the box as the model is. The bounds
of a statistic are sought over vertices, Sobol' points and, from the best of these, by the simplex method of Nelder and
Mead; shares of draws, which are steps, are smoothed for that search, while the bounds are of the shares themselves.

All bounds are inner ones: each is attained at a point that was evaluated, and the true ones may be wider. They are
exact, but for the draws, where the extremes are at vertices (monotone models). They are of the draws at hand: a share
of n independent draws errs by sqrt(p (1 - p) / n) beside.

Sources: Ferson et al., SAND2002-4015 (2003) (probability boxes); Oberkampf & Roy, Verification and Validation in
Scientific Computing (2010), 13.4; Nelder & Mead, Comput J 7 (1965) 308."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import qmc

from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Floats

MOST = 12  # intervals: each doubles the vertices
STEP = 0.25  # of the first simplex, of an interval's width
Function = Callable[[Floats, Floats], Floats]  # aleatory (p, n), epistemic (q,) -> values (n,)


@dataclass(frozen=True, eq=False, slots=True)
class Bounds:
    """The least and the greatest of statistics (k,) that were found, and where (k, q) in the intervals."""

    low: Floats
    high: Floats
    low_at: Floats
    high_at: Floats


@dataclass(frozen=True, eq=False, slots=True)
class ProbabilityBox:
    """Inner bounds of the mean (1,), of quantiles of `levels`, of P(Y <= x) at `grid` and of P(Y < x) at `thresholds`.

    evaluations: points of the box of intervals at which the model was run, each with all of the draws."""

    mean: Bounds
    levels: Floats
    quantiles: Bounds
    grid: Floats
    cdf: Bounds
    thresholds: Floats
    below: Bounds
    evaluations: int
    draws: int


def probability_box(
    function: Function,
    aleatory: Floats,
    intervals: Floats,
    *,
    levels: Floats | tuple[float, ...] = (0.05, 0.5, 0.95),
    grid: Floats | tuple[float, ...] = (),
    thresholds: Floats | tuple[float, ...] = (),
    points: int = 64,
    local: int = 60,
) -> ProbabilityBox:
    """Bounds over intervals (q, 2) of statistics of function(aleatory (p, n), point (q,)) -> (n,).

    A distribution with a parameter in an interval is drawn in the function, from the standard draws that `aleatory`
    holds. points: of a Sobol' net (a power of 2); local: evaluations at most of the search for each bound, none with 0.
    Raises InputError of intervals, NotEvaluable where runs fail: the bounds over the others would be none."""
    ends, draws = _ends(intervals), np.asarray(aleatory, dtype=float)
    quantile, to, under = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (levels, grid, thresholds))
    _checked(draws, quantile, (to, under), points, local)
    seen, width = list[_Visit](), [0.0]

    def visit(unit: Floats) -> _Visit:
        at = ends[:, 0] + unit * (ends[:, 1] - ends[:, 0])
        values = _values(function, draws, at)
        width[0] = width[0] or 0.5 * float(values.std()) * values.size**-0.2  # of the first point, kept for the others
        exact = [values.mean(), *np.quantile(values, quantile), *_shares(values, to, "right"), *_shares(values, under)]
        smooth = [*exact[: 1 + quantile.size], *_smoothed(values, np.concatenate([to, under]), width[0])]
        seen.append(_Visit(unit, at, np.array(exact), np.array(smooth)))
        return seen[-1]

    for unit in _spread(ends, points):
        visit(unit)
    is_share = np.arange(seen[0].exact.size) > quantile.size
    free = np.flatnonzero(ends[:, 1] > ends[:, 0])
    for index, sign in product(range(is_share.size if free.size and local else 0), (1.0, -1.0)):
        best = min(seen, key=lambda one: (sign * one.exact[index], sign * one.smooth[index]))
        if not (is_share[index] and best.exact[index] == (0.0 if sign > 0.0 else 1.0)):
            _refine(visit, best.unit, free, (index, sign), local)
    return _box(seen, (quantile, to, under), draws.shape[1])


@dataclass(frozen=True, eq=False, slots=True)
class _Visit:
    """A point in the unit box and in the intervals, the statistics there, and those that the search goes by."""

    unit: Floats
    at: Floats
    exact: Floats
    smooth: Floats


def _ends(intervals: Floats) -> Floats:
    ends = np.asarray(intervals, dtype=float)
    if ends.ndim != 2 or ends.shape[1] != 2 or not 1 <= len(ends) <= MOST:
        raise InputError("probability box", "intervals", ends.shape, f"rows of two ends (q, 2), 1 to {MOST} of them")
    if not (np.all(np.isfinite(ends)) and np.all(ends[:, 0] <= ends[:, 1])):
        raise InputError("probability box", "intervals", ends.tolist(), "finite ends, the lower one first")
    return ends


def _checked(draws: Floats, levels: Floats, at: tuple[Floats, ...], points: int, local: int) -> None:
    if draws.ndim != 2 or draws.shape[1] < 2 or not np.all(np.isfinite(draws)):
        raise InputError("probability box", "aleatory", draws.shape, "finite draws (inputs, n), 2 or more")
    if not np.all((levels >= 0.0) & (levels <= 1.0)):
        raise InputError("probability box", "levels", levels.tolist(), "probabilities")
    if not all(np.all(np.isfinite(one)) for one in at):
        raise InputError("probability box", "grid, thresholds", [one.tolist() for one in at], "finite values")
    if points < 1 or points & (points - 1):
        raise InputError("probability box", "points", points, "a power of 2")
    if local < 0:
        raise InputError("probability box", "local", local, "0 or more evaluations")


def _values(function: Function, draws: Floats, at: Floats) -> Floats:
    values = np.asarray(function(draws, at), dtype=float)
    if values.shape != (draws.shape[1],):
        raise InputError("probability box", "function", values.shape, f"a value for each of {draws.shape[1]} draws")
    failed = int((~np.isfinite(values)).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {values.size} runs failed at the epistemic point {at.tolist()}")
    return values


def _shares(values: Floats, at: Floats, side: Literal["left", "right"] = "left") -> Floats:
    """P(Y <= at) of side right, P(Y < at) of side left."""
    return np.searchsorted(np.sort(values), at, side=side) / values.size


def _smoothed(values: Floats, at: Floats, width: float) -> Floats:
    return np.array([ndtr((one - values) / width).mean() if width else np.mean(values < one) for one in at])


def _spread(ends: Floats, points: int) -> Iterator[Floats]:
    """The middle, the vertices and a Sobol' net of the unit box; what is known stays at 0."""
    free = np.flatnonzero(ends[:, 1] > ends[:, 0])
    unit = np.zeros(len(ends))
    net = qmc.Sobol(free.size, scramble=False).random(points)[1:] if free.size else ()
    middle = [np.full(free.size, 0.5)] if free.size else []
    for at in [*middle, *(np.array(v) for v in product((0.0, 1.0), repeat=free.size)), *net]:
        unit[free] = at
        yield unit.copy()


def _refine(
    visit: Callable[[Floats], _Visit], start: Floats, free: NDArray[np.intp], sought: tuple[int, float], most: int
) -> None:
    """Visits places from `start` on, towards the least sign * statistic of sought (index, sign)."""
    (index, sign), origin = sought, start[free]

    def cost(part: Floats) -> float:
        unit = start.copy()
        unit[free] = np.clip(part, 0.0, 1.0)
        return sign * float(visit(unit).smooth[index])

    simplex = np.vstack([origin, origin + np.diag(np.where(origin < 0.5, STEP, -STEP))])
    options: Any = {"initial_simplex": simplex, "maxfev": most, "xatol": 1e-4, "fatol": 0.0}
    minimize(cost, origin, method="Nelder-Mead", bounds=[(0.0, 1.0)] * free.size, options=options)


def _box(seen: list[_Visit], asked: tuple[Floats, Floats, Floats], draws: int) -> ProbabilityBox:
    exact, at = np.array([one.exact for one in seen]), np.array([one.at for one in seen])
    found = Bounds(exact.min(axis=0), exact.max(axis=0), at[exact.argmin(axis=0)], at[exact.argmax(axis=0)])
    parts, begin = list[Bounds](), 0
    for size in (1, *(one.size for one in asked)):
        part = slice(begin, begin + size)
        parts.append(Bounds(found.low[part], found.high[part], found.low_at[part], found.high_at[part]))
        begin += size
    mean, quantiles, cdf, below = parts
    return ProbabilityBox(mean, asked[0], quantiles, asked[1], cdf, asked[2], below, len(seen), draws)
