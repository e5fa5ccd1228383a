"""Maximum likelihood of many records: a search whose coordinates are laid out by the records' own gradients.

Where derivatives are differences, each record's gradient is at hand; the outer product of these stands for the
information, so that in its coordinates all directions are about as steep. Sources: Berndt, Hall, Hall & Hausman, Ann
Econ Soc Meas 3 (1974) 653 (outer product, errors); Byrd, Lu, Nocedal & Zhu, SIAM J Sci Comput 16 (1995) 1190."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from vvuq.record import Floats

LEAST = 1e-4  # of the largest curvature: flatter directions are taken to be so steep


@dataclass(frozen=True, eq=False, slots=True)
class Best:
    """The point (k,) of the least total cost that was found, that cost and the one at the start, the records' gradients
    there (k, n), how often all records were evaluated, and whether the search ended because little was left to gain."""

    point: Floats
    cost: float
    start_cost: float
    scores: Floats
    evaluations: int
    converged: bool


def least(costs: Callable[[Floats], Floats], start: Floats, *, step: float, iterations: int, enough: float) -> Best:
    """costs(point (k,)) -> (n,): minus the log-likelihood of each record, of coordinates of the order of 1. step: of
    forward differences; enough: the gain of an iteration in log-likelihood below which the search ends."""
    start, count = np.asarray(start, dtype=float), [0]

    def counted(point: Floats) -> Floats:
        count[0] += 1
        return costs(point)

    first = counted(start)
    before, way = float(first.sum()), _laid_out(_scores(counted, start, first, step))
    kept: dict[bytes, Floats] = {}

    def sloped(at: Floats) -> tuple[float, Floats]:
        point = start + way @ at
        here = counted(point)
        scores = _scores(counted, point, here, step)
        kept.clear()
        kept[at.tobytes()] = scores
        return float(here.sum()), way.T @ scores.sum(axis=1)

    done = minimize(
        sloped, np.zeros(start.size), jac=True, method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": enough / max(abs(before), 1.0)},
    )  # fmt: skip
    point = start + way @ done.x
    scores = kept.get(done.x.tobytes())
    if scores is None:  # the search ended at another point than the last that it tried
        scores = _scores(counted, point, counted(point), step)
    return Best(point, float(done.fun), before, scores, count[0], bool(done.success))


def _scores(costs: Callable[[Floats], Floats], point: Floats, here: Floats, step: float) -> Floats:
    return np.array([(costs(point + one) - here) / step for one in step * np.eye(point.size)])


def _laid_out(scores: Floats) -> Floats:
    """A root of the inverse of the scores' outer product (k, k), flat directions held back."""
    values, vectors = np.linalg.eigh(scores @ scores.T)
    values = np.maximum(values, LEAST * max(float(values[-1]), 1e-300))
    return np.asarray(vectors / np.sqrt(values))


def covariance_of(scores: Floats, member: Floats) -> Floats:
    """The covariance (k, k) of the point by the outer product of the scores (k, n) of groups of records; member
    (groups, n): 1 where a record is a group's. Not-a-number where they do not settle every coordinate."""
    together = scores @ member.T
    information = together @ together.T
    if np.linalg.matrix_rank(information) < scores.shape[0]:
        return np.full(information.shape, np.nan)
    return np.asarray(np.linalg.inv(information))


def errors_of(scores: Floats, member: Floats) -> Floats:
    """Standard errors (k,): the root of the diagonal of covariance_of."""
    return np.sqrt(np.diag(covariance_of(scores, member)))
