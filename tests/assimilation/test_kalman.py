"""The exact filter as a method: what it refuses, what it finds of a system, and that a failure keeps the belief."""

from dataclasses import replace

import gaussian
import numpy as np
import pytest
import turnover
from examples import LOGISTIC, parameter
from gaussian import SCHEDULE, UNUSED, case
from scipy.stats import multivariate_normal

from vvuq.assimilation import kalman
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.system import Observation, System
from vvuq.assimilation.system import gaussian as belief_of
from vvuq.errors import InputError
from vvuq.models import Additive, Model, Observable, Schedule


def test_matrices_are_those_of_the_system():
    of = case(2)
    found = kalman.transition(of.system, SCHEDULE, 0.0, 1.3)
    step = of.transition(0.0, 1.3)
    np.testing.assert_allclose(found.matrix, step, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.shift, step[:, 0] * gaussian.DOSE, rtol=1e-12)
    np.testing.assert_array_equal(kalman.observation_matrix(of.system, SCHEDULE, 1.3).matrix, of.seen)
    assert kalman.transition(of.system, SCHEDULE, 0.0, 1.3) is found


def test_the_update_is_conditioning_of_a_normal():
    rng = np.random.default_rng(0)
    mean, root, h = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
    covariance, error, y = root @ root.T, np.array([[0.5, 0.2], [0.2, 0.3]]), rng.normal(size=2)
    after, rest, gained = kalman.update(mean, covariance, h, y, error)
    information = np.linalg.inv(covariance) + h.T @ np.linalg.inv(error) @ h
    np.testing.assert_allclose(rest, np.linalg.inv(information), rtol=1e-9)
    right = np.linalg.solve(covariance, mean) + h.T @ np.linalg.solve(error, y)
    np.testing.assert_allclose(after, np.linalg.solve(information, right), rtol=1e-9)
    spread = h @ covariance @ h.T + error
    assert gained == pytest.approx(multivariate_normal(h @ mean, spread).logpdf(y), rel=1e-10)
    same, still, nothing = kalman.update(mean, covariance, h, np.full(2, np.nan), error)
    assert same is mean and still is covariance and nothing == 0.0


def test_a_nonlinear_model_is_refused():
    with pytest.raises(InputError, match="states that are linear"):
        Kalman().step(turnover.system(), Schedule(), turnover.prior(), turnover.measured(2)[1], UNUSED)


def squared(t, x, u, theta, y):
    y[0] = x[0] * x[0] / (1.0 + x[0] * x[0])


def rhs(t, x, u, theta, dx):
    (a,) = x
    (k,) = theta
    dx[0] = -k * a


def test_a_nonlinear_observable_is_refused():
    seen = Observable("squared", "1", squared, Additive(0.1))
    model = Model("bent", {"a": "1"}, {}, (parameter("k", "1/h"),), (seen,), rhs)
    system = System(model, np.array([0.1]), (), (Additive(0.1),), np.zeros(1), 0.1)
    with pytest.raises(InputError, match="observables that are linear"):
        Kalman().step(system, Schedule(), belief_of(system, 0.0, np.ones(1), np.eye(1)), _at(1.0), UNUSED)


def _at(time: float) -> Observation:
    return Observation(time, np.array([1.0]))


def test_learned_parameters_are_refused():
    system = System(LOGISTIC, np.array([0.8, 2.0]), ("r",), (Additive(0.1),), np.zeros(2), 0.1)
    belief = belief_of(system, 0.0, np.zeros(2), np.eye(2))
    for time in (0.0, 1.0):
        with pytest.raises(InputError, match="learned"):
            Kalman().step(system, Schedule(), belief, _at(time), UNUSED)


def test_a_failed_forecast_keeps_the_belief():
    of = case(0)
    wild = replace(of.system, theta=np.full(16, 1e200))
    after, seen = Kalman().step(wild, SCHEDULE, of.prior, of.observations[0], UNUSED)
    assert seen.code == 1 and after is of.prior
