"""Vectors of wide numbers in memory: entry i of the states, parameters or slopes of several runs side by side.

Slopes are vectors that are written only: setting entry i sets, in place of the slope, what a Runge-Kutta stage makes of
it. Set twice, the last value counts."""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numba.np.arrayobj import populate_array

from vvuq.numerics.jit import MATRIX
from vvuq.numerics.vectors import DOUBLE, F8, PLAIN, Wide, alike

LINE = 64  # bytes of the cache
_BYTES, _I4 = ir.IntType(8).as_pointer(), ir.IntType(32)


class Rows(types.Type):
    """A vector of which each entry is a Wide, in memory: entry i begins `stride` numbers after entry i - 1.

    The stored slopes of a stage are such a vector: setting entry i also sets y[i] = x[i] + factor slope, where the next
    one is evaluated; in a later stage also sum[i] = before[i] + 2 slope, since sums take less room than all slopes."""

    def __init__(self, width: int, stage: bool = False, later: bool = False) -> None:
        self.width, self.stage, self.later = width, stage, later
        super().__init__(f"{'Later' if later else 'Stage' if stage else 'Rows'}({width})")

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
            members += [
                ("x", pointer),
                ("x_stride", types.intp),
                ("y", pointer),
                ("y_stride", types.intp),
                ("factor", F8),
                ("sum", pointer),
                ("before", pointer),
            ]
        super().__init__(manager, kind, members)


def _address(builder, data, stride, index, width):
    at = builder.gep(data, [builder.mul(index, stride)])
    return builder.bitcast(at, ir.VectorType(DOUBLE, width).as_pointer())


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


def _written(args, kind):
    """The signature of setting an entry of rows of some kind; None where it is something else."""
    if len(args) != 3 or not isinstance(args[0], kind) or not isinstance(args[1], types.Integer):
        return None
    wide = Wide(args[0].width)
    suits = args[2] == wide or isinstance(args[2], PLAIN)
    return signature(types.none, args[0], args[1], wide) if suits else None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args, kws):
        return _written(args, Rows)


@lower_builtin(operator.setitem, Rows, types.Integer, Wide)
def _set(context, builder, of, values):
    kind, width = of.args[0], of.args[0].width
    rows = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    index, slope = _at(context, builder, rows, kind, values[1], of.args[1]), values[2]
    _store(builder, slope, rows.data, rows.stride, index, width)
    if kind.later:
        twice = builder.fmul(alike(builder, ir.Constant(DOUBLE, 2.0), width), slope)
        total = builder.fadd(_load(builder, rows.before, rows.stride, index, width), twice)
        _store(builder, total, rows.sum, rows.stride, index, width)
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
        found = cgutils.create_struct_proxy(of.return_type)(context, builder)
        room = cgutils.alloca_once(builder, ir.ArrayType(DOUBLE, count.literal_value * width.literal_value))
        room.align = LINE
        found.data = builder.bitcast(room, DOUBLE.as_pointer())
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
def matrix(typing, whole):
    """The array (entries, width) of rows that are packed one behind the other."""

    def generate(context, builder, of, values):
        packed = cgutils.create_struct_proxy(of.args[0])(context, builder, value=values[0])
        found = context.make_array(MATRIX)(context, builder)
        width, size = (ir.Constant(packed.count.type, number) for number in (whole.width, 8))
        populate_array(found, packed.data, [packed.count, width], [builder.mul(width, size), size], size, None)
        return found._getvalue()

    return signature(MATRIX, whole), generate


