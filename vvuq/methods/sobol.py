"""Sobol' indices by replicated randomised quasi-Monte-Carlo: as many independent nets as scrambles, each twice as wide
as the function's inputs: halves A and B, and A with its column i from B.

First order: Saltelli et al. 2010, (b). With second order, B with its column i from A is run as well, and both halves
share the work: first order by Azzini & Rosati, second by Saltelli 2002. Total: Jansen. Outputs are centred by their
mean over A and B; variances are pooled over all scrambles; intervals are those of `scrambles.shares`.

Sources: Saltelli et al., Comput Phys Commun 181 (2010) 259; Jansen, Comput Phys Commun 117 (1999) 35; Azzini, Mara &
Rosati, Environ Model Softw 144 (2021) 105167; Saltelli, Comput Phys Commun 145 (2002) 280. Coverage: decision 0029."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from vvuq.errors import InputError
from vvuq.methods.scrambles import (
    centred,
    checked_outputs,
    checked_sizes,
    failed_runs,
    net,
    refuse_failed,
    seeds_of,
    shares,
)  # fmt: skip
from vvuq.methods.sobol_bounds import indices_between
from vvuq.record import Floats

LEVEL = 0.95
IN_CACHE = 2**18  # floats
Function = Callable[[Floats], Floats]
Ends = tuple[float | Floats, float | Floats]


@dataclass(frozen=True, eq=False, slots=True)
class Design:
    """Points (d, n) of the open unit cube at which a function is to be run, and how they are laid out.

    The columns go by scramble, then block, then row of the net (`base` rows from `start` on). Blocks: A, B, then for
    each input i A with input i from B, then with `second` for each i B with input i from A."""

    points: Floats
    base: int
    seeds: tuple[int, ...]
    second: bool = False
    start: int = 0

    @property
    def blocks(self) -> int:
        """Runs for each row of the net."""
        d = len(self.points)
        return 2 + d * (1 + self.second)


@dataclass(frozen=True, eq=False, slots=True)
class Indices:
    """Sobol' indices with 95 % intervals: arrays (d,) for one output, (k, d) for k outputs.

    second and its ends: of the pairs (i, j) in `pairs`, in that order along the last axis; None where not asked for.
    variance, mean: of the output, () or (k,). `failed` of `runs` lie between bounds. Intervals are not cut at 0
    and 1. An index whose interval is (0, 0) belongs to an input that changed nothing in any run."""

    first: Floats
    first_low: Floats
    first_high: Floats
    total: Floats
    total_low: Floats
    total_high: Floats
    second: Floats | None
    second_low: Floats | None
    second_high: Floats | None
    pairs: tuple[tuple[int, int], ...]
    variance: Floats
    mean: Floats
    runs: int
    failed: int
    scrambles: int
    base: int


def design(d: int, base: int, scrambles: int, rng: np.random.Generator, *, second: bool = False) -> Design:
    """Where to run a function of d inputs: `scrambles` nets (16 are what the intervals are certified for) of `base`
    rows, a power of 2. Costs scrambles * base * (d + 2) runs, 2 d + 2 with second order. Raises InputError."""
    checked_sizes("Sobol' design", 2 * d, base, scrambles)
    if second and d < 2:
        raise InputError("Sobol' design", "second", second, "2 inputs or more: there is no pair")
    seeds = seeds_of(scrambles, rng)
    return Design(_points(d, base, seeds, second, 0), base, seeds, second)


def extension(of: Design) -> Design:
    """The rows that double a design from row 0 on: run these too, then see `joined`. Raises InputError."""
    if of.start:
        raise InputError("Sobol' design", "start", of.start, "a design from row 0 on, as `design` and `joined` give it")
    points = _points(len(of.points), of.base, of.seeds, of.second, of.base)
    return replace(of, points=points, start=of.base)


def joined(of: Design, values: Floats, more: Design, further: Floats) -> tuple[Design, Floats]:
    """A design and its extension as one, with the outputs of both in its order. Raises InputError."""
    if more.start != of.base or more.base != of.base or more.seeds != of.seeds or more.second != of.second:
        raise InputError("Sobol' design", "extension", (more.start, more.base), "the extension of the first design")
    cubes = [_cube(design, checked_outputs("Sobol' indices", y, design.points.shape[1])) for design, y in
             ((of, values), (more, further))]  # fmt: skip
    d = len(of.points)
    points = np.concatenate([_cube(design, design.points) for design in (of, more)], axis=-1).reshape(d, -1)
    outputs = np.concatenate(cubes, axis=-1).reshape(len(cubes[0]), -1)
    return replace(of, points=points, base=2 * of.base), outputs.reshape(*np.shape(values)[:-1], -1)


def analyse(of: Design, values: Floats, *, bounds: Ends | None = None, level: float = LEVEL) -> Indices:
    """Indices from the outputs (n,) or (k, n) at the points of a design from row 0 on, with intervals at `level`.

    bounds: what an output of a failed run lies between at worst, each a number or (k,). The ends hold the estimates for
    every such output (`sobol_bounds`), widened by the largest half-width with failed outputs at the low end, middle and
    high end; the values are those with the middle. Without bounds, raises NotEvaluable where a run failed; also where
    an output does not vary."""
    if of.start:
        raise InputError("Sobol' indices", "start", of.start, "a design from row 0 on; `joined` appends an extension")
    outputs, at = (
        checked_outputs("Sobol' indices", values, of.points.shape[1]),
        slice(None) if np.ndim(values) > 1 else 0,
    )
    failed = failed_runs(outputs)
    if bounds is None or not failed.any():
        refuse_failed(outputs)
        found = _estimates(of, outputs, level)
    else:
        found = _bounded(of, outputs, bounds, level)
    value, low, high = found.value[at], found.low[at], found.high[at]
    d = len(of.points)
    first, total, second = (slice(0, d), slice(d, 2 * d), slice(2 * d, None))
    pairs = [part[..., second] if of.second else None for part in (value, low, high)]
    return Indices(
        value[..., first], low[..., first], high[..., first], value[..., total], low[..., total], high[..., total],
        pairs[0], pairs[1], pairs[2], _pairs(of), found.variance[at], found.mean[at],
        failed.size, int(failed.sum()), len(of.seeds), of.base,
    )  # fmt: skip


def sobol_indices(
    function: Function, d: int, base: int, scrambles: int, rng: np.random.Generator, *, second: bool = False,
    bounds: Ends | None = None,
) -> Indices:  # fmt: skip
    """Indices of function(points (d, n) in the open unit cube) -> (n,) or (k, n): see `design` and `analyse`."""
    where = design(d, base, scrambles, rng, second=second)
    return analyse(where, function(where.points), bounds=bounds)


@dataclass(frozen=True, eq=False, slots=True)
class Looks:
    """Indices where a search for narrow intervals ended: whether the goal was reached, after how many looks, the widest
    half-width of each look among those that count, and the level of each look's intervals (see `sobol_until`)."""

    indices: Indices
    reached: bool
    looks: int
    widest: tuple[float, ...]
    level: float


