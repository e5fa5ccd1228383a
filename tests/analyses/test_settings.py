"""Settings are of their declared types, scenarios take what they declare, and what is wrong is named as in the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from examples import pk
from pydantic import ValidationError

from vvuq.analyses.settings import Choice, Group, Interval, PowerOfTwo, has_covariate, scenario
from vvuq.collect import collect
from vvuq.credibility.known import typed
from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Analysis

ANALYSES = collect("vvuq.analyses", Analysis)
GOOD = {"scenario": "verification", "horizon_h": 960, "weight_kg": 1.5, "low_apgar": True}


@pytest.mark.parametrize("name", list(ANALYSES))
def test_every_setting_has_a_type(name, settings_of):
    model = typed(ANALYSES[name].run)
    assert all(field.annotation not in (None, object) for field in model.model_fields.values())
    if name in settings_of:  # else it needs a twin of its own
        model.model_validate(settings_of[name], context={"covariates": ["weight", "apgar"]})


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("cross_validation", "folds", 1),
        ("cross_validation", "folds", "5"),
        ("cross_validation", "folds", 5.0),
        ("cross_validation", "repeats", 0),
        ("cross_validation", "members", 100),
        ("cross_validation", "resamples", 10),
        ("cross_validation", "groups", [{"covariate": "wieght", "below": 1.5}]),
        ("cross_validation", "groups", [{"covariate": "weight"}]),
        ("cross_validation", "groups", [{"covariate": "weight", "below": "1.5"}]),
        ("cross_validation", "groups", [{"covariate": "weight", "below": 1.5, "above": 1}]),
        ("holdout", "members", 1),
        ("holdout", "observable", ""),
        ("cohort", "envelope", {"weight": [3.6, 0.6]}),
        ("cohort", "envelope", {"weight": [0.6]}),
        ("cohort", "envelope", {"age": [0.6, 3.6]}),
        ("cohort", "below", {"apgar": True}),
        ("cohort", "dose_per", "age"),
        ("cohort", "unrecorded", {"drugs": ["x"]}),
        ("convergence", "steps", [1.0, 0.5]),
        ("convergence", "steps", [1.0, 0.5, 0.0]),
        ("convergence", "use", {"horizon_h": 3}),
        ("filter_exactness", "cases", 0),
        ("sensitivity", "base", 8),
        ("sensitivity", "base", 100),
        ("sensitivity", "points", 8),
        ("sensitivity", "half_width", 0.0),
        ("sensitivity", "known", "guesses"),
        ("sensitivity", "inputs", {"independent": "as the population model has them"}),
        ("sensitivity", "inputs", {"status": {"rest": "unknown"}}),
        ("sensitivity", "inputs", {"status": {"rest": "both"}, "independent": "because"}),
        ("sensitivity", "bins", float("nan")),
        ("information_value", "known", "experiment"),
        ("information_value", "actions", [{"label": "one", "use": {"scenario": "maintenance_trough"}}]),
        ("information_value", "actions", [{"label": "one"}, {"label": "two"}]),
        ("information_value", "benefit", {"low": 15.0, "high": 40.0, "harm_low": -1.0, "harm_high": 1.0}),
        ("information_value", "benefit", {"low": 15.0, "high": 40.0}),
        ("information_value", "current", {"use": {"dose": 1.0}}),
        ("information_value", "measurements", []),
        ("information_value", "measurements", [{"label": "a", "observable": "concentration", "times": []}]),
        ("information_value", "samples", 100),
        ("probability_bounds", "thresholds", []),
        ("probability_bounds", "thresholds", [float("inf")]),
        ("probability_bounds", "intervals", {"apgar_effect": [0.3, 0.1]}),
        ("probability_bounds", "widest", 13),
        ("probability_bounds", "points", 12),
        ("probability_bounds", "local", -1),
        ("probability_bounds", "draws", 10),
        ("probability_bounds", "inputs", {"status": {"rest": "maybe"}}),
        ("fisher", "limit", 1),
        ("population_fit", "estimator", "FOCE"),
    ],
)
def test_a_wrong_value_is_refused(name, setting, value, settings_of):
    with pytest.raises(ValidationError, match=setting):
        typed(ANALYSES[name].run).model_validate(
            settings_of[name] | {setting: value}, context={"covariates": ["weight", "apgar"]}
        )


def test_the_types_are_named_once():
    assert {Choice, Interval, PowerOfTwo} and Group.__annotations__.keys() == {"covariate", "below"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenario": "verfication"}, r"analyses\.x\.use\.scenario: 'verfication'.*did you mean verification\?"),
        ({"scenario": None}, r"analyses\.x\.use\.scenario: None"),
        ({"horizon_h": "long"}, r"analyses\.x\.use\.horizon_h: 'long' .*number"),
        ({"horizon_h": -1.0}, r"scenario verification: horizon_h: -1\.0 .*positive"),
        ({"low_apgar": 1}, r"analyses\.x\.use\.low_apgar: 1 .*true or false"),
        ({"height": 3}, r"analyses\.x\.use\.height: 3 .*remove it: the scenario takes horizon_h, weight_kg, low_apgar"),
    ],
)
def test_what_a_scenario_does_not_take(change, message):
    with pytest.raises(InputError, match=message):
        scenario(pk(), GOOD | change, "x.use")


def test_a_scenario_asks_for_what_it_needs():
    with pytest.raises(InputError, match=r"analyses\.x\.use: None .*add horizon_h"):
        scenario(pk(), {"scenario": "verification", "weight_kg": 1.5, "low_apgar": True}, "x.use")
    assert scenario(pk(), GOOD, "x.use").time == 960.0


def test_a_twin_without_scenarios_is_not_evaluable():
    with pytest.raises(NotEvaluable, match=r"declares no scenario, and x\.use needs one"):
        scenario(replace(pk(), scenarios={}), GOOD, "x.use")


def unreadable(*, weight: "kilograms") -> None:  # noqa: F821, UP037
    """An annotation that names nothing."""


def test_a_scenario_whose_annotation_names_nothing():
    with pytest.raises(InputError, match=r"twin pk: scenarios\.unreadable: .*kilograms"):
        scenario(replace(pk(), scenarios={"unreadable": unreadable}), {"scenario": "unreadable", "weight": 1}, "x.use")


def test_a_covariate_that_the_cohort_has_not(parts):
    has_covariate(parts[0], "weight", "cohort.envelope")
    with pytest.raises(InputError, match=r"plan: analyses\.cohort\.envelope: 'wieght' .*did you mean weight\?"):
        has_covariate(parts[0], "wieght", "cohort.envelope")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("cohort", {"envelope": {"age": [1, 2]}}, r"analyses\.cohort\.envelope: 'age'"),
        ("cohort", {"below": {"age": 1}}, r"analyses\.cohort\.below: 'age'"),
        ("cohort", {"dose_per": "age"}, r"analyses\.cohort\.dose_per: 'age'"),
        ("cross_validation", {"folds": 19}, r"analyses\.cross_validation\.folds: 19 .*18 at most"),
        ("cross_validation", {"observable": "level"}, r"analyses\.cross_validation\.observable: 'level'"),
        ("cross_validation", {"groups": [{"covariate": "age", "below": 1}]}, r"groups\.0\.covariate: 'age'"),
        ("holdout", {"groups": [{"covariate": "age", "below": 1}]}, r"analyses\.holdout\.groups\.0\.covariate: 'age'"),
    ],
)
def test_settings_that_do_not_fit_the_patients_or_the_twin(analyse, stand_in, name, change, message):
    context = stand_in(name)
    with pytest.raises(InputError, match=message):
        analyse(name, context, **change)
    assert not context.opened, "a plan that cannot be run opens nobody"
