"""Floor 0: finds the values of one kind that a package declares. A new file is found because it exists."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import TypeVar

from vvuq.errors import InputError

T = TypeVar("T")


def collect(package: str, kind: type[T], name: str = "name") -> dict[str, T]:
    """All module-level values of type `kind` in `package` and below it, by their attribute `name`, sorted.

    Raises InputError where two modules take the same name."""
    found: dict[str, tuple[str, T]] = {}
    for module, value in _declared(package, kind):
        key = str(getattr(value, name))
        home, first = found.setdefault(key, (module, value))
        if first is not value:
            raise InputError(module, name, key, f"a name that {home} has not taken")
    return {key: found[key][1] for key in sorted(found)}


def _declared(package: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Pairs (module, value)."""
    for info in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, kind) and _home(value, info.name):
                yield info.name, value


def _home(value: object, module: str) -> bool:
    """True where `value` was declared in `module`, not merely imported into it."""
    run = getattr(value, "run", None)
    return run is None or run.__module__ == module
