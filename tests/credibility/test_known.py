"""A plan is held against what there is: analyses, types of settings, metrics and units, covariates, the split."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

import pytest
from plans import ORDER, plan_data, write_plan
from pydantic import AfterValidator, Field, ValidationInfo

from vvuq.credibility.known import check_context, check_envelopes, check_metrics, check_settings, typed
from vvuq.credibility.plan import read_plan
from vvuq.errors import InputError, NotEvaluable


def covariate(name: str, info: ValidationInfo) -> str:
    if name not in info.context["covariates"]:
        raise ValueError("a covariate of the cohort")
    return name


def order(twin, context, *, n: Annotated[int, Field(ge=1)], steps: tuple[float, ...] = (1.0,), by: dict | None = None):
    """An analysis with typed settings; never called."""


def sealed(
    twin, context, *, groups: list[dict[Annotated[str, AfterValidator(covariate)], float]] | None = None, model_="x"
):
    """Another."""


TYPES = {"order": typed(order), "sealed": typed(sealed)}
WEIGHT = SimpleNamespace(name="weight", unit="kg", low=0.3, high=6.0)
CARD = SimpleNamespace(
    name="toy",
    layout=SimpleNamespace(covariates=(WEIGHT,)),
    held_out=SimpleNamespace(count=2, salt="toy/"),
)


def read(tmp_path, edit=lambda data: None):
    data = plan_data()
    edit(data)
    path = write_plan(tmp_path, data)
    return read_plan(path), path.read_text().splitlines()


def settings(**values):
    return lambda data: data["analyses"]["order"].update(**values)


@pytest.mark.parametrize(
    ("edit", "text", "words"),
    [
        (settings(settings={"n": "five"}), "n: five", "analyses.order.settings.n: 'five' .* a whole number"),
        (settings(settings={"n": 0}), "n: 0", "analyses.order.settings.n: 0 .* 1 or more"),
        (settings(settings={"n": 2.5}), "n: 2.5", "a whole number"),
        (settings(settings={"n": True}), "n: true", "a whole number"),
        (settings(full={"n": 0}), "n: 0", "analyses.order.full.n: 0 .* 1 or more"),
        (settings(settings={}, full={}, quick={"n": 1}), "settings: {}", "order.settings.n: None .* add this field"),
        (settings(settings={"n": 1, "step": [1]}), "step:", "analyses.order.settings.step.*did you mean steps"),
        (settings(settings={"n": 1, "steps": [1, "x"]}), "- x", "analyses.order.settings.steps.1: 'x' .* a number"),
        (settings(settings={"n": 1, "by": 3}), "by: 3", "fields below it"),
        (
            lambda data: data["analyses"].update(sealed={"settings": {"groups": [{"weigth": 1.5}]}}),
            "weigth",
            "groups.*a covariate of the cohort",
        ),
        (lambda data: data["analyses"].update(ordr={}), "ordr:", "an analysis that is installed; did you mean order"),
    ],
)
def test_settings_are_of_their_types_and_the_line_is_named(tmp_path, edit, text, words):
    (plan, document), lines = read(tmp_path, edit)
    with pytest.raises(InputError, match=words) as error:
        check_settings(plan, document, TYPES, CARD)
    number = next(i for i, line in enumerate(lines, 1) if text in line)
    assert f"plan.yaml:{number}: analyses" in str(error.value)
    assert "Input should" not in str(error.value)


def test_sound_settings_pass_whatever_their_names(tmp_path):
    edit = settings(settings={"n": 1, "steps": [1, 2.5], "by": {"a": 1}})
    (plan, document), _ = read(tmp_path, edit)
    plan.analyses["sealed"].settings["groups"] = [{"weight": 1.5}]
    plan.analyses["sealed"].settings["model_"] = "y"
    check_settings(plan, document, TYPES, CARD)


def test_a_type_that_cannot_be_read_is_the_authors_fault():
    def vague(twin, context, *, n: Nowhere = 1):  # noqa: F821
        """Annotated with a name that does not exist."""

    with pytest.raises(InputError, match=r"test_known.py:\d+: vague: .*Nowhere"):
        typed(vague)


def metrics(twin, settings):
    return {"deviation": "1", "error": "mg/L", "seen": twin} | {f"at_{settings['n']}": "1"}


def criterion(**changes):
    return lambda data: data["factors"][ORDER]["criteria"][0].update(**changes)


@pytest.mark.parametrize(
    ("edit", "text", "words"),
    [
        (criterion(metric="deviatoin"), "metric:", f"factors.{ORDER}.criteria.0.metric: .*did you mean deviation"),
        (criterion(metric="error"), "unit: '1'", f"factors.{ORDER}.criteria.0.unit: '1' .* mg/L, the unit of error"),
        (criterion(metric="at_1"), "metric:", "did you mean at_9"),
    ],
)
def test_criteria_name_what_will_be_reported_under_the_full_budget(tmp_path, edit, text, words):
    (plan, document), lines = read(tmp_path, edit)
    with pytest.raises(InputError, match=words) as error:
        check_metrics(plan, document, {"order": metrics, "sealed": None}, "kg")
    start = lines.index("  verification.code.numerical_code_verification:")
    number = next(i for i, line in enumerate(lines, 1) if text in line and i > start)
    assert f"plan.yaml:{number}: " in str(error.value)


def test_what_cannot_be_known_is_not_checked(tmp_path):
    def unknown(twin, settings):
        raise NotEvaluable("the twin declares no scenario")

    for one in (None, unknown):
        (plan, document), _ = read(tmp_path, criterion(metric="anything"))
        check_metrics(plan, document, {"order": one, "sealed": None}, None)
    (plan, document), _ = read(tmp_path, criterion(metric="at_9"))
    check_metrics(plan, document, {"order": metrics, "sealed": None}, None)


@pytest.mark.parametrize(
    ("where", "field", "place", "text"),
    [
        ("plan", "analyses.order.n.deep", "analyses.order.full.n.deep", "n: 9"),
        ("plan", "analyses.order.m", "analyses.order.settings.m", "settings:"),
        ("elsewhere", "x", "analyses.order.settings", "settings:"),
    ],
)
def test_what_the_metrics_refuse_is_found_in_the_plan(tmp_path, where, field, place, text):
    def refuse(twin, settings):
        raise InputError(where, field, 9, "less")

    (plan, document), lines = read(tmp_path)
    with pytest.raises(InputError, match=f"{place}: 9 is not valid: less") as error:
        check_metrics(plan, document, {"order": refuse, "sealed": None}, None)
    assert f"plan.yaml:{next(i for i, line in enumerate(lines, 1) if text in line)}:" in str(error.value)


def envelope(**changes):
    return lambda data: data["context_of_use"]["envelope"][0].update(**changes)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (envelope(unit="mg/L"), "envelope.0.unit: 'mg/L' .* of the dimension of 'kg'"),
        (envelope(name="x", unit="banana"), "envelope.0.unit: 'banana' .* a unit such as"),
        (envelope(low=-1), "envelope.0.low: -1.0 .* valid: 0.3 to 6 kg"),
        (envelope(unit="g"), "envelope.0.low: 0.5 .* 0.3 to 6 kg"),
        (envelope(high=600), "envelope.0.high: 600"),
        (lambda d: d["context_of_use"]["envelope"].append(d["context_of_use"]["envelope"][0]), "occurs once"),
        (lambda d: d["context_of_use"]["outputs"][0].update(unit="banana"), "outputs.0.unit: 'banana'"),
        (lambda d: d["splits"].update(held_out_patients=3), "splits.held_out_patients: 3 .* 2, the rule of the data"),
        (lambda d: d["splits"].update(salt="x"), "splits.salt: 'x' .* 'toy/', the rule"),
    ],
)
def test_the_context_of_use_fits_the_cohort(tmp_path, edit, words):
    (plan, document), _ = read(tmp_path, edit)
    with pytest.raises(InputError, match=rf"plan.yaml:\d+: .*{words}"):
        check_context(plan, document, CARD)


def test_another_unit_of_the_same_dimension_is_converted(tmp_path):
    grams, dose = envelope(unit="g", low=500, high=4000), envelope(name="dose", unit="mg/kg", low=-1)
    for edit in (lambda data: None, grams, dose):
        (plan, document), _ = read(tmp_path, edit)
        check_context(plan, document, CARD)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weight": [0.5, 3.9]}, r"analyses.order.full.envelope.weight: \[0.5, 3.9\] .* \[0.5, 4.0\] kg"),
        ({"weigth": [0.5, 4]}, "did you mean weight"),
        ({"apgar": [1, 10]}, "a covariate of context_of_use.envelope: weight"),
        ({"weight": [0.5, 4]}, None),
        ({"weight": "wide"}, None),
        ("wide", None),
    ],
)
def test_settings_that_repeat_the_envelope_say_the_same(tmp_path, given, words):
    (plan, document), _ = read(tmp_path, settings(full={"envelope": given}))
    if words is None:
        check_envelopes(plan, document, CARD)
    else:
        with pytest.raises(InputError, match=rf"plan.yaml:\d+: .*{words}"):
            check_envelopes(plan, document, CARD)
