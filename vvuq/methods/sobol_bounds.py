"""What Sobol' indices can be where some outputs are only known to lie between two numbers.

Replacing all failed outputs by the low and then by the high number does not bound an index: both raise the variance,
and what the runs would have given may lie on one side of both. Here each term of each estimator is bounded over all
outputs that its failed runs could have given, and so is the variance; every assignment of outputs has its index within.

Source: Moore, Kearfott & Cloud, Introduction to Interval Analysis (2009), 2.1 and 2.2 (sums, products, squares)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vvuq.record import Floats


class Range(NamedTuple):
    """Lower and upper ends, arrays of one shape."""

    low: Floats
    high: Floats


def minus(a: Range, b: Range) -> Range:
    """Differences of numbers in either range."""
    return Range(a.low - b.high, a.high - b.low)


def times(a: Range, b: Range) -> Range:
    """Products of numbers in either range."""
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    return Range(np.minimum.reduce(corners), np.maximum.reduce(corners))


def square(a: Range) -> Range:
    """Squares of numbers in the range."""
    nearest = np.maximum(0.0, np.maximum(a.low, -a.high))
    return Range(nearest**2, np.maximum(a.low**2, a.high**2))


def ratio(a: Range, b: Range) -> Range:
    """Quotients by numbers of a positive range; those by 0 are infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        corners = np.array([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high])
    return Range(np.fmin.reduce(corners), np.fmax.reduce(corners))


def indices_between(low: Floats, high: Floats, d: int, pairs: tuple[tuple[int, int], ...]) -> Range:
    """Ends (k, 2 d + pairs) of the estimates of first, total and second indices. With pairs, they are those of a design
    with second order. low, high: outputs (k, R, blocks, rows), equal where they are known."""
    middle = 0.5 * (low + high)
    centre = middle[:, :, :2].mean(axis=(1, 2, 3), keepdims=True)
    apart = Range(low - centre, high - centre)
    blocks = [Range(apart.low[:, :, i], apart.high[:, :, i]) for i in range(low.shape[2])]
    a, b = blocks[0], blocks[1]
    shift = _mean(Range(*(np.concatenate(ends, axis=-1) for ends in zip(a, b, strict=True))))  # of the centre, (k,)
    if pairs:
        above = _with_second(blocks, d, pairs, shift)
    else:
        changes = [minus(block, a) for block in blocks[2:]]
        moved = [times(shift, _mean(change)) for change in changes]
        above = [minus(_mean(times(b, c)), m) for c, m in zip(changes, moved, strict=True)]
        above += [_scaled(0.5, _mean(square(change))) for change in changes]
    below = _variance(a, b, np.stack([low[:, :, 0] == high[:, :, 0], low[:, :, 1] == high[:, :, 1]]))
    ends = [ratio(one, below) for one in above]
    return Range(np.stack([one.low for one in ends], axis=-1), np.stack([one.high for one in ends], axis=-1))


def _with_second(blocks: list[Range], d: int, pairs: tuple[tuple[int, int], ...], shift: Range) -> list[Range]:
    (a, b), one_b, one_a = blocks[:2], blocks[2 : 2 + d], blocks[2 + d :]
    ahead = [minus(block, a) for block in one_b]
    behind = [minus(b, block) for block in one_a]
    first = [_scaled(0.5, _mean(times(x, y))) for x, y in zip(ahead, behind, strict=True)]
    squares = [(_mean(square(x)), _mean(square(y))) for x, y in zip(ahead, behind, strict=True)]
    total = [Range(0.25 * (x.low + y.low), 0.25 * (x.high + y.high)) for x, y in squares]
    product, second = _mean(times(a, b)), []
    for i, j in pairs:
        moved = times(shift, minus(_mean(ahead[i]), _mean(behind[j])))
        joint = minus(minus(_mean(times(one_b[i], one_a[j])), product), moved)
        second.append(minus(minus(joint, first[i]), first[j]))
    return first + total + second


def _variance(a: Range, b: Range, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Range:
    """Of both halves: at least the spread of the known outputs, at most the largest squares about the centre."""
    high = 0.5 * (_mean(square(a)).high + _mean(square(b)).high)
    both = np.stack([a.low, b.low])
    count = np.maximum(known.sum(axis=(0, 2, 3)), 1)
    mean = np.where(known, both, 0.0).sum(axis=(0, 2, 3)) / count
    spread = np.where(known, (both - mean[:, None, None]) ** 2, 0.0).sum(axis=(0, 2, 3))
    return Range(spread / (known[:, 0].size), high)


def _mean(a: Range) -> Range:
    """Means (k,) over scrambles and rows."""
    return Range(a.low.mean(axis=(1, 2)), a.high.mean(axis=(1, 2)))


def _scaled(factor: float, a: Range) -> Range:
    return Range(factor * a.low, factor * a.high)
