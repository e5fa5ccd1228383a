"""Scaffolds that are wrong on purpose, as a plan names them, and the twins over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from vvuq.analyses.settings import Name, Positive, refused
from vvuq.analyses.validation.forecasts import slug
from vvuq.errors import near
from vvuq.models.parameter import Normal, Parameter, Uniform
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Evidence, Finding, Patient

RIGHT = "as declared"
SEVERAL = 2


@with_config(ConfigDict(extra="forbid", strict=True))
class Wrong(TypedDict):
    """A scaffold that is wrong on purpose: parameters that no fit adapts, times a factor; kinds of doses that the twin
    is not told of."""

    name: Name
    factors: NotRequired[dict[Name, Positive]]
    ignores: NotRequired[list[Name]]


WrongOnes = Annotated[list[Wrong], Field(min_length=1)]


def change_of(twin: Twin, wrong: Wrong, setting: str) -> Callable[[Twin], Twin]:
    """What puts a twin over the scaffold; a twin that was changed before is the very same again, so that a fit of it is
    not repeated. Raises InputError for a factor of what is personal or not there."""
    free, factors = [p.name for p in twin.model.parameters if p.name not in twin.personal], wrong.get("factors", {})
    for name in factors:
        if name not in free:
            remedy = f"a parameter of {twin.name} that is not personal{near(name, free)}"
            raise refused(f"{setting}.factors", name, remedy)
    if not factors and not wrong.get("ignores"):
        raise refused(setting, dict(wrong), "factors, or kinds of doses that it ignores")
    made: dict[int, tuple[Twin, Twin]] = {}

    def change(one: Twin) -> Twin:
        if id(one) not in made:
            made[id(one)] = one, _over(one, factors, tuple(wrong.get("ignores", ())), wrong["name"])
        return made[id(one)][1]

    return change


def _over(one: Twin, factors: Mapping[str, float], ignores: tuple[str, ...], label: str) -> Twin:
    moved = tuple(_moved(p, factors.get(p.name, 1.0)) for p in one.model.parameters)
    model = replace(one.model, parameters=moved) if factors else one.model

    def schedule(cohort: Cohort, patient: Patient) -> Schedule:
        told = tuple(dose for dose in patient.doses if dose.what not in ignores)
        return one.schedule(cohort, replace(patient, doses=told))

    name = f"{one.name} over {label}"
    return replace(one, name=name, model=model, schedule=schedule if ignores else one.schedule)


def _moved(parameter: Parameter, by: float) -> Parameter:
    prior = parameter.prior
    if by == 1.0:
        return parameter
    if isinstance(prior, Normal):
        return replace(parameter, prior=replace(prior, mean=by * prior.mean, sd=by * prior.sd))
    if isinstance(prior, Uniform):
        return replace(parameter, prior=replace(prior, low=by * prior.low, high=by * prior.high))
    return replace(parameter, prior=replace(prior, median=by * prior.median))


def explored(found: Evidence, key: str, doing: str) -> tuple[Finding, ...]:
    """Model form: rung b where two wrong scaffolds or more were held against the declared one with an interval, since
    ladders speak of assumptions; else a. key: what the names of those values begin with, before the forecaster's."""
    labels = dict.fromkeys(str(one["name"]) for one in found.inputs["wrong"])
    tried = [
        label for label in labels
        if any(k.startswith(f"{key}_") and slug(label) in k and q.low is not None for k, q in found.values.items())
    ]  # fmt: skip
    rung = "b" if len(tried) >= SEVERAL else "a"
    told = (
        f"{len(tried)} mechanisms that are wrong on purpose ({', '.join(tried)}) were held against the declared one: "
    )
    return (Finding("validation.model.form", rung, told + doing),) if tried else ()
