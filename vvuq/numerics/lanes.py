"""Dot products that fill the vector units: their sums run in sixteen fixed lanes, which needs no fast mathematics.

A compiler may not reorder the sum of a plain loop, and so leaves it scalar. Here the order is written down, as vectors
of eight numbers; it is the same on every machine, whatever the width of its registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic

from vvuq.numerics.jit import F8, VECTOR, njit, types

_WIDTH = 8


def _sums(context, builder, arrays):
    """For each array but the first, the sum over the whole blocks of 16 of its products with the first."""
    first, *others = arrays
    double, index = ir.DoubleType(), first.nitems.type
    vector = ir.VectorType(double, _WIDTH)
    zero = ir.Constant(vector, [0.0] * _WIDTH)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(2)] for _ in others]
    with cgutils.for_range(builder, builder.udiv(first.nitems, ir.Constant(index, 2 * _WIDTH))) as loop:
        for half in range(2):
            at = builder.mul(loop.index, ir.Constant(index, 2 * _WIDTH))
            at = builder.add(at, ir.Constant(index, half * _WIDTH))
            left, *rights = [
                builder.load(builder.bitcast(builder.gep(one.data, [at]), vector.as_pointer()), align=8)
                for one in arrays
            ]
            for total, right in zip(sums, rights, strict=True):
                builder.store(builder.fadd(builder.load(total[half]), builder.fmul(left, right)), total[half])
    return [_added(builder, *(builder.load(part) for part in total)) for total in sums]


def _added(builder, one, other):
    """All entries of two vectors, added up by halves."""
    whole = builder.fadd(one, other)
    parts = [builder.extract_element(whole, ir.Constant(ir.IntType(32), k)) for k in range(_WIDTH)]
    while len(parts) > 1:
        parts = [builder.fadd(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _arrays(context, builder, of, values):
    return [context.make_array(kind)(context, builder, value) for kind, value in zip(of.args, values, strict=True)]


def _blocks(context, a, b):
    """Type and code of the sum over the whole blocks of 16 of a'b."""

    def generate(context, builder, of, values):
        (total,) = _sums(context, builder, _arrays(context, builder, of, values))
        return impl_ret_untracked(context, builder, of.return_type, total)

    return F8(a, b), generate


def _blocks_of_two(context, a, b, c):
    """Type and code of the sums over the whole blocks of 16 of a'b and a'c."""

    def generate(context, builder, of, values):
        return context.make_tuple(
            builder, of.return_type, _sums(context, builder, _arrays(context, builder, of, values))
        )

    return types.UniTuple(F8, 2)(a, b, c), generate


_lanes_dot: Any = intrinsic(_blocks)
_lanes_two: Any = intrinsic(_blocks_of_two)


@njit(F8(VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def dot(a, b):
    """a'b of vectors of one length; the order of the sums is fixed."""
    total = _lanes_dot(a, b)
    for i in range(a.size - a.size % (2 * _WIDTH), a.size):
        total += a[i] * b[i]
    return total


@njit(types.UniTuple(F8, 2)(VECTOR, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def two_dots(a, b, c):
    """a'b and a'c, as `dot` has each."""
    first, second = _lanes_two(a, b, c)
    for i in range(a.size - a.size % (2 * _WIDTH), a.size):
        first += a[i] * b[i]
        second += a[i] * c[i]
    return first, second
