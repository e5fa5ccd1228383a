"""The twin experiments that a plan names, and the filters it names for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from vvuq.analyses.settings import refused
from vvuq.assimilation.experiment import Experiment
from vvuq.assimilation.method import Method
from vvuq.assimilation.methods import method
from vvuq.errors import InputError, NotEvaluable, near
from vvuq.models.twin import Twin
from vvuq.strict_yaml import value_and_remedy


def experiment(twin: Twin, choice: Mapping[str, Any], setting: str) -> Experiment:
    """The twin's experiment that a plan names, {"experiment": NAME, its settings}; `setting` is where it stands.

    Raises NotEvaluable where the twin declares none, InputError where it has not this one or refuses a value."""
    name, given = choice.get("experiment"), {key: value for key, value in choice.items() if key != "experiment"}
    if not twin.experiments:
        raise NotEvaluable(f"twin {twin.name} declares no experiment, and {setting} needs one: Twin(experiments=...)")
    if not isinstance(name, str) or name not in twin.experiments:
        raise refused(f"{setting}.experiment", name, f"an experiment of {twin.name}{near(str(name), twin.experiments)}")
    try:
        made: Experiment = validate_call(config=ConfigDict(strict=True))(twin.experiments[name])(**given)
    except ValidationError as error:
        detail = error.errors()[0]
        value, remedy = value_and_remedy(detail)
        raise refused(".".join([setting, *map(str, detail["loc"])]), value, remedy) from None
    return made


def filter_of(row: Mapping[str, Any], of: Experiment, setting: str) -> Method:
    """The filter that a row of a plan names: {"method": NAME, "options": {...}}; `setting` is where it stands."""
    try:
        return method(row["method"], row.get("options", {}), of.distances)
    except InputError as error:
        raise refused(f"{setting}.{error.field}", error.value, error.remedy) from None
