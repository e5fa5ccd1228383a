"""Sensors and pumps: what is reported and delivered does not depend on how often one looks, and keeps its unit."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from uva import module

from vvuq.errors import InputError
from vvuq.numerics.streams import Draws
from vvuq.record import Dose

devices = module("devices")
SENSORS, PUMPS = list(devices.SENSORS.values()), list(devices.PUMPS.values())
DRAWS = Draws(7, "sensor", "1")

hours = st.sampled_from((0.25, 0.5, 1.0, 4.0, 24.0))
rates = st.floats(0.0, 50.0)
kinds = st.sampled_from(("carbohydrate", "rapid_insulin", "basal_insulin"))
doses = st.lists(
    st.builds(Dose, st.integers(0, 900).map(float), st.floats(0.1, 80.0), st.sampled_from((0.0, 15.0, 480.0)), kinds),
    max_size=6,
)


def reported(given_between, doses_, what, sensor):
    """All that is reported of one kind over two days, as the sensor's times cut them."""
    return float(given_between(doses_, what, devices.sample_times(sensor, -15.0, 2880.0)).sum())


@given(doses_=doses, what=kinds)
def test_how_often_a_sensor_reads_changes_nothing_of_what_was_eaten_and_injected(doses_, what):
    total = sum(d.amount for d in doses_ if d.what == what)
    for sensor in SENSORS:
        assert reported(devices.given_between, doses_, what, sensor) == pytest.approx(total, rel=1e-9, abs=1e-9)


def averaged(doses_, what, times):
    """The defect 78 of simglucose: the mean over a sensor's interval, reported as if it were what was given."""
    return devices.given_between(doses_, what, times) / np.diff(times)


def test_a_report_of_means_over_the_sensors_interval_is_found_out():
    meal = [Dose(60.0, 50.0, what="carbohydrate")]
    found = {sensor.name: reported(averaged, meal, "carbohydrate", sensor) for sensor in SENSORS}
    assert found["Navigator"] == pytest.approx(50.0)
    assert found["Dexcom"] == pytest.approx(50.0 / 3.0) and found["GuardianRT"] == pytest.approx(10.0)


def keeps_its_limits(give, pump, rate, length):
    """The rate that a pump gives for an hour or more, or less, is the nearest within its limits, in IU/h."""
    (found,) = give(pump, [Dose(0.0, rate * length, 60.0 * length, "basal_insulin")])
    nearest = min(max(rate, pump.basal.low), pump.basal.high)
    return abs(found.amount / length - nearest) <= 0.5 * pump.basal.step + 1e-9


@given(pump=st.sampled_from(PUMPS), rate=rates, length=hours)
def test_a_basal_rate_is_within_half_an_increment_of_what_was_asked_and_within_its_limits(pump, rate, length):
    assert keeps_its_limits(devices.pumped, pump, rate, length)


def by_the_minute(pump, given_):
    """The defect 71 of simglucose: limits in IU/h held against rates in IU/min."""
    return [replace(d, amount=devices.delivered(pump.basal, d.amount / d.duration) * d.duration) for d in given_]


def test_limits_held_against_another_unit_are_found_out():
    pump = devices.PUMPS["Insulet"]
    assert not keeps_its_limits(by_the_minute, pump, 45.0, 1.0)  # 45 IU/h, 0.75 IU/min: not limited
    assert not keeps_its_limits(by_the_minute, pump, 0.9, 1.0)  # 0.015 IU/min, which rounds to nothing


@given(pump=st.sampled_from(PUMPS), amount=st.floats(0.0, 100.0))
def test_a_bolus_is_whole_increments_within_its_limits(pump, amount):
    (found,) = devices.pumped(pump, [Dose(0.0, amount, what="rapid_insulin")])
    assert abs(found.amount - min(max(amount, 0.0), pump.bolus.high)) <= 0.5 * pump.bolus.step + 1e-9
    assert found.amount / pump.bolus.step == pytest.approx(round(found.amount / pump.bolus.step))


@given(doses_=doses)
def test_a_pump_leaves_meals_alone_and_rounding_twice_is_rounding_once(doses_):
    once = devices.pumped(PUMPS[0], doses_)
    assert [d for d in once if d.what == "carbohydrate"] == [d for d in doses_ if d.what == "carbohydrate"]
    again = devices.pumped(PUMPS[0], once)
    np.testing.assert_allclose([d.amount for d in again], [d.amount for d in once], rtol=1e-9, atol=1e-12)
    assert [replace(d, amount=0.0) for d in once] == [replace(d, amount=0.0) for d in doses_]


@given(times=st.lists(st.floats(0.0, 3000.0), min_size=1, max_size=6), one=st.integers(0, 5))
def test_the_error_at_a_time_is_the_same_whatever_else_is_read(times, one):
    assume(one < len(times))
    together = devices.sensor_error(np.array(times), DRAWS)
    alone = devices.sensor_error(np.array(times[one : one + 1]), DRAWS)
    assert together[one] == alone[0]
    other = devices.sensor_error(np.array(times), Draws(7, "sensor", "2"))
    assert not np.any(other == together)


def test_at_the_knots_the_error_is_the_published_chain_and_continuous_between():
    knots = devices.sensor_error(15.0 * np.arange(200.0), DRAWS)
    hidden = -0.5444 + 1.6898 * np.arcsinh((knots + 5.47) / 15.9574)
    white = DRAWS.normal(0, "sensor error", (203,))
    np.testing.assert_allclose(hidden[1:] - 0.7 * hidden[:-1], 0.7 * white[2:201], atol=1e-9)
    near = devices.sensor_error(np.array([15.0 - 1e-9, 15.0, 15.0 + 1e-9, 45.0]), DRAWS)
    assert np.ptp(near[:3]) < 1e-6


def test_the_errors_distribution_is_that_of_the_chain():
    """Its median and quartiles at the knots: e is normal with variance 0.49 / 0.51 once it is steady."""
    found = np.concatenate([devices.sensor_error(15.0 * np.arange(10.0, 400.0), Draws(s, "e")) for s in range(20)])
    e = np.array([-0.6745, 0.0, 0.6745]) * np.sqrt(0.49 / 0.51)
    expected = -5.47 + 15.9574 * np.sinh((e + 0.5444) / 1.6898)
    np.testing.assert_allclose(np.quantile(found, [0.25, 0.5, 0.75]), expected, atol=0.8)


@given(glucose=st.lists(st.floats(-50.0, 900.0), min_size=1, max_size=5), sensor=st.sampled_from(SENSORS))
def test_a_sensor_shows_what_is_there_within_its_range(glucose, sensor):
    found = devices.shown(sensor, np.array(glucose), np.zeros(len(glucose)))
    for true, read in zip(glucose, found, strict=True):
        assert read == min(max(true, sensor.low), sensor.high)


@pytest.mark.parametrize("times", [[], [-1.0], [inf]])
def test_times_without_an_error_are_refused(times):
    with pytest.raises(InputError, match="sensor: times"):
        devices.sensor_error(np.array(times), DRAWS)
