"""Scores of samples against closed forms, against integrals, and against what makes a score proper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from vvuq.methods.samples import central, crps_fair, interval_score, relative_difference

values = st.floats(-100.0, 100.0)
samples = st.lists(values, min_size=2, max_size=8).map(np.array)


@given(y=values, members=samples)
def test_the_fair_score_is_its_definition_over_pairs(y, members):
    pairs = [abs(a - b) for i, a in enumerate(members) for j, b in enumerate(members) if i != j]
    expected = np.abs(members - y).mean() - 0.5 * np.mean(pairs)
    assert crps_fair(np.array(y), members) == pytest.approx(expected, abs=1e-9)


@given(y=values, members=samples)
def test_with_all_pairs_it_is_the_integral_of_the_squared_distance_to_the_step(y, members):
    m = members.size
    ends = np.sort(np.append(members, y))
    area = sum(((members <= a).mean() - (y <= a)) ** 2 * (b - a) for a, b in zip(ends[:-1], ends[1:], strict=True))
    pairs = np.abs(members[:, None] - members[None, :]).mean()
    fair = crps_fair(np.array(y), members)
    assert fair + 0.5 * pairs * (1.0 / (1.0 - 1.0 / m) - 1.0) == pytest.approx(area, abs=1e-9)


def test_on_average_members_score_as_their_distribution():
    """The closed form of the normal, from 5 members: fair scores do not reward or punish few members."""
    rng, y = np.random.default_rng(0), 0.7
    found = crps_fair(np.full(200000, y), rng.normal(size=(200000, 5)))
    exact = y * (2.0 * norm.cdf(y) - 1.0) + 2.0 * norm.pdf(y) - 1.0 / np.sqrt(np.pi)
    assert found.mean() == pytest.approx(exact, abs=4.0 * found.std() / np.sqrt(found.size))


def test_shapes_carry_through():
    rng = np.random.default_rng(1)
    y, members = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 9))
    found = crps_fair(y, members)
    assert found.shape == (3, 4) and found[1, 2] == crps_fair(y[1, 2], members[1, 2])


@given(y=values, mean=values, width=st.floats(0.1, 50.0))
def test_an_interval_score_is_width_and_twenty_times_what_lies_outside(y, mean, width):
    low, high = mean - width, mean + width
    expected = 2.0 * width + 20.0 * max(low - y, y - high, 0.0)
    assert interval_score(np.array(y), np.array(low), np.array(high), 0.9) == pytest.approx(expected, rel=1e-9)


def test_the_true_quantiles_have_the_best_interval_score():
    rng = np.random.default_rng(2)
    y = rng.normal(size=40000)
    z = norm.ppf(0.95)
    best = interval_score(y, -z, z, 0.9).mean()
    assert best == pytest.approx(2.0 * z + 40.0 * (norm.pdf(z) - z * 0.05), abs=0.05)  # 2/0.1 E(y - z)+ on both sides
    for factor in (0.7, 1.4):
        assert interval_score(y, -factor * z, factor * z, 0.9).mean() > best
    assert quad(lambda v: (v - z) * norm.pdf(v), z, 20)[0] == pytest.approx(norm.pdf(z) - z * 0.05)


@pytest.mark.parametrize("m", [19, 39, 99])
def test_the_share_inside_is_the_level_where_members_and_observation_are_alike(m):
    rng = np.random.default_rng(m)
    every = rng.normal(size=(40000, m + 1))
    low, high = central(every[:, 1:], 0.9)
    assert np.mean((low <= every[:, 0]) & (every[:, 0] <= high)) == pytest.approx(0.9, abs=0.006)


def test_relative_differences_are_in_percent_of_the_reading():
    found = relative_difference(np.array([100.0, 50.0]), np.array([90.0, 60.0]))
    np.testing.assert_allclose(found, [10.0, 20.0])