@intrinsic(prefer_literal=True)
def soon(typing, array, first, count):
    """Fetches the lines of the cache where `count` numbers from `first` on are written later: one that comes from far
    would hold up all that is written after it."""

    def generate(context, builder, of, values):
        whole = context.make_array(of.args[0])(context, builder, values[0])
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _I4, _I4, _I4])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        for k in range(0, count.literal_value, LINE // 8):
            place = builder.gep(whole.data, [builder.add(values[1], ir.Constant(values[1].type, k))])
            builder.call(
                ask, [builder.bitcast(place, _BYTES), *(ir.Constant(_I4, how) for how in (1, 3, 1))]
            )  # to write
        return context.get_dummy_value()

    return signature(types.none, array, types.intp, count), generate


@intrinsic
def stage(typing, k, x, y, factor):
    """Slopes k that set y = x + factor k, entry by entry."""
    return signature(Rows(k.width, True), k, x, y, F8), _of_stage


@intrinsic
def later_stage(typing, k, x, y, factor, total, before):
    """As stage, and `total` becomes before + 2 k; these two lie as k does."""
    return signature(Rows(k.width, True, True), k, x, y, F8, total, before), _of_stage


def _of_stage(context, builder, of, values):
    slopes, start, after, scale, *sums = _parts(context, builder, of, values)
    found = cgutils.create_struct_proxy(of.return_type)(context, builder)
    found.data, found.stride, found.count, found.factor = slopes.data, slopes.stride, slopes.count, scale
    found.x, found.x_stride, found.y, found.y_stride = start.data, start.stride, after.data, after.stride
    if sums:
        found.sum, found.before = (one.data for one in sums)
    return found._getvalue()


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
def one_place(typing, a, b):
    """True where two vectors begin at one place in memory."""

    def generate(context, builder, of, values):
        first, second = _parts(context, builder, of, values)
        return builder.icmp_unsigned("==", first.data, second.data)

    return types.boolean(a, b), generate


class Slopes(types.Type):
    """Slopes that are not kept. A stage sets y[i] = start[i] + factor slope. The last of four sets the state after
    them, out[i] = start[i] + ((y2 - start) + 2 (y3 - start) + (y4 - start)) / 3 + factor slope, where the differences
    from the start stand for h k1 / 2, h k2 / 2 and h k3: the rule of Runge and Kutta with half of its traffic to
    memory."""

    def __init__(self, width: int, last: bool) -> None:
        self.width, self.last = width, last
        super().__init__(f"{'LastSlopes' if last else 'Slopes'}({width})")


@register_model(Slopes)
class _SlopesModel(models.StructModel):
    def __init__(self, manager, kind):
        pointer = types.CPointer(F8)
        strides = [("start_stride", types.intp), ("stride", types.intp), ("count", types.intp)]
        members = [("start", pointer), ("y", pointer), ("out", pointer), *strides, ("factor", F8)]
        super().__init__(manager, kind, members)


@intrinsic
def slopes(typing, start, y, factor):
    """Of a stage, from rows `start` to packed rows y."""
    return signature(Slopes(start.width, False), start, y, F8), _written_to


@intrinsic
def last_slopes(typing, start, y, out, factor):
    """Of the last stage, to `out`; y2, y3 and y4 are packed one after the other."""
    return signature(Slopes(start.width, True), start, y, out, F8), _written_to


def _written_to(context, builder, of, values):
    *known, factor = _parts(context, builder, of, values)
    found = cgutils.create_struct_proxy(of.return_type)(context, builder)
    found.start, found.y, found.out = known[0].data, known[1].data, known[-1].data
    found.start_stride, found.stride = known[0].stride, known[-1].stride
    found.count, found.factor = known[0].count, factor
    return found._getvalue()


@infer_global(operator.setitem)
class _SetSlope(AbstractTemplate):
    def generic(self, args, kws):
        return _written(args, Slopes)


@lower_builtin(operator.setitem, Slopes, types.Integer, Wide)
def _set_slope(context, builder, of, values):
    kind, width = of.args[0], of.args[0].width
    of_it = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    index = _at(context, builder, of_it, kind, values[1], of.args[1])
    packed = ir.Constant(index.type, width)
    start = _load(builder, of_it.start, of_it.start_stride, index, width)
    change = builder.fmul(alike(builder, of_it.factor, width), values[2])
    if not kind.last:
        _store(builder, builder.fadd(start, change), of_it.y, packed, index, width)
        return context.get_dummy_value()
    block, total = builder.mul(of_it.count, packed), None
    for k in range(3):
        y = builder.gep(of_it.y, [builder.mul(block, ir.Constant(block.type, k))])
        moved = builder.fsub(_load(builder, y, packed, index, width), start)
        moved = builder.fadd(moved, moved) if k == 1 else moved
        total = moved if total is None else builder.fadd(total, moved)
    third = alike(builder, ir.Constant(DOUBLE, 1.0 / 3.0), width)
    after = builder.fadd(builder.fadd(start, builder.fmul(third, total)), change)
    _store(builder, after, of_it.out, of_it.stride, index, width)
    return context.get_dummy_value()
