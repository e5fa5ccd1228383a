"""Declarations that passed their checks before, kept by digest beside the compiled code.

The digest holds all that the checks of parameters, units and finiteness depend on: the declaration, the code of its
functions with everything that this names, the sources of this package, and the versions of Python, pint and scipy.
A declaration that holds or names anything else has no digest, and is checked each time; so is every one that failed."""

from __future__ import annotations

import dis
import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vvuq.models import math
from vvuq.models.parameter import LogNormal, Normal, Uniform
from vvuq.numerics.jit import kernel_folder

if TYPE_CHECKING:
    from vvuq.models.model import Model

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), np.float64, np.int64)
_PURE = frozenset(
    {abs, bool, divmod, enumerate, float, int, len, max, min, pow, range, reversed, round, sum, tuple, zip}
)
_CODE = (
    "co_argcount", "co_kwonlyargcount", "co_flags", "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars",
    "co_exceptiontable",
)  # fmt: skip


class _UnknownError(Exception):
    """Something of which the digest cannot hold all that it depends on."""


def passed(model: Model) -> Path | None:
    """The file that stands for "this declaration has passed"; None where the declaration has no digest."""
    try:
        held = [*_declared(model), *_held(model.rhs, {}), *(list(_held(o.function, {})) for o in model.observables)]
        return kernel_folder() / f"vvuq_declared_{hashlib.sha256(_basis() + repr(held).encode()).hexdigest()[:32]}"
    except (_UnknownError, TypeError, ValueError, AttributeError):
        return None  # what is wrong with it is for the checks to say


def remember(path: Path) -> None:
    """The declaration whose file this is has passed."""
    try:
        path.touch()
    except OSError:
        pass  # then it is checked again


@lru_cache(maxsize=1)
def _basis() -> bytes:
    """The sources and versions that the checks run on; the kernel folder's name holds Python and the numerics."""
    pint = find_spec("pint")
    if pint is None or pint.origin is None:
        raise _UnknownError
    sources = *Path(__file__).parent.glob("*.py"), *Path(pint.origin).parent.glob("*.txt")
    text = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sorted(sources))
    return text + f"{version('pint')} {version('scipy')}".encode()


def _declared(model: Model) -> Iterator[object]:
    yield _plain((model.time_unit, *(tuple(units.items()) for units in (model.states, model.inputs, model.covariates))))
    for p in model.parameters:
        if type(p.prior) not in (LogNormal, Normal, Uniform):
            raise _UnknownError
        yield type(p.prior).__name__, _plain((p.name, p.unit, p.source, tuple(p.bounds), astuple(p.prior)))
    yield _plain(tuple((o.name, o.unit) for o in model.observables))


def _held(function: Callable[..., Any], known: dict[Any, int]) -> Iterator[object]:
    """What a function does: its code and, after it, all that this names. `known`: the functions met so far."""
    if function in known:
        yield "again", known[function]
        return
    known[function] = len(known)
    code, named = function.__code__, inspect.getclosurevars(function)
    names = {step.opname for step in dis.get_instructions(code) if step.opcode in dis.hasname}
    if names - {"LOAD_GLOBAL"} or named.unbound or not _PURE.issuperset(named.builtins.values()):
        raise _UnknownError  # attributes, imports, assigned globals
    if function.__defaults__ or function.__kwdefaults__:
        raise _UnknownError
    yield _plain(code.co_consts), [getattr(code, name) for name in _CODE]
    for key, value in sorted({**named.globals, **named.nonlocals}.items()):
        if getattr(math, key, None) is value:
            yield "vvuq.models.math", key
        elif inspect.isfunction(value):
            yield key
            yield from _held(value, known)
        else:
            yield key, _plain(value)


def _plain(value: object) -> object:
    """A number, a text or a tuple of such, with its types: equal texts mean equal values."""
    if type(value) is tuple:
        return "tuple", [_plain(one) for one in value]
    if type(value) not in _PLAIN:
        raise _UnknownError
    return type(value).__name__, repr(value)
