"""The reference twin: its closed form against independent sums and integrals, its record and its scenarios."""

import math
from dataclasses import replace

import numpy as np
import pytest
from examples import pk, pk_parameters, pk_schedules, times
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from strategies import UNITS, concentration, synthetic_neonates

from vvuq.errors import InputError
from vvuq.models import RK4, Bolus, Infusion, Level, Schedule, simulate
from vvuq.record import Cohort, Dose, Measurement, Patient

THETA = np.array([0.006, 1.0, 0.2])
FIXED = Level(0.0, "weight", 1.5), Level(0.0, "low_apgar", 1.0)
VOLUME = 1.0 * 1.5 * 1.2
CLEARANCE = 0.006 * 1.5


def exact(schedule, at, theta=THETA):
    return pk().closed_form(schedule, theta, np.atleast_1d(np.asarray(at, dtype=float)))


@given(patient=st.integers(0, 19))
def test_after_boluses_it_is_the_sum_of_exponentials(patient):
    cohort = synthetic_neonates(20, 4)
    one = cohort.patients[patient]
    covariates, at = dict(one.covariates), [m.time for m in one.measurements]
    volume = covariates["weight"] * (1.2 if covariates["apgar"] < 5 else 1.0)
    expected = [concentration(one.doses, 0.006 * covariates["weight"], volume, t) for t in at]
    np.testing.assert_allclose(exact(pk().schedule(cohort, one), at), expected, rtol=1e-12)


def test_an_infusion_is_the_limit_of_many_small_boluses():
    n, rate = 20000, 3.0
    drip = Schedule(0.0, tuple(Bolus(10.0 * (i + 0.5) / n, "A", rate * 10.0 / n) for i in range(n)), (), FIXED)
    flow = Schedule(0.0, (), (Infusion(0.0, 10.0, "R", rate),), FIXED)
    at = [4.0, 10.0, 25.0]
    np.testing.assert_allclose(exact(flow, at), exact(drip, at), rtol=2e-4)


@given(schedule=pk_schedules(), theta=pk_parameters, end=times)
def test_what_went_in_is_inside_or_cleared_and_nothing_is_negative(schedule, theta, end):
    theta = np.array(theta)
    weight, low = schedule.levels[0].value, schedule.levels[1].value
    given_ = sum(b.amount for b in schedule.boluses if b.time < end)
    given_ += sum(i.rate * (min(i.stop, end) - i.start) for i in schedule.infusions if i.start < end)
    events = sorted({0.0, end, *(e for b in schedule.boluses for e in [b.time] if e < end),
                     *(e for i in schedule.infusions for e in (i.start, i.stop) if e < end)})  # fmt: skip
    parts = [
        quad(lambda t: exact(schedule, t, theta)[0], a + 1e-12, b)[0]
        for a, b in zip(events[:-1], events[1:], strict=True)
    ]
    inside = exact(schedule, end, theta)[0] * theta[1] * weight * (1 + theta[2] * low)
    assert inside + theta[0] * weight * sum(parts) == pytest.approx(given_, rel=1e-6, abs=1e-6)
    assert np.all(exact(schedule, np.linspace(0.0, 250.0, 50), theta) >= 0.0)


@given(schedule=pk_schedules(), theta=pk_parameters, at=times)
def test_the_solver_keeps_what_is_inside_positive_and_doubles_with_the_doses(schedule, theta, at):
    twice = replace(
        schedule,
        boluses=tuple(replace(b, amount=2 * b.amount) for b in schedule.boluses),
        infusions=tuple(replace(i, rate=2 * i.rate) for i in schedule.infusions),
    )
    one, two = (simulate(pk().model, s, np.array(theta), [at], method=pk().method) for s in (schedule, twice))
    assert one.observed[0, 0, 0] >= 0.0
    np.testing.assert_allclose(two.observed, 2.0 * one.observed, rtol=1e-12, atol=1e-12)


def test_the_trough_at_steady_state_is_that_of_the_geometric_series():
    scenario = pk().scenarios["maintenance_trough"](
        dose_mg_per_kg=2.5, interval_h=12.0, weight_kg=1.5, low_apgar=True, duration_h=12.0 * 400
    )
    k = CLEARANCE / VOLUME
    steady = 2.5 * 1.5 / VOLUME * math.exp(-12 * k) / (1 - math.exp(-12 * k))
    assert exact(scenario.schedule, scenario.time)[0] == pytest.approx(steady, rel=1e-9)
    assert scenario.time == 4800.0 and len(scenario.schedule.boluses) == 400
    assert scenario.observable == "concentration" and "400 doses of 2.5 mg/kg every 12 h" in scenario.meaning
    numeric = simulate(pk().model, scenario.schedule, THETA, [scenario.time], method=RK4(4.0))
    assert numeric.observed[0, 0, 0] == pytest.approx(steady, rel=1e-8)


