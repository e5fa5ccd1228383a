"""Polynomial chaos with chaospy over independent standard normal germs, by full tensor Gauss quadrature.

Indices come from the coefficients of the orthonormal basis, exactly for the expansion. The error of the expansion is
measured on fresh points. Source: Sudret, Reliab Eng Syst Saf 93 (2008) 964."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import chaospy
import numpy as np

from vvuq.errors import NotEvaluable
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Chaos:
    """First-order and total indices (d,), mean and SD of the expansion, its relative error on fresh points, runs."""

    first: Floats
    total: Floats
    mean: float
    sd: float
    error: float
    runs: int


def polynomial_chaos(
    function: Callable[[Floats], Floats], d: int, degree: int, fresh: int, rng: np.random.Generator
) -> Chaos:
    """Expansion to total `degree` of function(germs (d, n)) -> (n,), checked on `fresh` random points."""
    germs = chaospy.Iid(chaospy.Normal(0.0, 1.0), d)
    basis, norms = chaospy.generate_expansion(degree, germs, retall=True)
    nodes, weights = chaospy.generate_quadrature(degree + 1, germs, rule="gaussian")
    values = function(np.ascontiguousarray(nodes))
    points = rng.standard_normal((d, fresh))
    truth = function(points)
    failed = int((~np.isfinite(values)).sum() + (~np.isfinite(truth)).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {values.size + fresh} model runs failed")
    coefficients = (np.asarray(basis(*nodes)) * (weights * values)).sum(axis=1) / norms
    expansion = coefficients @ np.asarray(basis(*points))
    error = float(np.mean((expansion - truth) ** 2) / np.var(truth))
    powers = np.asarray(basis.exponents)[_leading(basis)]
    parts = coefficients**2 * norms
    variance = float(parts[powers.sum(axis=1) > 0].sum())
    alone = [(powers[:, i] > 0) & (powers.sum(axis=1) == powers[:, i]) for i in range(d)]
    first = np.array([parts[mask].sum() for mask in alone]) / variance
    total = np.array([parts[powers[:, i] > 0].sum() for i in range(d)]) / variance
    return Chaos(
        first, total, float(coefficients[powers.sum(axis=1) == 0][0]), variance**0.5, error, values.size + fresh
    )


def _leading(basis: chaospy.ndpoly) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each polynomial the row of its leading exponent: the one of highest total degree that it contains."""
    present = np.abs(np.asarray(basis.coefficients)) > 1e-12  # (exponents, polynomials)
    degree = np.asarray(basis.exponents).sum(axis=1)
    return np.array([int(np.argmax(np.where(present[:, j], degree + 0.5, -1))) for j in range(present.shape[1])])
