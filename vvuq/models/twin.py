"""The twin: a model with what connects it to patients, and how it is loaded from a file."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from vvuq.errors import InputError, near
from vvuq.models.care import Care, check_care
from vvuq.models.claims import Claims, check_claims
from vvuq.models.follow import Follow, check_follow
from vvuq.models.guard import guarded
from vvuq.models.lines import innermost
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule
from vvuq.models.simulate import RK4
from vvuq.models.state_space import StateSpace, check_state_space
from vvuq.models.units import registry
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
    scenarios: name -> function(**settings) -> Scenario. experiments: name -> function(**settings) -> Experiment (of
    vvuq/assimilation/experiment.py). ordered: name -> function(**settings) -> Ordered (of
    vvuq/assimilation/ordered.py). forecasters: name -> Forecaster (of vvuq/interaction/forecaster.py).
    rest(schedule, theta (p, members)) -> states (n, members): where they stay under the schedule's covariates while
    nothing is given; None: empty. step: the integrator's standard step. claims: what is promised, for `vvuq.testing` to
    try. follow: how patients are tracked over days, for a twin that does. care: when measurements of an observable are
    ordered, for a twin that tells. state_space: beliefs and drift of a twin that is followed in slots by its states.
    orders: how its channels come to be measured, a CareProcess (of vvuq/data/missingness/care.py) each.
    Raises InputError where claims, follow, care or state_space do not fit the model."""

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
    claims: Claims = field(default_factory=Claims)
    experiments: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    forecasters: Mapping[str, Any] = field(default_factory=dict)
    rest: Callable[[Schedule, Floats], Floats] | None = None
    follow: Follow | None = None
    care: Care | None = None
    ordered: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    orders: tuple[Any, ...] = ()
    state_space: StateSpace | None = None

    def __post_init__(self) -> None:
        check_claims(self.name, self.model, self.claims)
        if self.follow is not None:
            check_follow(self.name, self.model, self.personal, self.follow)
        if self.care is not None:
            check_care(self.name, self.model, self.care)
        if self.state_space is not None:
            check_state_space(self.name, self.model, self.state_space)


def load_twin(path: Path, rival: str = "", where: str = "") -> Twin:
    """The TWIN that a file, or a folder with __init__.py, declares, or of its RIVALS the one of that name.

    It is imported under a private name; TWIN's own name stands for itself.
    Raises InputError with file and line where the path, the code or the declaration is wrong, or where the import does
    more than declare (see `vvuq.models.guard`); at `where`, with the names there are, for a rival that there is not.
    What it prints goes to standard error."""
    twin, rivals = load_twins(path)
    if rival in ("", twin.name):
        return twin
    if rival not in rivals:
        those = f"one of the rivals of {twin.name}{near(rival, rivals)}"
        remedy = those if rivals else f"none: {twin.name} has no rivals"
        raise InputError(where or _assigned(_file(path), "RIVALS"), "rival", rival, remedy)
    return rivals[rival]


def load_twins(path: Path) -> tuple[Twin, dict[str, Twin]]:
    """The TWIN at a path, and its RIVALS by their names: other structures for the same patient. Raises as load_twin."""
    file = _file(path)
    module = _imported(file, f"{file.parent}{os.sep}" if path.is_dir() else str(file))
    twin, rivals = getattr(module, "TWIN", None), getattr(module, "RIVALS", ())
    if not isinstance(twin, Twin):
        raise InputError(_assigned(file), "TWIN", type(twin).__name__, "TWIN = Twin(...) at module level")
    _check_personal(twin, "TWIN", file)
    remedy = "RIVALS = (Twin(...), ...) at module level: a tuple of twins, each with a name of its own"
    found: dict[str, Twin] = {}
    for one in rivals if isinstance(rivals, tuple) else (rivals,):
        if not isinstance(one, Twin):
            raise InputError(_assigned(file, "RIVALS"), "RIVALS", type(one).__name__, remedy)
        if one.name in (twin.name, *found) or not one.name.isidentifier():
            raise InputError(_assigned(file, "RIVALS"), "RIVALS", one.name, f"{remedy}, which is a Python identifier")
        _check_personal(one, "RIVALS", file)
        found[one.name] = one
    return twin, found


def rivals_of(path: Path) -> tuple[str, ...]:
    """The names of the rivals at a path; a file that names no RIVALS is not imported. Raises as load_twin."""
    return tuple(load_twins(path)[1]) if _line(_file(path), "RIVALS") else ()


def _file(path: Path) -> Path:
    """The absolute path of the file that declares. Raises InputError where there is none."""
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file() or file.suffix != ".py":
        raise InputError(str(path), "twin", file.name, "a Python file, or a folder with __init__.py, that sets TWIN")
    return file.absolute()


def _check_personal(twin: Twin, assigned: str, file: Path) -> None:
    names = [parameter.name for parameter in twin.model.parameters]
    for name in twin.personal:
        if name not in names:
            remedy = f"parameters of {twin.model.name}{near(name, names)}"
            raise InputError(_assigned(file, assigned), f"{assigned}.personal", name, remedy)


def _assigned(file: Path, name: str = "TWIN") -> str:
    """FILE:LINE of what is assigned to a name; the file alone where nothing is."""
    line = _line(file, name)
    return f"{file}:{line}" if line else str(file)


def _line(file: Path, name: str) -> int:
    """The last line that begins with a name; 0 where none does."""
    found = [line for line, text in enumerate(file.read_text("utf-8").splitlines(), 1) if text.startswith(name)]
    return found[-1] if found else 0


def _imported(file: Path, own: str) -> ModuleType:
    """The module in `file`; the paths of all of the twin's code begin with `own`."""
    name = "vvuq_twin_" + hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]
    search = [own] if own != str(file) else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise InputError(str(file), "twin", file.suffix, "a .py file")
    for old in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[old]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    registry()  # reads files of its own, wherever the package lies: before the guard stands
    try:
        with guarded(own), redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _refused(error, file, own) from error
    return module


def _refused(error: BaseException, file: Path, own: str) -> InputError:
    """The error with the line of the twin that it comes from."""
    if isinstance(error, InputError) and error.where.startswith(own):
        return error
    where, line = innermost(error, own) or (str(file), 1)
    if isinstance(error, InputError):
        return error.inside(f"{where}:{line}")
    if isinstance(error, SyntaxError):
        where, line = error.filename or where, error.lineno or line
    said = str(error) or "no message"
    remedy = "a file that can be imported: it declares, and ends nothing"
    return InputError(f"{where}:{line}", "twin", f"{type(error).__name__}: {said}", remedy)
