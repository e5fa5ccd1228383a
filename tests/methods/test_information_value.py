"""Value of information: closed forms of two Gaussian decisions, nested Monte Carlo, bounds, bias of the plug-in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.information_value import information, neighbours, perfect_information, polynomial

MEAN, ONE, OTHER, NOISE = 0.5, 0.6, 0.8, 1.0  # theta = MEAN + a + b with these SDs; what is measured errs by NOISE
LEARNED = 1.0 / np.sqrt(1.0 + NOISE**2)  # the SD of E[theta | measurement]


def loss(sd, mean=MEAN):
    """Expected gain where the mean, known with this SD later, decides against 0: the unit normal loss integral."""
    return sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd)


def gaussian(n, seed):
    """Benefits of doing nothing and of an act worth theta; a; the measurement; and noise that has nothing to say."""
    rng = np.random.default_rng(seed)
    a, b = ONE * rng.normal(size=n), OTHER * rng.normal(size=n)
    theta = MEAN + a + b
    return np.array([np.zeros(n), theta]), a, theta + NOISE * rng.normal(size=n), rng.normal(size=n)


def near(found, truth):
    """Within 4 standard errors (6e-5 of cases are not)."""
    return abs(found.value - truth) <= 4.0 * found.error


@pytest.mark.parametrize("seed", range(3))
def test_closed_forms_of_two_gaussian_decisions(seed):
    benefit, a, measured, _ = gaussian(4000, seed)
    all_known, some_known, seen = perfect_information(benefit), information(benefit, a), information(benefit, measured)
    for found, sd in ((all_known, 1.0), (some_known, ONE), (seen, LEARNED)):
        assert near(found, loss(sd)) and 0.0 < found.error < 0.01
        assert found.plug_in == pytest.approx(loss(sd), abs=4.0 * found.error)
        assert found.changes == pytest.approx(norm.cdf(-MEAN / sd), abs=0.04)
    assert all_known.decision == 1 and all_known.samples == 4000


def test_measurement_is_worth_no_more_than_parameter_and_that_no_more_than_all():
    benefit, a, _, junk = gaussian(4000, 5)
    noisy = a + 0.5 * junk
    values = [information(benefit, noisy), information(benefit, a), perfect_information(benefit)]
    assert values[0].value < values[1].value < values[2].value
    assert values[0].plug_in < values[1].plug_in < values[2].plug_in


@pytest.mark.parametrize("smoother", [polynomial, neighbours])
def test_what_has_nothing_to_say_is_worth_nothing(smoother):
    benefit, _, _, junk = gaussian(1500, 6)
    found = information(benefit, junk, smoother=smoother)
    assert abs(found.value) <= 4.0 * found.error and found.plug_in >= -1e-12
    assert found.changes < 0.05


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_on_any_samples_no_rule_gains_more_than_knowing_all(seed):
    rng = np.random.default_rng(seed)
    benefit = rng.normal(size=(3, 120)) + rng.normal(size=(3, 1))
    assert information(benefit, rng.normal(size=120)).value <= perfect_information(benefit).value + 1e-12


def test_scale_shift_and_order_of_decisions():
    benefit, _, measured, _ = gaussian(1000, 7)
    before = information(benefit, measured)
    after = information(3.0 * benefit[::-1] - 40.0, np.exp(measured))
    assert after.value == pytest.approx(3.0 * before.value, rel=1e-6)
    assert (after.changes, after.decision) == (before.changes, 0), "only the order of what is seen counts"


def binomial(n, seed, trials=8):
    """A rate of a good outcome p ~ Beta(2, 3), and how many of some patients to be observed have it. An act is worth
    p - 0.5, or, where p is above 0.6, twice as much."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2.0, 3.0, n)
    return np.array([np.zeros(n), worth(p)]), rng.binomial(trials, p).astype(float)


def worth(p):
    return (p - 0.5) * np.where(p > 0.6, 2.0, 1.0)


def nested(trials=8, inner=20_000):
    """The value by nested Monte Carlo: for each count the posterior is Beta again, and is drawn."""
    rng = np.random.default_rng(8)
    now = worth(rng.beta(2.0, 3.0, 10 * inner)).mean()
    p = rng.beta(2.0, 3.0, 10 * inner)
    counts = np.arange(trials + 1)
    share = binom.pmf(counts[:, None], trials, p[::50]).mean(axis=1)
    then = [max(0.0, worth(rng.beta(2.0 + k, 3.0 + trials - k, inner)).mean()) for k in counts]
    return share @ np.array(then) - max(0.0, now)


@pytest.mark.parametrize("smoother", [polynomial, neighbours])
def test_nested_monte_carlo_finds_the_same_for_counts(smoother):
    oracle = nested()
    benefit, count = binomial(3000, 9)
    found = information(benefit, count, smoother=smoother)
    assert oracle > 0.01
    assert abs(found.value - oracle) <= 4.0 * found.error + 0.001  # inner means of 20,000 draws err by 0.0003


def test_a_jump_that_a_polynomial_smooths_is_seen_by_neighbours():
    rng = np.random.default_rng(10)
    x = rng.random(2000)
    benefit = np.array([np.zeros(2000), np.where((x > 0.45) & (x < 0.55), 1.0, -0.3) + 0.1 * rng.normal(size=2000)])
    by_neighbours, by_polynomial = (information(benefit, x, smoother=s) for s in (neighbours, polynomial))
    assert near(by_neighbours, 0.1) and by_polynomial.value < by_neighbours.value


def test_several_things_seen_together():
    benefit, a, measured, junk = gaussian(2000, 11)
    together = information(benefit, np.array([measured, a, junk]))
    known = 1.0 / (1.0 / OTHER**2 + 1.0 / NOISE**2)  # the variance of b once a and the measurement are known
    assert near(together, loss(np.sqrt(1.0 - known)))


def test_what_cannot_be_valued():
    benefit, a, *_ = gaussian(200, 12)
    with pytest.raises(InputError, match="2 decisions or more"):
        perfect_information(benefit[:1])
    with pytest.raises(InputError, match="100 samples or more"):
        perfect_information(benefit[:, :50])
    with pytest.raises(InputError, match="a column for each of 200"):
        information(benefit, a[:100])
    with pytest.raises(NotEvaluable, match="1 of 400 benefits"):
        perfect_information(np.where(benefit == benefit[1, 3], np.nan, benefit))
    with pytest.raises(NotEvaluable, match="2 of 200 seen values"):
        information(benefit, np.where(np.arange(200) < 2, np.inf, a))
    with pytest.raises(NotEvaluable, match="row 1 of what is seen is the same"):
        information(benefit, np.array([a, np.ones(200)]))


@pytest.mark.slow
def test_over_many_studies_the_value_is_right_its_error_too_and_the_plug_in_high_where_samples_are_few():
    found = []
    for seed in range(400):
        benefit, _, measured, junk = gaussian(300, [13, seed])
        one, none = information(benefit, measured), information(benefit, junk)
        found.append((one.value, one.error, none.value, none.plug_in, one.value - loss(LEARNED)))
    value, error, nothing, plugged, missed = np.array(found).T
    standard = value.std(ddof=1) / np.sqrt(400)
    assert -3.0 * standard - 0.005 < value.mean() - loss(LEARNED) < 3.0 * standard
    assert error.mean() == pytest.approx(value.std(ddof=1), rel=0.15)
    assert np.mean(np.abs(missed) <= 1.96 * error) > 0.90
    assert nothing.mean() <= 3.0 * nothing.std(ddof=1) / np.sqrt(400)
    assert plugged.mean() > 0.0 >= nothing.mean(), "the plug-in finds something in nothing"
