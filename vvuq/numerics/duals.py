"""Numbers that carry derivatives: a value and its slopes in `width` directions, computed together by the chain rule.

A model's plain function, given duals, yields x' and the slopes of x' at once, without being rewritten. The value is, to
the last bit, what the float would be. Duals are compared by their values: at a branch the way that is taken is
differentiated. Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., ch. 3."""

from __future__ import annotations

import math as real
import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typeconv.castgraph import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

from vvuq.numerics.elementary import written
from vvuq.numerics.rows import _at, _load, _store
from vvuq.numerics.vectors import F8, PLAIN, Wide, alike


class Dual(types.Type):
    """A number with its slopes in `width` directions."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"Dual({width})")

    def can_convert_from(self, typing: Any, other: Any) -> Any:
        """A plain number is a constant: its slopes are 0."""
        return Conversion.safe if isinstance(other, PLAIN) else None


class DualRows(types.Type):
    """A vector of duals in memory: values side by side, and apart from them the slopes of one after the other."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"DualRows({width})")


@register_model(Dual)
class _DualModel(models.StructModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, [("value", F8), ("slopes", Wide(kind.width))])


@register_model(DualRows)
class _DualRowsModel(models.StructModel):
    def __init__(self, manager, kind):
        pointer = types.CPointer(F8)
        super().__init__(manager, kind, [("values", pointer), ("slopes", pointer), ("count", types.intp)])


def _made(context, builder, kind, value, slopes):
    found = cgutils.create_struct_proxy(kind)(context, builder)
    found.value, found.slopes = value, slopes
    return found._getvalue()


def _parts(context, builder, kind, value):
    """Value and slopes of a dual; the slopes of a plain number are None."""
    if not isinstance(kind, Dual):
        return context.cast(builder, value, kind, F8), None
    found = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    return found.value, found.slopes


@lower_cast(types.Float, Dual)
@lower_cast(types.Integer, Dual)
@lower_cast(types.Boolean, Dual)
def _constant(context, builder, source, target, value):
    zero = ir.Constant(context.get_value_type(Wide(target.width)), [0.0] * target.width)
    return _made(context, builder, target, context.cast(builder, value, source, F8), zero)


def _one_dual(args):
    """The dual type among arguments that are all of it or plain numbers; None where there is none."""
    dual = next((a for a in args if isinstance(a, Dual)), None)
    return dual if all(a == dual or isinstance(a, (*PLAIN, types.IntegerLiteral)) for a in args) else None


# --- rules of differentiation: builder, values a and b, slopes da and db (None: a constant) -> value, slopes --------


def _times(builder, number, slopes):
    return builder.fmul(alike(builder, number, slopes.type.count), slopes)


def _sum(builder, a, da, b, db):
    slopes = db if da is None else da if db is None else builder.fadd(da, db)
    return builder.fadd(a, b), slopes


def _difference(builder, a, da, b, db):
    slopes = builder.fneg(db) if da is None else da if db is None else builder.fsub(da, db)
    return builder.fsub(a, b), slopes


def _product(builder, a, da, b, db):
    parts = [_times(builder, one, d) for one, d in ((b, da), (a, db)) if d is not None]
    return builder.fmul(a, b), parts[0] if len(parts) == 1 else builder.fadd(*parts)


def _quotient(builder, a, da, b, db):
    value = builder.fdiv(a, b)
    change = None if db is None else _times(builder, value, db)
    above = builder.fneg(change) if da is None else da if change is None else builder.fsub(da, change)
    return value, builder.fdiv(above, alike(builder, b, above.type.count))


def _two(key: Any, generic: Any, lower: Any) -> None:
    """Teaches numba an operator of two numbers of which one or both are dual."""
    infer_global(key)(type(f"_Dual_{key.__name__}", (AbstractTemplate,), {"key": key, "generic": generic}))
    for kinds in ((Dual, Dual), (Dual, types.Float), (types.Float, Dual)):
        lower_builtin(key, *kinds)(lower)


def _arithmetic(function: Any, inplace: Any, rule: Any) -> None:
    def generic(self, args, kws):
        dual = _one_dual(args) if len(args) == 2 else None
        return None if dual is None else signature(dual, *(a if a == dual else F8 for a in args))

    def lower(context, builder, of, values):
        (a, da), (b, db) = (_parts(context, builder, k, v) for k, v in zip(of.args, values, strict=True))
        return _made(context, builder, of.return_type, *rule(builder, a, da, b, db))

    for key in (function, inplace):
        _two(key, generic, lower)


_arithmetic(operator.add, operator.iadd, _sum)
_arithmetic(operator.sub, operator.isub, _difference)
_arithmetic(operator.mul, operator.imul, _product)
_arithmetic(operator.truediv, operator.itruediv, _quotient)


def _comparison(key: Any, sign: str) -> None:
    def generic(self, args, kws):
        dual = _one_dual(args) if len(args) == 2 else None
        return None if dual is None else signature(types.boolean, *(a if a == dual else F8 for a in args))

    def lower(context, builder, of, values):
        a, b = (_parts(context, builder, k, v)[0] for k, v in zip(of.args, values, strict=True))
        return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, a, b)

    _two(key, generic, lower)


for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _comparison(getattr(operator, _name), _sign)


def _alone(key: Any, rule: Any) -> None:
    """Teaches numba a function of one dual; rule(context, builder, value, slopes) -> value, slopes."""

    def generic(self, args, kws):
        return signature(args[0], args[0]) if len(args) == 1 and isinstance(args[0], Dual) else None

    def lower(context, builder, of, values):
        a, da = _parts(context, builder, of.args[0], values[0])
        return _made(context, builder, of.return_type, *rule(context, builder, a, da))

    infer_global(key)(type(f"_Dual_{key.__name__}", (AbstractTemplate,), {"key": key, "generic": generic}))
    lower_builtin(key, Dual)(lower)


