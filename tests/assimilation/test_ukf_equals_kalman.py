"""On a linear model with normal errors the unscented filter is the Kalman filter: same mean, covariance, likelihood."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.assimilation import kalman, ukf
from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter, Proportional, Schedule
from vvuq.models.schedule import Bolus
from vvuq.numerics.streams import Draws


def rhs(t, x, u, theta, dx):
    a, b = x
    (k,) = theta
    dx[0] = -k * a + 0.3 * b / 1.0 * k
    dx[1] = k * a - 2 * k * b


def first(t, x, u, theta, y):
    y[0] = x[0]


def total(t, x, u, theta, y):
    y[0] = x[0] + x[1]


RATE = Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test")
LINEAR = Model(
    name="linear",
    states={"a": "mg", "b": "mg"},
    inputs={},
    parameters=(RATE,),
    observables=(
        Observable("first", "mg", first, Additive(0.5)),
        Observable("total", "mg", total, Additive(0.2)),
    ),
    rhs=rhs,
)
STEP = 0.25


def transition(k, length):
    """What RK4 does to x' = M x: its stability polynomial, step by step."""
    matrix = np.array([[-k, 0.3 * k], [k, -2 * k]])
    steps = max(1, int(np.ceil(length / STEP - 1e-9)))
    z = matrix * length / steps
    one = np.eye(2) + z + z @ z / 2 + z @ z @ z / 6 + z @ z @ z @ z / 24
    return np.linalg.matrix_power(one, steps)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.floats(0.01, 2.0),
    kappa=st.sampled_from([0.0, 1.0, 3.0]),
    gaps=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6),
)
def test_mean_covariance_likelihood(seed, k, kappa, gaps):
    rng = np.random.default_rng(seed)
    drift = rng.uniform(0, 0.5, 2)
    system = linear(drift, k)
    root = np.tril(rng.normal(size=(2, 2)))
    mean, covariance = rng.normal(10, 3, 2), root @ root.T
    schedule = Schedule(boluses=(Bolus(0.0, "a", 7.0),))
    belief = gaussian(system, 0.0, mean, covariance)
    expected = mean, covariance, 0.0
    time = 0.0
    for i, gap in enumerate(gaps):
        values = np.where(np.arange(2) == i % 2, rng.normal(10, 5), np.nan)
        belief, seen = Unscented(kappa).step(system, schedule, belief, Observation(time + gap, values), DRAWS)
        jumped = expected[0] + (np.array([7.0, 0.0]) if i == 0 else 0.0)
        ahead = kalman.predict(jumped, expected[1], transition(k, gap), np.diag(drift**2 * gap))
        m, p, gained = kalman.update(*ahead, np.array([[1.0, 0.0], [1.0, 1.0]]), values, np.diag([0.25, 0.04]))
        expected = m, p, expected[2] + gained
        time += gap
        assert seen.code == 0 and seen.n == 1
    scale = max(1.0, float(np.abs(expected[1]).max()))
    np.testing.assert_allclose(belief.mean, expected[0], rtol=1e-10, atol=1e-10 * scale)
    np.testing.assert_allclose(belief.root @ belief.root.T, expected[1], rtol=1e-10, atol=1e-10 * scale)
    assert belief.log_likelihood == pytest.approx(expected[2], rel=1e-10, abs=1e-10)


DRAWS, HALF = Draws(0, "test"), Additive(0.5)
FIRST = Observation(1.0, np.array([12.0, np.nan]))


def linear(drift, k=0.3, noise=HALF):
    return System(LINEAR, np.array([k]), (), (noise, Additive(0.2)), drift, STEP)


def belief_of(system, covariance):
    return gaussian(system, 0.0, np.array([10.0, 0.0]), covariance)


def test_a_wrong_gain_would_be_seen():
    """The comparison can fail: half the noise gives another mean."""
    beliefs = []
    for sd in (0.5, 0.25):
        system = linear(np.zeros(2), noise=Additive(sd))
        beliefs.append(Unscented().step(system, Schedule(), belief_of(system, np.eye(2)), FIRST, DRAWS)[0])
    assert abs(beliefs[0].mean[0] - beliefs[1].mean[0]) > 1e-3


def test_missing_value_changes_nothing_but_time():
    system = linear(np.zeros(2))
    belief = belief_of(system, np.eye(2))
    ahead, code = ukf.forecast(Unscented(), system, Schedule(), belief, 1.0)
    nothing = Observation(1.0, np.full(2, np.nan))
    after, seen = Unscented().step(system, Schedule(), belief, nothing, DRAWS)
    assert code == 0 and seen.code == 0 and seen.n == 0 and seen.log_likelihood == 0.0
    np.testing.assert_array_equal(after.mean, ahead.mean)
    np.testing.assert_array_equal(after.root, ahead.root)
    assert after.log_likelihood == belief.log_likelihood
    assert (belief.cycle, ahead.cycle, after.cycle) == (0, 0, 1)


def test_observation_without_any_variance_is_a_code():
    system = linear(np.zeros(2), noise=Proportional(0.0))
    belief = belief_of(system, np.zeros((2, 2)))
    after, seen = Unscented().step(system, Schedule(), belief, FIRST, DRAWS)
    assert seen.code == 4 and after is belief


def test_a_failed_forecast_keeps_the_belief():
    system = linear(np.zeros(2), 1e300)
    belief = belief_of(system, np.eye(2))
    after, seen = Unscented().step(system, Schedule(), belief, FIRST, DRAWS)
    assert seen.code == 1 and after is belief
