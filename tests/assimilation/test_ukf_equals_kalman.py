"""On a linear model with normal errors the unscented filter is the Kalman filter: same mean, covariance, likelihood."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.assimilation import kalman, ukf
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter, Proportional, Schedule
from vvuq.models.schedule import Bolus


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
    filter_ = ukf.Filter(LINEAR, np.array([k]), (), (Additive(0.5), Additive(0.2)), drift, STEP, kappa)
    root = np.tril(rng.normal(size=(2, 2)))
    mean, covariance = rng.normal(10, 3, 2), root @ root.T
    schedule = Schedule(boluses=(Bolus(0.0, "a", 7.0),))
    belief = ukf.init(filter_, 0.0, {}, np.zeros((0, 0)), mean, root)
    expected = mean, covariance, 0.0
    time = 0.0
    for i, gap in enumerate(gaps):
        name, h, sd = [("first", np.array([1.0, 0.0]), 0.5), ("total", np.array([1.0, 1.0]), 0.2)][i % 2]
        value = float(rng.normal(10, 5))
        belief, seen = ukf.step(filter_, belief, schedule, time + gap, name, value)
        jumped = expected[0] + (np.array([7.0, 0.0]) if i == 0 else 0.0)
        ahead = kalman.predict(jumped, expected[1], transition(k, gap), np.diag(drift**2 * gap))
        m, p, gained = kalman.update(*ahead, h, value, sd**2)
        expected = m, p, expected[2] + gained
        time += gap
        assert seen.code == 0
    scale = max(1.0, float(np.abs(expected[1]).max()))
    np.testing.assert_allclose(belief.mean, expected[0], rtol=1e-10, atol=1e-10 * scale)
    np.testing.assert_allclose(belief.root @ belief.root.T, expected[1], rtol=1e-10, atol=1e-10 * scale)
    assert belief.log_likelihood == pytest.approx(expected[2], rel=1e-10, abs=1e-10)


def test_a_wrong_gain_would_be_seen():
    """The comparison can fail: half the noise gives another mean."""
    beliefs = []
    for sd in (0.5, 0.25):
        filter_ = ukf.Filter(LINEAR, np.array([0.3]), (), (Additive(sd), Additive(0.2)), np.zeros(2), STEP)
        belief = ukf.init(filter_, 0.0, {}, np.zeros((0, 0)), np.array([10.0, 0.0]), np.eye(2))
        beliefs.append(ukf.step(filter_, belief, Schedule(), 1.0, "first", 12.0)[0])
    assert abs(beliefs[0].mean[0] - beliefs[1].mean[0]) > 1e-3


def test_missing_value_changes_nothing_but_time():
    filter_ = ukf.Filter(LINEAR, np.array([0.3]), (), (Additive(0.5), Additive(0.2)), np.zeros(2), STEP)
    belief = ukf.init(filter_, 0.0, {}, np.zeros((0, 0)), np.array([10.0, 0.0]), np.eye(2))
    ahead, code = ukf.forecast(filter_, belief, Schedule(), 1.0)
    after, seen = ukf.step(filter_, belief, Schedule(), 1.0, "first", float("nan"))
    assert code == 0 and seen.code == 0 and np.isfinite(seen.spread) and np.isnan(seen.nis)
    np.testing.assert_array_equal(after.mean, ahead.mean)
    np.testing.assert_array_equal(after.root, ahead.root)
    assert after.log_likelihood == belief.log_likelihood


def test_observation_without_any_variance_is_a_code():
    filter_ = ukf.Filter(LINEAR, np.array([0.3]), (), (Proportional(0.0), Additive(0.2)), np.zeros(2), STEP)
    belief = ukf.init(filter_, 0.0, {}, np.zeros((0, 0)), np.array([10.0, 0.0]))
    _, seen = ukf.step(filter_, belief, Schedule(), 1.0, "first", 12.0)
    assert seen.code == 4


def test_a_failed_forecast_keeps_the_belief():
    filter_ = ukf.Filter(LINEAR, np.array([1e300]), (), (Additive(0.5), Additive(0.2)), np.zeros(2), STEP)
    belief = ukf.init(filter_, 0.0, {}, np.zeros((0, 0)), np.array([10.0, 0.0]), np.eye(2))
    after, seen = ukf.step(filter_, belief, Schedule(), 1.0, "first", 12.0)
    assert seen.code == 1 and after is belief
