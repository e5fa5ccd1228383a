"""Scores of members: exact against integration, fair against the limit of many members."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from vvuq.errors import InputError
from vvuq.methods.ensembles import crps_ensemble, crps_normal, effective_number, least_pivot, spread_skill
from vvuq.record import Diagnostics


@pytest.mark.parametrize("observed", [-2.0, 0.3, 1.0, 7.5])
def test_the_score_of_members_is_the_integral_it_stands_for(observed):
    members = np.array([1.0, -0.5, 2.5, 1.0, 0.2])
    ends = np.sort(np.concatenate([members, [observed]]))
    width, middle = np.diff(ends), 0.5 * (ends[:-1] + ends[1:])
    share = (members[None, :] <= middle[:, None]).mean(axis=1)
    expected = float((width * (share - (middle >= observed)) ** 2).sum())
    assert crps_ensemble(members, observed) == pytest.approx(expected, rel=1e-12)


def test_the_fair_score_does_not_depend_on_the_number_of_members():
    rng = np.random.default_rng(1)
    observed = 0.8
    limit = float(crps_normal(0.0, 1.0, observed))
    for n, bias in ((2, 0.28), (5, 0.11)):
        drawn = rng.standard_normal((8000, n))
        fair = np.mean([crps_ensemble(row, observed, fair=True) for row in drawn])
        plain = np.mean([crps_ensemble(row, observed) for row in drawn])
        assert fair == pytest.approx(limit, abs=0.025)
        assert plain - limit == pytest.approx(bias, abs=0.03)  # E|x - x'| / 2n


def test_too_few_members_are_refused():
    with pytest.raises(InputError, match="two members"):
        crps_ensemble(np.ones(1), 0.0, fair=True)
    with pytest.raises(InputError, match="members"):
        crps_ensemble(np.ones(0), 0.0)
    assert crps_ensemble(np.ones(1), 0.0) == 1.0


@pytest.mark.parametrize(("mean", "sd", "observed"), [(0.0, 1.0, 0.5), (3.0, 0.2, 2.0), (-1.0, 4.0, -1.0)])
def test_the_normal_score_is_the_integral_it_stands_for(mean, sd, observed):
    below, _ = quad(lambda y: norm.cdf(y, mean, sd) ** 2, mean - 12 * sd, observed)
    above, _ = quad(lambda y: norm.sf(y, mean, sd) ** 2, observed, mean + 12 * sd)
    assert float(crps_normal(mean, sd, observed)) == pytest.approx(below + above, rel=1e-7)


def test_a_normal_forecast_without_spread_is_a_point():
    assert crps_normal(np.zeros(2), np.array([0.0, 1e-9]), np.array([2.0, -2.0])) == pytest.approx([2.0, 2.0])


def ensembles(rng, patients, factor, members=10):
    errors, variances = [], []
    for _ in range(patients):
        drawn = factor * rng.standard_normal((3, members))
        errors.append(rng.standard_normal(3) - drawn.mean(axis=1))
        variances.append(drawn.var(axis=1, ddof=1))
    return errors, variances


def test_spread_equals_skill_for_exchangeable_members_and_not_otherwise():
    rng = np.random.default_rng(2)
    right = spread_skill(*ensembles(rng, 200, 1.0), rng, resamples=500, members=10)
    assert right.consistent and right.ratio == pytest.approx(1.0, abs=0.1) and right.patients == 200
    narrow = spread_skill(*ensembles(rng, 200, 0.5), rng, resamples=500, members=10)
    wide = spread_skill(*ensembles(rng, 200, 2.0), rng, resamples=500, members=10)
    assert narrow.consistent is False and narrow.high < 1.0
    assert wide.consistent is False and wide.low > 1.0


def test_the_interval_of_spread_and_skill_covers():
    rng = np.random.default_rng(3)
    found = [spread_skill(*ensembles(rng, 40, 1.0), rng, resamples=200, members=10).consistent for _ in range(100)]
    assert sum(map(bool, found)) >= 86  # 95 % by name; a percentile interval of 40 patients holds somewhat less


def test_spread_of_nobody_decides_nothing():
    rng = np.random.default_rng(4)
    assert spread_skill([], [], rng).consistent is None
    few = spread_skill([np.array([1.0, np.nan])] * 3, [np.array([1.0, 1.0])] * 3, rng)
    assert few.consistent is None and few.ratio == 1.0 and few.patients == 3


def test_effective_number():
    assert effective_number(np.zeros(8)) == pytest.approx(8.0)
    assert effective_number(np.array([0.0, -np.inf, -np.inf])) == pytest.approx(1.0)
    logs = np.log(np.array([0.5, 0.25, 0.25]))
    assert effective_number(logs - 1e4) == pytest.approx(1.0 / 0.375)


def test_the_least_pivot_is_that_of_steps_that_worked():
    def seen(pivot, code=0):
        return Diagnostics(0.0, np.zeros(1), np.zeros(1), np.ones(1), 0.0, 1, 0.0, pivot, code=code)

    assert least_pivot([seen(0.5), seen(0.1), seen(0.01, 4), seen(np.nan)]) == 0.1
    assert np.isnan(least_pivot([]))
