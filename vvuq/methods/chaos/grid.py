"""Expansions of smooth functions of few inputs by Gauss quadrature: on the full grid, or on Smolyak's sparse one.

The sparse expansion is the combination of projections on small full grids, each with the terms that its grid integrates
exactly. A projection on the combined nodes would alias terms into one another.

Sources: Golub & Welsch, Math Comput 23 (1969) 221; Conrad & Marzouk, SIAM J Sci Comput 35 (2013) A2643; Sudret, Reliab
Eng Syst Saf 93 (2008) 964."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

import chaospy
import numpy as np
from scipy.linalg import eigh_tridiagonal

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos.basis import Basis, Germ, Integers, basis_of, multi_indices, outer_points, products, tables
from vvuq.methods.chaos.design import design
from vvuq.methods.chaos.expansion import Error, Expansion
from vvuq.methods.chaos.select import validated
from vvuq.record import Floats

Function = Callable[[Floats], Floats]
_WHERE = "polynomial chaos"
_MOST_RUNS = 1_000_000
_NOT_YET = Error(0.0, 0.0, None, None, None, None, None)


def project(
    function: Function, germs: Sequence[chaospy.Distribution], degree: int, fresh: int, rng: np.random.Generator, *,
    sparse: bool = False, names: Sequence[str] = (),
) -> Expansion:  # fmt: skip
    """Expansion of function(points (d, n)) -> (n,) with all terms up to a total `degree`, its error measured on `fresh`
    (at least 10) random points.

    Raises NotEvaluable where runs fail, InputError where the grid has more than 1,000,000 nodes."""
    basis = basis_of(germs, degree + 1, names)
    if fresh < 10:
        raise InputError(_WHERE, "fresh", fresh, "give at least 10: the error is measured on them")
    grids = _sparse(basis, degree) if sparse else [_Grid(1, (degree + 2,) * len(germs))]
    wanted = float(sum(np.prod(np.array(g.sizes, dtype=float)) for g in grids))
    if wanted > _MOST_RUNS:
        remedy = f"give a lower one{'' if sparse else ' or a sparse grid'}: {wanted:.3g} runs, {_MOST_RUNS} at most"
        raise InputError(_WHERE, "degree", degree, remedy)
    nodes = [_tensor([_gauss(g, n)[0] for g, n in zip(basis.germs, grid.sizes, strict=True)]) for grid in grids]
    points, back = np.unique(outer_points(basis, np.concatenate(nodes, axis=1)), axis=1, return_inverse=True)
    checks = design(germs, fresh, rng, "random")
    values, truth = (np.asarray(function(np.ascontiguousarray(x)), dtype=float) for x in (points, checks))
    failed = int((~np.isfinite(values)).sum() + (~np.isfinite(truth)).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {values.size + fresh} model runs failed")
    if not np.ptp(truth) > 1e-13 * np.abs(truth).max():
        raise NotEvaluable(f"the output is constant ({truth[0]:.6g}) at all fresh points: nothing to expand")
    terms = multi_indices(len(germs), degree)
    coefficients, each = np.zeros(len(terms)), values[np.asarray(back).ravel()]
    for grid, at in zip(grids, nodes, strict=True):
        here, each = each[: at.shape[1]], each[at.shape[1] :]
        _add(basis, grid, outer_points(basis, at), here, terms, coefficients)
    words = f"{'sparse' if sparse else 'full'} grid of {values.size} nodes, degree {degree}, {len(terms)} terms"
    domain = np.array([points.min(axis=1), points.max(axis=1)]).T
    found = Expansion(basis, terms, coefficients, _NOT_YET, domain, values.size, words)
    return validated(found, checks, truth, float(truth.var()))


@dataclass(frozen=True, slots=True)
class _Grid:
    """A full grid of Gauss nodes, its size in each input and the factor with which it counts."""

    factor: int
    sizes: tuple[int, ...]


def _sparse(basis: Basis, degree: int) -> list[_Grid]:
    """Smolyak's combination of grids with k_i + 1 nodes: those with a sum of k near `degree`, of alternating signs."""
    d, grids = len(basis.germs), []
    for k in multi_indices(d, degree):
        short = degree - int(k.sum())
        if short < d:
            grids.append(_Grid((-1) ** short * comb(d - 1, short), tuple(int(v) + 1 for v in k)))
    return grids


def _add(basis: Basis, grid: _Grid, points: Floats, values: Floats, terms: Integers, coefficients: Floats) -> None:
    """Add a grid's projections on the terms that it integrates exactly."""
    weights = _tensor([_gauss(g, n)[1] for g, n in zip(basis.germs, grid.sizes, strict=True)]).prod(axis=0)
    mine = np.flatnonzero(np.all(terms < np.array(grid.sizes), axis=1))
    coefficients[mine] += grid.factor * (products(tables(basis, points), terms[mine]) @ (weights * values))


def _gauss(germ: Germ, n: int) -> tuple[Floats, Floats]:
    """The n Gauss nodes and weights of the variable that a germ's polynomials are in."""
    if n == 1:
        return germ.recurrence[0, :1], np.ones(1)
    nodes, vectors = eigh_tridiagonal(germ.recurrence[0, :n], germ.recurrence[1, 1:n])
    return np.asarray(nodes, dtype=float), np.asarray(vectors[0] ** 2, dtype=float)


def _tensor(lines: Sequence[Floats]) -> Floats:
    """All combinations (d, product of the lengths) of one value from each line."""
    return np.array([axis.ravel() for axis in np.meshgrid(*lines, indexing="ij")])
