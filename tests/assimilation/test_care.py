"""Slots of a record and what is known in them; nothing of the future; orders drawn from a law are that law's."""

from dataclasses import replace

import caring
import numpy as np
import pytest
from home import structures
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.care import care_of, course_of, drawn, driven, given_in, ordered, probabilities, shown
from vvuq.data.cohort import make_cohort
from vvuq.errors import NotEvaluable
from vvuq.models import Driver
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Measurement, Patient
from vvuq.testing.foresight import altered_after

GLUCOSE = structures()["glucose"]
COHORT = caring.cohort(3, days=3.0)
UNITS = {**caring.UNITS, "rapid_insulin": "IU"}


def seen(times, observable="cgm", value=100.0):
    return [Measurement(float(t), observable, value + 0.1 * t) for t in times]


def record(sensor, sticks=(), meals=(), units=caring.UNITS):
    taken = sorted(seen(sensor) + seen(sticks, "fingerstick"), key=lambda m: (m.time, m.observable))
    doses = tuple(Dose(float(t), 30.0, what="carbohydrate") for t in meals)
    cohort = make_cohort("one", [Patient("a", (("weight", 60.0),), doses, tuple(taken))], units)
    return course_of(caring.TWIN, cohort, cohort.patients[0])


def test_slots_follow_the_readings_and_stop_where_they_fall_silent():
    course = record([0, 15, 30, 60, 600, 615], sticks=[5.0, 30.0, 100.0, 616.0], meals=[14.9, 45.0])
    assert course.slots.tolist() == [0, 15, 30, 45, 60, 600, 615]
    assert course.starts.tolist() == [0, 0, 0, 0, 0, 600, 600]
    assert ordered(caring.CARE, course).tolist() == [1, 0, 1, 0, 0, 0, 1]  # the one at 100 is in no slot
    assert given_in(caring.CARE, course).tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert shown(caring.CARE, course).tolist() == pytest.approx([100, 101.5, 103, np.nan, 106, 160, 161.5], nan_ok=True)


def test_what_is_written_at_one_time_is_not_known_then():
    """A stick, a meal and a reading at the beginning of a slot are not before it; in the next one they are."""
    course = record([0, 15, 30], sticks=[15.0], meals=[15.0])
    swing, lately, fed, high = driven(caring.CARE, course).T
    assert lately.tolist() == [0, 0, 1] and fed.tolist() == [0, 0, 1]
    assert np.isnan(high[0]) and high[1:].tolist() == [0, 0] and swing[0] == 0.0


def test_other_units_are_the_models():
    units = {**caring.UNITS, "time": "h", "cgm": "g/L"}
    hours = Patient("a", (("weight", 60.0),), (), (Measurement(0.0, "cgm", 1.2), Measurement(0.25, "cgm", 1.3),
                                                   Measurement(0.25, "fingerstick", 130.0)))  # fmt: skip
    cohort = make_cohort("one", [hours], units)
    course = course_of(caring.TWIN, cohort, cohort.patients[0])
    assert course.slots.tolist() == [0.0, 15.0] and shown(caring.CARE, course) == pytest.approx([120.0, 130.0])
    assert ordered(caring.CARE, course).tolist() == [0, 1]


def test_a_record_without_a_sensor_has_no_slots_and_a_twin_without_care_is_told():
    cohort = make_cohort("one", [caring.without(COHORT.patients[0], "cgm")], caring.UNITS)
    course = course_of(caring.TWIN, cohort, cohort.patients[0])
    assert course.slots.size == 0 and driven(caring.CARE, course).shape == (0, 4)
    assert drawn(caring.CARE, course, caring.TRUE, caring.DRAWS, 0).size == 0
    with pytest.raises(NotEvaluable, match=r"Twin\(care=\.\.\.\)"):
        care_of(replace(caring.TWIN, care=None))


