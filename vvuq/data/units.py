"""Which unit a field of a cohort may have: read by pint, judged by dimension."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from vvuq.data.cards import DataCard
from vvuq.errors import InputError
from vvuq.models import units

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
    fields = {"time": "time_unit", "dose": "dose_unit", layout.observable: "observation_unit"}
    kinds = {"time": "time", "dose": "dose", layout.observable: "observable"}
    for i, covariate in enumerate(layout.covariates):
        fields[covariate.name], kinds[covariate.name] = f"covariates.{i}.unit", "covariate"
    for name, unit in layout.units.items():
        try:
            check_units("", {name: unit}, {name: kinds[name]})
        except InputError as error:
            field = f"layout.{fields[name]}"
            raise InputError(card.at(field), field, unit, error.remedy) from None


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
