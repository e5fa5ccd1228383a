"""Net benefit and lead times against what can be counted by hand, and what must hold for every forecaster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.methods.decisions import benefit, lead_times, onsets, raised

CASES = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=40)
SHARE = st.floats(0.01, 0.99)


def test_net_benefit_of_ten_cases_counted_by_hand():
    event = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], dtype=float)
    acted = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], dtype=bool)
    assert benefit(acted, event, 0.2).mean() == pytest.approx(2 / 10 - 1 / 10 * 0.25)


@given(CASES, SHARE)
def test_acting_always_gains_what_the_prevalence_says_and_acting_never_nothing(cases, threshold):
    event = np.array([e for _, e in cases], dtype=float)
    base, odds = event.mean(), threshold / (1.0 - threshold)
    everyone = benefit(np.ones(event.size, dtype=bool), event, threshold).mean()
    assert everyone == pytest.approx(base - (1.0 - base) * odds)
    assert not benefit(np.zeros(event.size, dtype=bool), event, threshold).any()


@given(CASES, SHARE)
def test_nothing_gains_more_than_knowing(cases, threshold):
    p, event = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    gained = benefit(p >= threshold, event, threshold).mean()
    assert gained <= benefit(event == 1.0, event, threshold).mean() == event.mean()


@given(st.floats(0.05, 0.95), st.integers(0, 20))
def test_acting_by_a_calibrated_probability_is_never_worse_than_always_or_never(threshold, seed):
    """Each probability on a grid stands for as many cases as make it exact."""
    rng = np.random.default_rng(seed)
    share = rng.integers(0, 11, 6)
    p = np.repeat(share / 10.0, 10)
    event = np.concatenate([np.arange(10) < k for k in share]).astype(float)
    everyone = benefit(np.ones(p.size, dtype=bool), event, threshold).mean()
    assert benefit(p >= threshold, event, threshold).mean() >= max(everyone, 0.0) - 1e-12


def test_a_low_begins_anew_only_after_a_time_without_one():
    times = np.arange(0.0, 180.0, 15.0)
    values = np.array([90, 60, 65, 80, 60, 90, 90, 90, 90, 69, 80, 90.0])
    np.testing.assert_array_equal(onsets(times, values, 70.0, 45.0), [15.0, 135.0])
    np.testing.assert_array_equal(onsets(times, values, 70.0, 15.0), [15.0, 60.0, 135.0])
    assert onsets(times, values, 10.0, 15.0).size == 0


def test_an_alarm_keeps_the_next_ones_silent():
    times = np.arange(0.0, 120.0, 15.0)
    alarm = np.array([1, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
    np.testing.assert_array_equal(times[raised(times, alarm, 45.0)], [0.0, 45.0, 105.0])
    np.testing.assert_array_equal(raised(times, alarm, 0.0), alarm)


def test_the_lead_time_is_counted_from_the_first_alarm_after_the_last_low():
    times = np.arange(0.0, 300.0, 15.0)
    alarm = np.isin(times, [15.0, 105.0, 120.0])
    begins, lows = np.array([60.0, 150.0, 290.0, 900.0]), np.array([60.0, 75.0, 150.0, 290.0, 900.0])
    found = lead_times(begins, times, alarm, lows, 180.0)
    np.testing.assert_array_equal(found[:3], [45.0, 45.0, 0.0])
    assert np.isnan(found[3])


@given(st.lists(st.booleans(), min_size=20, max_size=20), st.lists(st.booleans(), min_size=20, max_size=20))
def test_more_alarms_never_come_later(some, more):
    times = np.arange(0.0, 300.0, 15.0)
    few, many = np.array(some), np.array(some) | np.array(more)
    begins = np.array([100.0, 290.0])
    one, other = (lead_times(begins, times, alarm, begins, 120.0) for alarm in (few, many))
    assert np.all(other >= one)
