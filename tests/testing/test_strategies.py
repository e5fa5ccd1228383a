"""What is drawn is valid, lies inside the envelope, uses all of it, and shrinks to what a reader likes."""

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from hypothesis import Phase, find, given, settings
from testing.broken import good, twin

from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.models import Range
from vvuq.models.schedule import compile_grid
from vvuq.testing import strategies as draw

PK, ENVELOPE = pk(), pk().claims.envelope
VARYING = replace(
    good().claims.envelope,
    varying=("weight",),
    levels={"weight": Range(0.5, 5.0, "kg"), "R": Range(0.0, 3.0, "mg/h")},
    initial={"A": Range(0.0, 10.0, "mg")},
)


def within(value, one):
    return one.low - 1e-9 * abs(one.low) <= value <= one.high * (1 + 1e-9)


@given(theta=draw.parameters(PK))
def test_parameters_lie_between_the_tails_of_their_priors_and_inside_their_bounds(theta):
    assert list(theta) == [p.name for p in PK.model.parameters]
    for p in PK.model.parameters:
        assert p.prior.quantile(0.001) <= theta[p.name] <= p.prior.quantile(0.999)
        assert p.bounds[0] <= theta[p.name] <= p.bounds[1]


@given(schedule=draw.schedules(good(), VARYING))
def test_schedules_are_valid_and_inside_the_envelope(schedule):
    grid = compile_grid(good().model, schedule, [VARYING.duration])
    assert grid.t[0] == schedule.start == 0.0
    assert all(
        0.0 <= b.time <= VARYING.duration and within(b.amount, VARYING.boluses[b.state]) for b in schedule.boluses
    )
    assert all(i.start < i.stop and within(i.rate, VARYING.rates[i.input]) for i in schedule.infusions)
    assert all(within(level.value, VARYING.levels[level.input]) for level in schedule.levels)
    assert {level.input for level in schedule.levels if level.time == 0.0} == {"weight", "R"}
    places = [(level.time, level.input) for level in schedule.levels]
    assert len(set(places)) == len(places), "two levels of one input at one instant contradict each other"
    assert {level.input for level in schedule.levels if level.time > 0.0} <= {"weight"}


@given(cohort=draw.cohorts(PK))
def test_cohorts_are_valid_inside_the_envelope_and_taken_by_the_twin(cohort):
    assert make_cohort("again", cohort.patients, dict(cohort.units)).digest == cohort.digest
    for patient in cohort.patients:
        covariates = dict(patient.covariates)
        assert all(within(value, ENVELOPE.covariates[name]) for name, value in covariates.items())
        assert covariates["apgar"] == round(covariates["apgar"])
        for dose in patient.doses:
            assert any(within(dose.amount / covariates["weight"], one) for one in ENVELOPE.doses.values())
            assert dose.duration == 0.0 or within(dose.duration, ENVELOPE.infused)
        assert within(len(patient.measurements), ENVELOPE.samples)
        assert all(within(m.value, ENVELOPE.measured["concentration"]) for m in patient.measurements)
        times = [m.time for m in (*patient.doses, *patient.measurements)]
        assert all(0.0 <= time <= ENVELOPE.duration for time in times)
        schedule = PK.schedule(cohort, patient)
        compile_grid(PK.model, schedule, [ENVELOPE.duration])
        assert all(within(b.amount, ENVELOPE.boluses[b.state]) for b in schedule.boluses)
        assert all(within(i.rate, ENVELOPE.rates[i.input]) for i in schedule.infusions)
        assert all(within(level.value, ENVELOPE.levels[level.input]) for level in schedule.levels)


def test_kinds_of_doses_are_drawn_under_their_own_names_and_units():
    doses = {"carbohydrate": Range(10.0, 80.0, "g"), "insulin": Range(0.5, 9.0, "IU"), "other": Range(1.0, 2.0, "g")}
    units = {"carbohydrate": "mg", "insulin": "IU"}
    envelope = replace(ENVELOPE, doses=doses, dose_per="", dose_units=units)
    cohort = find(
        draw.cohorts(PK, envelope), lambda c: len({d.what for p in c.patients for d in p.doses}) == 3, settings=SHRUNK
    )
    amounts = {d.what: d.amount for p in cohort.patients for d in p.doses}
    assert 1e4 <= amounts["carbohydrate"] <= 8e4 and 0.5 <= amounts["insulin"] <= 9.0 and 1e3 <= amounts["dose"] <= 2e3
    assert units.items() <= dict(cohort.units).items() and dict(cohort.units)["dose"] == "mg"
    named = draw.cohort_units(PK.model, replace(envelope, doses={"insulin": doses["insulin"]}))
    assert "dose" not in named


