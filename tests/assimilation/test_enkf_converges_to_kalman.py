"""The filter with perturbed observations comes near the Kalman filter as N^-1/2."""

import ensembles
import numpy as np
import pytest

from vvuq.assimilation.enkf import PerturbedObservations, update
from vvuq.assimilation.system import gaussian, propagate
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

SIZES = (50, 150, 500, 1600, 5000)
REPEATS, CYCLES = 40, 3


def exact(system, prior, observations):
    """The Kalman filter's mean, covariance and log-likelihood; the step's matrix is what it does to unit vectors."""
    mean, covariance, time, total = prior.mean, prior.root @ prior.root.T, 0.0, 0.0
    for seen in observations:
        step, _ = propagate(system, Schedule(), np.eye(ensembles.D), time, seen.time)
        walk = np.diag(np.asarray(system.drift) ** 2 * (seen.time - time))
        mean, covariance, density, _ = ensembles.kalman(system, step @ mean, step @ covariance @ step.T + walk, seen)
        time, total = seen.time, total + density
    return mean, covariance, total


def errors(power=1.0):
    """log RMS error of (mean, covariance, log-likelihood) over repeats, (sizes, repeats, 3)."""
    system = ensembles.system(3, drift=0.3)
    prior = gaussian(system, 0.0, np.full(6, 2.0), np.eye(6) + 0.5)
    observations = [ensembles.observation(system, 0.7 * (k + 1), k) for k in range(CYCLES)]
    observations[1] = ensembles.missing(observations[1], 1)
    mean, covariance, total = exact(system, prior, observations)
    found = np.empty((len(SIZES), REPEATS, 3))
    for i, size in enumerate(SIZES):
        method = PerturbedObservations(round(size**power))
        for k in range(REPEATS):
            draws = Draws(k, "slope", str(size))
            state = method.init(prior, draws)
            for seen in observations:
                state, _ = method.step(system, Schedule(), state, seen, draws)
            m, p = ensembles.moments(state)
            found[i, k] = np.linalg.norm(m - mean), np.linalg.norm(p - covariance), abs(state.log_likelihood - total)
    return found


def slopes(found):
    """Slope (3,) of log RMS error by log size, and its standard error by leaving out one repeat at a time."""

    def fitted(kept):
        return np.polyfit(np.log(SIZES), 0.5 * np.log(np.mean(kept**2, axis=1)), 1)[0]

    left_out = np.array([fitted(np.delete(found, k, axis=1)) for k in range(REPEATS)])
    return fitted(found), np.sqrt((REPEATS - 1) * np.mean((left_out - left_out.mean(axis=0)) ** 2, axis=0))


def agrees(slope, error):
    """True where the 99.7 % interval holds -1/2 and is too narrow to hold -1/3 or -2/3 as well."""
    return (np.abs(slope + 0.5) < 3 * error) & (3 * error < 1 / 6)


def test_slope_is_a_half():
    slope, error = slopes(errors())
    assert agrees(slope, error).all(), (slope, error)


def test_another_slope_is_noticed():
    slope, error = slopes(errors(power=0.5))
    assert not agrees(slope, error).any(), (slope, error)


@pytest.mark.parametrize(("m", "count"), [(3, 40), (40, 3)])
def test_members_mean_moves_by_the_gain_exactly(m, count):
    """Perturbations are centred: whatever is drawn, the mean is that of the Kalman update."""
    ahead = ensembles.random_ahead(5, m, count, 3)
    normals = np.random.default_rng(0).normal(size=(m, count)) + 2.0
    gain = ahead.deviations @ ahead.observed.T @ np.linalg.inv(np.eye(m) + ahead.observed @ ahead.observed.T)
    new = update(ahead, normals)
    np.testing.assert_allclose(new.mean, ahead.mean + gain @ ahead.innovation, rtol=1e-11)
    np.testing.assert_allclose(new.deviations.mean(axis=1), 0.0, atol=1e-12)


def test_each_members_perturbation_has_the_errors_variance():
    """Rescaled after centring, so that the sample covariance over the members is N / (N - 1) that of the errors."""
    count, m = 3, 2
    ahead = ensembles.random_ahead(4, m, count, 3)
    system = [update(ahead, Draws(k, "few").normal(0, "x", (m, count))).deviations for k in range(4000)]
    found = np.mean([d @ d.T for d in system], axis=0)
    P = ahead.deviations @ ahead.deviations.T
    cross = ahead.deviations @ ahead.observed.T
    S = np.eye(m) + ahead.observed @ ahead.observed.T
    gain = cross @ np.linalg.inv(S)
    noise = count / (count - 1) * np.eye(m)
    wanted = P - gain @ cross.T - cross @ gain.T + gain @ (ahead.observed @ ahead.observed.T + noise) @ gain.T
    np.testing.assert_allclose(found, wanted, atol=0.03 * np.abs(P).max())
