"""Risk difference and odds ratio: published intervals, exchange of groups, empty cells, coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.methods.association import odds_ratio, risk_difference, wilson

counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_newcombes_first_example():
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 by method 10 (Newcombe 1998, table II)."""
    q = risk_difference((56, 48), (70, 80))
    assert (q.value, q.low, q.high) == pytest.approx((20.0, 5.24, 33.39), abs=0.006)
    assert q.low < q.lower95 < q.value < q.upper95 < q.high and q.n == 150


def test_woolf_by_hand():
    q = odds_ratio((10, 20), (100, 80))
    error = np.sqrt(1 / 10 + 1 / 90 + 1 / 20 + 1 / 60)
    assert q.value == pytest.approx((10 / 90) / (20 / 60))
    assert q.high == pytest.approx(q.value * np.exp(1.959964 * error), rel=1e-6)


@given(one=counts, other=counts)
def test_groups_exchanged_turn_the_sign(one, other):
    (a, n), (b, m) = one, other
    q, r = risk_difference((a, b), (n, m)), risk_difference((b, a), (m, n))
    assert (q.value, q.low, q.high) == pytest.approx((-r.value, -r.high, -r.low), abs=1e-9)
    assert -100.0 - 1e-9 <= q.low <= q.value + 1e-9 and q.value <= q.high + 1e-9 <= 100.0 + 2e-9
    p, s = odds_ratio((a, b), (n, m)), odds_ratio((b, a), (m, n))
    assert (p.value, p.low, p.high) == pytest.approx((1 / s.value, 1 / s.high, 1 / s.low))
    assert 0.0 < p.low < p.value < p.high < np.inf


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    p, q, n = 0.15, 0.08, 60
    draws = zip(rng.binomial(n, p, 3000).tolist(), rng.binomial(n, q, 3000).tolist(), strict=True)
    found = [(risk_difference(k, (n, n)), odds_ratio(k, (n, n))) for k in draws]
    truth = (p / (1 - p)) / (q / (1 - q))
    assert 0.935 < np.mean([d.low <= 7.0 <= d.high for d, _ in found]) < 0.975
    assert 0.935 < np.mean([o.low <= truth <= o.high for _, o in found]) < 0.985


def test_wilsons_ends_solve_their_equation():
    low, high = wilson(9, 40)
    for end in (low, high):
        assert abs(9 / 40 - end) / np.sqrt(end * (1 - end) / 40) == pytest.approx(1.959964, rel=1e-6)
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == pytest.approx(1.0)
