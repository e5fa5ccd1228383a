"""Records in slots: the first value of each counts, gaps stay, units and logarithms are those of the twin."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.calibration.slots import all_slots, persisted, slots_of, space_of
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.models.twin import load_twin
from vvuq.paths import shipped
from vvuq.record import Cohort, Measurement, Patient

TWIN = load_twin(shipped("twins") / "icu_vitals")
UNITS = {"time": "h", "map": "mmHg", "heart_rate": "1/min", "lactate": "mmol/L"}


def cohort(*samples: tuple[float, str, float], units: dict[str, str] = UNITS, **more: str) -> Cohort:
    found = tuple(Measurement(*one) for one in sorted(samples))
    return make_cohort("slots", [Patient("1", (), (), found, **more)], units)


def test_a_slot_holds_its_first_value_and_is_empty_where_there_was_none():
    (slots,) = all_slots(
        TWIN, cohort((0.5, "map", 70.0), (0.9, "map", 90.0), (3.4, "map", 80.0), (3.6, "lactate", 2.0))
    )
    assert slots.times.tolist() == [0.5, 1.5, 2.5, 3.5]
    expected = [[np.nan, 70.0, np.nan], [np.nan] * 3, [np.nan, 80.0, np.nan], [math.log(2.0), np.nan, np.nan]]
    np.testing.assert_array_equal(slots.values, expected)
    np.testing.assert_array_equal(slots.measured, ~np.isnan(expected))
    assert (slots.patient, slots.group) == ("1", "1")


def test_units_are_converted_before_the_logarithm():
    units = UNITS | {"time": "min", "map": "kPa", "lactate": "umol/L"}
    (slots,) = all_slots(TWIN, cohort((0.0, "map", 10.0), (90.0, "lactate", 3000.0), units=units))
    assert slots.values[0, 1] == pytest.approx(75.0062, rel=1e-5)
    assert slots.values[1, 0] == pytest.approx(math.log(3.0), rel=1e-12)


def test_a_patient_without_a_channel_has_no_slots_and_a_group_is_kept():
    other = UNITS | {"sodium": "mmol/L"}
    assert all_slots(TWIN, cohort((0.0, "sodium", 140.0), units=other)) == ()
    (slots,) = all_slots(TWIN, cohort((0.0, "map", 70.0), group="p1"))
    assert slots.group == "p1" and not slots.sealed


def naive_last(values):
    """What was last measured before each slot, by looking at every slot before."""
    out = np.full(values.shape, np.nan)
    for t in range(len(values)):
        for channel in range(values.shape[1]):
            before = [v for v in values[:t, channel] if not math.isnan(v)]
            out[t, channel] = before[-1] if before else math.nan
    return out


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["map", "heart_rate"])), min_size=1, unique=True))
def test_persistence_is_the_last_value_before_a_slot(places):
    samples = [(float(t), name, 60.0 + i) for i, (t, name) in enumerate(places)]
    (slots,) = all_slots(TWIN, cohort(*samples))
    np.testing.assert_array_equal(persisted(slots), naive_last(slots.values))


def test_what_cannot_be_is_refused():
    good = cohort((0.0, "map", 70.0))
    bad = replace(good.patients[0], measurements=(Measurement(0.0, "lactate", -1.0),))
    with pytest.raises(InputError, match="above 0"):
        slots_of(TWIN, good, bad)
    far = cohort((0.0, "map", 70.0), (1e9, "map", 70.0))
    with pytest.raises(InputError, match="at most 100000 slots"):
        slots_of(TWIN, far, far.patients[0])
    with pytest.raises(InputError, match="a StateSpace"):
        space_of(replace(TWIN, state_space=None))
