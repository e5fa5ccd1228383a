"""The twin: a model with what connects it to patients, and how it is loaded from a file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule
from vvuq.models.simulate import RK4
from vvuq.record import Cohort, Floats, Patient


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named what-if: under `schedule`, the quantity of interest is `observable` at `time`."""

    schedule: Schedule
    time: float
    observable: str
    meaning: str


@dataclass(frozen=True)
class Twin:
    """A model, the parameters that differ between patients, and how a record becomes a schedule of inputs.

    personal: parameters with log-normal variation between patients; the others are shared by all.
    closed_form(schedule, theta (p,), times) -> first observable (times,): the exact solution, where there is one.
    scenarios: name -> function(**settings) -> Scenario. step: the integrator's standard step."""

    name: str
    title: str
    model: Model
    personal: tuple[str, ...]
    schedule: Callable[[Cohort, Patient], Schedule]
    method: RK4
    assumptions: tuple[str, ...]
    scenarios: Mapping[str, Callable[..., Scenario]] = field(default_factory=dict)
    closed_form: Callable[[Schedule, Floats, Floats], Floats] | None = None
    path: str = ""


def load_twin(path: Path) -> Twin:
    """The TWIN that a file, or a folder with __init__.py, declares; imported under a private name.

    Raises InputError where the path, the code or the declaration is wrong."""
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise InputError(str(path), "twin", file.name, "a Python file, or a folder with __init__.py, that sets TWIN")
    name = "vvuq_twin_" + hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]
    search = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise InputError(str(file), "twin", file.suffix, "a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            str(file), "twin", f"{type(error).__name__}: {error}", "a file that imports without error"
        ) from error
    twin = getattr(module, "TWIN", None)
    if not isinstance(twin, Twin):
        raise InputError(str(file), "TWIN", type(twin).__name__, "TWIN = Twin(...) at module level")
    return twin
