"""The analyses know no drug, no unit and no ward: a twin of another kind, with one personal parameter, no covariate,
additive error, days for hours, and neither scenario nor closed form."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from vvuq.collect import collect
from vvuq.data.cohort import make_cohort
from vvuq.data.split import subset
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import RK4, Additive, Bolus, LogNormal, Model, Observable, Parameter, Scenario, Schedule, Twin
from vvuq.models.units import factor
from vvuq.record import Check, Dose, Measurement, Patient

UNITS = {"time": "h", "dose": "mmol", "glucose": "mmol/L"}


def fades(t, x, u, theta, dx):
    (q,) = x
    k, _ = theta
    dx[0] = -k * q


def level(t, x, u, theta, y):
    (q,) = x
    _, volume = theta
    y[0] = q / volume


MODEL = Model(
    name="sugar",
    states={"q": "mmol"},
    inputs={},
    parameters=(
        Parameter("k", "1/day", LogNormal(2.5, 0.5), source="test"),
        Parameter("volume", "L", LogNormal(12.0, 0.3), source="test"),
    ),
    observables=(Observable("glucose", "mmol/L", level, noise=Additive(0.3)),),
    rhs=fades,
    time_unit="day",
)


def schedule(cohort, patient):
    days = factor(dict(cohort.units)["time"], "day", cohort.name)
    return Schedule(0.0, tuple(Bolus(d.time * days, "q", d.amount) for d in patient.doses))


SUGAR = Twin("sugar", "Sugar", MODEL, ("k",), schedule, RK4(step=0.05), assumptions=("none",))


def patient(number):
    """Two doses, three samples; k = 2.5 / day with 25 % spread, 12 L, error 0.3 mmol/L; doses may differ threefold."""
    rng = np.random.default_rng((5, number))
    k = 2.5 * math.exp(0.25 * rng.standard_normal()) / 24.0
    doses = (Dose(0.0, float(rng.uniform(60.0, 180.0))), Dose(12.0, 60.0))

    def true(time):
        return sum(d.amount / 12.0 * math.exp(-k * (time - d.time)) for d in doses if d.time < time)

    times = sorted(float(t) for t in rng.uniform(1.0, 30.0, 3))
    samples = (Measurement(t, "glucose", max(0.05, true(t) + 0.3 * rng.standard_normal())) for t in times)
    return Patient(f"p{number}", (), doses, tuple(samples))


WHOLE = make_cohort("sugar", [patient(n) for n in range(24)], UNITS)
BUILD = subset(WHOLE, [p.id for p in WHOLE.patients[:15]], "build")
SEALED = subset(WHOLE, [p.id for p in WHOLE.patients[15:]], "held out")
SETTINGS = {
    "cohort": {"envelope": None, "below": None},
    "cross_validation": {"folds": 3, "repeats": 1, "members": 16, "resamples": 100, "groups": []},
    "holdout": {"members": 16, "resamples": 100, "groups": None},
    "population_fit": {},
    "filter_exactness": {"cases": 3},
    "filter_consistency": {"copies": 3, "folds": 3, "members": 16, "resamples": 100},
    "fisher": {},
}


@pytest.fixture(scope="module")
def sugar(analyse, stand_in):
    """The Evidence of every analysis that needs no scenario."""
    return {
        name: analyse(name, stand_in(name, build_cohort=BUILD, sealed_cohort=SEALED), twin=SUGAR, **settings)
        for name, settings in SETTINGS.items()
    }


@pytest.mark.parametrize("name", list(SETTINGS))
def test_what_is_reported_was_declared_in_the_twins_own_units(sugar, analyses, name):
    declared = analyses[name].metrics(SUGAR, SETTINGS[name])
    assert {key: q.unit for key, q in sugar[name].values.items()} == declared
    assert "mg/L" not in str(sugar[name]) and not re.search(r"neonat|apgar|weight|concentration", str(sugar[name]))


def test_the_fit_finds_the_truth(sugar):
    v = sugar["population_fit"].values
    assert v["k"].value == pytest.approx(2.5, rel=0.1) and v["volume"].value == pytest.approx(12.0, rel=0.1)
    assert (v["k"].unit, v["sigma"].unit) == ("1/day", "mmol/L")


def test_checks_claim_only_what_this_study_shows(sugar):
    """No covariate, no envelope: nothing is said of ranges, and nothing names what only another study lacks."""
    said = {f.leaf: f for c in collect("vvuq.analyses", Check).values() if c.analysis in sugar
            for f in c.run(sugar[c.analysis])}  # fmt: skip
    assert "validation.comparator.samples.range" not in said
    assert said["validation.comparator.samples.measurements"].gradation == "a"
    assert "one output, glucose," in said["validation.assessment.output_comparison.quantity"].reason
    assert not [f for f in said.values() if re.search(r"neonat|Apgar|weight|concentration|trough|age is", f.reason)]


def test_what_is_not_recorded_is_what_the_plan_says(analyse, stand_in):
    context = stand_in("cohort", build_cohort=BUILD, sealed_cohort=SEALED)
    missing = {"patients": ["age", "kidney function"], "conditions": ["meals"]}
    found = analyse("cohort", context, twin=SUGAR, **SETTINGS["cohort"], unrecorded=missing)
    check = collect("vvuq.analyses", Check)["comparators_span_the_envelope"]
    reasons = " | ".join(f.reason for f in check.run(found))
    assert "not recorded: age, kidney function" in reasons and "not recorded: meals" in reasons


@pytest.mark.parametrize("name", ["convergence", "sensitivity"])
def test_a_plan_may_name_an_analysis_that_needs_a_scenario_the_twin_has_not(analyses, settings_of, name):
    """It ends as not evaluable; the other analyses of the plan are run."""
    assert "mmol/L" in analyses[name].metrics(SUGAR, settings_of[name]).values()


@pytest.mark.parametrize("name", ["convergence", "sensitivity"])
def test_without_a_scenario_an_analysis_that_needs_one_is_not_evaluable(analyse, stand_in, name):
    with pytest.raises(NotEvaluable, match="twin sugar declares no scenario"):
        analyse(name, stand_in(name, build_cohort=BUILD), twin=SUGAR)


UNKNOWN = {"status": {"rest": "both"}, "independent": "as the population model has them"}


def one_day(*, dose_mmol: float = 100.0) -> Scenario:
    """The level a day after a dose."""
    return Scenario(Schedule(0.0, (Bolus(0.0, "q", dose_mmol),)), 1.0, "glucose", "level after a day")


def test_with_a_scenario_it_is_answered_in_its_units(analyse, stand_in, analyses, settings_of):
    twin = replace(SUGAR, scenarios={"one_day": one_day})
    settings = settings_of["sensitivity"] | {"use": {"scenario": "one_day"}, "inputs": UNKNOWN}
    context = stand_in("sensitivity", build_cohort=BUILD)
    found = analyse("sensitivity", context, twin=twin, **settings)
    assert {key: q.unit for key, q in found.values.items()} == analyses["sensitivity"].metrics(twin, settings)
    assert found.values["qoi_mean"].unit == "mmol/L" and found.values["horizon"].unit == "day"
    assert found.values["S1_k"].value > 0.8


def fades_alone(t, x, u, theta, dx):
    (c,) = x
    (k,) = theta
    dx[0] = -k * c


def level_alone(t, x, u, theta, y):
    y[0] = x[0]


def in_twelve_litres(cohort, patient):
    given = schedule(cohort, patient)
    return replace(given, boluses=tuple(Bolus(b.time, "c", b.amount / 12.0) for b in given.boluses))


def after_a_day() -> Scenario:
    """The level a day after a dose."""
    return Scenario(Schedule(0.0, (Bolus(0.0, "c", 8.0),)), 1.0, "glucose", "level after a day")


def test_one_personal_parameter_is_enough_for_sobol_and_chaos(analyse, stand_in):
    """Where nothing else is uncertain, either: one dimension."""
    observables = (Observable("glucose", "mmol/L", level_alone, Additive(0.3)),)
    model = Model("sugar_alone", {"c": "mmol/L"}, {}, MODEL.parameters[:1], observables, fades_alone, time_unit="day")
    twin = replace(SUGAR, model=model, schedule=in_twelve_litres, scenarios={"after_a_day": after_a_day})
    context = stand_in("sensitivity", build_cohort=BUILD)
    found = analyse("sensitivity", context, twin=twin, use={"scenario": "after_a_day"}, inputs=UNKNOWN)
    assert found.values["S1_k"].value == pytest.approx(1.0, abs=0.05) and found.values["agreement"].value == 1.0


def test_a_second_observable_in_the_cohort_is_refused_until_it_can_be_compared(analyse, stand_in):
    two = replace(MODEL, observables=(*MODEL.observables, Observable("other", "mmol/L", level, Additive(0.1))))
    mixed = replace(
        BUILD,
        patients=(
            replace(BUILD.patients[0], measurements=(Measurement(1.0, "other", 1.0),)), *BUILD.patients[1:],
        ),
        units=(*BUILD.units, ("other", "mmol/L")),
    )  # fmt: skip
    context = stand_in("cross_validation", build_cohort=mixed)
    with pytest.raises(InputError, match=r"analyses\.cross_validation\.observable: 'glucose'.*glucose, other"):
        analyse("cross_validation", context, twin=replace(SUGAR, model=two), **SETTINGS["cross_validation"])
