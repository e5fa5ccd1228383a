"""Monte Carlo by the guides of metrology: published examples, closed forms, what the stopping rules promise."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.gum import Propagated, adaptive, coverage_interval, propagated, tolerance, validated

REFERENCES = Path(__file__).resolve().parent.parent / "references"
ROOT3 = np.sqrt(3.0)


def published(example, method):
    with (REFERENCES / "jcgm101.csv").open() as file:
        (row,) = [r for r in csv.DictReader(file) if (r["example"], r["method"]) == (example, method)]
    return np.array([float(row[k]) for k in ("estimate", "uncertainty", "low", "high")]), float(row["rounded_to"])


def numbers(found):
    return np.array([found.estimate, found.uncertainty, found.low, found.high])


def four_normal(n, rng):
    return rng.normal(size=(4, n)).sum(axis=0)


def rectangular(*deviations):
    return lambda n, rng: (ROOT3 * np.array(deviations)[:, None] * rng.uniform(-1.0, 1.0, (len(deviations), n))).sum(0)


def weight(n, rng):
    """The calibration of a weight (9.3), its deviation from 100 g in mg."""
    m, dm = rng.normal(100_000.0, 0.050, n), rng.normal(1.234, 0.020, n)
    air, w, r = rng.uniform(1.1, 1.3, n), rng.uniform(7000.0, 9000.0, n), rng.uniform(7950.0, 8050.0, n)
    return (m + dm) * (1.0 + (air - 1.2) * (1.0 / w - 1.0 / r)) - 100_000.0


ADDED = {"9.2.2": four_normal, "9.2.3": rectangular(1, 1, 1, 1), "9.2.4": rectangular(1, 1, 1, 10)}


@pytest.mark.parametrize("example", ADDED)
def test_published_sums(example):
    found = adaptive(ADDED[example], np.random.default_rng(1))
    expected, rounding = published(example, "monte_carlo")
    error = 1.6 * found.errors  # of normal averages at least 4 standard errors: half-widths have 2.5 of them and more
    assert found.stabilized and np.all(np.abs(numbers(found) - expected) <= rounding + error)


def test_the_published_ends_are_those_of_closed_forms():
    """Four rectangles: x^4 / 24 below 1 is the distribution of a sum of four of [0, 1]. With one of SD 10: the density
    of the other three on a grid, against the distribution of that one."""
    expected, rounding = published("9.2.3", "monte_carlo")
    exact = 2.0 * ROOT3 * ((0.025 * 24.0) ** 0.25 - 2.0)
    assert exact == pytest.approx(expected[2], abs=rounding)
    expected, rounding = published("9.2.4", "monte_carlo")
    step = 0.001
    x = np.arange(-3.0 * ROOT3, 3.0 * ROOT3, step)
    one = (np.abs(x) <= ROOT3).astype(float)
    three = np.convolve(np.convolve(one, one, "same"), one, "same")
    cdf = [(three * np.clip((end - x) / (20.0 * ROOT3) + 0.5, 0.0, 1.0)).sum() / three.sum() for end in expected[2:]]
    slope = 1.0 / (20.0 * ROOT3)
    assert np.abs(np.array(cdf) - [0.025, 0.975]).max() < rounding * slope + 1e-3 * slope


def test_published_weight():
    """One digit, so that it is quick: the tolerance is 0.005; 0.004 more are for the ends that were published."""
    found = adaptive(weight, np.random.default_rng(2), interval="shortest", digits=1)
    expected, _ = published("9.3", "monte_carlo")
    assert found.tolerance == 0.005 and found.stabilized
    assert np.all(np.abs(numbers(found) - expected) < [0.001, 0.001, 0.009, 0.009])
    law = propagated(1.234, np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([0.05, 0.02, 0.1 / ROOT3, 577.35, 28.9]))
    stated, rounding = published("9.3", "propagation")
    np.testing.assert_allclose(numbers(law), stated, atol=rounding * 1.01)


def test_the_published_uncertainty_of_the_weight_is_that_of_its_moments():
    """0.07548: the published 0.0754 is of a finite run; of 5e5 trials its standard error is 7.5e-5; two are allowed."""

    def reciprocal(a, b):
        return np.log(b / a) / (b - a), 1.0 / (a * b)  # means of 1 / x and of 1 / x^2

    (w, w2), (r, r2) = reciprocal(7000.0, 9000.0), reciprocal(7950.0, 8050.0)
    buoyancy = 0.1**2 / 3.0 * (w2 - 2.0 * w * r + r2)
    mass = 0.05**2 + 0.02**2
    exact = np.sqrt(mass + (100_001.234**2 + mass) * buoyancy)
    assert exact == pytest.approx(published("9.3", "monte_carlo")[0][1], abs=5e-5 + 2.0 * 7.5e-5)


@pytest.mark.slow
def test_published_weight_to_its_digits():
    found = adaptive(weight, np.random.default_rng(3), interval="shortest", rule="supplement")
    expected, _ = published("9.3", "monte_carlo")
    assert found.stabilized and found.tolerance == pytest.approx(0.0005)
    assert np.all(np.abs(numbers(found) - expected) < [3e-4, 3e-4, 0.004, 0.004])


def test_the_law_fails_where_the_supplement_says_so():
    """Four rectangles: the ends of the law are 0.04 too far out, within 0.05 (2 digits), not within 0.005 (3)."""
    law = propagated(0.0, np.ones(4), np.ones(4))
    np.testing.assert_allclose(numbers(law), published("9.2.3", "propagation")[0], atol=0.005)
    sharp = adaptive(ADDED["9.2.3"], np.random.default_rng(4), share=0.2)
    found = validated(law, sharp)
    assert found.agrees and found.delta == 0.05 and found.d_low == pytest.approx(0.0406, abs=0.01)
    assert validated(law, adaptive(ADDED["9.2.3"], np.random.default_rng(4))).agrees is None, "not sharp enough to tell"
    wide = propagated(0.0, np.ones(4), np.array([1.0, 1.0, 1.0, 10.0]))
    np.testing.assert_allclose(numbers(wide), published("9.2.4", "propagation")[0], atol=0.05)
    found = validated(wide, adaptive(ADDED["9.2.4"], np.random.default_rng(5), share=0.2))
    assert found.agrees is False and found.d_high == pytest.approx(2.9, abs=0.1)
    with pytest.raises(InputError, match="as of the law"):
        validated(propagated(0.0, np.ones(4), np.ones(4), coverage=0.9), sharp)


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.0754, 2, 0.0005),
        (0.0754, 1, 0.005),
        (2.0, 2, 0.05),
        (9.96, 2, 0.5),
        (9.94, 2, 0.05),
        (10.1, 3, 0.05),
        (35.0, 1, 5.0),
    ],
)
def test_tolerance_is_half_a_unit_of_the_last_digit(value, digits, expected):
    assert tolerance(value, digits) == pytest.approx(expected, rel=1e-12)


@given(st.integers(60, 400), st.floats(0.5, 0.95), st.integers(0, 10**6))
def test_intervals_hold_their_share_and_the_shortest_is_no_longer(n, coverage, seed):
    values = np.random.default_rng(seed).gamma(1.5, size=n)
    low, high = coverage_interval(values, coverage)
    first, last = coverage_interval(values, coverage, "shortest")
    held = int(coverage * n + 0.5)
    for a, b in ((low, high), (first, last)):
        assert ((values > a) & (values <= b)).sum() == held
    assert last - first <= high - low
    assert abs((values < low).sum() - (values > high).sum()) <= 1, "equal tails"


def test_a_shortest_interval_of_an_exponential_begins_at_0():
    found = coverage_interval(np.random.default_rng(6).exponential(size=200_000), 0.9, "shortest")
    assert found == pytest.approx((0.0, -np.log(0.1)), abs=0.03)


def test_a_budget_that_ends_first_is_said():
    found = adaptive(four_normal, np.random.default_rng(7), digits=4, budget=250_000)
    assert not found.stabilized and found.trials == 250_000 and found.errors.max() > found.tolerance
    assert adaptive(four_normal, np.random.default_rng(7), rule="supplement", digits=1).trials == 20_000
    blocks = adaptive(four_normal, np.random.default_rng(7), coverage=0.999, digits=1, budget=10**6)
    assert blocks.trials == 1_000_000, "ten blocks of 100 / (1 - 0.999) trials"


def test_the_same_stream_gives_the_same_and_the_rules_differ_in_what_they_ask():
    one, other = (adaptive(four_normal, np.random.default_rng(8)) for _ in range(2))
    assert isinstance(one, Propagated) and np.array_equal(numbers(one), numbers(other))
    letter = adaptive(four_normal, np.random.default_rng(8), rule="supplement")
    assert letter.trials < one.trials
    both = [
        adaptive(four_normal, np.random.default_rng(8), interval=i, budget=10**5).errors
        for i in ("symmetric", "shortest")
    ]
    assert np.all(both[1][2:] > 2.0 * both[0][2:]), "ends of a shortest interval are known less well"


def test_the_law_with_correlation_and_few_degrees_of_freedom():
    c, u = np.array([1.0, -2.0]), np.array([0.3, 0.2])
    together = propagated(5.0, c, u, correlation=np.array([[1.0, 0.5], [0.5, 1.0]]))
    assert together.uncertainty == pytest.approx(np.sqrt(0.3**2 + 0.4**2 - 0.3 * 0.4))
    assert together.factor == pytest.approx(norm.ppf(0.975))
    few = propagated(5.0, c, u, freedom=np.array([4.0, np.inf]), coverage=0.9)
    assert few.factor == pytest.approx(t.ppf(0.95, 0.5**4 / (0.3**4 / 4.0)))
    assert propagated(5.0, c, u, freedom=np.full(2, np.inf)).factor == pytest.approx(norm.ppf(0.975))


def test_what_cannot_be_evaluated():
    rng = np.random.default_rng(9)
    with pytest.raises(NotEvaluable, match="3 of 10000 trials failed"):
        adaptive(lambda n, r: np.where(np.arange(n) < 3, np.nan, r.normal(size=n)), rng)
    with pytest.raises(NotEvaluable, match="does not vary"):
        adaptive(lambda n, r: np.ones(n), rng)
    with pytest.raises(InputError, match="as many as were asked"):
        adaptive(lambda n, r: np.ones(n + 1), rng)
    for wrong in (
        {"budget": 50_000},
        {"digits": 0},
        {"coverage": 95.0},
        {"share": 0.0},
        {"rule": "guess"},
        {"interval": "x"},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            adaptive(four_normal, rng, **wrong)
    with pytest.raises(NotEvaluable, match="too few"):
        coverage_interval(np.arange(10.0), 0.95)
    with pytest.raises(NotEvaluable, match="do not move"):
        propagated(1.0, np.zeros(2), np.ones(2))
    with pytest.raises(InputError, match="0 or more"):
        propagated(1.0, np.ones(2), np.array([1.0, -1.0]))
    with pytest.raises(InputError, match="one for each"):
        propagated(1.0, np.ones(2), np.ones(3))
    with pytest.raises(InputError, match="correlation matrix"):
        propagated(1.0, np.ones(2), np.ones(2), correlation=np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(InputError, match="none where inputs are correlated"):
        propagated(1.0, np.ones(2), np.ones(2), correlation=np.eye(2), freedom=np.ones(2))
    with pytest.raises(InputError, match="above 0 for each"):
        propagated(1.0, np.ones(2), np.ones(2), freedom=np.zeros(2))


def right(sample, truth, seeds, **settings):
    """The share of seeds with each, and with all, of the four numbers within the tolerance."""
    found = [adaptive(sample, np.random.default_rng([10, s]), **settings) for s in range(seeds)]
    assert all(one.stabilized for one in found)
    ok = np.array([np.abs(numbers(one) - truth) <= one.tolerance for one in found])
    return ok.mean(axis=0), ok.all(axis=1).mean()


NORMAL = np.array([0.0, 2.0, *(2.0 * norm.ppf([0.025, 0.975]))])
EXPONENTIAL = {
    "symmetric": np.array([1.0, 1.0, -np.log(0.975), -np.log(0.025)]),
    "shortest": np.array([1.0, 1.0, 0.0, -np.log(0.05)]),
}


def one_normal(n, rng):
    return 2.0 * rng.normal(size=n)


def exponential(n, rng):
    return rng.exponential(size=n)


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["symmetric", "shortest"])
def test_after_it_stopped_the_digits_are_right(interval):
    """All four in 95 % of seeds, as promised."""
    seeds = 400 if interval == "symmetric" else 120
    for sample, truth in ((one_normal, NORMAL), (exponential, EXPONENTIAL[interval])):
        _, together = right(sample, truth, seeds, interval=interval)
        assert together >= 0.95 - 2.0 * np.sqrt(0.95 * 0.05 / seeds), "two standard errors below the promise"


@pytest.mark.slow
def test_the_rule_of_the_supplement_promises_more_than_it_keeps():
    """If this fails, the rule is better than the module says of it."""
    each, _ = right(one_normal, NORMAL, 120, interval="shortest", rule="supplement")
    assert each[2:].max() < 0.9
