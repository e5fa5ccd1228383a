"""A dot product that fills the vector units: its sums run in sixteen fixed lanes, so that it needs no fast mathematics.

A compiler may not reorder the sum of a plain loop, and so leaves it scalar. Here the order is written down, as vectors
of eight numbers; it is the same on every machine, whatever the width of its registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic

from vvuq.numerics.jit import F8, VECTOR, njit

_WIDTH = 8


def _blocks(context, a, b):
    """Type and code of two vectors of running sums over the whole blocks of 16 of a'b, added up at the end."""

    def generate(context, builder, signature, arguments):
        left, right = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        )
        double, index = ir.DoubleType(), left.nitems.type
        vector = ir.VectorType(double, _WIDTH)
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * _WIDTH)) for _ in range(2)]
        blocks = builder.udiv(left.nitems, ir.Constant(index, 2 * _WIDTH))
        with cgutils.for_range(builder, blocks) as loop:
            for half, total in enumerate(sums):
                at = builder.mul(loop.index, ir.Constant(index, 2 * _WIDTH))
                at = builder.add(at, ir.Constant(index, half * _WIDTH))
                values = [
                    builder.load(builder.bitcast(builder.gep(side.data, [at]), vector.as_pointer()), align=8)
                    for side in (left, right)
                ]
                builder.store(builder.fadd(builder.load(total), builder.fmul(*values)), total)
        whole = builder.fadd(*(builder.load(total) for total in sums))
        parts = [builder.extract_element(whole, ir.Constant(ir.IntType(32), k)) for k in range(_WIDTH)]
        while len(parts) > 1:
            parts = [builder.fadd(one, other) for one, other in zip(parts[::2], parts[1::2], strict=True)]
        return impl_ret_untracked(context, builder, signature.return_type, parts[0])

    return F8(a, b), generate


_lanes_dot: Any = intrinsic(_blocks)


@njit(F8(VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def dot(a, b):
    """a'b of vectors of one length; the order of the sums is fixed."""
    total = _lanes_dot(a, b)
    for i in range(a.size - a.size % (2 * _WIDTH), a.size):
        total += a[i] * b[i]
    return total
