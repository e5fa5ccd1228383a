"""The equations of a model as sympy sees them: the same functions that are compiled, run with symbols."""

from __future__ import annotations

from typing import Any

import sympy

from vvuq.models.model import Model


def equations(model: Model) -> tuple[sympy.Eq, ...]:
    """dx/dt = ... for each state, then observable = ..., in the order of declaration."""
    t = sympy.Symbol("t")
    x = tuple(sympy.Function(name)(t) for name in model.states)
    u = tuple(sympy.Symbol(name) for name in (*model.inputs, *model.covariates))
    theta = tuple(sympy.Symbol(p.name) for p in model.parameters)
    dx: list[Any] = [None] * len(x)
    model.rhs(t, x, u, theta, dx)
    lines = [sympy.Eq(sympy.Derivative(s, t), d, evaluate=False) for s, d in zip(x, dx, strict=True)]
    for observable in model.observables:
        y: list[Any] = [None]
        observable.function(t, x, u, theta, y)
        lines.append(sympy.Eq(sympy.Symbol(observable.name), y[0], evaluate=False))
    return tuple(lines)
