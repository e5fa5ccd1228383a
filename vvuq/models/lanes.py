"""Kernels generated for one model: many runs go through RK4 side by side, as wide numbers (tier 2).

The model's own functions are compiled for wide numbers (numerics/vectors.py); every operation and its order are those
of numerics/rk4.py, so the results are the same to the last bit."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from numba.core.errors import NumbaError

from vvuq.models import kernels
from vvuq.models.model import Model
from vvuq.numerics.abreast import CARRY_SIGNATURE, OBSERVE_SIGNATURE
from vvuq.numerics.jit import Pointer

MOST_UNPACKED = 64  # states that a function names one by one: more would compile for minutes
LONG = 8  # the width for long states: a whole line of the cache
COSTS = {
    4: 1.5,
    8: 1.0,
    12: 1.1,
}  # of a lane by width, for short states: vectors of one width wait for their own results
_CARRY = """

@njit(SIGNATURE, error_model="numpy", cache=True, nogil=True)
def carry(t0, t1, steps, u, source, x, theta, theta_stride, stride, lanes, work, finite):
    h, us = (t1 - t0) / steps, {us}
{room}    for first in range(0, lanes, {width}):
        now, then = rows(source, first, {n}, stride, {width}), rows(x, first, {n}, stride, {width})
        p = rows(theta, first % theta_stride, {p}, theta_stride, {width})
        thetas = {thetas}
        for step in range(steps):
            t = t0 + step * h
            model_rhs(t, {x_now}, us, thetas, stage(k1, now, y, 0.5 * h))
            model_rhs(t + 0.5 * h, {x_y}, us, thetas, later_stage(k, now, z, 0.5 * h, s2, k1))
            model_rhs(t + 0.5 * h, {x_z}, us, thetas, later_stage(k, now, y, h, s3, s2))
            model_rhs(t + h, {x_y}, us, thetas, k)
{combine}
            now = then
{check}
"""
_CARRY_LONG = """

