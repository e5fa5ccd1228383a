"""Numbers that stand for several runs at once: compiled code computes with a `Wide` as with a float, lane by lane.

A model's plain function, given wide states, becomes vector code without being rewritten. What chooses by a branch on a
state has no wide form and is refused when it is compiled. Each lane holds, to the last bit, what the float would be:
sums, products, quotients and roots are the processor's own, exp, log and tanh are elementary.py's for both, and a power
is the scalar one of each lane in turn."""

from __future__ import annotations

import math as real
import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typeconv.castgraph import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

F8 = types.float64
DOUBLE, _PLACE = ir.DoubleType(), ir.IntType(32)
PLAIN = (types.Float, types.Integer, types.Boolean)


class Wide(types.Type):
    """One number for each of `width` runs."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"Wide({width})")

    def can_convert_from(self, typing: Any, other: Any) -> Any:
        """A plain number stands for the same number in each run."""
        return Conversion.safe if isinstance(other, PLAIN) else None


@register_model(Wide)
class _WideModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(DOUBLE, kind.width))


def alike(builder, value, width):
    """A vector whose entries all are `value`."""
    kind = ir.VectorType(DOUBLE, width)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_PLACE, 0))
    return builder.shuffle_vector(
        first, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(_PLACE, width), [0] * width)
    )


@lower_cast(types.Float, Wide)
@lower_cast(types.Integer, Wide)
@lower_cast(types.Boolean, Wide)
def _widen(context, builder, source, target, value):
    return alike(builder, context.cast(builder, value, source, F8), target.width)


def _one_wide(args):
    """The wide type among arguments that are all of it or plain numbers; None where there is none."""
    wide = next((a for a in args if isinstance(a, Wide)), None)
    return wide if all(a == wide or isinstance(a, (*PLAIN, types.IntegerLiteral)) for a in args) else None


# --- arithmetic, all lanes in one instruction ----------------------------------------------------------------------


def _vectors(builder, of, values):
    return [
        value if isinstance(kind, Wide) else alike(builder, value, of.return_type.width)
        for value, kind in zip(values, of.args, strict=True)
    ]


def _arithmetic(function: Any, inplace: Any, name: str) -> None:
    def generic(self, args, kws):
        wide = _one_wide(args) if len(args) == 2 else None
        return None if wide is None else signature(wide, *(a if a == wide else F8 for a in args))

    def lower(context, builder, of, values):
        return getattr(builder, name)(*_vectors(builder, of, values))

    for key in (function, inplace):
        infer_global(key)(type(f"_Wide_{key.__name__}", (AbstractTemplate,), {"key": key, "generic": generic}))
        for kinds in ((Wide, Wide), (Wide, types.Float), (types.Float, Wide)):
            lower_builtin(key, *kinds)(lower)


_arithmetic(operator.add, operator.iadd, "fadd")
_arithmetic(operator.sub, operator.isub, "fsub")
_arithmetic(operator.mul, operator.imul, "fmul")
_arithmetic(operator.truediv, operator.itruediv, "fdiv")


def _alone(key: Any, lower: Any) -> None:
    """Teaches numba a function of one wide number."""

    def generic(self, args, kws):
        return signature(args[0], args[0]) if len(args) == 1 and isinstance(args[0], Wide) else None

    infer_global(key)(type(f"_Wide_{key.__name__}", (AbstractTemplate,), {"key": key, "generic": generic}))
    lower_builtin(key, Wide)(lower)


def _root(context, builder, of, values):
    name, kind = f"llvm.sqrt.v{of.return_type.width}f64", values[0].type
    known = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(kind, [kind]), name)
    return builder.call(known, values)


_alone(operator.neg, lambda context, builder, of, values: builder.fneg(values[0]))
_alone(operator.pos, lambda context, builder, of, values: values[0])
_alone(real.sqrt, _root)


@intrinsic
def choose(typing, positive, a, b):
    """a + 0 in the lanes where positive > 0, b + 0 elsewhere."""
    wide = _one_wide((positive, a, b))

    def generate(context, builder, of, values):
        first, second, third = _vectors(builder, of, values)
        zero = ir.Constant(first.type, [0.0] * wide.width)
        where = builder.fcmp_ordered(">", first, zero)
        return builder.select(where, builder.fadd(second, zero), builder.fadd(third, zero))

    return (None if wide is None else signature(wide, *(k if k == wide else F8 for k in (positive, a, b)))), generate


# --- powers, of each lane in turn -----------------------------------------------------------------------------------


def _lane_by_lane(builder, kind, scalar, of, values):
    found = ir.Constant(ir.VectorType(DOUBLE, kind.width), ir.Undefined)
    for k in range(kind.width):
        at = ir.Constant(_PLACE, k)
        lane = [
            builder.extract_element(value, at) if isinstance(one, Wide) else value
            for value, one in zip(values, of.args, strict=True)
        ]
        found = builder.insert_element(found, scalar(builder, lane), at)
    return found


@infer_global(operator.pow)
@infer_global(operator.ipow)
class _Power(AbstractTemplate):
    def generic(self, args, kws):
        wide = _one_wide(args) if len(args) == 2 else None
        return None if wide is None else signature(wide, *args)


def _power(context, builder, of, values):
    """By the rule that numba has for such a base and exponent: an integer exponent is multiplied out."""
    kinds = [F8 if isinstance(one, Wide) or (k == 0) else one for k, one in enumerate(of.args)]
    values = list(values)
    if not isinstance(of.args[0], Wide):
        values[0] = context.cast(builder, values[0], of.args[0], F8)
    if not isinstance(kinds[1], types.Integer | types.IntegerLiteral):
        kinds[1] = F8
    scalar = context.get_function(operator.pow, signature(F8, *kinds))
    return _lane_by_lane(builder, of.return_type, scalar, of, values)


for _key in (operator.pow, operator.ipow):
    for _kinds in (
        (Wide, types.IntegerLiteral), (Wide, types.Integer), (Wide, types.Float), (Wide, Wide),
        (types.Float, Wide), (types.Integer, Wide),
    ):  # fmt: skip
        lower_builtin(_key, *_kinds)(_power)


@intrinsic
def total(typing, wide):
    """The sum over lanes, in one fixed order: halves, then quarters, and so on down to odd ones, which come last."""

    def generate(context, builder, of, values):
        (value,), size, rest = values, wide.width, []
        while size > 1:
            half = size // 2
            if size % 2:
                rest.append(builder.extract_element(value, ir.Constant(_PLACE, size - 1)))
            value = builder.fadd(*(_some(builder, value, first, half) for first in (0, half)))
            size = half
        found = builder.extract_element(value, ir.Constant(_PLACE, 0))
        for one in rest:
            found = builder.fadd(found, one)
        return found

    return (signature(F8, wide) if isinstance(wide, Wide) else None), generate


def _some(builder, value, first, count):
    places = ir.Constant(ir.VectorType(_PLACE, count), list(range(first, first + count)))
    return builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), places)
