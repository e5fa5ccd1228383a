"""Logistic regression: derivatives by differences, another maximizer, what priors do where trials cannot tell."""

import numpy as np
import pytest
from scipy.optimize import minimize

from vvuq.errors import NotEvaluable
from vvuq.methods import logistic
from vvuq.methods.logistic import fit_logistic, gradient, log_likelihood, log_scores, objective, separated

PRIOR = np.array([10.0, 2.5, 2.5, 2.5])


def trials(n=800, seed=0):
    rng = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(n), rng.normal(size=(n, 2)), rng.random(n) < 0.3])
    odds = columns @ np.array([-2.0, 0.8, -0.5, 1.0])
    return columns, (rng.random(n) < 1.0 / (1.0 + np.exp(-odds))).astype(float)


def naive(at, columns, events, prior):
    """Minus the objective, trial by trial."""
    total = 0.0
    for x, y in zip(columns, events, strict=True):
        chance = 1.0 / (1.0 + np.exp(-(x @ at)))
        total += np.log(chance if y else 1.0 - chance)
    return -(total - 0.5 * sum((b / s) ** 2 for b, s in zip(at, prior, strict=True)))


def test_the_gradient_is_that_of_the_objective():
    columns, events = trials()
    at = np.array([-1.0, 0.3, 0.2, -0.4])
    step = 1e-6 * np.eye(4)
    by_differences = [
        (objective(at + e, columns, events, PRIOR) - objective(at - e, columns, events, PRIOR)) / 2e-6 for e in step
    ]
    assert gradient(at, columns, events, PRIOR) == pytest.approx(by_differences, abs=1e-6)


def test_it_is_the_maximum_of_a_likelihood_written_naively():
    columns, events = trials()
    other = minimize(naive, np.zeros(4), (columns, events, PRIOR), method="BFGS", options={"gtol": 1e-7})
    found = fit_logistic(columns, events, PRIOR)
    assert found.coefficients == pytest.approx(other.x, abs=1e-5)
    assert naive(found.coefficients, columns, events, PRIOR) <= other.fun + 1e-9
    assert np.abs(gradient(found.coefficients, columns, events, PRIOR)).max() < 1e-6
    step = 1e-5 * np.eye(4)
    slopes = [gradient(found.coefficients + e, columns, events, PRIOR) for e in (*step, *-step)]
    curved = np.array([(b - a) / 2e-5 for a, b in zip(slopes[:4], slopes[4:], strict=True)])
    assert found.covariance == pytest.approx(np.linalg.inv(curved), rel=1e-6, abs=1e-9)
    assert found.log_likelihood == pytest.approx(log_scores(columns @ found.coefficients, events).sum())


def test_a_rate_alone_is_the_share_of_events():
    events = np.repeat([1.0, 0.0], [30, 970])
    found = fit_logistic(np.ones((1000, 1)), events, np.array([1e6]))
    assert 1.0 / (1.0 + np.exp(-found.coefficients[0])) == pytest.approx(0.03)


def test_errors_are_those_of_estimates_of_drawn_trials():
    """Over repeats: within 3 SE nearly always, and their spread is the SE."""
    wide = np.full(4, 1e3)
    found = [fit_logistic(*trials(seed=seed), wide) for seed in range(60)]
    off = np.array([(f.coefficients - [-2.0, 0.8, -0.5, 1.0]) / np.sqrt(np.diag(f.covariance)) for f in found])
    assert np.abs(off).max() < 4.5 and (np.abs(off) < 3.0).mean() > 0.98
    assert off.std(axis=0) == pytest.approx(np.ones(4), abs=0.3)


def test_where_events_are_parted_the_prior_keeps_the_odds_finite():
    column = np.repeat([0.0, 1.0], [50, 50])
    events = np.repeat([0.0, 1.0], [50, 50])
    found = fit_logistic(np.column_stack([np.ones(100), column]), events, PRIOR[:2])
    assert separated(column, events) and np.isfinite(found.coefficients).all() and found.coefficients[1] > 2.0
    assert found.informed(PRIOR[:2])[1] < 0.9
    assert not separated(column, np.tile([0.0, 1.0], 50)) and not separated(np.ones(100), events)
    assert not separated(column, np.zeros(100))


def test_without_trials_that_tell_the_prior_stays():
    columns = np.column_stack([np.ones(50), np.zeros(50)])
    found = fit_logistic(columns, np.tile([0.0, 1.0], 25), PRIOR[:2])
    assert found.coefficients[1] == 0.0 and found.informed(PRIOR[:2])[1] == pytest.approx(0.0, abs=1e-12)


def test_what_does_not_converge_is_refused(monkeypatch):
    monkeypatch.setattr(logistic, "STEPS", 1)
    with pytest.raises(NotEvaluable, match="no maximum after 1 steps"):
        fit_logistic(*trials(), PRIOR)


def test_columns_of_very_different_size_and_certain_trials_are_no_trouble():
    columns, events = trials()
    scaled = columns * np.array([1.0, 1e4, 1e-3, 1.0])
    prior = PRIOR / np.array([1.0, 1e4, 1e-3, 1.0])
    there = fit_logistic(scaled, events, prior).coefficients * np.array([1.0, 1e4, 1e-3, 1.0])
    assert there == pytest.approx(fit_logistic(columns, events, PRIOR).coefficients, rel=1e-6)
    assert log_likelihood(np.array([800.0]), np.ones((2, 1)), np.array([1.0, 0.0])) == -800.0
