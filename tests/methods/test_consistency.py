"""Tests of consistency: they keep their level on a right filter, find wrong ones, and say how they are wrong."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom, chi2

from vvuq.errors import InputError
from vvuq.methods.consistency import (
    LEAST_PAIRS,
    autocorrelations,
    by_patient,
    chi_square,
    ljung_box,
    nees,
    neighbours,
    whiteness,
)

LEVEL, REPEATS = 0.05, 400
LENGTHS = (1, 2, 3, 4, 2, 3, 1, 5, 2, 6, 3, 3)


def allowed(repeats: int, level: float = LEVEL) -> tuple[int, int]:
    """How many rejections of a true null chance gives, outside of one time in 1,000."""
    return int(binom.ppf(5e-4, repeats, level)), int(binom.ppf(1.0 - 5e-4, repeats, level))


def ragged(rng: np.random.Generator, *, chain: float = 0.0) -> list[np.ndarray]:
    out = []
    for length in LENGTHS:
        z = rng.standard_normal(length)
        for k in range(1, length):
            z[k] = chain * z[k - 1] + np.sqrt(1.0 - chain**2) * z[k]
        out.append(z)
    return out


@cache
def kalman(r: float = 1.0, q: float = 1.0, bias: float = 0.0, patients: int = 40, seed: int = 1):
    """Innovations and states of a scalar random walk seen with error by a filter that believes in r R and q Q."""
    rng, series, errors = np.random.default_rng(seed), [], []
    for _ in range(patients):
        x, mean, variance, z = rng.standard_normal(), 0.0, 1.0, []
        for _ in range(6):
            x += bias + rng.standard_normal()
            y = x + 0.7 * rng.standard_normal()
            variance += q
            spread = variance + r * 0.49
            z.append((y - mean) / np.sqrt(spread))
            mean, variance = mean + variance / spread * (y - mean), variance - variance**2 / spread
        series.append(np.array(z))
        errors.append(nees(np.array([x - mean]), np.array([[np.sqrt(variance)]])))
    return series, errors


def test_bounds_are_those_of_the_chi_square():
    found = chi_square("nis", np.array([0.5, 2.5, np.nan, 7.0, 3.0]), np.array([1, 2, 1, 0, 2]))
    assert found.n == 3 and found.statistic == pytest.approx(6.0 / 5.0)
    assert (found.low, found.high) == pytest.approx((chi2.ppf(0.025, 5) / 5, chi2.ppf(0.975, 5) / 5))
    assert found.p_value == pytest.approx(2 * chi2.sf(6.0, 5)) and found.consistent


def test_p_value_and_bounds_decide_alike():
    for mean in np.linspace(0.3, 2.2, 39):
        found = chi_square("nis", np.full(20, mean), np.ones(20))
        assert found.consistent == (found.p_value >= LEVEL), mean


def test_nothing_measured_decides_nothing():
    for found in (
        chi_square("nis", np.array([np.nan]), np.array([1])),
        chi_square("nis", np.array([]), np.array([])),
        by_patient("nis", [np.array([np.nan])], [np.array([1])]),
        whiteness("white", [np.ones(1)] * 9, np.random.default_rng(0)),
    ):
        assert found.consistent is None and np.isnan(found.p_value) and found.reason


def test_what_is_no_squared_error_is_refused():
    with pytest.raises(InputError, match="values >= 0"):
        chi_square("nis", np.array([-1.0]), np.array([1]))
    with pytest.raises(InputError, match="degrees of freedom"):
        chi_square("nis", np.array([1.0]), np.array([1, 1]))


def test_an_infinite_error_is_rejected():
    found = chi_square("nees", np.array([np.inf, 1.0]), np.array([1, 1]))
    assert found.consistent is False and found.p_value == 0.0 and found.fault.startswith("overconfident")


def test_chi_square_keeps_its_level():
    rng, low, high = np.random.default_rng(11), *allowed(REPEATS)
    degrees = np.array([1, 2, 3, 1, 1, 2])
    rejected = [not chi_square("nis", rng.chisquare(degrees), degrees).consistent for _ in range(REPEATS)]
    assert low <= sum(rejected) <= high


def test_by_patient_does_not_exceed_its_level_and_finds_a_few_misjudged_patients():
    rng, (_, high) = np.random.default_rng(12), allowed(REPEATS // 4)
    degrees = [np.ones(n) for n in LENGTHS * 2]
    right = [by_patient("nis", [rng.chisquare(d) for d in degrees], degrees) for _ in range(REPEATS // 4)]
    assert sum(not d.consistent for d in right) <= high
    some, five = [np.full(5, 3.4 if i % 5 == 0 else 0.4) for i in range(25)], [np.ones(5)] * 25
    assert chi_square("nis", np.concatenate(some), np.concatenate(five)).consistent
    found = by_patient("nis", some, five)
    assert found.consistent is False and found.statistic > found.high and "misjudged" in found.fault


def test_nees_is_the_quadratic_form_of_the_inverse():
    rng = np.random.default_rng(3)
    root, error = np.tril(rng.normal(size=(4, 4))), rng.normal(size=4)
    value, degrees = nees(error, root)
    assert degrees == 4 and value == pytest.approx(error @ np.linalg.solve(root @ root.T, error), rel=1e-9)
    units = np.diag([1.0, 1e6, 1e-6, 1.0])
    assert nees(units @ error, units @ root)[0] == pytest.approx(value, rel=1e-9)


def test_nees_of_what_is_known_exactly():
    root = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    assert nees(np.array([0.5, 1.0, 0.0]), root) == (pytest.approx(0.25), 1)
    assert nees(np.array([0.5, 1.0, 0.1]), root) == (np.inf, 2)
    assert nees(np.array([0.5, 1.5, 0.0]), root) == (np.inf, 2)
    assert nees(np.zeros(2), np.zeros((2, 2))) == (0.0, 0)


def test_ljung_box_of_one_patient_is_the_textbooks():
    rng = np.random.default_rng(5)
    z = rng.standard_normal(60)
    centred, expected = z - z.mean(), 0.0
    for lag in (1, 2, 3):
        r = (centred[:-lag] @ centred[lag:]) / (centred @ centred)
        expected += 60.0 * 62.0 * r**2 / (60.0 - lag)
    assert ljung_box(z, neighbours([z], 3)) == pytest.approx(expected, rel=1e-12)


def test_pairs_are_within_patients_and_keep_the_place_of_what_is_missing():
    series = [np.array([1.0, 2.0, np.nan, 4.0]), np.array([5.0]), np.array([6.0, 7.0, 8.0]), np.array([9.0, 10.0])]
    at = neighbours(series, 3)
    pairs = [(at.joined[a], at.joined[b]) for a, b in zip(at.first[0], at.second[0], strict=True)]
    assert pairs == [(1.0, 2.0), (6.0, 7.0), (7.0, 8.0), (9.0, 10.0)]
    assert len(at.first) == 1 and at.pairs == LEAST_PAIRS  # two pairs at lag 2 are too few


def test_autocorrelation_of_a_batch_is_that_of_each():
    rng = np.random.default_rng(6)
    z = rng.standard_normal((3, 12))
    at = neighbours([z[0, :7], z[0, 7:]], 2)
    assert np.allclose(autocorrelations(z, at), [autocorrelations(one, at) for one in z])


def test_whiteness_keeps_its_level_on_short_sequences():
    rng, low, high = np.random.default_rng(13), *allowed(REPEATS)
    found = [whiteness("white", ragged(rng), rng, permutations=99) for _ in range(REPEATS)]
    assert low <= sum(not d.consistent for d in found) <= high


def test_whiteness_asks_for_no_mean_and_no_spread():
    rng = np.random.default_rng(14)
    series = ragged(rng)
    one = whiteness("white", series, np.random.default_rng(0))
    other = whiteness("white", [5.0 + 3.0 * z for z in series], np.random.default_rng(0))
    assert other.p_value == one.p_value and other.statistic == pytest.approx(one.statistic)


def test_a_right_filter_is_rejected_at_the_level_and_no_more():
    repeats, rejected = 60, {"nis": 0, "nees": 0, "white": 0}
    for seed in range(repeats):
        series, errors = kalman(patients=15, seed=seed)
        joined = np.concatenate(series)
        rejected["nis"] += not chi_square("nis", joined**2, np.ones(joined.size)).consistent
        rejected["nees"] += not chi_square("nees", *(np.array(part) for part in zip(*errors, strict=True))).consistent
        rejected["white"] += not whiteness("white", series, np.random.default_rng(seed), permutations=99).consistent
    assert max(rejected.values()) <= allowed(repeats)[1]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"r": 0.5, "q": 0.5}, "overconfident"), ({"r": 2.0, "q": 2.0}, "underconfident"), ({"bias": 1.5}, "overconf")],
)
def test_a_filter_with_a_wrong_spread_or_a_bias_is_rejected(wrong, word):
    series, _ = kalman(**wrong)
    joined = np.concatenate(series)
    found = chi_square("nis", joined**2, np.ones(joined.size))
    assert found.consistent is False and found.fault.startswith(word)


@pytest.mark.parametrize("wrong", [{"q": 0.05}, {"r": 8.0}])
def test_a_filter_that_learns_at_the_wrong_rate_leaves_correlated_innovations(wrong):
    series, _ = kalman(**wrong)
    found = whiteness("white", series, np.random.default_rng(1))
    assert found.consistent is False and found.fault.startswith("correlated in sequence")


def test_correlated_innovations_of_few_patients_are_found():
    rng = np.random.default_rng(15)
    found = [whiteness("white", ragged(rng, chain=0.9), rng, permutations=99) for _ in range(50)]
    assert np.mean([not d.consistent for d in found]) > 0.8
