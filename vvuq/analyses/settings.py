"""Types of settings that analyses share. A plan's values are validated against these annotations before a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, ValidationInfo, validate_call, with_config
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict

from vvuq.errors import InputError, NotEvaluable, near
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Cohort
from vvuq.strict_yaml import value_and_remedy


def _power_of_two(count: int) -> int:
    if count & (count - 1):
        raise ValueError("a power of 2, as 64 or 256")
    return count


def _ascending(ends: list[float]) -> list[float]:
    if not ends[0] < ends[1]:
        raise ValueError("[low, high] with low below high")
    return ends


def _covariate(name: str, info: ValidationInfo) -> str:
    """Held against the covariates of the data card where the validation's context names them."""
    known = (info.context or {}).get("covariates")
    if known is not None and name not in known:
        raise ValueError(f"a covariate of the data card{near(name, known)}")
    return name


def _named(choice: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(choice.get("scenario"), str):
        raise ValueError("{scenario: NAME, and the settings of that scenario}")
    return choice


Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Resamples = Annotated[int, Field(ge=100)]
PowerOfTwo = Annotated[int, Field(ge=2), AfterValidator(_power_of_two)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
CovariateName = Annotated[Name, AfterValidator(_covariate)]
Interval = Annotated[list[Finite], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
Choice = Annotated[dict[str, Any], AfterValidator(_named)]  # {"scenario": NAME, settings of that scenario}


@with_config(ConfigDict(extra="forbid", strict=True))
class Group(TypedDict):
    """Patients by a limit of one covariate: those below, and the rest."""

    covariate: CovariateName
    below: Finite


def refused(setting: str, value: object, remedy: str) -> InputError:
    """The error for a setting of the plan, for example "holdout.groups"."""
    return InputError("plan", f"analyses.{setting}", value, remedy)


def has_covariate(cohort: Cohort, name: str, setting: str) -> None:
    """Raises InputError where the patients have no such covariate; `setting` is the one that names it."""
    known = [key for key, _ in cohort.patients[0].covariates]
    if name not in known:
        raise refused(setting, name, f"a covariate of the cohort{near(name, known)}")


def scenario(twin: Twin, choice: dict[str, Any], setting: str) -> Scenario:
    """The twin's scenario that a plan names, with its settings; `setting` is where, for example "convergence.use".

    Raises NotEvaluable where the twin declares no scenario, InputError where it has not this one or refuses a value."""
    name, given = choice.get("scenario"), {key: value for key, value in choice.items() if key != "scenario"}
    if not twin.scenarios:
        raise NotEvaluable(f"twin {twin.name} declares no scenario, and {setting} needs one: Twin(scenarios=...)")
    if not isinstance(name, str) or name not in twin.scenarios:
        raise refused(f"{setting}.scenario", name, f"a scenario of {twin.name}{near(str(name), twin.scenarios)}")
    function = twin.scenarios[name]
    try:
        made: Scenario = validate_call(config=ConfigDict(strict=True))(function)(**given)
    except ValidationError as error:
        raise _refused_setting(error.errors()[0], function, setting) from None
    except (NameError, PydanticUserError) as error:
        remedy = "a function whose annotations name types that its file imports"
        raise InputError(f"twin {twin.name}", f"scenarios.{name}", str(error), remedy) from None
    return made


def _refused_setting(detail: Any, function: Callable[..., Scenario], setting: str) -> InputError:
    """The error for what pydantic found wrong with one setting of a scenario."""
    field, value = ".".join(map(str, detail["loc"])), detail["input"]
    takes = f"the scenario takes {', '.join(inspect.signature(function).parameters)}"
    if detail["type"].startswith("missing"):
        return refused(setting, None, f"add {field}: {takes}")
    if detail["type"].startswith("unexpected"):
        return refused(f"{setting}.{field}", value, f"remove it: {takes}")
    return refused(f"{setting}.{field}", *value_and_remedy(detail))
