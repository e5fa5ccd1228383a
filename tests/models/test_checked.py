"""A declaration that passed is not checked again; what fails always is, and so is all that a digest cannot hold."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from examples import LOGISTIC, ROOT, amount, parameter

from vvuq.errors import InputError
from vvuq.models import Additive, LogNormal, Model, Normal, Observable, Parameter, declare
from vvuq.models import math as mm
from vvuq.models.checked import passed, remember
from vvuq.models.math import exp
from vvuq.models.units import registry
from vvuq.numerics.jit import kernel_folder

FACTOR = 2.0
LIST = [2.0]
POWERS = (1, 2.0)


def helper(v):
    return FACTOR * v


def rhs(t, x, u, theta, dx):
    dx[0] = -theta[0] * helper(x[0]) * exp(0.0) + POWERS[0] * 0.0


def model(**changes):
    seen = Observable("amount", "mg", amount, Additive(0.1))
    return replace(Model("kept", {"A": "mg"}, {"R": "mg/h"}, (parameter("k", "1/h"),), (seen,), rhs), **changes)


def other(t, x, u, theta, dx):
    dx[0] = -theta[0] * helper(x[0]) * exp(0.0) + POWERS[1] * 0.0


def double(t, x, u, theta, y):
    y[0] = x[0] + x[0]


CHANGES = {
    "state": {"states": {"B": "mg"}},
    "unit of time": {"time_unit": "hour"},
    "input": {"inputs": {"S": "mg/h"}},
    "covariate": {"covariates": {"R": "mg/h"}, "inputs": {}},
    "median": {"parameters": (parameter("k", "1/h", 0.31),)},
    "prior": {"parameters": (Parameter("k", "1/h", Normal(0.3, 0.01), source="test"),)},
    "bounds": {"parameters": (Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test", bounds=(0.0, 9.0)),)},
    "observable": {"observables": (Observable("seen", "mg", amount, Additive(0.1)),)},
    "what is seen": {"observables": (Observable("amount", "mg", double, Additive(0.1)),)},
    "equation": {"rhs": other},
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_declaration_has_another_digest(change):
    assert passed(model()) == passed(model()) is not None
    assert passed(model(**CHANGES[change])) not in (None, passed(model()))


@pytest.mark.parametrize(("name", "value"), [("FACTOR", 3.0), ("FACTOR", 2), ("POWERS", (1, 2)), ("helper", exp)])
def test_so_has_one_whose_functions_name_something_else(monkeypatch, name, value):
    before, made = passed(model()), model()
    monkeypatch.setitem(globals(), name, value)
    assert passed(made) not in (None, before)


def with_default(t, x, u, theta, dx=None):
    dx[0] = -theta[0] * x[0]


def with_list(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0] * LIST[0]


def with_attribute(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0] * mm.exp(0.0)


def with_import(t, x, u, theta, dx):
    import math

    dx[0] = -theta[0] * x[0] * math.exp(0.0)


def with_inner(t, x, u, theta, dx):
    dx[0] = -theta[0] * sum(FACTOR * v for v in x)


def with_assignment(t, x, u, theta, dx):
    global FACTOR
    FACTOR = 2.0
    dx[0] = -theta[0] * x[0]


def with_file(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0] if open else 0.0


UNKNOWN = with_default, with_list, with_attribute, with_import, with_inner, with_assignment, with_file


@pytest.mark.parametrize("function", UNKNOWN, ids=lambda f: f.__name__)
def test_equations_that_name_more_than_a_digest_holds_have_none(function):
    assert passed(model(rhs=function)) is None


def test_neither_has_a_prior_of_another_kind():
    @dataclass(frozen=True)
    class Own:
        def quantile(self, p: float) -> float:
            return 0.3

    assert passed(model(parameters=(Parameter("k", "1/h", Own(), source="test"),))) is None


def test_one_that_passed_is_not_checked_again_unless_the_process_has_units_of_its_own(monkeypatch, tmp_path):
    runs: list[str] = []
    monkeypatch.setattr(declare, "_units", lambda model: runs.append("units"))
    monkeypatch.setattr(declare, "passed", lambda model: tmp_path / "kept")
    monkeypatch.setattr(declare, "untouched", lambda: True)
    declare.check(LOGISTIC)
    assert runs == ["units"] and (tmp_path / "kept").exists()
    declare.check(LOGISTIC)
    assert runs == ["units"]
    monkeypatch.undo()
    monkeypatch.setattr(declare, "_units", lambda model: runs.append("again"))
    registry()
    declare.check(LOGISTIC)
    assert runs == ["units", "again"]


def test_a_cache_that_is_gone_is_no_error(tmp_path):
    remember(tmp_path / "nowhere" / "kept")


CHILD = """
import json, sys
from vvuq.errors import InputError
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter
import vvuq.assimilation.ukf

def rhs(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]

def amount(t, x, u, theta, y):
    y[0] = x[0]

heavy = "pint", "sympy", "pandas", "pydantic", "scipy.special"
found = [[name for name in heavy if name in sys.modules]]
k = Parameter("k", sys.argv[1], LogNormal(0.3, 0.1), source="test")
try:
    Model("decay", {"A": "mg"}, {}, (k,), (Observable("amount", "mg", amount, Additive(0.1)),), rhs)
    found.append("passed")
except InputError as error:
    found.append(error.field)
print(json.dumps([*found, "pint" in sys.modules]))
"""


def declared(folder: Path, unit: str) -> list:
    script = folder / "child.py"
    script.write_text(CHILD)
    environment = {**os.environ, "VVUQ_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), unit]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def kept(folder: Path) -> int:
    return len(list(folder.rglob("vvuq_declared_*")))


def test_a_later_process_needs_no_units_and_a_wrong_unit_is_refused_each_time(tmp_path):
    """The kernels that this machine has are copied, so that nothing has to be compiled."""
    warm = kernel_folder()
    shutil.copytree(warm, tmp_path / "cache" / "kernels" / warm.name, ignore=shutil.ignore_patterns("vvuq_*"))
    assert declared(tmp_path, "1/h") == [[], "passed", True] and kept(tmp_path) == 1
    assert declared(tmp_path, "1/h") == [[], "passed", False] and kept(tmp_path) == 1
    for _ in range(2):
        assert declared(tmp_path, "mg/h") == [[], "unit of A", True] and kept(tmp_path) == 1


def test_a_wrong_unit_is_refused_where_the_right_one_passed_in_this_process():
    assert model()
    with pytest.raises(InputError, match="unit of A"):
        model(parameters=(parameter("k", "mg/h"),))
