"""Functions of a twin that other processes can run: they load the twin by its path, and make the function anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

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
        """The twin's name, the function's, and the settings."""
        return canonical([self._twin.name, f"{self._make.__module__}.{self._make.__qualname__}", self._settings])

    def __call__(self, points: Floats) -> Floats:
        """The values at points (d, n)."""
        return self._run(points)

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (self._twin.path, self._twin.name, self._make, self._settings)


def portable(twin: Twin, make: Make, **settings: Any) -> Callable[[Floats], Floats]:
    """make(twin, **settings), as a function that a campaign can keep and send where the twin has a path: numbers and
    arrays of numbers, texts, lists and mappings as settings. The plain function where the twin was made in memory."""
    return Portable(twin, make, settings) if twin.path else make(twin, **settings)


def _loaded(path: str, name: str, make: Make, settings: dict[str, Any]) -> Portable:
    return Portable(_twin(path, name), make, settings)


@lru_cache(maxsize=8)
def _twin(path: str, name: str) -> Twin:
    return load_twin(Path(path), name)