def test_an_interval_that_is_no_binary_fraction_gives_all_its_doses():
    scenario = pk().scenarios["maintenance_trough"](
        dose_mg_per_kg=1.0, interval_h=0.1, weight_kg=1.0, low_apgar=False, duration_h=0.3
    )
    assert len(scenario.schedule.boluses) == 3


TROUGH = {"dose_mg_per_kg": 2.5, "interval_h": 12.0, "weight_kg": 1.5, "low_apgar": True, "duration_h": 96.0}
CHECK = {"horizon_h": 96.0, "weight_kg": 1.5, "low_apgar": True}


@pytest.mark.parametrize(
    ("name", "good", "field", "value"),
    [
        *(("maintenance_trough", TROUGH, f, v) for f in ("dose_mg_per_kg", "interval_h", "weight_kg", "duration_h")
          for v in (0.0, -1.0, math.nan, math.inf)),
        ("maintenance_trough", TROUGH, "duration_h", 11.0),
        *(("verification", CHECK, f, v) for f in ("horizon_h", "weight_kg") for v in (0.0, -1.0, math.nan, math.inf)),
    ],
)  # fmt: skip
def test_a_scenario_refuses_settings_without_meaning(name, good, field, value):
    assert pk().scenarios[name](**good).time == 96.0
    with pytest.raises(InputError, match=f"scenario {name}: {field}"):
        pk().scenarios[name](**{**good, field: value})


def test_the_verification_scenario_gives_a_bolus_and_an_infusion_of_equal_amounts():
    plan = pk().scenarios["verification"](**CHECK).schedule
    (bolus,), (infusion,) = plan.boluses, plan.infusions
    assert bolus.amount == 30.0 == pytest.approx(infusion.rate * (infusion.stop - infusion.start))
    assert (infusion.start, infusion.stop) == (48.0, 72.0)


def patient(apgar=7.0, **changes):
    fields = {
        "id": "1", "covariates": (("weight", 1.4), ("apgar", apgar)),
        "doses": (Dose(2.0, 20.0), Dose(14.0, 4.0, 0.5)), "measurements": (Measurement(1.0, "concentration", 3.0),),
    }  # fmt: skip
    return Patient(**{**fields, **changes})


def test_a_record_becomes_a_schedule_in_the_units_of_the_model():
    units = {**UNITS, "time": "min", "dose": "g", "weight": "g"}
    plan = pk().schedule(Cohort("other", (), tuple(units.items()), ""), patient())
    assert plan.start == pytest.approx(1 / 60)
    assert plan.boluses[0].time == pytest.approx(2 / 60) and plan.boluses[0].amount == pytest.approx(20000.0)
    (infusion,) = plan.infusions
    assert infusion.stop - infusion.start == pytest.approx(0.5 / 60)
    assert infusion.rate * (infusion.stop - infusion.start) == pytest.approx(4000.0)
    assert {level.input: level.value for level in plan.levels} == {"weight": pytest.approx(0.0014), "low_apgar": 0.0}


def test_only_doses_of_the_drug_are_given():
    unnamed = patient()
    named = tuple(replace(d, what="phenobarbital") for d in unnamed.doses)
    others = (*named, Dose(20.0, 9.0, what="caffeine"), Dose(21.0, 9.0, 1.0, what="caffeine"))
    cohort = Cohort("mixed", (), tuple({**UNITS, "phenobarbital": "mg", "caffeine": "mmol"}.items()), "")
    assert pk().schedule(cohort, patient(doses=others)) == pk().schedule(cohort, unnamed)


@pytest.mark.parametrize(("apgar", "low"), [(0.0, 1.0), (4.0, 1.0), (5.0, 0.0), (10.0, 0.0)])
def test_an_apgar_score_below_five_enlarges_the_volume(apgar, low):
    plan = pk().schedule(Cohort("one", (), tuple(UNITS.items()), ""), patient(apgar))
    assert plan.levels[1].value == low
    expected = 20.0 / (1.4 * (1 + 0.2 * low))
    assert exact(plan, 2.0 + 1e-9)[0] == pytest.approx(expected, rel=1e-6)


def test_its_declaration_names_sources_and_learns_two_parameters():
    twin = pk()
    assert twin.personal == ("CL", "V") and len(twin.assumptions) >= 5
    assert all(p.source and p.meaning for p in twin.model.parameters)
