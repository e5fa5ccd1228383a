"""Tapers as covariance matrices: certified to be semidefinite, refused, or projected onto what is.

Only a filter that multiplies a covariance element by element needs it; serial and local filters do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Floats

_TOLERANCE = 1e-10  # of the largest eigenvalue: what rounding makes of a semidefinite matrix
_ROUNDS = 200


def certify(taper: Floats, tolerance: float = _TOLERANCE) -> float:
    """The least eigenvalue of a symmetric taper (d, d) that is semidefinite, so that products with it stay covariances.

    Raises InputError where it is below -tolerance times the largest. Product theorem: Schur, J. reine angew. Math. 140
    (1911) 1."""
    values = np.linalg.eigvalsh(_symmetric(taper))
    if values[0] < -tolerance * values[-1]:
        remedy = "a least eigenvalue >= 0: take the exponential of a tree distance, or nearest_semidefinite"
        raise InputError("localization", "taper", float(values[0]), remedy)
    return float(values[0])


def tapered_covariance(covariance: Floats, taper: Floats) -> Floats:
    """The covariance (d, d) times the taper, element by element; InputError where the taper is not semidefinite."""
    certify(taper)
    if covariance.shape != taper.shape:
        raise InputError("localization", "covariance", covariance.shape, f"the shape of the taper, {taper.shape}")
    return covariance * taper


@dataclass(frozen=True, eq=False)
class Projection:
    """A semidefinite taper with diagonal 1, and what it took: the least eigenvalue before, and the changes made.

    largest_change: of any weight; distance: root of the sum of squared changes."""

    taper: Floats
    least_before: float
    largest_change: float
    distance: float


def nearest_semidefinite(taper: Floats, tolerance: float = 1e-10) -> Projection:
    """The semidefinite matrix with diagonal 1 that is nearest to a symmetric taper (d, d) in the Frobenius norm.

    Alternating projections with Dykstra's correction, until a round changes less than `tolerance`; the result is then
    made exactly semidefinite and its diagonal scaled to 1. Compact support is lost: weights appear where none were.
    Source: Higham, IMA J. Numer. Anal. 22 (2002) 329, algorithm 3.3."""
    given = _symmetric(taper)
    least = float(np.linalg.eigvalsh(given)[0])
    found, correction = given.copy(), np.zeros_like(given)
    for _ in range(_ROUNDS):
        shifted = found - correction
        projected = _clipped(shifted)
        correction = projected - shifted
        after = projected.copy()
        np.fill_diagonal(after, 1.0)
        change = float(np.max(np.abs(after - found)))
        found = after
        if change < tolerance:
            break
    result = _clipped(found)
    scale = 1.0 / np.sqrt(np.diag(result))
    result *= np.outer(scale, scale)
    np.fill_diagonal(result, 1.0)
    moved = result - given
    return Projection(result, least, float(np.max(np.abs(moved))), float(np.linalg.norm(moved)))


def _clipped(matrix: Floats) -> Floats:
    """The nearest matrix without eigenvalues below 0."""
    values, vectors = np.linalg.eigh(matrix)
    product = (vectors * np.clip(values, 0.0, None)) @ vectors.T
    return 0.5 * (product + product.T)


def _symmetric(taper: Floats) -> Floats:
    matrix = np.asarray(taper, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.all(np.isfinite(matrix)):
        raise InputError("localization", "taper", matrix.shape, "a finite square matrix")
    if not np.allclose(matrix, matrix.T, rtol=0.0, atol=1e-12):
        raise InputError("localization", "taper", matrix.shape, "a symmetric matrix")
    return 0.5 * (matrix + matrix.T)
