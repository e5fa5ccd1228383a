"""Compiles a model's plain functions into the typed function pointers that the generic kernels take.

The functions are written out into a module of their own: their source, the helpers they call and the numbers they name,
bound as literals. The module's name is the digest of that text, so a change of anything in it compiles anew, and
nothing else does."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from vvuq.errors import InputError
from vvuq.models import math
from vvuq.models.lines import place
from vvuq.models.model import Model
from vvuq.numerics.jit import kernel_folder

_MEANING = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("lowering.py", "math.py"))
_HEAD = """\"\"\"Generated from model {name}; read-only. The file name is the digest of this text.
Meaning of vvuq.models.math: {meaning}.\"\"\"
from __future__ import annotations

from numba import njit, types

import vvuq.models.lowering
from vvuq.models.math import {math}
from vvuq.numerics.jit import {signature} as SIGNATURE
"""
_FIELD = """

@njit(SIGNATURE, error_model="numpy", cache=True)
def {name}(t, x, u, theta, out):
    xs, us, thetas = {x}, {u}, {theta}
"""


@lru_cache(maxsize=256)
def rhs_kernel(model: Model, *, complex_numbers: bool = False) -> Any:
    """The compiled rhs(t, x, u, theta, dx) of a model, on float64 or complex128."""
    return _module(_rhs_text(model, complex_numbers)).rhs_kernel


@lru_cache(maxsize=256)
def observe_kernel(model: Model, *, complex_numbers: bool = False) -> Any:
    """The compiled observe(t, x, u, theta, y) of a model, all observables in the order of declaration."""
    return _module(_observe_text(model, complex_numbers)).observe_kernel


def _rhs_text(model: Model, complex_numbers: bool) -> str:
    text = _head(model, complex_numbers) + _written_out(model, {"model_rhs": model.rhs})
    return text + _opening(model, "rhs_kernel") + "    model_rhs(t, xs, us, thetas, out)\n"


def _observe_text(model: Model, complex_numbers: bool) -> str:
    functions = {f"observe_{o.name}": o.function for o in model.observables}
    text = _head(model, complex_numbers) + _written_out(model, functions) + _opening(model, "observe_kernel")
    for i, name in enumerate(functions):
        text += f"    {name}(t, xs, us, thetas, out[{i}:{i + 1}])\n"
    return text


def _head(model: Model, complex_numbers: bool) -> str:
    signature = "C_FIELD_SIGNATURE" if complex_numbers else "FIELD_SIGNATURE"
    meaning = hashlib.sha256(_MEANING).hexdigest()[:16]  # numba's cache would not notice a change there
    return _HEAD.format(name=model.name, meaning=meaning, math=", ".join(math.__all__), signature=signature)


def _opening(model: Model, name: str) -> str:
    def entries(array: str, count: int) -> str:
        return "(" + "".join(f"{array}[{i}], " for i in range(count)) + ")"

    sizes = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    x, u, theta = (entries(a, n) for a, n in zip(("x", "u", "theta"), sizes, strict=True))
    return _FIELD.format(name=name, x=x, u=u, theta=theta)


def _written_out(model: Model, functions: dict[str, Callable[..., Any]]) -> str:
    parts: dict[str, str] = {}
    for name, function in functions.items():
        _write(model, function, name, parts)
    return "".join(parts.values())


def _write(model: Model, function: Callable[..., Any], name: str, parts: dict[str, str]) -> None:
    """Adds to `parts` everything `function` names, then the function itself under `name`."""
    variables = inspect.getclosurevars(function)
    for key, value in {**variables.globals, **variables.nonlocals}.items():
        if getattr(math, key, None) is value:
            continue
        if inspect.isfunction(value):
            _write(model, value, key, parts)
        elif _literal(value):
            _add(model, function, key, f"\n{key} = {value!r}\n", parts)
        else:
            raise InputError(
                f"{place(function)}: {model.name}.{function.__name__}",
                "global name",
                key,
                "finite Python numbers, tuples, plain functions and vvuq.models.math: equations may use nothing else",
            )
    text = f'\n\n@njit(error_model="numpy")\n{textwrap.dedent(inspect.getsource(function))}'
    _add(model, function, name, text + (f"\n\n{name} = {function.__name__}\n" * (function.__name__ != name)), parts)


def _literal(value: object) -> bool:
    """True where the text of a value reads back as the value."""
    try:
        return isinstance(value, int | float | tuple) and bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _add(model: Model, function: Callable[..., Any], key: str, text: str, parts: dict[str, str]) -> None:
    if parts.setdefault(key, text) != text:
        where = f"{place(function)}: {model.name}.{function.__name__}"
        raise InputError(where, "global name", key, "a name with one meaning in all equations of a model")


@lru_cache(maxsize=256)
def _module(text: str) -> ModuleType:
    """The imported module of `text`, from the content-addressed cache."""
    name = "vvuq_generated_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    path = kernel_folder() / f"{name}.py"
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)  # four processes at once each write the same bytes
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(str(path), "generated module", name, "a readable kernel cache")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba looks the module up while it compiles
    spec.loader.exec_module(module)
    return module
