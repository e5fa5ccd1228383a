"""What a record gives to every structure of the glucose twin: amounts, lags and releases by kind of dose."""

import numpy as np
import pytest
from home import INSULIN, record, structures

from vvuq.errors import InputError
from vvuq.models import Bolus, Infusion
from vvuq.record import Cohort, Dose, Patient

TWIN = structures()["glucose"]


def events(*doses, **more):
    cohort = record(*doses, **more)
    plan = TWIN.schedule(cohort, cohort.patients[0])
    return [*plan.boluses, *plan.infusions]


def amount(event):
    return event.amount if isinstance(event, Bolus) else event.rate * (event.stop - event.start)


@pytest.mark.parametrize("kind", INSULIN)
@pytest.mark.parametrize("lasting", [0.0, 30.0])
def test_all_insulin_arrives_and_only_that_under_the_skin_is_late(kind, lasting):
    (event,) = events(Dose(10.0, 4.0, lasting, f"{kind}_insulin"))
    assert amount(event) == pytest.approx(4000.0)
    begins = event.time if isinstance(event, Bolus) else event.start
    assert begins == (10.0 if kind == "intravenous" else 18.0)


@pytest.mark.parametrize(("kind", "minutes", "port"), [
    ("short", 136.0, "insulin"), ("intermediate", 762.0, "basal"), ("long", 1440.0, "basal")])  # fmt: skip
def test_slow_insulin_is_released_over_its_published_time(kind, minutes, port):
    (event,) = events(Dose(0.0, 4.0, 0.0, f"{kind}_insulin"))
    assert (event.input, event.stop - event.start) == (port, pytest.approx(minutes))


def test_a_daily_dose_of_long_insulin_holds_a_level():
    flows = events(*(Dose(1440.0 * i, 20.0, 0.0, "long_insulin") for i in range(3)))
    assert {(a.stop, a.rate) for a in flows[:-1]} == {(b.start, b.rate) for b in flows[1:]}


@pytest.mark.parametrize(("lasting", "minutes"), [(0.0, 12.0), (30.0, 30.0)])
def test_food_is_eaten_at_five_grams_a_minute_unless_the_record_says_how_long(lasting, minutes):
    (meal,) = events(Dose(10.0, 60.0, lasting, "carbohydrate"))
    assert (meal.start, meal.stop, meal.input) == (10.0, 10.0 + minutes, "carbohydrate")
    assert amount(meal) == pytest.approx(60_000.0)


def test_the_schedule_starts_with_the_record():
    cohort = record(Dose(-30.0, 60.0, 0.0, "carbohydrate"), weight=55.0)
    plan = TWIN.schedule(cohort, cohort.patients[0])
    assert plan.start == -30.0 and plan.levels[0].value == 55.0


def test_the_basal_flow_that_a_start_is_made_from_does_not_see_later_doses():
    now = __import__("sys").modules[TWIN.model.rhs.__module__].basal_now
    ports = __import__("sys").modules[TWIN.model.rhs.__module__].PORTS
    flows = (
        Infusion(8.0, 68.0, "basal", 10.0),
        Infusion(8.0, 30.0, "insulin", 5.0),
        Infusion(68.0, 90.0, "basal", 3.0),
    )
    assert [now(flows, time, ports) for time in (0.0, 59.9, 60.0, 90.0)] == [10.0, 10.0, 3.0, 0.0]


def test_what_a_structure_cannot_take_is_refused():
    cohort = record()
    unknown = Cohort("home", (Patient("a", (("weight", 70.0),), (Dose(0.0, 1.0),), cohort.patients[0].measurements),),
                     (*cohort.units, ("dose", "g")), "")  # fmt: skip
    with pytest.raises(InputError, match="home, patient a: dose name: 'dose' is not valid: one of carbohydrate"):
        TWIN.schedule(unknown, unknown.patients[0])
    light = Patient("a", (), (), cohort.patients[0].measurements)
    with pytest.raises(InputError, match="the body weight, as weight"):
        TWIN.schedule(cohort, light)
    assert np.isfinite(cohort.patients[0].measurements[0].value)


def test_glucose_into_a_vein_is_in_the_blood_at_once():
    (bag,) = events(Dose(10.0, 25.0, 200.0, "intravenous_glucose"))
    assert (bag.start, bag.stop, bag.input) == (10.0, 210.0, "dextrose") and amount(bag) == pytest.approx(25_000.0)
