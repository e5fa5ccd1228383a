"""Brier score: its parts add up, and each says what it is said to say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.methods.events import brier, calibration, decomposed

EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
forecasts = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=30).map(
    lambda pairs: (np.array([p for p, _ in pairs]), np.array([float(e) for _, e in pairs]))
)


@given(forecasts)
def test_the_parts_add_up_to_the_score(pair):
    found = decomposed(*pair, EDGES)
    assert found.brier == pytest.approx(np.mean((pair[0] - pair[1]) ** 2))
    assert found.reliability - found.resolution + found.uncertainty + found.within == pytest.approx(found.brier)
    assert min(found.reliability, found.resolution, found.uncertainty) >= 0.0


@given(forecasts)
def test_with_one_probability_to_a_bin_nothing_is_left_within(pair):
    middle = 0.5 * (EDGES[1:] + EDGES[:-1])
    of = np.clip(np.searchsorted(EDGES, pair[0], side="right") - 1, 0, middle.size - 1)
    assert decomposed(middle[of], pair[1], EDGES).within == pytest.approx(0.0, abs=1e-12)


@given(forecasts)
def test_every_forecast_is_in_one_bin_and_the_bins_hold_their_means(pair):
    found = calibration(*pair, EDGES)
    assert found.count.sum() == pair[0].size and found.events.sum() == pair[1].sum()
    assert np.all((found.low <= found.forecast + 1e-12) & (found.forecast <= found.high + 1e-12))
    np.testing.assert_allclose(found.observed, found.events / found.count)
    assert (found.forecast * found.count).sum() == pytest.approx(pair[0].sum())


def test_the_base_rate_has_no_resolution_and_certainty_that_is_right_has_all_of_it():
    event = np.array([0.0, 1.0, 0.0, 0.0])
    base, sure = decomposed(np.full(4, 0.25), event, EDGES), decomposed(event, event, EDGES)
    assert (base.reliability, base.resolution, base.brier) == pytest.approx((0.0, 0.0, 0.1875))
    assert (sure.brier, sure.reliability) == (0.0, 0.0) and sure.resolution == pytest.approx(sure.uncertainty)


def test_the_true_probability_scores_best_on_average():
    rng = np.random.default_rng(0)
    p = rng.random(20000) ** 2
    event = (rng.random(p.size) < p).astype(float)
    best = brier(p, event).mean()
    assert best == pytest.approx((p * (1.0 - p)).mean(), abs=0.006)
    assert all(brier(q, event).mean() > best for q in (np.full(p.size, event.mean()), p**2, np.sqrt(p)))
    assert decomposed(p, event, EDGES).reliability < 1e-3 < decomposed(np.sqrt(p), event, EDGES).reliability
