"""Kernels generated for one model: its functions on numbers that carry slopes, behind the signature of plain ones.

The right-hand side of the extended system takes x = (states (n,), slopes (blocks, n, width)) and
theta = (parameters (p,), slopes (blocks, p, width)): x' and S' = (df/dx) S + (df/dtheta) dtheta come out together, so
that the generic integrators carry both. Observables likewise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from vvuq.models import kernels
from vvuq.models.model import Model
from vvuq.models.schedule import Grid
from vvuq.numerics.jit import FIELD_SIGNATURE, Pointer
from vvuq.record import Floats

Integers = np.ndarray[tuple[int, int], np.dtype[np.int64]]

WIDTHS = 4, 8  # directions that go at once
_FIELD = """

@njit(SIGNATURE, error_model="numpy", cache=True)
def extended(t, x, u, theta, out):
    us = {us}
    for block in range((x.size // {n} - 1) // {width}):
        now = dual_rows(x, 0, {n} + block * {n_block}, {n}, {width})
        given = dual_rows(theta, 0, {p} + block * {p_block}, {p}, {width})
        xs, thetas = {xs}, {thetas}
"""
_CALL = (
    "        {name}(t, xs, us, thetas, dual_rows(out, {at}, {all} + block * {block} + {at} * {width}, {q}, {width}))\n"
)


def width_for(directions: int) -> int:
    """How many directions go at once."""
    return next((width for width in WIDTHS if directions <= width), WIDTHS[-1])


def columns_for(directions: int) -> int:
    """How many columns of slopes that takes: whole blocks, at least one."""
    width = width_for(directions)
    return max(1, -(-directions // width)) * width


def with_slopes(grid: Grid, columns: int, width: int) -> tuple[Floats, Integers]:
    """jump (S + 1, n (1 + columns)) and reset (R, 3) of a grid for the extended state: what is given changes no slope,
    and a column of slopes is reset as the state is."""
    n = grid.jump.shape[1]
    jump = np.zeros((grid.t.size, n * (1 + columns)))
    jump[:, :n] = grid.jump
    slopes = n + np.arange(n * columns).reshape(-1, n, width).swapaxes(0, 1).reshape(n, columns)
    places = np.column_stack([np.arange(n), slopes])  # where each state and its slopes stand
    rows = [(s, *pair) for s, target, source in grid.reset for pair in zip(places[target], places[source], strict=True)]
    return jump, np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)


@lru_cache(maxsize=64)
def rhs_with_slopes(model: Model, width: int) -> Pointer:
    """The extended right-hand side, in blocks of `width` directions."""
    n = len(model.states)
    body = kernels.written_out(model, {"model_rhs": model.rhs}, inline=n <= kernels.MOST_NAMES)
    if n > kernels.MOST_NAMES and not kernels.unpacks(body):
        body = kernels.without_signs(model, body)
    call = _CALL.format(name="model_rhs", at=0, all=n, block=n * width, q=n, width=width)
    return _compiled(model, body, call, width)


@lru_cache(maxsize=64)
def observe_with_slopes(model: Model, width: int) -> Pointer:
    """All observables (q,), then their slopes (blocks, q, width)."""
    functions = {f"observe_{o.name}": o.function for o in model.observables}
    body, q = kernels.written_out(model, functions, inline=True), len(functions)
    calls = [
        _CALL.format(name=name, at=i, all=q, block=q * width, q=1, width=width) for i, name in enumerate(functions)
    ]
    return _compiled(model, body, "".join(calls), width)


def _compiled(model: Model, body: str, calls: str, width: int) -> Pointer:
    n, p, k = len(model.states), len(model.parameters), len(model.inputs) + len(model.covariates)
    named = kernels.unpacks(body)
    xs, us, thetas = (kernels.entries(*of, named) for of in (("now", n), ("u", k), ("given", p)))
    tools = "from vvuq.numerics.duals import dual_rows\n"
    text = kernels.head(model, "FIELD_SIGNATURE") + tools + body
    text += _FIELD.format(us=us, xs=xs, thetas=thetas, n=n, p=p, width=width, n_block=n * width, p_block=p * width)
    return Pointer(kernels.module(text + calls).extended, FIELD_SIGNATURE)
