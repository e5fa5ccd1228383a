"""Section 3: the model as the code has it: equations set from the functions that run, states, parameters, sources."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from vvuq.dossier.labels import words
from vvuq.dossier.mathml import equation, symbol
from vvuq.dossier.numbers import unit_text
from vvuq.dossier.source import Source, number
from vvuq.dossier.view import Number, Section
from vvuq.models.equations import named_equations


@dataclass(frozen=True, slots=True)
class Line:
    """One equation as MathML, with what its left side is and its unit."""

    math: str
    meaning: str
    unit: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A state, input or covariate."""

    math: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter. `prior` holds the family's name and its numbers with their names."""

    math: str
    name: str
    meaning: str
    unit: str
    family: str
    prior: tuple[tuple[str, Number], ...]
    bounds: tuple[Number | str, Number | str]
    source: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Noise:
    """The error model of one observable: standard deviation and coefficient of variation."""

    math: str
    unit: str
    sd: Number | None
    cv: Number | None


@dataclass(frozen=True, slots=True)
class View:
    """The model description."""

    title: str
    name: str
    time_unit: str
    lines: tuple[Line, ...]
    quantities: tuple[Quantity, ...]
    rows: tuple[Row, ...]
    noise: tuple[Noise, ...]
    assumptions: tuple[str, ...]


def build(source: Source) -> View:
    """Everything comes from the twin's code and declarations."""
    twin, model = source.twin, source.twin.model
    names = [*model.states, *(observable.name for observable in model.observables)]
    units = [f"{unit}/{model.time_unit}" for unit in model.states.values()] + [item.unit for item in model.observables]
    kinds = ["rate of change of a state"] * len(model.states) + ["observable"] * len(model.observables)
    named, own = named_equations(model)
    lines = tuple(Line(equation(eq), f"{eq.lhs.name.replace('_', ' ')}, used below", "") for eq in named) + tuple(
        Line(equation(eq), f"{name.replace('_', ' ')}, {kind}", unit_text(unit))
        for eq, name, unit, kind in zip(own, names, units, kinds, strict=True)
    )
    quantities = tuple(
        Quantity(symbol(name), role, unit_text(unit) or "dimensionless")
        for role, group in (("state", model.states), ("input", model.inputs), ("covariate", model.covariates))
        for name, unit in group.items()
    )
    return View(
        twin.title,
        twin.name,
        model.time_unit,
        lines,
        quantities,
        tuple(_row(item, item.name in twin.personal) for item in model.parameters),
        tuple(_noise(item) for item in model.observables),
        tuple(twin.assumptions),
    )


def _row(item: Any, personal: bool) -> Row:
    at = f"parameters/{item.name}"
    prior = tuple(
        (words(entry.name), number(getattr(item.prior, entry.name), "", "twin", f"{at}/prior/{entry.name}"))
        for entry in fields(item.prior)
    )
    ends = [
        number(end, "", "twin", f"{at}/bounds/{index}") if math.isfinite(end) else sign
        for index, (end, sign) in enumerate(zip(item.bounds, ("−∞", "∞"), strict=True))
    ]
    return Row(
        symbol(item.name),
        item.name,
        item.meaning,
        unit_text(item.unit) or "–",
        {"LogNormal": "log-normal", "Normal": "normal", "Uniform": "uniform"}.get(type(item.prior).__name__, "other"),
        prior,
        (ends[0], ends[1]),
        item.source,
        personal,
    )


def _noise(item: Any) -> Noise:
    def part(name: str, unit: str) -> Number | None:
        value = getattr(item.noise, name)
        return number(value, unit, "twin", f"observables/{item.name}/noise/{name}") if value else None

    return Noise(symbol(item.name), unit_text(item.unit), part("sd", item.unit), part("cv", "1"))


SECTION = Section("model", 3, "Model", build)