def sobol_until(
    function: Function, start: Design, half_width: float, most_runs: int, *, inputs: tuple[int, ...] | None = None,
    bounds: Ends | None = None,
) -> Looks:  # fmt: skip
    """Doubles the nets of a design, with no point run twice, until the half-widths of first and total indices (and of
    second ones, where asked for) are `half_width` at most, or the next doubling would exceed `most_runs`.

    inputs: whose indices count; all by default. Of K looks that the budget allows, each has intervals at the level
    1 - 0.05 / K: by Bonferroni those of an index all cover with 95 %, so the last does wherever it stops. Raises
    InputError."""
    d, runs = start.points.shape
    if not 0.0 < half_width < np.inf:
        raise InputError("Sobol' indices", "half_width", half_width, "a positive number")
    if most_runs < runs:
        raise InputError("Sobol' indices", "most_runs", most_runs, f"{runs} or more: the first nets take so many")
    if inputs is not None and not (inputs and set(inputs) <= set(range(d))):
        raise InputError("Sobol' indices", "inputs", inputs, f"some of the inputs 0 to {d - 1}")
    looks = (most_runs // runs).bit_length()
    level, chosen = 1.0 - (1.0 - LEVEL) / looks, tuple(range(d)) if inputs is None else inputs
    now, values, widest = start, np.asarray(function(start.points), dtype=float), []
    while True:
        found = analyse(now, values, bounds=bounds, level=level)
        widest.append(_widest(found, chosen))
        if widest[-1] <= half_width or len(widest) == looks:
            return Looks(found, widest[-1] <= half_width, len(widest), tuple(widest), level)
        more = extension(now)
        now, values = joined(now, values, more, np.asarray(function(more.points), dtype=float))


def _widest(found: Indices, chosen: tuple[int, ...]) -> float:
    columns = list(chosen)
    widths = [(found.first_high - found.first_low)[..., columns], (found.total_high - found.total_low)[..., columns]]
    if found.second_low is not None and found.second_high is not None:
        both = [p for p, pair in enumerate(found.pairs) if set(pair) & set(chosen)]
        widths.append((found.second_high - found.second_low)[..., both])
    return 0.5 * max(float(w.max()) for w in widths)


def _points(d: int, base: int, seeds: tuple[int, ...], second: bool, start: int) -> Floats:
    """Points (d, n) in the order that Design states."""
    blocks = 2 + d * (1 + second)
    points = np.empty((d, len(seeds), blocks, base))
    for r, seed in enumerate(seeds):
        both = net(2 * d, base, seed, start)
        points[:, r, 0], points[:, r, 1] = both[:d], both[d:]
    for i in range(d):
        points[:, :, 2 + i] = points[:, :, 0]
        points[i, :, 2 + i] = points[i, :, 1]
        if second:
            points[:, :, 2 + d + i] = points[:, :, 1]
            points[i, :, 2 + d + i] = points[i, :, 0]
    return points.reshape(d, -1)


def _cube(of: Design, columns: Floats) -> Floats:
    """Columns (m, n) of a design as (m, scramble, block, row)."""
    return columns.reshape(len(columns), len(of.seeds), of.blocks, of.base)


def _pairs(of: Design) -> tuple[tuple[int, int], ...]:
    return tuple(combinations(range(len(of.points)), 2)) if of.second else ()


@dataclass(frozen=True, eq=False, slots=True)
class _Estimates:
    """First, total and second indices (k, 2 d + pairs) with their ends, mean and variance (k,)."""

    value: Floats
    low: Floats
    high: Floats
    mean: Floats
    variance: Floats


def _bounded(of: Design, outputs: Floats, bounds: Ends, level: float) -> _Estimates:
    low, high = (np.asarray(end, dtype=float) for end in bounds)
    fits = all(end.ndim == 0 or end.shape == (len(outputs),) for end in (low, high))
    if not fits or not np.all(np.isfinite(low)) or not np.all(np.isfinite(high)) or np.any(low > high):
        remedy = f"two finite numbers, or arrays of {len(outputs)}, the low ends not above the high ones"
        raise InputError("Sobol' indices", "bounds", bounds, remedy)
    filled = [np.where(np.isfinite(outputs), outputs, end.reshape(-1, 1)) for end in (low, 0.5 * (low + high), high)]
    _, middle, _ = found = [_estimates(of, values, level) for values in filled]
    half = np.max([one.high - one.value for one in found], axis=0)
    reach = indices_between(_cube(of, filled[0]), _cube(of, filled[2]), len(of.points), _pairs(of))
    return replace(middle, low=reach.low - half, high=reach.high + half)


def _estimates(of: Design, outputs: Floats, level: float) -> _Estimates:
    """Estimates for outputs (k, n), a few at a time so that they stay in the processor's cache."""
    step = max(1, IN_CACHE // outputs.shape[1])
    few = [_few(of, outputs, at, step) for at in range(0, len(outputs), step)]
    above, below, mean, variance = (np.concatenate(part, axis=-1) for part in zip(*few, strict=True))
    value, half = shares(np.moveaxis(above, 2, 1), below[:, :, None], level)
    return _Estimates(value, value - half, value + half, mean, variance)


def _few(of: Design, outputs: Floats, at: int, step: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Numerators (R, m, step), denominators (R, step), mean and variance (step,) of outputs from `at` on."""
    cube = _cube(of, outputs[at : at + step])
    apart, mean, size = centred(outputs[at : at + step], cube[:, :, :2].reshape(len(cube), -1), at)
    shaped = _cube(of, apart)
    a, b = shaped[:, :, 0], shaped[:, :, 1]
    variance = 0.5 * (_means(a, a) + _means(b, b))
    parts = _with_second(of, shaped) if of.second else _without_second(of, shaped)
    return np.array(parts).transpose(2, 0, 1), variance.T, mean[:, 0], variance.mean(axis=1) * size[:, 0] ** 2


def _means(a: Floats, b: Floats) -> Floats:
    """Means over the rows of products, (k, R)."""
    return np.einsum("krn,krn->kr", a, b) / a.shape[-1]


def _without_second(of: Design, shaped: Floats) -> list[Floats]:
    """Numerators (k, R) of the first and total indices."""
    a, b, first, total = shaped[:, :, 0], shaped[:, :, 1], [], []
    for i in range(len(of.points)):
        change = shaped[:, :, 2 + i] - a
        first.append(_means(b, change))
        total.append(0.5 * _means(change, change))
    return first + total


def _with_second(of: Design, shaped: Floats) -> list[Floats]:
    """Numerators (k, R) of the first, total and second indices."""
    d, a, b = len(of.points), shaped[:, :, 0], shaped[:, :, 1]
    first, total, product = [], [], _means(a, b)
    for i in range(d):
        one, other = shaped[:, :, 2 + i] - a, b - shaped[:, :, 2 + d + i]
        first.append(0.5 * _means(one, other))
        total.append(0.25 * (_means(one, one) + _means(other, other)))
    second = [
        _means(shaped[:, :, 2 + i], shaped[:, :, 2 + d + j]) - product - first[i] - first[j] for i, j in _pairs(of)
    ]
    return first + total + second
