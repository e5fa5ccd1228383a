"""The unscented filter against filterpy on five states, two observables at a time, some missing, errors correlated."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import turnover
from gaussian import UNUSED

from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule

RHO = 0.4


@pytest.fixture(scope="module")
def kalman():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("filterpy.kalman")


def peer(kalman, method, measured, error):
    """Mean, covariance and log-likelihood after each of `measured` by filterpy."""
    points = kalman.MerweScaledSigmaPoints(5, method.alpha, method.beta, method.kappa)
    fx, hx = (lambda x, dt: np.array(turnover.advance(tuple(x)))), (lambda x: np.array(turnover.seen(*x)))
    other = kalman.UnscentedKalmanFilter(5, 2, turnover.INTERVAL, hx, fx, points)
    other.x, other.P, other.Q = turnover.MEAN.copy(), turnover.COVARIANCE.copy(), np.diag(turnover.DRIFT**2)
    total, found = 0.0, []
    for k, one in enumerate(measured):
        if k > 0:
            other.predict()
        kept = np.flatnonzero(~np.isnan(one.values))
        other.sigmas_f = points.sigma_points(other.x, other.P)
        if kept.size:
            other.update(one.values[kept], R=error[np.ix_(kept, kept)], hx=lambda x, kept=kept: hx(x)[kept])
            z = np.linalg.solve(np.linalg.cholesky(other.S), other.y)
            total -= 0.5 * (kept.size * np.log(2 * np.pi) + np.linalg.slogdet(other.S)[1] + z @ z)
        found.append((other.x.copy(), other.P.copy(), total))
    return found


@pytest.mark.parametrize("rho", [None, RHO])
@pytest.mark.parametrize(
    "method", [Unscented(), Unscented(kappa=1.0), Unscented(kappa=2.0, alpha=0.95, beta=2.0)], ids=repr
)
def test_mean_covariance_likelihood(kalman, method, rho):
    system = turnover.system()
    sd, correlation = turnover.ERROR_SD, np.array([[1.0, rho or 0.0], [rho or 0.0, 1.0]])
    system = replace(system, correlation=None if rho is None else correlation)
    gone = np.random.default_rng(1).random((15, 2)) < 0.25
    measured = [
        replace(one, values=np.where(missing, np.nan, one.values))
        for one, missing in zip(turnover.measured(15), gone, strict=True)
    ]
    theirs = peer(kalman, method, measured, np.outer(sd, sd) * correlation)
    belief = turnover.prior()
    for one, (mean, covariance, total) in zip(measured, theirs, strict=True):
        belief, seen = method.step(system, Schedule(), belief, one, UNUSED)
        assert seen.code == 0
        np.testing.assert_allclose(belief.mean, mean, rtol=1e-9)
        np.testing.assert_allclose(belief.root @ belief.root.T, covariance, rtol=1e-9, atol=1e-9 * covariance.max())
        assert belief.log_likelihood == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_augmented_noise_is_not_the_same_here():
    system, one = turnover.system(), turnover.measured(2)[1]
    means = [method.step(system, Schedule(), turnover.prior(), one, UNUSED)[0].mean for method in (
        Unscented(), Unscented(augmented=True)
    )]  # fmt: skip
    assert 1e-6 < np.abs(means[0] - means[1]).max() < 1.0
