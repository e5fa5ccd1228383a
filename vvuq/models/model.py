"""The model: x' = rhs(t, x, u, theta) with named, unit-carrying states, inputs, parameters and observables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
        return _index([p.name for p in self.parameters], name, self.name, "parameter")

    def state_index(self, name: str) -> int:
        """The position of a state in x."""
        return _index(list(self.states), name, self.name, "state")

    def input_index(self, name: str) -> int:
        """The position of an input or covariate in u."""
        return _index([*self.inputs, *self.covariates], name, self.name, "input")

    def observable_index(self, name: str) -> int:
        """The position of an observable in y."""
        return _index([o.name for o in self.observables], name, self.name, "observable")


def _index(names: list[str], name: str, where: str, kind: str) -> int:
    if name not in names:
        raise InputError(where, kind, name, f"one of {', '.join(names) or 'none declared'}")
    return names.index(name)
