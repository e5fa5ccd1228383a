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
from typing import Any, cast

from numba.extending import is_jitted as is_compiled

from vvuq.errors import InputError
from vvuq.models import math
from vvuq.models.lines import place
from vvuq.models.loops import unsigned
from vvuq.models.model import Model
from vvuq.numerics.jit import FIELD_SIGNATURE, Pointer, kernel_folder

MOST_NAMES = 16  # longer vectors are handed over as arrays, unless a function unpacks: an index into a tuple is slow
_MEANING = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("lowering.py", "math.py"))
_HEAD = """\"\"\"Generated from model {name}; read-only. The file name is the digest of this text.
Meaning of vvuq.models.math: {meaning}.\"\"\"
from __future__ import annotations

import numpy as np
from numba import njit, types

import vvuq.models.lowering
from vvuq.models.math import {math}
from {home} import {signature} as SIGNATURE
"""
_FIELD = """

@njit(SIGNATURE, error_model="numpy", cache=True)
def {name}(t, x, u, theta, out):
    xs, us, thetas = {x}, {u}, {theta}
"""


@lru_cache(maxsize=256)
def rhs_kernel(model: Model) -> Pointer:
    """The compiled rhs(t, x, u, theta, dx) of a model."""
    return _pointer(_rhs_text(model), "rhs_kernel")


@lru_cache(maxsize=256)
def observe_kernel(model: Model) -> Pointer:
    """The compiled observe(t, x, u, theta, y) of a model, all observables in the order of declaration."""
    return _pointer(_observe_text(model), "observe_kernel")


@lru_cache(maxsize=256)
def _pointer(text: str, name: str) -> Pointer:
    kernel = getattr(module(text), name)
    if not is_compiled(kernel):
        return cast("Pointer", kernel)  # compiling is switched off: kernels are plain functions, and call plain ones
    return Pointer(kernel, FIELD_SIGNATURE)


def _rhs_text(model: Model) -> str:
    body = written_out(model, {"model_rhs": model.rhs})
    if len(model.states) > MOST_NAMES and not unpacks(body):
        body = without_signs(model, body)
    text = head(model, "FIELD_SIGNATURE") + body
    return text + _opening(model, "rhs_kernel", body) + "    model_rhs(t, xs, us, thetas, out)\n"


def _observe_text(model: Model) -> str:
    functions = {f"observe_{o.name}": o.function for o in model.observables}
    body = written_out(model, functions)
    text = head(model, "FIELD_SIGNATURE") + body + _opening(model, "observe_kernel", body)
    for i, name in enumerate(functions):
        text += f"    {name}(t, xs, us, thetas, out[{i}:{i + 1}])\n"
    return text


def head(model: Model, signature: str, home: str = "vvuq.numerics.jit") -> str:
    """The first lines of a generated module; SIGNATURE is what `signature` stands for in the module `home`."""
    meaning = hashlib.sha256(_MEANING).hexdigest()[:16]  # numba's cache would not notice a change there
    return _HEAD.format(name=model.name, meaning=meaning, math=", ".join(math.__all__), home=home, signature=signature)


def _opening(model: Model, name: str, body: str) -> str:
    named = unpacks(body)
    sizes = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    x, u, theta = (entries(a, n, named) for a, n in zip(("x", "u", "theta"), sizes, strict=True))
    return _FIELD.format(name=name, x=x, u=u, theta=theta)


def entries(array: str, count: int, named: bool) -> str:
    """How a vector is handed over: by its entries, or whole where it is long and no function takes it apart."""
    if count > MOST_NAMES and not named:
        return array
    return "(" + "".join(f"{array}[{i}], " for i in range(count)) + ")"


def unpacks(body: str) -> bool:
    """True where a function takes a vector apart by name."""
    assigned = [node for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Assign)]
    return any(isinstance(one.targets[0], ast.Tuple) and isinstance(one.value, ast.Name) for one in assigned)


def without_signs(model: Model, body: str) -> str:
    """The text of a right-hand side whose loops index its vectors by unsigned numbers (loops.py)."""
    _, x, _, _, out = inspect.signature(model.rhs).parameters
    return "\n\n" + unsigned(body, model.rhs.__name__, (x, out))


def written_out(model: Model, functions: dict[str, Callable[..., Any]], *, inline: bool = False) -> str:
    """The text of functions and of all that they name; inline: they are to vanish in what calls them."""
    parts: dict[str, str] = {}
    for name, function in functions.items():
        _write(model, function, name, parts, ", forceinline=True" if inline else "")
    return "".join(parts.values())


def _write(model: Model, function: Callable[..., Any], name: str, parts: dict[str, str], options: str) -> None:
    """Adds to `parts` everything `function` names, then the function itself under `name`."""
    variables = inspect.getclosurevars(function)
    for key, value in {**variables.globals, **variables.nonlocals}.items():
        if getattr(math, key, None) is value:
            continue
        if inspect.isfunction(value):
            _write(model, value, key, parts, options)
        elif _literal(value):
            _add(model, function, key, f"\n{key} = {_text(value)}\n", parts)
        else:
            raise InputError(
                f"{place(function)}: {model.name}.{function.__name__}",
                "global name",
                key,
                "finite Python numbers, tuples, plain functions and vvuq.models.math: equations may use nothing else",
            )
    text = f'\n\n@njit(error_model="numpy"{options})\n{textwrap.dedent(inspect.getsource(function))}'
    _add(model, function, name, text + (f"\n\n{name} = {function.__name__}\n" * (function.__name__ != name)), parts)


def _literal(value: object) -> bool:
    """True where the text of a value reads back as the value."""
    try:
        return isinstance(value, int | float | tuple) and bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _text(value: float | tuple[Any, ...]) -> str:
    """A long tuple of numbers becomes an array: numba would unroll each use of the tuple."""
    if not isinstance(value, tuple) or len(value) <= MOST_NAMES:
        return repr(value)
    kind = "int64" if all(type(v) is int for v in value) else "float64"
    return f"np.array({value!r}, dtype=np.{kind})"


def _add(model: Model, function: Callable[..., Any], key: str, text: str, parts: dict[str, str]) -> None:
    if parts.setdefault(key, text) != text:
        where = f"{place(function)}: {model.name}.{function.__name__}"
        raise InputError(where, "global name", key, "a name with one meaning in all equations of a model")


@lru_cache(maxsize=256)
def module(text: str) -> ModuleType:
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
