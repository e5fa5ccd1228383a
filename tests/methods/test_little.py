"""Little's test: a published value, a naive one by another maximizer, closed form of two columns, errors and power."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import chi2, kstest, multivariate_normal

from vvuq.errors import NotEvaluable
from vvuq.methods.little import little, power

REFERENCES = Path(__file__).resolve().parent.parent / "references"


def drawn(n=200, seed=0, shift=0.0, p=3, missing=0.25):
    """Correlated normal rows; which values are missing is a coin, and rows that lack some lie `shift` SDs higher."""
    rng = np.random.default_rng(seed)
    root = np.tril(0.5 * np.ones((p, p))) + 0.5 * np.eye(p)
    gone = rng.random((n, p)) < missing
    gone[:, 0] &= ~gone.all(axis=1)
    rows = rng.normal(size=(n, p)) @ root.T + shift * gone.any(axis=1, keepdims=True)
    return np.where(gone, np.nan, rows)


def naive(rows):
    """Moments by a general maximizer of the likelihood, row by row; then the sum over patterns."""
    p = rows.shape[1]
    lower = np.tril_indices(p)

    def unpack(at):
        root = np.zeros((p, p))
        root[lower] = at[p:]
        return at[:p], root @ root.T + 1e-12 * np.eye(p)

    def loss(at):
        mean, cov = unpack(at)
        total = 0.0
        for row in rows:
            o = np.flatnonzero(np.isfinite(row))
            total -= multivariate_normal.logpdf(row[o], mean[o], cov[np.ix_(o, o)])
        return total

    start = np.concatenate([np.nanmean(rows, axis=0), np.diag(np.nanstd(rows, axis=0))[lower]])
    mean, cov = unpack(minimize(loss, start, method="BFGS", options={"gtol": 1e-5}).x)
    statistic, df = 0.0, -p
    for kind in {tuple(np.isfinite(row)) for row in rows}:
        o = np.flatnonzero(kind)
        own = [row[o] for row in rows if tuple(np.isfinite(row)) == kind]
        apart = np.mean(own, axis=0) - mean[o]
        statistic += len(own) * apart @ np.linalg.inv(cov[np.ix_(o, o)]) @ apart
        df += len(o)
    return statistic, df, mean, cov


def test_it_is_the_published_value():
    card = yaml.safe_load((REFERENCES / "airquality.yaml").read_text(encoding="utf-8"))["little"]
    rows = np.genfromtxt(REFERENCES / "airquality.csv", delimiter=",", skip_header=1)
    found = little(rows)
    assert abs(found.statistic - card["statistic"]) <= card["rounded_to"]["statistic"]
    assert abs(found.p_value - card["p_value"]) <= card["rounded_to"]["p_value"]
    assert (found.df, len(found.patterns)) == (card["df"], card["patterns"])
    assert [one.rows for one in found.patterns] == [111, 35, 5, 2] and found.small == 7


def test_it_is_what_another_maximizer_finds():
    rows = drawn(40, seed=3, p=2)
    statistic, df, mean, cov = naive(rows)
    found = little(rows)
    assert found.statistic == pytest.approx(statistic, rel=1e-4) and found.df == df
    assert found.mean == pytest.approx(mean, abs=1e-4) and found.covariance == pytest.approx(cov, abs=1e-3)
    assert found.p_value == pytest.approx(chi2.sf(statistic, df), rel=1e-3)


def test_two_columns_of_which_one_is_always_seen_have_a_closed_form():
    """Only the means of the one that is seen can differ: n times its between-groups share of variance."""
    rng = np.random.default_rng(5)
    x, gone = rng.normal(3.0, 2.0, 80), rng.random(80) < 0.4
    rows = np.column_stack([x, np.where(gone, np.nan, 0.5 * x + rng.normal(size=80))])
    found = little(rows)
    between = sum(part.size * (part.mean() - x.mean()) ** 2 for part in (x[gone], x[~gone]))
    assert found.statistic == pytest.approx(between / x.var(), rel=1e-6) and found.df == 1


@given(seed=st.integers(0, 50), scale=st.sampled_from((1e-3, 7.0, 1e4)), shift=st.floats(-50.0, 50.0))
@settings(max_examples=10)
def test_units_and_order_of_columns_and_rows_do_not_matter(seed, scale, shift):
    rows = drawn(60, seed)
    one, other = little(rows), little((scale * rows + shift)[::-1, ::-1])
    assert other.statistic == pytest.approx(one.statistic, rel=1e-5) and other.df == one.df
    assert other.mean[::-1] == pytest.approx(scale * one.mean + shift, rel=1e-5, abs=1e-5 * scale)


def test_rows_without_anything_do_not_count():
    rows = drawn(60)
    more = np.vstack([rows, np.full((5, 3), np.nan)])
    assert little(more).statistic == pytest.approx(little(rows).statistic) and little(more).empty == 5


def test_it_finds_what_is_there():
    assert little(drawn(200, shift=1.0)).p_value < 1e-6 and little(drawn(200)).p_value > 0.01


def test_power_rises_with_the_shift_and_with_rows():
    rng = np.random.default_rng(1)
    small = power(little(drawn(60)), rng, sizes=(0.0, 0.5, 2.0), repeats=30)
    assert small[0] < 8 and small[0] < small[1] < small[2]
    assert power(little(drawn(300)), rng, sizes=(0.5,), repeats=30)[0] > small[1]


def test_what_cannot_be_tested_is_said():
    full, twin = np.random.default_rng(0).normal(size=(20, 2)), drawn(40)
    twin[:, 1] = 2.0 * twin[:, 0]
    apart = np.full((20, 2), np.nan)
    apart[:10, 0], apart[10:, 1] = full[:10, 0], full[10:, 1]
    constant = drawn(20)
    constant[:, 2] = 1.0
    for rows, what in (
        (full, "same columns"),
        (constant, "column 3"),
        (twin, "unique moments"),
        (apart, "never"),
        (drawn(3), "many more"),
    ):
        with pytest.raises(NotEvaluable, match=what):
            little(rows)


@pytest.mark.slow
def test_it_errs_as_often_as_it_says_and_p_values_are_even():
    p_values = [little(drawn(300, seed)).p_value for seed in range(1000)]
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.07
    assert kstest(p_values, "uniform").pvalue > 0.001


@pytest.mark.slow
def test_power_is_the_share_found_in_data_drawn_apart():
    """Of data that the test has not shaped, with the same shift."""
    told = power(little(drawn(150)), np.random.default_rng(2), sizes=(0.4,), repeats=1000)[0] / 1000.0
    there = np.mean([little(drawn(150, seed, shift=0.4)).p_value < 0.05 for seed in range(1000)])
    assert abs(told - there) < 0.12, "patterns and moments of one sample stand for those of all"
