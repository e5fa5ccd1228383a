"""Maximum likelihood by records' gradients: a normal sample's closed form, however coordinates are scaled."""

import numpy as np
import pytest

from vvuq.methods.scoring import errors_of, least

SAMPLE = np.random.default_rng(3).normal(2.0, 0.5, 400)


def costs(point):
    """Of a normal sample: mean 1000 times the first coordinate, log SD the second."""
    mean, sd = 1000.0 * point[0], np.exp(point[1])
    return 0.5 * ((SAMPLE - mean) / sd) ** 2 + np.log(sd)


def test_it_finds_mean_and_spread_and_their_errors():
    best = least(costs, np.zeros(2), step=1e-6, iterations=60, enough=1e-6)
    assert best.converged and best.cost < best.start_cost
    assert 1000.0 * best.point[0] == pytest.approx(SAMPLE.mean(), abs=2e-3)
    assert np.exp(best.point[1]) == pytest.approx(SAMPLE.std(), rel=2e-3)
    errors = errors_of(best.scores, np.eye(SAMPLE.size))
    assert 1000.0 * errors[0] == pytest.approx(SAMPLE.std() / 20.0, rel=0.1)
    assert errors[1] == pytest.approx(1.0 / np.sqrt(800.0), rel=0.15)


def test_records_of_a_group_count_once():
    best = least(costs, np.zeros(2), step=1e-6, iterations=60, enough=1e-6)
    pairs = np.kron(np.eye(SAMPLE.size // 2), np.ones((1, 2)))
    twice = errors_of(np.repeat(best.scores, 2, axis=1), np.kron(np.eye(SAMPLE.size), np.ones((1, 2))))
    assert errors_of(best.scores, pairs) == pytest.approx(errors_of(best.scores, np.eye(SAMPLE.size)), rel=0.2)
    assert twice == pytest.approx(0.5 * errors_of(best.scores, np.eye(SAMPLE.size)), rel=1e-9)


def test_what_is_not_settled_has_no_error_and_a_limit_is_told():
    assert np.isnan(errors_of(np.array([[1.0, -1.0], [2.0, -2.0]]), np.eye(2))).all()
    short = least(costs, np.zeros(2), step=1e-6, iterations=1, enough=1e-9)
    assert not short.converged and short.evaluations >= 6
