"""Holm's correction, exact bounds of a share, and a power statement that holds when it is tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from vvuq.methods.consistency import chi_square, undecided
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.methods.power import detectable, family, holm, share_bounds, would_be_seen

SERIES = [np.zeros(k) for k in (1, 2, 3, 4, 2, 3, 1, 5, 2, 6, 3, 3) * 3]


def test_holm_of_a_worked_case():
    """Four tests at 0.01, 0.04, 0.03, 0.005: steps 4 x 0.005, 3 x 0.01, 2 x 0.03, and no less than the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([0.6, math.nan, 0.02])
    assert found[0] == pytest.approx(0.6) and math.isnan(found[1]) and found[2] == pytest.approx(0.04)
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_a_family_rejects_less_than_each_alone_and_leaves_the_undecided():
    values, ones = np.full(30, 1.6), np.ones(30)
    alone = chi_square("nis", values, ones)
    assert alone.consistent is False
    fine = [chi_square(f"t{i}", ones, ones) for i in range(5)]
    decided = family([alone, *fine, undecided("none", 0.05, 0, "nothing")])
    assert [d.consistent for d in decided] == [True] * 6 + [None]
    assert alone.fault == "overconfident" and decided[0].fault == ""
    far = chi_square("far", 2.0 * values, ones)
    assert [d.fault for d in family([far, *fine])] == ["overconfident"] + [""] * 5
    assert decided[0].p_value == pytest.approx(6.0 * alone.p_value) and decided[0].low == alone.low


def test_a_family_of_true_nulls_is_rejected_at_most_at_its_level():
    rng, repeats = np.random.default_rng(3), 600
    rejected = sum(min(holm(list(rng.random(5)))) <= 0.05 for _ in range(repeats))
    assert binomtest(rejected, repeats, 0.05, alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (3, 20), (20, 20)])
def test_bounds_of_a_share_are_exact(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert share_bounds(hits, n) == pytest.approx((expected.low, expected.high))


def test_what_the_spread_test_detects_is_the_closed_form():
    """P(f^2 chi2_n outside of the bounds) = 0.8."""
    n, found = sum(map(len, SERIES)), detectable(SERIES, np.random.default_rng(1), repeats=4000)
    over = next(d for d in found if (d.test, d.departure) == ("nis", "overconfident"))
    under = next(d for d in found if (d.test, d.departure) == ("nis", "underconfident"))
    assert over.n == n
    assert chi2.sf(chi2.ppf(0.975, n) / over.size**2, n) == pytest.approx(0.8, abs=0.03)
    assert chi2.cdf(chi2.ppf(0.025, n) * under.size**2, n) == pytest.approx(0.8, abs=0.03)


def test_more_patients_detect_less_and_a_stricter_level_detects_more():
    def sizes(series, level=0.05):
        return [d.size for d in detectable(series, np.random.default_rng(2), level=level, repeats=500)]

    base, many, strict = sizes(SERIES), sizes(SERIES * 4), sizes(SERIES, 0.01)
    assert len(base) == 5 and all(1.0 < size < 3.0 for size in base[:4]) and 0.0 < base[4] < 1.0
    assert all(a < b for a, b in zip(many, base, strict=True))
    assert all(a < b for a, b in zip(base, strict, strict=True))


def test_what_cannot_be_detected_is_infinite_and_what_cannot_be_tested_is_left_out():
    assert detectable([np.zeros(1)], np.random.default_rng(0)) == ()
    few = detectable([np.zeros(1)] * 3, np.random.default_rng(0), level=1e-4, repeats=1000)
    assert {d.test for d in few} == {"nis", "pit"}
    assert next(d for d in few if (d.test, d.departure) == ("pit", "underconfident")).size == math.inf


def test_the_statement_holds_when_it_is_tried():
    """Fresh cohorts with SDs too small by the stated factor are rejected about as often as stated."""
    found = detectable(SERIES, np.random.default_rng(4), repeats=2000)
    size, n = found[0].size, found[0].n
    z = size * np.random.default_rng(5).standard_normal((600, n))
    rejected = sum(not chi_square("nis", row**2, np.ones(n)).consistent for row in z)
    assert rejected / 600 == pytest.approx(0.8, abs=0.06)


def test_an_effect_that_would_be_seen_is_seen_that_often():
    """Means of 8 patients: intervals leave 0 out in about 80 % (that the error is estimated is left out)."""
    rng, size = np.random.default_rng(6), would_be_seen(1.0 / math.sqrt(8.0), 8)
    hits = 0
    for _ in range(2000):
        value, error = jackknife(rng.normal(size, 1.0, (8, 1)), lambda rows: rows.mean(axis=0))
        hits += t_quantity(value[0], error[0], "1", 8).low > 0.0
    assert hits / 2000 == pytest.approx(0.8, abs=0.06)
    assert would_be_seen(1.0, 1) == would_be_seen(math.inf, 5) == math.inf