@njit(SIGNATURE, error_model="numpy", cache=True, nogil=True)
def carry(t0, t1, steps, u, source, x, theta, theta_stride, stride, lanes, work, finite):
    h, us = (t1 - t0) / steps, {us}
    start, y2 = rows(work, 0, {n}, {width}, {width}), rows(work, {n} * {width}, {n}, {width}, {width})
    y3, y4 = rows(work, 2 * {n} * {width}, {n}, {width}, {width}), rows(work, 3 * {n} * {width}, {n}, {width}, {width})
    for first in range(0, lanes, {width}):
        now, then = rows(source, first, {n}, stride, {width}), rows(x, first, {n}, stride, {width})
        p = rows(theta, first % theta_stride, {p}, theta_stride, {width})
        thetas = {thetas}
        for step in range(steps):
            begin = now
            if one_place(now, then):
                begin = start
                for i in range(np.uint64({n})):
                    start[i] = now[i]
            t = t0 + step * h
            model_rhs(t, begin, us, thetas, slopes(begin, y2, 0.5 * h))
            model_rhs(t + 0.5 * h, y2, us, thetas, slopes(begin, y3, 0.5 * h))
            model_rhs(t + 0.5 * h, y3, us, thetas, slopes(begin, y4, h))
            model_rhs(t + h, y4, us, thetas, last_slopes(begin, y2, then, h / 6.0))
            now = then
        a, b = 0.0 * then[0], 0.0 * then[{n} - 1]
        for i in range(np.uint64({n} // 2)):
            a += 0.0 * then[np.uint64(2) * i]
            b += 0.0 * then[np.uint64(2) * i + np.uint64(1)]
        rows(finite, first, 1, lanes, {width})[0] = a + b
"""
_OBSERVE = """

@njit(SIGNATURE, error_model="numpy", cache=True, nogil=True)
def observe(t, u, x, theta, theta_stride, stride, lanes, seen):
    us = {us}
    for first in range(0, lanes, {width}):
        now, out = rows(x, first, {n}, stride, {width}), rows(seen, first, {q}, stride, {width})
        p = rows(theta, first % theta_stride, {p}, theta_stride, {width})
        thetas = {thetas}
"""


COMBINE = "then[{i}] = now[{i}] + h / 6.0 * (s3[{i}] + k[{i}])"  # s3 is k1 + 2 k2 + 2 k3
_FINITE = "rows(finite, first, 1, lanes, {width})[0] = {off}"


@dataclass(frozen=True, slots=True)
class Lanes:
    """The kernels of a model, which take lanes in whole multiples of `width`; layout in numerics/abreast.py."""

    width: int
    carry: Pointer
    observe: Pointer

    def count(self, runs: int) -> int:
        """The number of lanes for so many runs."""
        return -(-runs // self.width) * self.width


def lane_kernels(model: Model, runs: int) -> Lanes | None:
    """The kernels of a model for so many runs; None where it has no wide form, as where it branches on a state."""
    return _kernels(model, cheapest_width(model, runs))


def cheapest_width(model: Model, runs: int, costs: Mapping[int, float] = COSTS) -> int:
    """The width at which so many runs cost least."""
    if len(model.states) > kernels.MOST_NAMES:
        return LONG
    return min(costs, key=lambda width: -(-runs // width) * width * costs[width])


@lru_cache(maxsize=64)
def _kernels(model: Model, width: int) -> Lanes | None:
    for text in _carry_texts(model, width):
        try:
            carry = Pointer(kernels.module(text).carry, CARRY_SIGNATURE)
            observe = Pointer(kernels.module(_observe_text(model, width)).observe, OBSERVE_SIGNATURE)
        except NumbaError:
            continue
        return Lanes(width, carry, observe)
    return None


def _carry_texts(model: Model, width: int) -> list[str]:
    """The best first: one that keeps no slopes, for long states whose slopes are written and never read."""
    n = len(model.states)
    short = n <= kernels.MOST_NAMES
    body = kernels.written_out(model, {"model_rhs": model.rhs}, inline=short)
    if short or kernels.unpacks(body):
        return [_head(model, "CARRY_SIGNATURE") + body + _kept(model, body, width, True)] if n <= MOST_UNPACKED else []
    body = kernels.without_signs(model, body)
    whole = _CARRY_LONG.format(n=n, **_common(model, body, width))
    return [_head(model, "CARRY_SIGNATURE") + body + text for text in (whole, _kept(model, body, width, False))]


def _kept(model: Model, body: str, width: int, named: bool) -> str:
    """The text that keeps all four slopes. named: states are handed over one by one."""
    n = len(model.states)

    def room(first: int, count: int) -> str:
        """On the stack where it may end up in registers."""
        return f"local_rows({count}, {width})" if named else f"rows(work, {first * width}, {count}, {width}, {width})"

    combine = [COMBINE.format(i=i) for i in range(n)]
    check = [_FINITE.format(width=width, off=" + ".join(f"0.0 * then[{i}]" for i in range(n)))]
    if not named:  # in one pass, since long states do not stay in the nearest cache
        combine = ["off = now[0] * 0.0", f"for i in range(np.uint64({n})):"]
        combine += ["    " + line for line in (COMBINE.format(i="i"), "off += then[i] * 0.0")]
        check = [_FINITE.format(width=width, off="off")]
    return _CARRY.format(
        n=n,
        room="".join(f"    {name} = {room(k * n, n)}\n" for k, name in enumerate(("k1", "s2", "s3", "k", "y", "z"))),
        combine=textwrap.indent("\n".join(combine), 12 * " "),
        check=textwrap.indent("\n".join(check), 8 * " "),
        **{f"x_{name}": kernels.entries(name, n, named) for name in ("now", "y", "z")},
        **_common(model, body, width),
    )


def _observe_text(model: Model, width: int) -> str:
    functions = {f"observe_{o.name}": o.function for o in model.observables}
    body = kernels.written_out(model, functions, inline=True)
    now = kernels.entries("now", len(model.states), kernels.unpacks(body))
    text = _OBSERVE.format(n=len(model.states), q=len(functions), **_common(model, body, width))
    for i, name in enumerate(functions):
        text += f"        {name}(t, {now}, us, thetas, part(out, {i}, 1))\n"
    return _head(model, "OBSERVE_SIGNATURE") + body + text


def _common(model: Model, body: str, width: int) -> dict[str, object]:
    p, named = len(model.parameters), kernels.unpacks(body)
    us = kernels.entries("u", len(model.inputs) + len(model.covariates), named)
    return {"p": p, "us": us, "thetas": kernels.entries("p", p, named), "width": width}


def _head(model: Model, signature: str) -> str:
    tools = "last_slopes, later_stage, local_rows, one_place, part, rows, slopes, stage"
    return kernels.head(model, signature, "vvuq.numerics.abreast") + f"from vvuq.numerics.rows import {tools}\n"
