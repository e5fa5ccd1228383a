"""Whole paths of many runs side by side: one kernel, generated for a model, walks the grid of events with a few runs at
once, as wide numbers (tier 2).

What it does is said in numerics/lane_paths.py. The order of all operations is that of numerics/rk4.py."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from llvmlite.binding import get_host_cpu_features
from numba.core.errors import NumbaError

from vvuq.models import kernels
from vvuq.models.lanes import COMBINE, MOST_UNPACKED, cheapest_width
from vvuq.models.model import Model

MUCH = 2_000_000  # states x runs x steps from which on the compilation is worth it
# Of a lane by width; and where vectors are of 8 and long functions wait for their own results.
COSTS, WAITING = {4: 1.2, 8: 1.0}, {4: 1.8, 8: 1.2, 16: 1.0}
LONG = ("exp(", "log(", "tanh(")
ROOM = ("x", "k1", "s2", "s3", "k", "y", "z", "held")  # states; slopes and sums of them; where the next are evaluated
_TOOLS = """from vvuq.numerics.lane_paths import begin, change, drop
from vvuq.numerics.rows import later_stage, local_rows, matrix, part, rows, soon, stage
from vvuq.numerics.vectors import total
"""
_PATHS = """

@njit(error_model="numpy", forceinline=True)
def copy(source, target):
    for i in range({n}):
        target[i] = source[i]


@njit(SIGNATURE, error_model="numpy", cache=True, nogil=True)
def paths(t, u, which, given, amount, reset, event, record, steps, x0, theta, members, states, observed, codes):
{room}    lanes = matrix(held)
    for block in range(0, members, {w}):
        first = min(block, members - {w})
        p, row = rows(theta, first, {p}, members, {w}), 0
        thetas = {thetas}
        copy(rows(x0, first, {n}, members, {w}), held)
        begin(lanes, first, codes)
        copy(held, x)
        for s in range(t.size):
            row_of_u = which[max(s - 1, 0)]
            {inputs}
            if s > 0:
                h = (t[s] - t[s - 1]) / steps[s - 1]
                for step in range(steps[s - 1]):
                    now = t[s - 1] + step * h
                    model_rhs(now, {x}, us, thetas, stage(k1, x, y, 0.5 * h))
                    model_rhs(now + 0.5 * h, {y}, us, thetas, later_stage(k, x, z, 0.5 * h, s2, k1))
                    model_rhs(now + 0.5 * h, {z}, us, thetas, later_stage(k, x, y, h, s3, s2))
                    model_rhs(now + h, {y}, us, thetas, k)
{combine}
{check}
                if total(off) != 0.0:
                    copy(x, held)
                    drop(lanes, first, codes)
                    copy(held, x)
            if record[s] >= 0:
                out = rows(observed, record[s] * {q} * members + first, {q}, members, {w})
{observe}
                for i in range({q}):
                    soon(observed, ((record[s] + 1) * {q} + i) * members + first, {w})
                if states.size > 0:
                    copy(x, rows(states, record[s] * {n} * members + first, {n}, members, {w}))
            if event[s] != 0:
                copy(x, held)
                row = change(lanes, reset, given, amount, row, s, first)
                copy(held, x)
"""


@dataclass(frozen=True, slots=True)
class PathKernel:
    """What numerics/lane_paths.py describes."""

    width: int
    run: Callable[..., None]


def path_kernel(model: Model, runs: int, *, own_inputs: bool = False) -> PathKernel | None:
    """The kernel for so many runs; None where the model has no wide form, as where it branches on a state.

    own_inputs: each run has inputs of its own."""
    own = own_inputs and bool(model.inputs or model.covariates)
    return _kernel(model, cheapest_width(model, runs, _costs(model)), own)


@lru_cache(maxsize=64)
def _costs(model: Model) -> dict[int, float]:
    body = kernels.written_out(model, {"model_rhs": model.rhs})
    waits = get_host_cpu_features().get("avx512f") and any(name in body for name in LONG)
    return WAITING if waits else COSTS


@lru_cache(maxsize=64)
def _kernel(model: Model, width: int, own: bool) -> PathKernel | None:
    text = _text(model, width, own)
    try:
        return None if text is None else PathKernel(width, kernels.module(text).paths)
    except NumbaError:
        return None


def _text(model: Model, width: int, own: bool) -> str | None:
    n, k = len(model.states), len(model.inputs) + len(model.covariates)
    seen = {f"observe_{o.name}": o.function for o in model.observables}
    body = kernels.written_out(model, {"model_rhs": model.rhs, **seen}, inline=n <= kernels.MOST_NAMES)
    named = n <= kernels.MOST_NAMES or kernels.unpacks(body)
    if named and n > MOST_UNPACKED:
        return None
    x, y, z = (kernels.entries(name, n, named) for name in ("x", "y", "z"))
    observed = [f"{name}(t[s], {x}, us, thetas, part(out, {i}, 1))" for i, name in enumerate(seen)]
    combine = [COMBINE.format(i=i).replace("then", "x").replace("now", "x") for i in range(n)]
    check = ["off = " + " + ".join(f"0.0 * x[{i}]" for i in range(n))]
    if not named:
        combine = [f"for i in range({n}):", "    " + COMBINE.format(i="i").replace("then", "x").replace("now", "x")]
        check = ["off = 0.0 * x[0]", f"for i in range({n}):", "    off += 0.0 * x[i]"]
    text = _PATHS.format(
        n=n, p=len(model.parameters), q=len(seen), w=width, x=x, y=y, z=z,
        inputs=_inputs(k, width, own, named),
        thetas=kernels.entries("p", len(model.parameters), named),
        room=_room(n, width, named),
        combine=textwrap.indent("\n".join(combine), 20 * " "),
        check=textwrap.indent("\n".join(check), 16 * " "),
        observe=textwrap.indent("\n".join(observed), 16 * " "),
    )  # fmt: skip
    return kernels.head(model, "PATHS_SIGNATURE", "vvuq.numerics.lane_paths") + _TOOLS + body + text


def _inputs(count: int, width: int, own: bool, named: bool) -> str:
    """The inputs on the interval that ends at boundary s, or on the first; of each run, or of all."""
    if own:
        entry = f"v = rows(u, row_of_u * {count} * members + first, {count}, members, {width})"
        return f"{entry}\n            us = {kernels.entries('v', count, named)}"
    if count > kernels.MOST_NAMES and not named:
        return f"us = u[row_of_u * {count} : (row_of_u + 1) * {count}]"
    return "us = (" + "".join(f"u[row_of_u * {count} + {j}], " for j in range(count)) + ")"


def _room(n: int, width: int, named: bool) -> str:
    """All on the stack and but `held` in registers, or in memory, where the states need no other place for changes."""
    if named:
        return "".join(f"    {name} = local_rows({n}, {width})\n" for name in ROOM)
    places = [f"    {name} = rows(room, {k * n * width}, {n}, {width}, {width})\n" for k, name in enumerate(ROOM[:-1])]
    return f"    room = np.empty({len(places) * n * width})\n" + "".join(places) + "    held = x\n"
