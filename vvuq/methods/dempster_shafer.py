"""Dempster-Shafer structures through a model: masses of evidence on intervals, belief and plausibility of what follows.

An input is given as focal elements: intervals, each with a mass, the share of the evidence that says "in here" and no
more. Inputs together have cells, with the products of masses where the sources are independent, or joint masses as
given. The model's least and greatest value in a cell carry its mass on: what is sure to hold in all of them is belief,
what is not ruled out plausibility, and P lies between.

The range of a cell is sought at its vertices, at points inside, and from the best of these by a compass search, in all
cells at once. It is exact where the model is monotone. Otherwise a range that was found can only be too narrow: belief
is then too high, and plausibility too low.

Sources: Dempster, Ann Math Stat 38 (1967) 325; Shafer, A Mathematical Theory of Evidence (1976); Kolda, Lewis &
Torczon, SIAM Rev 45 (2003) 385 (compass search)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product as combinations

import numpy as np
from scipy.stats import qmc

from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Floats

MOST = 10  # inputs: each doubles the vertices of a cell
START = 0.25  # of the compass, of a cell's width


@dataclass(frozen=True, eq=False, slots=True)
class Focal:
    """Focal elements of the output: the range (k,) that was found of each cell, its mass (k,), and the model's runs."""

    low: Floats
    high: Floats
    masses: Floats
    evaluations: int


def product(intervals: Sequence[Floats], masses: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Cells (k, d, 2) and their masses (k,) of d independent inputs, each with intervals (m_i, 2) and masses (m_i,)."""
    if len(intervals) != len(masses) or not len(intervals):
        raise InputError(
            "belief structure", "masses", len(masses), f"as many as inputs with intervals, {len(intervals)}"
        )
    each = [_cells(np.asarray(i, dtype=float)[:, None, :], m) for i, m in zip(intervals, masses, strict=True)]
    picks = np.array(list(combinations(*(range(len(m)) for _, m in each))))
    cells = np.stack([cells[picks[:, i], 0] for i, (cells, _) in enumerate(each)], axis=1)
    together = np.prod([m[picks[:, i]] for i, (_, m) in enumerate(each)], axis=0)
    return cells, np.asarray(together)


def carried(
    function: Callable[[Floats], Floats], cells: Floats, masses: Floats, *, points: int = 8, rounds: int = 24
) -> Focal:
    """What function(points (d, n)) -> (n,) makes of cells (k, d, 2) with masses (k,), independent or not.

    points: inside each cell (a power of 2); rounds: of the compass search, 2 d runs a cell and end each, none with 0.
    Raises InputError of cells and masses, NotEvaluable where runs fail."""
    cells, masses = _cells(cells, masses)
    k, d, _ = cells.shape
    if points < 1 or points & (points - 1):
        raise InputError("belief structure", "points", points, "a power of 2")
    runs = [0]

    def values(unit: Floats) -> Floats:
        """Of places (k, m, d) in unit cells."""
        at = cells[:, None, :, 0] + unit * (cells[:, None, :, 1] - cells[:, None, :, 0])
        runs[0] += unit.shape[1] * k
        return _finite(function(np.ascontiguousarray(at.reshape(-1, d).T)), unit.shape[1] * k).reshape(k, -1)

    vertices = np.array(list(combinations((0.0, 1.0), repeat=d)))
    net = np.vstack([vertices, np.full((1, d), 0.5), qmc.Sobol(d, scramble=False).random(points)[1:]])
    found, every = values(np.broadcast_to(net, (k, *net.shape))), np.arange(k)
    ends = []
    for best, sign in ((found.argmin(axis=1), 1.0), (found.argmax(axis=1), -1.0)):
        ends.append(_compass(values, net[best], found[every, best], sign, rounds))
    low, high = ends
    return Focal(low, high, masses, runs[0])


def belief(found: Focal, thresholds: Floats) -> Floats:
    """The mass (m,) of the cells all of whose values lie below each of the thresholds (m,)."""
    return _mass(found.high, found.masses, thresholds)


def plausibility(found: Focal, thresholds: Floats) -> Floats:
    """The mass (m,) of the cells some of whose values lie below each of the thresholds (m,)."""
    return _mass(found.low, found.masses, thresholds)


def mean_bounds(found: Focal) -> tuple[float, float]:
    """Between which the mean lies, whatever happens inside the cells."""
    return float(found.masses @ found.low), float(found.masses @ found.high)


def _compass(values: Callable[[Floats], Floats], start: Floats, best: Floats, sign: float, rounds: int) -> Floats:
    """The least sign * values (k,) from starts (k, d) on: a step along an axis where it is better, else half a step."""
    k, d = start.shape
    at, best, step = start.copy(), sign * best, np.full(k, START)
    ways = np.vstack([np.eye(d), -np.eye(d)])
    for _ in range(rounds):
        tried = np.clip(at[:, None, :] + step[:, None, None] * ways, 0.0, 1.0)
        found = sign * values(tried)
        first = found.argmin(axis=1)
        better = found[np.arange(k), first] < best
        at[better] = tried[better, first[better]]
        best = np.where(better, found[np.arange(k), first], best)
        step = np.where(better, step, 0.5 * step)
    return sign * best


def _mass(ends: Floats, masses: Floats, thresholds: Floats) -> Floats:
    return ((ends[:, None] < np.atleast_1d(np.asarray(thresholds, dtype=float))) * masses[:, None]).sum(axis=0)


def _cells(cells: Floats, masses: Floats) -> tuple[Floats, Floats]:
    cells, masses = np.asarray(cells, dtype=float), np.asarray(masses, dtype=float)
    if cells.ndim != 3 or cells.shape[2] != 2 or not 1 <= cells.shape[1] <= MOST or masses.shape != cells.shape[:1]:
        raise InputError("belief structure", "cells", cells.shape, f"(k, 1 to {MOST} inputs, 2 ends), with k masses")
    if not (np.all(np.isfinite(cells)) and np.all(cells[..., 0] <= cells[..., 1])):
        raise InputError("belief structure", "cells", cells.tolist(), "finite ends, the lower one first")
    if not (np.all(masses >= 0.0) and abs(masses.sum() - 1.0) < 1e-9):
        raise InputError("belief structure", "masses", masses.tolist(), "0 or more, their sum 1")
    return cells, masses


def _finite(values: Floats, count: int) -> Floats:
    values = np.asarray(values, dtype=float)
    if values.shape != (count,):
        raise InputError("belief structure", "function", values.shape, f"a value for each of {count} points")
    failed = int((~np.isfinite(values)).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {count} runs failed: the range of their cells is not known")
    return values
