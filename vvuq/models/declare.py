"""The checks that a model passes when it is declared: names, order of unpacking, units, finiteness."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vvuq.errors import InputError
from vvuq.models.checked import passed, remember
from vvuq.models.lines import declared, innermost, place, tree, written
from vvuq.models.units import Measured, UnitError, unit, untouched

if TYPE_CHECKING:
    from vvuq.models.model import Model
    from vvuq.models.parameter import Parameter

TAILS = (0.001, 0.999)
MOST_CORNERS = 10  # parameters; above that only the all-low and all-high corners and one at a time


def check(model: Model) -> None:
    """Raises InputError at the first thing that is wrong with the declaration.

    What takes long is left out where just this declaration has passed it before, in this process or another one."""
    _names(model)
    for function in (model.rhs, *(o.function for o in model.observables)):
        _signature(model, function)
    known = passed(model) if untouched() else None  # units that a process redefined are its own
    if known is not None and known.exists():
        _unpackings(model)
        return
    _parameters(model)
    _unpackings(model)
    _units(model)
    _finite(model)
    if known is not None:
        remember(known)


def _unpackings(model: Model) -> None:
    for function in (model.rhs, *(o.function for o in model.observables)):
        _unpacking(model, function)


def _names(model: Model) -> None:
    names = [*model.states, *model.inputs, *model.covariates, *(p.name for p in model.parameters)]
    for name in names:
        if not name.isidentifier():
            raise InputError(model.name, "name", name, "a Python identifier")
        if names.count(name) > 1:
            raise InputError(
                model.name, "name", name, "a name used once among states, inputs, covariates and parameters"
            )
    observed = [o.name for o in model.observables]
    for name in observed:
        if not name.isidentifier() or observed.count(name) > 1:
            raise InputError(model.name, "observable", name, "a Python identifier, used once among observables")
    if not model.states or not model.observables:
        raise InputError(model.name, "states and observables", "none", "at least one of each")


def _parameters(model: Model) -> None:
    for p in model.parameters:
        wrong = _wrong(p)
        if wrong is not None:
            raise InputError(f"{declared(model.rhs, p.name)}: {model.name}.{p.name}", *wrong)


def _wrong(p: Parameter) -> tuple[str, object, str] | None:
    """The field of a parameter that is not valid, what it holds, and what would be right."""
    low, high = p.bounds
    if not p.source.strip():
        return "source", p.source, "a citation, or how the value was obtained"
    if not low < high:
        return "bounds", p.bounds, "(low, high) with low < high"
    for tail in TAILS:
        value = p.prior.quantile(tail)
        if not (math.isfinite(value) and low <= value <= high):
            return "prior", value, f"a prior whose {tail:.1%} quantile lies in {p.bounds}"
    if p.prior.quantile(TAILS[0]) > p.prior.quantile(TAILS[1]):
        return "prior", p.prior, "a positive median, a spread >= 0, low <= high"
    return None


def _signature(model: Model, function: Any) -> None:
    """A plain function of five values; anything else cannot be compiled."""
    if not inspect.isfunction(function):
        raise InputError(
            model.name, "function", type(function).__name__, "a plain function, def NAME(t, x, u, theta, out)"
        )
    takes = list(inspect.signature(function).parameters)
    if len(takes) != 5:
        where = f"{place(function)}: {model.name}.{function.__name__}"
        raise InputError(where, "parameters", ", ".join(takes), "five of them: t, x, u, theta and what is written")


def _unpacking(model: Model, function: Callable[..., None]) -> None:
    """Unpacked names must stand in the declared order: a swapped pair is otherwise silent."""
    order = list(model.states), [*model.inputs, *model.covariates], [p.name for p in model.parameters]
    names = dict(zip(list(inspect.signature(function).parameters)[1:4], order, strict=True))  # x, u, theta
    for node in ast.walk(tree(function)):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names):
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Tuple):
            continue
        found = [ast.unparse(element) for element in target.elts]
        if not _in_order(found, names[node.value.id]):
            raise InputError(
                f"{place(function, node.lineno)}: {model.name}.{function.__name__}",
                f"unpacking of {node.value.id}",
                ", ".join(found),
                f"the declared order: {', '.join(names[node.value.id])} (an unused one as _)",
            )


def _in_order(found: Sequence[str], declared: Sequence[str]) -> bool:
    return len(found) == len(declared) and all(f in (d, "_") for f, d in zip(found, declared, strict=True))


def _medians(model: Model) -> list[float]:
    return [p.prior.quantile(0.5) for p in model.parameters]


def _units(model: Model) -> None:
    time = unit(model.time_unit, model.name)
    x = tuple(Measured(1.0, unit(u, f"{model.name}.{n}")) for n, u in model.states.items())
    u = tuple(Measured(1.0, unit(v, f"{model.name}.{n}")) for n, v in {**model.inputs, **model.covariates}.items())
    theta = tuple(
        Measured(m, unit(p.unit, f"{model.name}.{p.name}"))
        for m, p in zip(_medians(model), model.parameters, strict=True)
    )
    wanted = [(n, Measured(1.0, unit(v) / time)) for n, v in model.states.items()]
    _unit_run(model, model.rhs, (Measured(1.0, time), x, u, theta), wanted)
    for o in model.observables:
        target = [(o.name, Measured(1.0, unit(o.unit, f"{model.name}.{o.name}")))]
        _unit_run(model, o.function, (Measured(1.0, time), x, u, theta), target)


def _unit_run(model: Model, function: Callable[..., None], at: Any, wanted: list[tuple[str, Measured]]) -> None:
    where, out = f"{model.name}.{function.__name__}", [None] * len(wanted)
    try:
        function(*at, out)
    except UnitError as error:
        remedy = "terms of one unit and one scale"
        raise InputError(f"{_at(function, error)}: {where}", "units", str(error), remedy) from error
    except ArithmeticError as error:
        remedy = "finite values at the priors' medians"
        raise InputError(f"{_at(function, error)}: {where}", "value", str(error), remedy) from error
    except (TypeError, AttributeError) as error:
        remedy = "arithmetic and the functions of vvuq.models.math alone, which serve numbers, symbols and units"
        raise InputError(f"{_at(function, error)}: {where}", "equation", str(error), remedy) from error
    for i, ((name, want), got) in enumerate(zip(wanted, out, strict=True)):
        if got is None:
            raise InputError(f"{place(function)}: {where}", name, None, "a value that the function writes")
        try:
            want._agree(got, name)
        except UnitError as error:
            line = place(function, written(function, i))
            raise InputError(f"{line}: {where}", f"unit of {name}", str(error), f"{want.unit}") from error


def _at(function: Callable[..., None], error: Exception) -> str:
    """FILE:LINE of the function's file where an error arose."""
    found = innermost(error, function.__code__.co_filename)
    return place(function, found[1] if found else None)


def _finite(model: Model) -> None:
    quantiles = [(p.prior.quantile(TAILS[0]), p.prior.quantile(TAILS[1])) for p in model.parameters]
    for theta in _corners(quantiles, _medians(model)):
        for function, size in ((model.rhs, len(model.states)), *((o.function, 1) for o in model.observables)):
            out = [math.nan] * size
            x, u = (1.0,) * len(model.states), (1.0,) * (len(model.inputs) + len(model.covariates))
            try:
                function(0.0, x, u, theta, out)
            except ArithmeticError:
                out = [math.inf]
            if not all(math.isfinite(value) for value in out):
                raise InputError(
                    f"{place(function)}: {model.name}.{function.__name__}",
                    "value",
                    out,
                    f"finite values with unit states and inputs at the prior quantile {theta}",
                )


def _corners(quantiles: list[tuple[float, float]], medians: list[float]) -> list[tuple[float, ...]]:
    if len(quantiles) <= MOST_CORNERS:
        return list(itertools.product(*quantiles))
    single = [
        tuple(q if i == j else m for j, m in enumerate(medians)) for i, pair in enumerate(quantiles) for q in pair
    ]
    return [tuple(low for low, _ in quantiles), tuple(high for _, high in quantiles), *single]
