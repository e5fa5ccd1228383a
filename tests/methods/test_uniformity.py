"""Rank histograms and PIT: exact levels on right forecasts, and the right word for each way of being wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from vvuq.errors import InputError
from vvuq.methods.uniformity import (
    anderson_darling,
    anderson_darling_cdf,
    anderson_darling_limit,
    histogram,
    normal_pit,
    pit_components,
    pit_uniformity,
    rank,
    rank_uniformity,
    weighted_pit,
)

LEVEL, REPEATS = 0.05, 400
BOUNDS = tuple(int(binom.ppf(p, REPEATS, LEVEL)) for p in (5e-4, 1.0 - 5e-4))
WRONG = {
    "overconfident": lambda z: 1.6 * z,
    "underconfident": lambda z: z / 1.6,
    "observations lie above": lambda z: z + 0.6,
    "observations lie below": lambda z: z - 0.6,
}


def test_ties_are_broken_by_the_generator():
    rng = np.random.default_rng(0)
    members = np.array([1.0, 2.0, 2.0, 3.0])
    assert {rank(members, 2.0, rng) for _ in range(100)} == {1, 2, 3}
    assert rank(members, 0.0, rng) == 0 and rank(members, 9.0, rng) == 4
    twice = [[rank(members, 2.0, np.random.default_rng(7)) for _ in range(2)] for _ in range(2)]
    assert twice[0] == twice[1]


def test_ranks_of_exchangeable_values_with_ties_are_uniform():
    rng = np.random.default_rng(1)
    drawn = rng.poisson(2.0, size=(4000, 8))
    ranks = np.array([rank(row[1:].astype(float), float(row[0]), rng) for row in drawn])
    counts, shares = histogram(ranks, 7, 8)
    assert rank_uniformity("rank", counts, shares, rng, repeats=999).consistent


def test_neighbouring_ranks_are_joined_and_nothing_is_lost():
    counts, shares = histogram(np.arange(11), 10, 3)
    assert counts.sum() == 11 and shares.sum() == pytest.approx(1.0)
    assert np.allclose(counts / 11.0, shares)


@pytest.mark.parametrize(("ranks", "members", "bins"), [([4], 3, 2), ([-1], 3, 2), ([1], 3, 5), ([1], 3, 1)])
def test_ranks_and_bins_that_do_not_fit_are_refused(ranks, members, bins):
    with pytest.raises(InputError, match="rank histogram"):
        histogram(np.array(ranks), members, bins)


def test_weights_of_equal_size_give_the_rank():
    rng, members = np.random.default_rng(2), np.array([1.0, 2.0, 4.0, 5.0])
    assert weighted_pit(members, None, 3.0, rng) == 0.5
    heavy = np.log(np.array([0.7, 0.1, 0.1, 0.1]))
    assert weighted_pit(members, heavy, 3.0, rng) == pytest.approx(0.8)
    drawn = [weighted_pit(members, None, 2.0, rng) for _ in range(2000)]
    assert min(drawn) < 0.26 and max(drawn) > 0.49 and np.mean(drawn) == pytest.approx(0.375, abs=0.01)


@pytest.mark.parametrize("n", [6, 30])
def test_the_rank_test_keeps_its_level_with_few_counts(n):
    rng = np.random.default_rng(20 + n)
    shares = np.full(5, 0.2)
    found = [rank_uniformity("rank", rng.multinomial(n, shares), shares, rng, repeats=199) for _ in range(REPEATS)]
    assert sum(not d.consistent for d in found) <= BOUNDS[1]
    assert n < 30 or sum(not d.consistent for d in found) >= BOUNDS[0]  # with 6 counts the p-values are coarse


@pytest.mark.parametrize("n", [8, 60])
def test_the_pit_test_keeps_its_level(n):
    rng = np.random.default_rng(40 + n)
    found = [pit_uniformity("pit", rng.random(n)) for _ in range(REPEATS)]
    assert BOUNDS[0] <= sum(not d.consistent for d in found) <= BOUNDS[1]


@pytest.mark.parametrize("word", list(WRONG))
def test_a_wrong_forecast_is_rejected_and_named(word):
    rng = np.random.default_rng(5)
    z = WRONG[word](rng.standard_normal(200))
    found = pit_uniformity("pit", normal_pit(z))
    assert found.consistent is False and word in found.fault
    members = rng.standard_normal((200, 19))
    ranks = np.array([rank(row, value, rng) for row, value in zip(members, z, strict=True)])
    by_rank = rank_uniformity("rank", *histogram(ranks, 19, 5), rng, repeats=999)
    assert by_rank.consistent is False and word in by_rank.fault


def test_components_are_standard_normal_by_chance():
    rng = np.random.default_rng(6)
    found = np.array([pit_components(rng.random(20)) for _ in range(4000)])
    assert np.allclose(found.mean(axis=0), 0.0, atol=0.06) and np.allclose(found.std(axis=0), 1.0, atol=0.05)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.06


def test_the_limit_distribution_is_the_tabulated_one():
    """Percentage points of A^2 for a fully specified distribution (Anderson & Darling 1954): 1.933, 2.492, 3.857+."""
    assert [anderson_darling_limit(p) for p in (0.1, 0.05)] == pytest.approx([1.933, 2.492], abs=1e-3)
    assert anderson_darling_limit(0.01) == pytest.approx(3.86, abs=0.03)
    assert anderson_darling_cdf(0.0) == 0.0 and anderson_darling_cdf(1e3) == 1.0
    ladder = [anderson_darling_cdf(a) for a in np.linspace(0.02, 20.0, 60)]
    assert np.all(np.diff(ladder) >= -1e-12)


def test_the_statistic_is_the_integral_it_stands_for():
    """A^2 = n times the integral of (F_n(u) - u)^2 / (u (1 - u)) du."""
    u = np.array([0.11, 0.35, 0.36, 0.8, 0.93])
    grid = np.linspace(1e-7, 1.0 - 1e-7, 2_000_001)
    step = np.searchsorted(u, grid, side="right") / u.size
    expected = u.size * np.trapezoid((step - grid) ** 2 / (grid * (1.0 - grid)), grid)
    assert anderson_darling(u) == pytest.approx(expected, rel=1e-4)


def test_impossible_and_missing_values():
    assert pit_uniformity("pit", np.array([0.2, np.nan])).consistent is None
    assert pit_uniformity("pit", np.array([0.0, 1.0] * 20)).consistent is False
    with pytest.raises(InputError, match="between 0 and 1"):
        pit_uniformity("pit", np.full(9, 1.5))
    assert rank_uniformity("rank", np.array([1, 1]), np.full(2, 0.5), np.random.default_rng(0)).consistent is None


def test_normal_pit():
    assert np.allclose(normal_pit(np.array([-1.0, 0.0, 2.0])), norm.cdf([-1.0, 0.0, 2.0]))
