"""Numbers that stand for several runs at once: compiled code computes with a `Wide` as with a float, lane by lane.

A model's plain function, given wide states, becomes vector code without being rewritten. What chooses by a branch on a
state has no wide form and is refused when it is compiled. Each lane holds, to the last bit, what the float would be:
sums, products, quotients and roots are the processor's own, all else is the scalar function of each lane in turn."""

from __future__ import annotations

import math as real
import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

F8 = types.float64
_DOUBLE, _PLACE = ir.DoubleType(), ir.IntType(32)
_PLAIN = (types.Float, types.Integer, types.Boolean)


class Wide(types.Type):
    """One number for each of `width` runs."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"Wide({width})")

    def can_convert_from(self, typing: Any, other: Any) -> Any:
        """A plain number stands for the same number in each run."""
        return Conversion.safe if isinstance(other, _PLAIN) else None


@register_model(Wide)
class _WideModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(_DOUBLE, kind.width))


def alike(builder, value, width):
    """A vector whose entries all are `value`."""
    kind = ir.VectorType(_DOUBLE, width)
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
    return wide if all(a == wide or isinstance(a, (*_PLAIN, types.IntegerLiteral)) for a in args) else None


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


# --- functions of each lane in turn --------------------------------------------------------------------------------


def _lane_by_lane(builder, kind, scalar, of, values):
    found = ir.Constant(ir.VectorType(_DOUBLE, kind.width), ir.Undefined)
    for k in range(kind.width):
        at = ir.Constant(_PLACE, k)
        lane = [
            builder.extract_element(value, at) if isinstance(one, Wide) else value
            for value, one in zip(values, of.args, strict=True)
        ]
        found = builder.insert_element(found, scalar(builder, lane), at)
    return found


def _elementary(function: Any) -> None:
    def lower(context, builder, of, values):
        scalar = context.get_function(function, signature(F8, F8))
        return _lane_by_lane(builder, of.return_type, scalar, of, values)

    _alone(function, lower)


for _function in (real.exp, real.log, real.tanh):
    _elementary(_function)


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


# --- rows in memory ------------------------------------------------------------------------------------------------


class Rows(types.Type):
    """A vector of which each entry is a Wide, in memory: entry i begins `stride` numbers after entry i - 1.

    The slopes of a Runge-Kutta stage are such a vector: setting entry i also sets y[i] = x[i] + factor slope, where the
    next one is evaluated. Set twice, the last value counts."""

    def __init__(self, width: int, stage: bool = False) -> None:
        self.width, self.stage = width, stage
        super().__init__(f"{'Stage' if stage else 'Rows'}({width})")

    @property
    def wide(self) -> Wide:
        """The type of an entry."""
        return Wide(self.width)


@register_model(Rows)
class _RowsModel(models.StructModel):
    def __init__(self, manager, kind):
        pointer = types.CPointer(F8)
        members = [("data", pointer), ("stride", types.intp), ("count", types.intp)]
        if kind.stage:
            members += [("x", pointer), ("x_stride", types.intp), ("y", pointer), ("y_stride", types.intp), ("factor", F8)]
        super().__init__(manager, kind, members)


def _address(builder, data, stride, index, width):
    at = builder.gep(data, [builder.mul(index, stride)])
    return builder.bitcast(at, ir.VectorType(_DOUBLE, width).as_pointer())


def _at(context, builder, rows, kind, index, index_kind):
    """The index as a number from 0 on."""
    index = context.cast(builder, index, index_kind, types.intp)
    if getattr(index_kind, "signed", True):
        negative = builder.icmp_signed("<", index, ir.Constant(index.type, 0))
        index = builder.select(negative, builder.add(index, rows.count), index)
    return index


def _load(builder, data, stride, index, width):
    return builder.load(_address(builder, data, stride, index, width), align=8)


def _store(builder, value, data, stride, index, width):
    builder.store(value, _address(builder, data, stride, index, width), align=8)


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Rows) and isinstance(args[1], types.Integer):
            return signature(args[0].wide, *args)
        return None


@lower_builtin(operator.getitem, Rows, types.Integer)
def _get(context, builder, of, values):
    kind, width = of.args[0], of.args[0].width
    rows = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    return _load(builder, rows.data, rows.stride, _at(context, builder, rows, kind, values[1], of.args[1]), width)


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 3 and isinstance(args[0], Rows) and isinstance(args[1], types.Integer):
            if args[2] == args[0].wide or isinstance(args[2], _PLAIN):
                return signature(types.none, args[0], args[1], args[0].wide)
        return None


@lower_builtin(operator.setitem, Rows, types.Integer, Wide)
def _set(context, builder, of, values):
    kind, width = of.args[0], of.args[0].width
    rows = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    index, slope = _at(context, builder, rows, kind, values[1], of.args[1]), values[2]
    _store(builder, slope, rows.data, rows.stride, index, width)
    if kind.stage:
        x = _load(builder, rows.x, rows.x_stride, index, width)
        y = builder.fadd(x, builder.fmul(alike(builder, rows.factor, width), slope))
        _store(builder, y, rows.y, rows.y_stride, index, width)
    return context.get_dummy_value()


@infer_global(len)
class _Len(AbstractTemplate):
    def generic(self, args, kws):
        return signature(types.intp, *args) if len(args) == 1 and isinstance(args[0], Rows) else None


@lower_builtin(len, Rows)
def _len(context, builder, of, values):
    return cgutils.create_struct_proxy(of.args[0])(context, builder, value=values[0]).count


@intrinsic(prefer_literal=True)
def rows(typing, array, first, count, stride, width):
    """Rows(width) over a vector of numbers: entry i begins at first + i stride."""

    def generate(context, builder, of, values):
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        whole = context.make_array(of.args[0])(context, builder, values[0])
        found.data = builder.gep(whole.data, [values[1]])
        found.count, found.stride = values[2], values[3]
        return found._getvalue()

    return signature(Rows(width.literal_value), array, types.intp, types.intp, types.intp, width), generate


@intrinsic(prefer_literal=True)
def local_rows(typing, count, width):
    """Rows(width) on the stack: of constant size, so that they may end up in registers."""

    def generate(context, builder, of, values):
        size = count.literal_value * width.literal_value
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        found.data = builder.bitcast(cgutils.alloca_once(builder, ir.ArrayType(_DOUBLE, size)), _DOUBLE.as_pointer())
        found.count = ir.Constant(found.count.type, count.literal_value)
        found.stride = ir.Constant(found.count.type, width.literal_value)
        return found._getvalue()

    return signature(Rows(width.literal_value), count, width), generate


def _parts(context, builder, of, values):
    return [
        cgutils.create_struct_proxy(kind)(context, builder, value=value) if isinstance(kind, Rows) else value
        for kind, value in zip(of.args, values, strict=True)
    ]


@intrinsic
def stage(typing, k, x, y, factor):
    """Slopes k that set y = x + factor k, entry by entry."""

    def generate(context, builder, of, values):
        slopes, start, after, scale = _parts(context, builder, of, values)
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        found.data, found.stride, found.count, found.factor = slopes.data, slopes.stride, slopes.count, scale
        found.x, found.x_stride, found.y, found.y_stride = start.data, start.stride, after.data, after.stride
        return found._getvalue()

    return signature(Rows(k.width, True), k, x, y, F8), generate


@intrinsic
def part(typing, whole, first, count):
    """Some of the rows."""

    def generate(context, builder, of, values):
        of_whole = cgutils.create_struct_proxy(of.args[0])(context, builder, value=values[0])
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        found.data = builder.gep(of_whole.data, [builder.mul(values[1], of_whole.stride)])
        found.stride, found.count = of_whole.stride, values[2]
        return found._getvalue()

    return signature(whole, whole, types.intp, types.intp), generate


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
