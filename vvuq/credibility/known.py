"""A plan held against what there is: analyses with their typed settings and metrics, the cohort's data card."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from vvuq.credibility.plan import BUDGETS, Budget, Numeric, Plan, Range
from vvuq.data.cards import DataCard
from vvuq.data.layouts import Covariate
from vvuq.errors import InputError, NotEvaluable, near
from vvuq.models.units import factor, unit
from vvuq.strict_yaml import Document, Path_, problems, refusal

SAME = 1e-9  # relative: bounds in two units differ by rounding
Metrics = Callable[[Any, Mapping[str, Any]], Mapping[str, str]]


@cache
def typed(function: Callable[..., Any]) -> type[BaseModel]:
    """The keyword-only parameters of a function as a strict model. Raises InputError where a type cannot be read."""
    parameters = inspect.signature(function).parameters.values()
    keywords = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, protected_namespaces=())
    try:
        hints = get_type_hints(function, include_extras=True)
        fields = {p.name: (hints.get(p.name, Any), ... if p.default is p.empty else p.default) for p in keywords}
        made = cast("Any", create_model)(function.__name__, __config__=config, **fields)
    except (NameError, TypeError) as error:
        where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"
        raise InputError(where, function.__name__, str(error), "annotations that name types its file imports") from None
    model: type[BaseModel] = made
    return model


def check_settings(plan: Plan, document: Document, known: Mapping[str, type[BaseModel]], card: DataCard | None) -> None:
    """Every analysis is one of `known`, {analysis: type of its settings}, and its settings fit under each budget."""
    context = {"covariates": [covariate.name for covariate in _covariates(card)]}
    for name, analysis in plan.analyses.items():
        if name not in known:
            remedy = f"an analysis that is installed{near(name, known)}"
            raise InputError(document.at(("analyses", name)), "analyses", name, remedy)
        for budget in BUDGETS:
            try:
                known[name].model_validate_json(json.dumps(analysis.at(budget)), context=context)
            except ValidationError as error:
                raise _refused(document, name, error, known[name], budget) from None


def check_metrics(plan: Plan, document: Document, known: Mapping[str, Metrics | None], twin: object) -> None:
    """Every numeric criterion names a value that its analysis reports, in the unit in which it reports it.

    known: for each analysis of the plan metrics(twin, settings) -> {value: unit}; None where it does not say."""
    found = {name: _metrics(plan, document, name, known[name], twin) for name in plan.analyses}
    for leaf, factor_ in plan.factors.items():
        for i, criterion in enumerate(factor_.criteria):
            metrics = found[criterion.analysis] if isinstance(criterion, Numeric) else None
            if not isinstance(criterion, Numeric) or metrics is None:
                continue
            place = ("factors", leaf, "criteria", i)
            if criterion.metric not in metrics:
                remedy = f"a value that {criterion.analysis} reports{near(criterion.metric, metrics)}"
                raise _at(document, (*place, "metric"), criterion.metric, remedy)
            if criterion.unit != metrics[criterion.metric]:
                remedy = f"{metrics[criterion.metric]}, the unit of {criterion.metric}; nothing is converted"
                raise _at(document, (*place, "unit"), criterion.unit, remedy)


def check_context(plan: Plan, document: Document, card: DataCard | None) -> None:
    """Units can be read; the envelope lies inside what the data card takes as valid, in a unit of that dimension;
    held-out patients are those of the card."""
    if card is not None and plan.splits is not None:
        planned, ruled = (plan.splits.held_out_patients, plan.splits.salt), (card.held_out.count, card.held_out.salt)
        for key, have, want in zip(("held_out_patients", "salt"), planned, ruled, strict=True):
            if have != want:
                raise _at(document, ("splits", key), have, f"{want!r}, the rule of the data card {card.name}")
    covariates = {covariate.name: covariate for covariate in _covariates(card)}
    for part in ("outputs", "envelope"):
        for i, one in enumerate(getattr(plan.context_of_use, part)):
            _check_unit(document, ("context_of_use", part, i, "unit"), one.unit)
    ranges = plan.context_of_use.envelope
    for i, one in enumerate(ranges):
        place = ("context_of_use", "envelope", i)
        if one.name in [other.name for other in ranges[:i]]:
            raise _at(document, (*place, "name"), one.name, "a name that occurs once")
        if one.name in covariates:
            _check_range(document, place, one, covariates[one.name])


def check_envelopes(plan: Plan, document: Document, card: DataCard | None) -> None:
    """Where settings of an analysis repeat the envelope, {"envelope": {covariate: [low, high]}}, they say the same."""
    units = {covariate.name: covariate.unit for covariate in _covariates(card)}
    planned = {r.name: r for r in plan.context_of_use.envelope if r.name in units}
    for place, key, ends in _repeated(plan):
        if key not in planned:
            raise _at(document, place, key, f"a covariate of context_of_use.envelope{near(key, planned)}")
        want = [planned[key].low, planned[key].high]
        scale = factor(planned[key].unit, units[key])
        if any(abs(a - scale * b) > SAME * abs(a) for a, b in zip(ends, want, strict=True)):
            raise _at(document, place, ends, f"{want} {planned[key].unit}, as context_of_use.envelope says")


def _covariates(card: DataCard | None) -> tuple[Covariate, ...]:
    return () if card is None else tuple(card.layout.covariates)


def _repeated(plan: Plan) -> Iterator[tuple[Path_, str, list[float]]]:
    """(place, covariate, [low, high]) of what settings call the envelope."""
    parts = [(name, part) for name in plan.analyses for part in ("settings", *BUDGETS)]
    for name, part in parts:
        given = getattr(plan.analyses[name], part).get("envelope")
        for key, ends in given.items() if isinstance(given, dict) else ():
            if isinstance(ends, list) and len(ends) == 2:
                yield ("analyses", name, part, "envelope", key), key, ends


def _check_unit(document: Document, place: Path_, text: str) -> None:
    try:
        unit(text)
    except InputError as error:
        raise _at(document, place, text, error.remedy) from None


def _check_range(document: Document, place: Path_, one: Range, covariate: Covariate) -> None:
    try:
        scale = factor(one.unit, covariate.unit)
    except InputError as error:
        raise _at(document, (*place, "unit"), one.unit, error.remedy) from None
    for key, value in (("low", one.low), ("high", one.high)):
        if not covariate.low <= scale * value <= covariate.high:
            valid = f"{covariate.low:g} to {covariate.high:g} {covariate.unit}"
            raise _at(document, (*place, key), value, f"a {one.name} that the data card takes as valid: {valid}")


def _metrics(
    plan: Plan, document: Document, name: str, metrics: Metrics | None, twin: object
) -> Mapping[str, str] | None:
    """What the analysis will report under the full budget; what it refuses is found in the plan."""
    if metrics is None:
        return None
    try:
        return metrics(twin, plan.analyses[name].at("full"))
    except NotEvaluable:
        return None  # the run will say so
    except InputError as error:
        keys = error.field.split(".")[2:] if error.where == "plan" else []
        place = _written(plan, name, keys)
        raise InputError(document.at(place), ".".join(place), error.value, error.remedy) from None


def _refused(
    document: Document, name: str, error: ValidationError, model: type[BaseModel], budget: Budget
) -> InputError:
    """The error for settings that are not of their types, each with the line where it is written."""
    found = []
    for detail in error.errors(include_url=False):
        part = budget if ("analyses", name, budget, detail["loc"][0]) in document.lines else "settings"
        found += list(problems(document, [detail], model.model_fields, ("analyses", name, part)))
    return refusal(found)


def _written(plan: Plan, name: str, keys: list[str]) -> tuple[str, ...]:
    """The place of a setting in the plan: below the full budget where that says it, else below settings."""
    part = "full" if keys and keys[0] in plan.analyses[name].full else "settings"
    return ("analyses", name, part, *keys)


def _at(document: Document, place: Path_, value: object, remedy: str) -> InputError:
    return InputError(document.at(place), ".".join(map(str, place)), value, remedy)
