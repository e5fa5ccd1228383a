"""Fisher information of one patient's parameters from sensitivities, by singular values, never by inverting F = S'S.

S (samples, k) holds the derivatives of the predictions by the log parameters over the SD of the error, so that
singular values have no unit and standard errors are relative.

Source: Brun, Reichert & Kunsch, Water Resour Res 37 (2001) 1015."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.record import Floats

RANK_TOLERANCE = 1e-8  # relative to the largest singular value


@dataclass(frozen=True, slots=True)
class Information:
    """rank, condition number, relative standard errors (k,) and the largest correlation of two parameters, by size
    (infinite and not-a-number where the rank is short; 0 for one parameter), and the direction (k,) of log parameters
    that the data say least about."""

    rank: int
    condition: float
    rse: Floats
    correlation: float
    weakest: Floats


def information(s: Floats) -> Information:
    """Of the scaled sensitivities S (samples, k)."""
    k = s.shape[1]
    _, values, vectors = np.linalg.svd(np.vstack([s, np.zeros((max(0, k - s.shape[0]), k))]), full_matrices=False)
    rank = int((values > RANK_TOLERANCE * max(values[0], 1e-300)).sum())
    weakest = vectors[-1] * np.sign(vectors[-1][np.argmax(np.abs(vectors[-1]))])
    if rank < k:
        return Information(rank, float("inf"), np.full(k, np.inf), float("nan"), weakest)
    half = vectors.T / values
    covariance = half @ half.T
    rse = np.sqrt(np.diag(covariance))
    pairs = (covariance / np.outer(rse, rse))[np.triu_indices(k, 1)]
    correlation = float(pairs[np.argmax(np.abs(pairs))]) if k > 1 else 0.0
    return Information(rank, float(values[0] / values[-1]), rse, correlation, weakest)


def combination(direction: Floats, names: tuple[str, ...]) -> str:
    """A direction of log parameters as a product of powers: "CL^0.71 V^0.70"."""
    return " ".join(f"{name}^{power:.2f}" for name, power in zip(names, direction, strict=True) if abs(power) > 0.05)
