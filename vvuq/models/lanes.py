"""Kernels generated for one model: as many runs as there are lanes go through RK4 side by side (tier 2).

The equations are written out as straight-line code in one innermost loop over a constant number of lanes, which is
what reaches the vector units. Every operation and its order are those of numerics/rk4.py: the results are the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from vvuq.models import kernels
from vvuq.models.model import Model
from vvuq.models.straight import ELEMENTARY, NotStraightError, Sink, Text, expand
from vvuq.numerics.abreast import CARRY_SIGNATURE, OBSERVE_SIGNATURE
from vvuq.numerics.jit import Pointer

MOST_STATES = 40  # a larger body spills out of the registers, and compiles for long
LEAST_WIDTH = 16  # a shorter loop is unrolled before it can be vectorised
_HEAD = """\"\"\"Generated from model {name}; read-only. The file name is the digest of this text.\"\"\"
from __future__ import annotations

from math import {elementary}

from numba import njit

from vvuq.numerics.abreast import {signature} as SIGNATURE


@njit(SIGNATURE, error_model="numpy", cache=True, nogil=True)
"""
_CARRY = """def carry(t0, t1, steps, u, lanes):
    h = (t1 - t0) / steps
{inputs}    for step in range(steps):
        t_1 = t0 + step * h
        t_2 = t_1 + 0.5 * h
        t_4 = t_1 + h
        for lane in range({width}):
{body}
"""
_OBSERVE = """def observe(t, u, lanes, y):
{inputs}    for lane in range({width}):
{body}
"""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The kernels of a model for `width` lanes; signatures and layout in numerics/abreast.py."""

    width: int
    carry: Pointer
    observe: Pointer


@lru_cache(maxsize=64)
def lane_kernels(model: Model, width: int) -> Lanes | None:
    """The kernels of a model for `width` lanes; None where its equations have no straight-line form or are too many."""
    if len(model.states) > MOST_STATES:
        return None
    try:
        carry, observe = _carry_text(model, width), _observe_text(model, width)
    except NotStraightError:
        return None
    return Lanes(
        width,
        Pointer(kernels._module(carry).carry, CARRY_SIGNATURE),
        Pointer(kernels._module(observe).observe, OBSERVE_SIGNATURE),
    )


def lane_width(runs: int) -> int:
    """The number of lanes for so many runs: whole vectors of eight, and enough of them."""
    return max(LEAST_WIDTH, -(-runs // 8) * 8)


def _carry_text(model: Model, width: int) -> str:
    """One RK4 step of numerics/rk4.py in the body of the loop over lanes: four stages, written out."""
    sink, n = Sink(), len(model.states)
    x, u, theta = _names(model)
    sink.lines += _loads([*x, *theta], width)
    stages: list[list[str]] = []
    for t, factor in (("t_1", ""), ("t_2", "0.5 * h"), ("t_2", "0.5 * h"), ("t_4", "h")):
        at = [sink.name("y", Text(f"{x[i]} + {factor} * {stages[-1][i]}")).text for i in range(n)] if stages else x
        slopes = expand(model.rhs, Text(t), (at, u, theta), n, sink)
        stages.append([sink.name("k", Text(slope)).text for slope in slopes])
    for i, (a, b, c, d) in enumerate(zip(*stages, strict=True)):
        sink.lines.append(f"{_entry('lanes', i, width)} = {x[i]} + h / 6.0 * ({a} + 2.0 * {b} + 2.0 * {c} + {d})")
    return _head(model, "CARRY_SIGNATURE") + _CARRY.format(
        inputs=_inputs(u), width=width, body=_indented(sink.lines, 12)
    )


def _observe_text(model: Model, width: int) -> str:
    sink = Sink()
    x, u, theta = _names(model)
    sink.lines += _loads([*x, *theta], width)
    for i, observable in enumerate(model.observables):
        (seen,) = expand(observable.function, Text("t"), (x, u, theta), 1, sink)
        sink.lines.append(f"{_entry('y', i, width)} = {seen}")
    return _head(model, "OBSERVE_SIGNATURE") + _OBSERVE.format(
        inputs=_inputs(u), width=width, body=_indented(sink.lines, 8)
    )


def _head(model: Model, signature: str) -> str:
    return _HEAD.format(name=model.name, elementary=", ".join(ELEMENTARY), signature=signature)


def _names(model: Model) -> tuple[list[str], list[str], list[str]]:
    """What the entries of x, u and theta are called in the text; declared names could be Python's or each other's."""
    sizes = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    x, u, theta = ([f"{letter}{i}" for i in range(size)] for letter, size in zip("xup", sizes, strict=True))
    return x, u, theta


def _loads(names: list[str], width: int) -> list[str]:
    return [f"{name} = {_entry('lanes', i, width)}" for i, name in enumerate(names)]


def _entry(array: str, row: int, width: int) -> str:
    return f"{array}[{row * width} + lane]" if row else f"{array}[lane]"


def _inputs(names: list[str]) -> str:
    return "".join(f"    {name} = u[{i}]\n" for i, name in enumerate(names))


def _indented(lines: list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)
