"""The unscented filter against an independent implementation on a nonlinear model with joint log parameters.

Julier's sigma points with the same kappa carry the same weights here and there. For the
update this filter draws them anew from the forecast belief; the other is made to, whichever its version."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from examples import pk

from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Bolus, Infusion, Level, Noise, Schedule
from vvuq.numerics.streams import Draws

WEIGHT, BIGGER = 1.7, 1.1  # the volume of a neonate with a low Apgar score is 10 % larger
THETA = np.array([0.006, 1.0, 0.1])
SCHEDULE = Schedule(
    0.0,
    (Bolus(0.0, "A", 30.0), Bolus(12.0, "A", 5.0)),
    (Infusion(20.0, 30.0, "R", 1.5),),
    (Level(0.0, "weight", WEIGHT), Level(0.0, "low_apgar", 1.0)),
)
GIVEN = {0.0: 30.0, 12.0: 5.0}
BREAKS = (0.0, 5.0, 12.0, 20.0, 26.0, 30.0, 48.0)
SAMPLES = ((5.0, 17.0), (26.0, 22.0), (48.0, 16.0))
LOG_MEAN = {"CL": math.log(0.006), "V": math.log(1.0)}
LOG_COVARIANCE = np.array([[0.09, 0.01], [0.01, 0.04]])


@pytest.fixture(scope="module")
def kalman():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("filterpy.kalman")


def travel(point, begin, end):
    """The exact solution of one sigma point (amount, log CL, log V)."""
    amount, log_cl, log_v = point
    k = math.exp(log_cl - log_v) / BIGGER
    for left, right in pairwise(BREAKS):
        if not (begin <= left and right <= end):
            continue
        amount += GIVEN.get(left, 0.0)
        rate = 1.5 if 20.0 <= left < 30.0 else 0.0
        amount = amount * math.exp(-k * (right - left)) + rate / k * -math.expm1(-k * (right - left))
    return np.array([amount, log_cl, log_v])


def seen(point):
    return np.array([point[0] / (math.exp(point[2]) * WEIGHT * BIGGER)])


def peer(kalman, kappa, drift, sd, cv):
    """Mean, covariance and log-likelihood by filterpy after all samples."""
    points = kalman.JulierSigmaPoints(3, kappa=kappa)
    other = kalman.UnscentedKalmanFilter(3, 1, 1.0, seen, travel, points)
    other.x = np.array([2.0, LOG_MEAN["CL"], LOG_MEAN["V"]])
    other.P = np.zeros((3, 3))
    other.P[0, 0], other.P[1:, 1:] = 0.5**2, LOG_COVARIANCE
    begin, total = 0.0, 0.0
    for time, value in SAMPLES:
        other.Q = np.diag(drift**2 * (time - begin))
        other.fx = lambda point, dt, begin=begin, time=time: travel(point, begin, time)
        other.predict()
        other.sigmas_f = points.sigma_points(other.x, other.P)
        h = np.array([seen(p)[0] for p in other.sigmas_f])
        other.R = np.array([[sd**2 + cv**2 * float(other.Wm @ h**2)]])
        other.update(np.array([value]))
        total += other.log_likelihood
        begin = time
    return other.x, other.P, total


def ours(kappa, drift, sd, cv):
    system = System(pk().model, THETA, ("CL", "V"), (Noise(sd, cv),), drift, 0.05)
    covariance = np.zeros((3, 3))
    covariance[0, 0], covariance[1:, 1:] = 0.5**2, LOG_COVARIANCE
    belief = gaussian(system, 0.0, np.array([2.0, *LOG_MEAN.values()]), covariance)
    for time, value in SAMPLES:
        seen = Observation(time, np.array([value]))
        belief, diagnostics = Unscented(kappa).step(system, SCHEDULE, belief, seen, Draws(0, "test"))
        assert diagnostics.code == 0
    return belief.mean, belief.root @ belief.root.T, belief.log_likelihood


@pytest.mark.parametrize("kappa", [0.0, 1.0, 2.5])
@pytest.mark.parametrize(("sd", "cv"), [(0.8, 0.0), (0.0, 0.1), (0.5, 0.2)])
def test_mean_covariance_likelihood(kalman, kappa, sd, cv):
    drift = np.array([0.05, 0.01, 0.02])
    mine, theirs = ours(kappa, drift, sd, cv), peer(kalman, kappa, drift, sd, cv)
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-8, atol=1e-9)
    assert mine[2] == pytest.approx(theirs[2], rel=1e-9)


def test_another_kappa_would_be_seen(kalman):
    drift = np.zeros(3)
    mine, theirs = ours(0.0, drift, 0.5, 0.1), peer(kalman, 2.0, drift, 0.5, 0.1)
    assert np.abs(mine[0] - theirs[0]).max() > 1e-4
