"""The equations of a model as sympy sees them: the same functions that are compiled, run with symbols."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from vvuq.models.lines import tree
from vvuq.models.model import Model


def equations(model: Model) -> tuple[sympy.Eq, ...]:
    """dx/dt = ... for each state, then observable = ..., in the order of declaration."""
    return _equations(model, model.rhs)


def named_equations(model: Model) -> tuple[tuple[sympy.Eq, ...], tuple[sympy.Eq, ...]]:
    """What the right-hand side gives a name on its way, in that order, and the equations in terms of these names."""
    found: dict[str, sympy.Eq] = {}
    taken = {*model.states, *model.inputs, *model.covariates, *(p.name for p in model.parameters), "t"}
    lines = _equations(model, _naming(model.rhs, taken, found))
    return tuple(found.values()), lines


def _equations(model: Model, rhs: Callable[..., None]) -> tuple[sympy.Eq, ...]:
    t = sympy.Symbol("t")
    x = tuple(sympy.Function(name)(t) for name in model.states)
    u = tuple(sympy.Symbol(name) for name in (*model.inputs, *model.covariates))
    theta = tuple(sympy.Symbol(p.name) for p in model.parameters)
    dx: list[Any] = [None] * len(x)
    rhs(t, x, u, theta, dx)
    lines = [sympy.Eq(sympy.Derivative(s, t), d, evaluate=False) for s, d in zip(x, dx, strict=True)]
    for observable in model.observables:
        y: list[Any] = [None]
        observable.function(t, x, u, theta, y)
        lines.append(sympy.Eq(sympy.Symbol(observable.name), y[0], evaluate=False))
    return tuple(lines)


def _naming(function: Callable[..., None], taken: set[str], found: dict[str, sympy.Eq]) -> Callable[..., None]:
    """The function with a symbol in place of each expression that it gives a name once, outside loops and choices."""

    def named(name: str, value: Any) -> Any:
        if not isinstance(value, sympy.Expr) or not value.args or isinstance(value, AppliedUndef):
            return value
        found[name] = sympy.Eq(sympy.Symbol(name), value, evaluate=False)
        return sympy.Symbol(name)

    parsed = tree(function)
    (outer,) = (node for node in parsed.body if isinstance(node, ast.FunctionDef))
    outer.decorator_list = []
    names = (node for node in ast.walk(outer) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    written = Counter(node.id for node in names)
    for step in outer.body:
        if not (isinstance(step, ast.Assign) and len(step.targets) == 1 and isinstance(step.targets[0], ast.Name)):
            continue
        name = step.targets[0].id
        if name not in taken and written[name] == 1:
            call = ast.Call(ast.Name("_named", ast.Load()), [ast.Constant(name), step.value], [])
            step.value = ast.copy_location(call, step.value)
    scope = {**function.__globals__, **inspect.getclosurevars(function).nonlocals, "_named": named}
    exec(compile(ast.fix_missing_locations(parsed), "<equations>", "exec"), scope)
    traced: Callable[..., None] = scope[outer.name]
    return traced