def _elementary(function: Any, rate: Any) -> None:
    """A function of one number; rate(builder, a, f) is its derivative at a, where its value is f."""

    def rule(context, builder, a, da):
        if function is real.sqrt:
            value = context.get_function(function, signature(F8, F8))(builder, [a])
        else:
            value = written(builder, function.__name__, a)
        return value, _times(builder, rate(builder, a, value), da)

    _alone(function, rule)


_ONE, _HALF = ir.Constant(ir.DoubleType(), 1.0), ir.Constant(ir.DoubleType(), 0.5)
_alone(operator.neg, lambda context, builder, a, da: (builder.fneg(a), builder.fneg(da)))
_alone(operator.pos, lambda context, builder, a, da: (a, da))
_elementary(real.exp, lambda builder, a, f: f)
_elementary(real.log, lambda builder, a, f: builder.fdiv(_ONE, a))
_elementary(real.sqrt, lambda builder, a, f: builder.fdiv(_HALF, f))
_elementary(real.tanh, lambda builder, a, f: builder.fsub(_ONE, builder.fmul(f, f)))


# --- powers --------------------------------------------------------------------------------------------------------


@infer_global(operator.pow)
@infer_global(operator.ipow)
class _Power(AbstractTemplate):
    def generic(self, args, kws):
        dual = _one_dual(args) if len(args) == 2 else None
        return None if dual is None else signature(dual, *args)


def _power(context, builder, of, values):
    """a ** b by numba's rule for such a base and exponent; a constant exponent needs no logarithm of the base."""
    kinds = [F8 if isinstance(k, Dual) or i == 0 else k for i, k in enumerate(of.args)]
    if not isinstance(kinds[1], types.Integer | types.IntegerLiteral):
        kinds[1] = F8
    (a, da), (b, db) = (_parts(context, builder, k, v) for k, v in zip(of.args, values, strict=True))
    exponent = b if kinds[1] is F8 else values[1]
    value = context.get_function(operator.pow, signature(F8, *kinds))(builder, [a, exponent])
    slopes = None
    if da is not None:
        less = context.get_function(operator.pow, signature(F8, F8, F8))(builder, [a, builder.fsub(b, _ONE)])
        slopes = _times(builder, builder.fmul(b, less), da)
    if db is not None:
        log = context.get_function(real.log, signature(F8, F8))(builder, [a])
        zero = ir.Constant(db.type, [0.0] * db.type.count)
        moved = builder.fcmp_unordered("!=", db, zero)  # no logarithm where the exponent does not move
        grown = builder.select(moved, _times(builder, builder.fmul(value, log), db), zero)
        slopes = grown if slopes is None else builder.fadd(slopes, grown)
    return _made(context, builder, of.return_type, value, slopes)


for _key in (operator.pow, operator.ipow):
    for _kinds in (
        (Dual, types.IntegerLiteral), (Dual, types.Integer), (Dual, types.Float), (Dual, Dual),
        (types.Float, Dual), (types.Integer, Dual),
    ):  # fmt: skip
        lower_builtin(_key, *_kinds)(_power)


# --- vectors of duals ----------------------------------------------------------------------------------------------


@intrinsic(prefer_literal=True)
def dual_rows(typing, array, values, slopes, count, width):
    """DualRows(width) over a vector of numbers: `count` values from `values` on, their slopes from `slopes` on."""

    def generate(context, builder, of, given):
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        whole = context.make_array(of.args[0])(context, builder, given[0])
        found.values, found.slopes = (builder.gep(whole.data, [at]) for at in given[1:3])
        found.count = given[3]
        return found._getvalue()

    return signature(DualRows(width.literal_value), array, types.intp, types.intp, types.intp, width), generate


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], DualRows) and isinstance(args[1], types.Integer):
            return signature(Dual(args[0].width), *args)
        return None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) != 3 or not isinstance(args[0], DualRows) or not isinstance(args[1], types.Integer):
            return None
        dual = Dual(args[0].width)
        suits = args[2] == dual or isinstance(args[2], PLAIN)
        return signature(types.none, args[0], args[1], dual) if suits else None


def _place(context, builder, of, values):
    """The vector, the place of an entry in it, and how far the slopes of one entry lie from those of the next."""
    rows = cgutils.create_struct_proxy(of.args[0])(context, builder, value=values[0])
    index = _at(context, builder, rows, of.args[0], values[1], of.args[1])
    return rows, index, ir.Constant(index.type, of.args[0].width)


@lower_builtin(operator.getitem, DualRows, types.Integer)
def _get(context, builder, of, values):
    rows, index, stride = _place(context, builder, of, values)
    slopes = _load(builder, rows.slopes, stride, index, of.args[0].width)
    return _made(context, builder, of.return_type, builder.load(builder.gep(rows.values, [index])), slopes)


@lower_builtin(operator.setitem, DualRows, types.Integer, Dual)
def _set(context, builder, of, values):
    rows, index, stride = _place(context, builder, of, values)
    value, slopes = _parts(context, builder, of.args[2], values[2])
    builder.store(value, builder.gep(rows.values, [index]))
    _store(builder, slopes, rows.slopes, stride, index, of.args[0].width)
    return context.get_dummy_value()


@infer_global(len)
class _Len(AbstractTemplate):
    def generic(self, args, kws):
        return signature(types.intp, *args) if len(args) == 1 and isinstance(args[0], DualRows) else None


@lower_builtin(len, DualRows)
def _len(context, builder, of, values):
    return cgutils.create_struct_proxy(of.args[0])(context, builder, value=values[0]).count
