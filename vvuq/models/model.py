"""The model: x' = rhs(t, x, u, theta) with named, unit-carrying states, inputs, parameters and observables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vvuq.errors import InputError
from vvuq.models.parameter import Observable, Parameter


@dataclass(frozen=True, eq=False)
class Model:
    """A declared model; declaration checks names, units, the order of unpacking and finiteness (see declare.py).

    rhs(t, x, u, theta, dx) writes dx. states, inputs (rates, 0 unless given) and covariates (must be given) map name to
    unit; u holds the inputs, then the covariates. time_unit is the unit of t.
    Raises InputError that names the field, the value and what would be right."""

    name: str
    states: Mapping[str, str]
    inputs: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    observables: tuple[Observable, ...]
    rhs: Callable[[Any, Any, Any, Any, Any], None]
    covariates: Mapping[str, str] = field(default_factory=dict)
    time_unit: str = "h"

    def __post_init__(self) -> None:
        from vvuq.models.declare import check

        check(self)

    def parameter_index(self, name: str) -> int:
        """The position of a parameter in theta."""
        return _index(self._places["parameter"], name, self.name, "parameter")

    def state_index(self, name: str) -> int:
        """The position of a state in x."""
        return _index(self._places["state"], name, self.name, "state")

    def input_index(self, name: str) -> int:
        """The position of an input or covariate in u."""
        return _index(self._places["input"], name, self.name, "input")

    def observable_index(self, name: str) -> int:
        """The position of an observable in y."""
        return _index(self._places["observable"], name, self.name, "observable")

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        """The positions of all names, by kind."""
        names = {
            "parameter": [p.name for p in self.parameters],
            "state": list(self.states),
            "input": [*self.inputs, *self.covariates],
            "observable": [o.name for o in self.observables],
        }
        return {kind: {name: i for i, name in enumerate(found)} for kind, found in names.items()}


def _index(places: dict[str, int], name: str, where: str, kind: str) -> int:
    if name not in places:
        raise InputError(where, kind, name, f"one of {', '.join(places) or 'none declared'}")
    return places[name]
