"""The Kalman filter in its plain covariance form: the exact reference for linear models with normal errors."""

from __future__ import annotations

import numpy as np

from vvuq.record import Floats


def predict(mean: Floats, covariance: Floats, transition: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) after x -> F x + q, q ~ N(0, noise)."""
    return transition @ mean, transition @ covariance @ transition.T + noise


def update(mean: Floats, covariance: Floats, h: Floats, y: float, variance: float) -> tuple[Floats, Floats, float]:
    """Conditions on y = h'x + e, e ~ N(0, variance); returns mean, covariance (Joseph form), log-likelihood."""
    spread = float(h @ covariance @ h) + variance
    gain = covariance @ h / spread
    innovation = y - float(h @ mean)
    rest = np.eye(mean.size) - np.outer(gain, h)
    after = rest @ covariance @ rest.T + variance * np.outer(gain, gain)
    log_likelihood = -0.5 * (np.log(2.0 * np.pi * spread) + innovation**2 / spread)
    return mean + gain * innovation, after, float(log_likelihood)
