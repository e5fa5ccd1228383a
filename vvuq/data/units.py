"""Which unit a field of a cohort may have: read by pint, judged by dimension."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from vvuq.data.cards import DataCard
from vvuq.data.layouts import Diary
from vvuq.errors import InputError
from vvuq.models import units

GLUCOSE_MOLAR_MASS = 180.156  # g/mol, C6H12O6 by the abridged standard atomic weights (IUPAC 2021)
TIME, MASS, CONCENTRATION, OTHER = "time", "mass", "concentration", "other"
_EXAMPLES = {
    TIME: "a time, as h or min",
    MASS: "a mass, as kg",
    "dose": "an amount, as mg, mmol or IU",
    CONCENTRATION: "a concentration, as mg/L",
}


@cache
def dimension(unit: str) -> str:
    """What a unit measures: TIME, MASS, "dose" (substance or IU), CONCENTRATION (either of them a volume), or OTHER.

    Raises InputError where the unit is not known."""
    registry = units.registry()
    measured = units.unit(unit).dimensionality
    amounts = [registry.get_dimensionality(one) for one in ("kg", "mol", "IU")]
    if measured == registry.get_dimensionality("h"):
        return TIME
    if measured in amounts:
        return MASS if measured == amounts[0] else "dose"
    per_volume = [registry.get_dimensionality(one) for one in ("kg/L", "mol/L", "IU/L")]
    return CONCENTRATION if measured in per_volume else OTHER


def check_card(card: DataCard) -> None:
    """Raises InputError, with the line of the card, where a unit is unknown or its dimension does not fit its field."""
    layout = card.layout
    for name, (kind, stated) in layout.places.items():
        unit, field = layout.units[name], f"layout.{stated}"
        try:
            check_units("", {name: unit}, {name: kind})
        except InputError as error:
            raise InputError(card.at(field), field, unit, error.remedy) from None
    if isinstance(layout, Diary):
        try:
            glucose_factor(layout.glucose_unit, "mg/dL")
        except InputError:
            field, remedy = "layout.glucose_unit", "a concentration, as mg/dL or mmol/L"
            raise InputError(card.at(field), field, layout.glucose_unit, remedy) from None


def glucose_factor(source: str, target: str, where: str = "glucose") -> float:
    """The number that turns a concentration of glucose in `source` into `target`: of mass or of substance, through the
    molar mass. Raises InputError where either is no concentration."""
    registry = units.registry()
    molar = registry.get_dimensionality("mol/L")
    of_substance = [units.unit(one, where).dimensionality == molar for one in (source, target)]
    if of_substance == [True, False]:
        return units.factor(source, "mol/L", where) * GLUCOSE_MOLAR_MASS * units.factor("g/L", target, where)
    if of_substance == [False, True]:
        return units.factor(source, "g/L", where) / GLUCOSE_MOLAR_MASS * units.factor("mol/L", target, where)
    return units.factor(source, target, where)


def check_units(where: str, units: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    """The dimension of each field. `kinds`: {field: "time", "dose", "covariate" or "observable"}.

    Raises InputError where a field has no unit, a unit is unknown, or its dimension does not fit the field: a covariate
    "weight" must be a mass, an observable "concentration" a concentration."""
    for field in sorted(set(kinds) - set(units)):
        raise InputError(where, f"units: {field}", None, "a unit for each field, as mg/L; 1 where there is none")
    found = {}
    for field, unit in units.items():
        try:
            found[field] = dimension(unit)
        except InputError:
            remedy = "a unit that pint knows, as h, kg, mg/L or L/h/kg; 1 where there is none"
            raise InputError(where, f"units: {field}", unit, remedy) from None
        wanted = _wanted(field, kinds.get(field, field))
        if wanted and found[field] != wanted and not (wanted == "dose" and found[field] == MASS):
            raise InputError(where, f"units: {field}", unit, _EXAMPLES[wanted])
    return found


def _wanted(field: str, kind: str) -> str | None:
    if kind in ("time", "dose"):
        return TIME if kind == "time" else "dose"
    return {"weight": MASS, "concentration": CONCENTRATION}.get(field)