@given(x0=draw.initial_states(good(), VARYING), levels=draw.inputs(good(), VARYING))
def test_states_and_inputs_lie_in_their_ranges(x0, levels):
    assert len(x0) == 1 and within(x0[0], VARYING.initial["A"])
    assert all(within(value, VARYING.levels[name]) for name, value in levels.items())


@given(at=draw.observed_times(960.0))
def test_times_ascend_and_shift_without_rounding(at):
    assert list(at) == sorted(set(at)) and at[0] > 0.0 and at[-1] <= 960.0
    assert all((time + 1024.0) - 1024.0 == time for time in at)
    assert draw.resolution(960.0) == 1.0 and draw.resolution(96.0) == 0.125


SHRUNK = settings(
    max_examples=500, derandomize=True, database=None, deadline=None, phases=(Phase.generate, Phase.shrink)
)
FIRST = settings(SHRUNK, phases=(Phase.generate,))  # the first that is found, however large
REACHED = {
    "two boluses at one instant": lambda s: len({b.time for b in s.boluses}) < len(s.boluses),
    "a bolus and an infusion at one instant": lambda s: {b.time for b in s.boluses} & {i.start for i in s.infusions},
    "overlapping infusions": lambda s: any(
        a.start < b.stop and b.start < a.stop for i, a in enumerate(s.infusions) for b in s.infusions[:i]
    ),
    "a covariate that changes": lambda s: any(level.time > 0.0 for level in s.levels),
    "the ends of a range": lambda s: any(b.amount == VARYING.boluses["A"].high for b in s.boluses),
}


@pytest.mark.parametrize("what", REACHED)
def test_schedules_reach(what):
    assert find(draw.schedules(good(), VARYING), lambda s: bool(REACHED[what](s)), settings=FIRST)


def test_tails_are_reached():
    low = PK.model.parameters[0].prior.quantile(0.001)
    assert find(draw.parameters(PK), lambda theta: theta["CL"] == low, settings=FIRST)


def test_the_simplest_case_has_one_patient_one_sample_and_medians():
    cohort = find(draw.cohorts(PK), lambda _: True, settings=SHRUNK)
    (patient,) = cohort.patients
    assert patient.covariates == (("weight", 1.0), ("apgar", 1.0)) and patient.doses == ()
    assert [(m.time, m.value) for m in patient.measurements] == [(1.0, 1.0)]
    theta = find(draw.parameters(PK), lambda _: True, settings=FIRST)
    assert theta == {p.name: p.prior.quantile(0.5) for p in PK.model.parameters}


def test_a_threshold_shrinks_to_few_events_and_round_numbers():
    schedule = find(
        draw.schedules(PK), lambda s: sum(b.amount for b in s.boluses if b.time >= 24.0) > 31.7, settings=SHRUNK
    )
    (bolus,) = schedule.boluses
    assert (bolus.time, bolus.amount) == (24.0, 32.0) and schedule.infusions == ()
    cohort = find(draw.cohorts(PK), lambda c: any(len(p.doses) > 1 for p in c.patients), settings=SHRUNK)
    (patient,) = cohort.patients
    assert [(d.time, d.amount, d.duration) for d in patient.doses] == [(0.0, 1.0, 0.0)] * 2


@pytest.mark.parametrize("one", [Range(0.6, 3.6, "kg"), Range(0.0, 432.0, "mg/h"), Range(1e-4, 2e-4, "1")])
def test_numbers_are_round_and_reach_the_ends(one):
    width = one.high - one.low

    @settings(SHRUNK, max_examples=100)
    @given(value=draw.numbers(one))
    def drawn(value):
        grid = 10.0 ** (np.floor(np.log10(width)) - 2)
        assert within(value, one)
        assert value in (one.low, one.high) or abs(value / grid - round(value / grid)) < 1e-6

    drawn()
    for end in (one.low, one.high):
        assert find(draw.numbers(one), lambda value, end=end: value == end, settings=FIRST) == end


def test_a_range_of_one_value_is_that_value():
    assert find(draw.numbers(Range(2.5, 2.5, "kg")), lambda _: True, settings=FIRST) == 2.5


def test_an_envelope_that_does_not_fit_the_twin_is_refused():
    wrong = replace(good().claims.envelope, boluses={"B": Range(1.0, 2.0, "mg")})
    with pytest.raises(InputError, match=r"claims.envelope.boluses: 'B' is not valid: one of A"):
        draw.schedules(twin(), wrong)
