"""Logistic regression by maximum penalised likelihood: rows are trials, coefficients have independent normal priors.

Newton's method with halved steps on a concave objective, so that what it converges to is the only maximum. The priors
keep it finite where the trials would let a coefficient run off (separation); `informed` tells how much they then say.

Source: McCullagh & Nelder, Generalized Linear Models (1989), 4.4; for trials that are the time steps of an event,
Efron, J Am Stat Assoc 83 (1988) 414; for separation, Albert & Anderson, Biometrika 71 (1984) 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from vvuq.errors import NotEvaluable
from vvuq.record import Floats

STEPS = 100  # of Newton; a few are usual
HALVED = 40  # times that one step is halved at most
CLOSE = 1e-14  # of the objective: what one more step would gain


@dataclass(frozen=True, slots=True)
class Logistic:
    """coefficients (k,) at the maximum; covariance (k, k), the inverse of minus the objective's second derivatives;
    log_likelihood, without the priors; steps: of Newton."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    steps: int

    def informed(self, prior: Floats) -> Floats:
        """The share (k,) of each prior variance that the trials removed: near 0, the prior alone speaks."""
        return np.asarray(1.0 - np.diag(self.covariance) / prior**2)


def log_likelihood(coefficients: Floats, columns: Floats, events: Floats) -> float:
    """Of events (n,), 0 or 1, in trials with columns (n, k)."""
    return float(log_scores(columns @ coefficients, events).sum())


def log_scores(logits: Floats, events: Floats) -> Floats:
    """Logarithm (n,) of the probability of what happened."""
    return np.asarray(events * logits - np.logaddexp(0.0, logits))


def objective(coefficients: Floats, columns: Floats, events: Floats, prior: Floats) -> float:
    """Log-likelihood and the logarithm of the prior N(0, prior^2), without its constant."""
    return log_likelihood(coefficients, columns, events) - 0.5 * float(((coefficients / prior) ** 2).sum())


def gradient(coefficients: Floats, columns: Floats, events: Floats, prior: Floats) -> Floats:
    """Of the objective, (k,)."""
    return np.asarray(columns.T @ (events - expit(columns @ coefficients)) - coefficients / prior**2)


def fit_logistic(columns: Floats, events: Floats, prior: Floats) -> Logistic:
    """The maximum for columns (n, k), all finite, events (n,) and SDs of the priors (k,), all above 0.

    Raises NotEvaluable where it is not reached in STEPS steps."""
    at = np.zeros(columns.shape[1])
    value = objective(at, columns, events, prior)
    for step in range(1, STEPS + 1):
        slope = gradient(at, columns, events, prior)
        covariance = np.asarray(np.linalg.inv(_information(at, columns, prior)), dtype=np.float64)
        move = covariance @ slope
        if 0.5 * float(slope @ move) <= CLOSE * (1.0 + abs(value)):
            return Logistic(at + move, covariance, log_likelihood(at + move, columns, events), step)
        at, value = _better(at, value, move, (columns, events, prior))
    raise NotEvaluable(f"logistic regression: no maximum after {STEPS} steps: columns of very different size?")


def _better(at: Floats, value: float, move: Floats, of: tuple[Floats, Floats, Floats]) -> tuple[Floats, float]:
    """A step that does not lower the objective; where none of them does, the rounding of the objective hides it."""
    for _ in range(HALVED):
        there = objective(at + move, *of)
        if there >= value:
            return at + move, there
        move = 0.5 * move
    return at, value


def _information(at: Floats, columns: Floats, prior: Floats) -> Floats:
    """Minus the second derivatives of the objective (k, k)."""
    chance = expit(columns @ at)
    return np.asarray((columns * (chance * (1.0 - chance))[:, None]).T @ columns + np.diag(prior**-2.0))


def separated(column: Floats, events: Floats) -> bool:
    """Does one column alone part events from the rest, so that without a prior its coefficient has no maximum?"""
    yes, no = column[events > 0.0], column[events == 0.0]
    if not yes.size or not no.size or np.ptp(column) == 0.0:
        return False
    return bool(yes.min() >= no.max() or yes.max() <= no.min())
