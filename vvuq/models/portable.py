"""Functions of a twin that other processes can run: they load the twin by its path, and make the function anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from vvuq.errors import InputError
from vvuq.evidence.canonical import canonical
from vvuq.models.twin import Twin, load_twin
from vvuq.record import Floats

Make = Callable[..., Callable[[Floats], Floats]]


class Portable:
    """make(twin, **settings), with a key; pickled as the twin's path, the name of `make`, and the settings.

    make: a function at the top level of a module; settings: plain values, which tell all that the function depends on
    besides the twin. The code, the twin's included, is the campaign's to identify."""

    def __init__(self, twin: Twin, make: Make, settings: dict[str, Any]) -> None:
        self._twin, self._make, self._settings = twin, make, settings
        self._run = make(twin, **settings)

    def key(self) -> str:
        """What the twin declares, the function's name, and the settings."""
        return canonical([_declared(self._twin), f"{self._make.__module__}.{self._make.__qualname__}", self._settings])

    def __call__(self, points: Floats) -> Floats:
        """The values at points (d, n)."""
        return self._run(points)

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (self._twin.path, self._twin.name, _declared(self._twin), self._make, self._settings)


def portable(twin: Twin, make: Make, **settings: Any) -> Callable[[Floats], Floats]:
    """make(twin, **settings), as a function that a campaign can keep and send, where the twin has a path, as a study's
    has; else the plain function. settings: numbers and arrays of them, texts, lists and mappings."""
    return Portable(twin, make, settings) if twin.path else make(twin, **settings)


def _loaded(path: str, name: str, declared: str, make: Make, settings: dict[str, Any]) -> Portable:
    """In the other process. Raises InputError where the twin there is not the one that was sent."""
    twin = _twin(path, name)
    if _declared(twin) != declared:
        remedy = "the twin as it was loaded: one that was changed in memory, or whose file was, is another elsewhere"
        raise InputError(path, "twin", name, remedy)
    return Portable(twin, make, settings)


def _declared(twin: Twin) -> str:
    """What may be exchanged in a loaded twin: its integrator, its parameters, which of them are personal."""
    return repr((twin.name, twin.model.name, twin.model.parameters, twin.personal, twin.method))


@lru_cache(maxsize=8)
def _twin(path: str, name: str) -> Twin:
    return replace(load_twin(Path(path), name), path=path)
