"""What a forecaster may know, which moments it is asked about, and that a forecast that peeks is caught."""

from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.data.known import known_at
from vvuq.errors import InputError
from vvuq.interaction.forecaster import (
    AHEAD,
    TOLERANCE,
    Readings,
    around,
    cycle_of,
    eligible,
    own,
    readings,
    truths,
)
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Measurement, Patient
from vvuq.testing.foresight import altered_after, sees_the_future

COHORT = freeliving.cohort(2)
ONE = COHORT.patients[0]
ORIGINS = eligible(ONE, stride=240.0)
DRAWS = Draws(7, "test")


@given(
    times=st.lists(st.floats(0.0, 300.0), min_size=1, max_size=20, unique=True).map(sorted),
    origin=st.floats(0.0, 300.0),
    step=st.floats(-60.0, 60.0),
)
def test_a_reading_is_the_nearest_within_the_tolerance(times, origin, step):
    seen = Readings(np.array(times), np.arange(len(times), dtype=float))
    (found,) = around(seen, np.array([origin]), np.array([step]))[0]
    near = [(abs(t - origin - step), i) for i, t in enumerate(times) if step > 0.0 or t <= origin]
    close = [pair for pair in near if pair[0] <= TOLERANCE]
    assert np.isnan(found) == (not close)
    assert not close or abs(times[int(found)] - origin - step) == min(close)[0]


def test_without_readings_there_is_nothing_around():
    assert np.isnan(around(Readings(np.empty(0), np.empty(0)), np.array([0.0, 15.0]), AHEAD)).all()
    assert eligible(Patient("x", (), (), ())).size == 0


def test_a_gap_is_not_a_number_and_no_origin_reaches_over_it():
    seen = readings(ONE)
    (gap,) = np.flatnonzero(np.diff(seen.times) > 20.0)
    before, after = seen.times[gap], seen.times[gap + 1]
    assert np.isnan(around(seen, np.array([before]), np.array([15.0, 30.0]))).all()
    every = eligible(ONE)
    assert not np.any((every > before - AHEAD[-1]) & (every < after + 120.0))
    assert np.isfinite(truths(ONE, every)).all()


@pytest.mark.parametrize("stride", [15.0, 30.0, 60.0])
def test_origins_are_readings_and_stand_apart(stride):
    origins = eligible(ONE, stride=stride)
    assert np.isin(origins, readings(ONE).times).all() and np.diff(origins).min() >= stride - TOLERANCE
    assert np.isin(origins, eligible(ONE)).all()


def test_a_stride_below_the_grid_is_refused():
    with pytest.raises(InputError, match="stride"):
        eligible(ONE, stride=5.0)


def test_what_is_known_ends_at_the_origin_and_infusions_go_on():
    doses = (Dose(0.0, 2.0, 60.0), Dose(50.0, 3.0, 60.0), Dose(100.0, 40.0), Dose(101.0, 5.0))
    taken = tuple(Measurement(t, "cgm", 100.0) for t in (85.0, 100.0, 115.0))
    known = known_at(Patient("x", (), doses, taken), 100.0, 280.0)
    assert known.measurements == taken[:2]
    assert known.doses == (doses[0], Dose(50.0, 3.0 * 230.0 / 60.0, 230.0), doses[2])


def test_what_is_known_does_not_change_with_the_future():
    for origin in ORIGINS:
        changed = altered_after(ONE, origin, np.random.default_rng(int(origin)))
        assert changed != ONE and known_at(changed, origin, origin + 180.0) == known_at(ONE, origin, origin + 180.0)


def test_draws_belong_to_the_patient_and_to_the_origin():
    assert own(DRAWS, ONE) == Draws(7, "test", "p0")
    assert len({cycle_of(t) for t in ORIGINS}) == ORIGINS.size and cycle_of(-3.0) == 0


@dataclass(frozen=True)
class Peeking:
    """Forecasts the mean of the readings around the origin that it may see, and of `peek` minutes after it."""

    peek: float
    doses: bool = False

    def paths(self, cohort, patient, origins, members, draws):
        level = np.nanmean(around(readings(patient), origins, np.arange(-30.0, self.peek + 1.0, 15.0)), axis=1)
        if self.doses:
            level = level + [sum(d.amount for d in patient.doses if d.time <= t) for t in origins]
        noise = own(draws, patient).normal(0, "noise", (AHEAD.size, members))
        return level[:, None, None] + noise[None]


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_honest_forecast_stays_the_same_bit_for_bit(seed):
    assert sees_the_future(Peeking(0.0), COHORT, ORIGINS, DRAWS, np.random.default_rng(seed)) is None


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_forecast_that_peeks_is_caught(seed):
    rng = np.random.default_rng(seed)
    assert "moves by" in (sees_the_future(Peeking(15.0), COHORT, ORIGINS, DRAWS, rng) or "")
    told = sees_the_future(Peeking(0.0, doses=True), COHORT, ORIGINS, DRAWS, rng)
    assert told is not None, "the whole amount of an infusion that still runs is not known"


def test_a_patient_of_another_name_draws_other_noise():
    one, other = (Peeking(0.0).paths(COHORT, replace(ONE, id=i), ORIGINS, 4, DRAWS) for i in ("a", "b"))
    assert not np.array_equal(one, other)