@pytest.mark.parametrize("twin", [caring.TWIN, GLUCOSE], ids=["made up", "glucose"])
@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 2**31))
def test_nothing_of_the_future_moves_a_driver_or_a_draw(twin, share, seed):
    """Whatever is recorded after a moment, slots that began by then stay the same bit for bit."""
    rng = np.random.default_rng(seed)
    patient, care = COHORT.patients[seed % 3], care_of(twin)
    course = course_of(twin, COHORT, patient)
    origin = float(course.slots[int(share * (course.slots.size - 1))])
    at = replace(altered_after(patient, origin, rng))
    again = course_of(twin, replace(COHORT, patients=(at,)), at)
    upto = int((course.slots <= origin).sum())
    assert again.slots[:upto].tobytes() == course.slots[:upto].tobytes()
    assert driven(care, again)[:upto].tobytes() == driven(care, course)[:upto].tobytes()
    weights = np.concatenate([[-2.0], np.full(len(care.drivers), 0.3)])
    before, after = (drawn(care, one, weights, caring.DRAWS, 1) for one in (course, again))
    assert before[before <= origin].tobytes() == after[after <= origin].tobytes()


def test_a_driver_is_shown_what_it_uses_alone():
    """What it does not say that it uses is empty, so that `uses` can be relied on."""
    course = record(range(0, 300, 15), sticks=[30.0, 60.0], meals=[45.0])
    sizes = {}
    for uses in ("clock", "orders", "shown", "given"):
        count = Driver("count", "", uses, lambda k: 100.0 * k.orders.size + 10000.0 * k.times.size + k.given.size)
        sizes[uses] = driven(replace(caring.CARE, drivers=(count,)), course)[-1, 0]
    assert sizes == {"clock": 0.0, "orders": 200.0, "shown": 190000.0, "given": 1.0}


def test_draws_are_a_patients_own_and_repeatable():
    courses = [course_of(caring.TWIN, COHORT, patient) for patient in COHORT.patients]
    first = [drawn(caring.CARE, one, caring.TRUE, caring.DRAWS, 3) for one in courses]
    again = [drawn(caring.CARE, one, caring.TRUE, caring.DRAWS, 3) for one in reversed(courses)]
    assert [a.tobytes() for a in first] == [a.tobytes() for a in reversed(again)]
    for other in (drawn(caring.CARE, courses[0], caring.TRUE, caring.DRAWS, 4),
                  drawn(caring.CARE, replace(courses[0], patient="x"), caring.TRUE, caring.DRAWS, 3),
                  drawn(caring.CARE, courses[0], caring.TRUE, Draws(8, "test"), 3)):  # fmt: skip
        assert other.tobytes() != first[0].tobytes()
    assert np.isin(first[0], courses[0].slots).all() and (np.diff(first[0]) > 0.0).all()


def test_what_is_drawn_follows_the_law():
    """Given the history that was drawn, orders are as frequent as their probabilities say: sums within 4 SD."""
    course = course_of(caring.TWIN, COHORT, COHORT.patients[0])
    off, variance = np.zeros(4), np.zeros(4)
    for member in range(40):
        orders = drawn(caring.CARE, course, caring.TRUE, caring.DRAWS, member)
        mine = replace(course, orders=orders)
        chance, there = probabilities(caring.CARE, mine, caring.TRUE), ordered(caring.CARE, mine)
        columns = np.nan_to_num(np.column_stack([np.ones(chance.size), driven(caring.CARE, mine)[:, 1:]]))
        known = np.isfinite(chance)
        assert not there[~known].any()
        off += (columns[known] * (there - chance)[known, None]).sum(axis=0)
        variance += (columns[known] ** 2 * (chance * (1.0 - chance))[known, None]).sum(axis=0)
    assert (variance > 10.0).all() and (np.abs(off) < 4.0 * np.sqrt(variance)).all()


def test_orders_can_be_drawn_along_a_simulated_course():
    """Readings alone, from wherever they come: nothing of them needs to be a patient of a cohort."""
    course = record(range(0, 2880, 15))
    assert drawn(caring.CARE, course, caring.TRUE, caring.DRAWS, 0).size > 3
