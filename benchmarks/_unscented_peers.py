"""The unscented filter as users of other packages run it: filterpy with any model function, dynamax compiled by jax.

Each contestant filters all measurements and gives back means and covariances (T, n + n^2)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _harness import Contestant

from vvuq.assimilation.system import Observation
from vvuq.record import Belief


def by_filterpy(
    step: Callable[[Any], Any],
    look: Callable[[Any], Any],
    prior: Belief,
    noise: tuple[np.ndarray, np.ndarray],
    observations: Sequence[Observation],
) -> Contestant:
    """step and look take and give arrays; noise (Q, R). The first measurement is taken at the time of the prior."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from filterpy.kalman import JulierSigmaPoints, UnscentedKalmanFilter

    n, covariance, measured = prior.mean.size, prior.root @ prior.root.T, list(observations)
    points = JulierSigmaPoints(n, kappa=0.0)

    def run() -> np.ndarray:
        peer = UnscentedKalmanFilter(
            n, noise[1].shape[0], 1.0, hx=look, fx=lambda x, dt: step(x), points=points
        )  # its own likelihood, which would cost it more, is not asked for
        peer.x, peer.P, peer.Q, peer.R = prior.mean.copy(), covariance.copy(), noise[0], noise[1]
        peer.sigmas_f = points.sigma_points(peer.x, peer.P)
        found = []
        for k, observation in enumerate(measured):
            if k:
                peer.predict()
            peer.update(observation.values)
            found.append(np.append(peer.x, peer.P))
        return np.array(found)

    return run


def by_dynamax(
    step: Callable[[Any], Any],
    look: Callable[[Any], Any],
    prior: Belief,
    noise: tuple[np.ndarray, np.ndarray],
    observations: Sequence[Observation],
) -> Contestant:
    """step and look take and give jax arrays. It is compiled here, outside of what is timed."""
    from dynamax_peer import runner

    values = np.array([observation.values for observation in observations])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        filtered = runner(step, look, (prior.mean, prior.root @ prior.root.T), noise, (1.0, 0.0, 0.0))
        filtered(values)

    def run() -> np.ndarray:
        means, covariances, _ = filtered(values)
        return np.concatenate([np.asarray(means), np.asarray(covariances).reshape(len(values), -1)], axis=1)

    return run
