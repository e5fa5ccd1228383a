"""Small blocks of matrices held in vector registers: products, triangular solutions, transposes of four rows at once.

A compiler keeps the sums of a plain triple loop in memory, and its speed is that of the loads and stores. Here each sum
stays in a register from its first term to its last. Multiply-add is one operation with one rounding (IEEE 754-2008,
5.4.1), and the order of a sum is written down: results are the same wherever a block begins, and on every machine.

Blocks reach over no edge: the caller sees to it that all their rows and columns exist. A block that only reads what it
does not write may be computed twice, so that the last of a row of blocks can begin a little earlier.

Source of the scheme: Goto & van de Geijn, ACM TOMS 34 (2008) 12."""

from __future__ import annotations

from math import sqrt
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from vvuq.numerics.jit import F8, I8, types

ROWS, COLUMNS = 4, 8  # of a block of products
_DOUBLE = ir.DoubleType()
_INDEX = ir.IntType(64)
CORNER = types.UniTuple(F8, 10)  # the inverse diagonal of a 4x4 triangle, then (0, 1), (0, 2), (0, 3), (1, 2), ...
_BESIDE = {(0, 1): 4, (0, 2): 5, (0, 3): 6, (1, 2): 7, (1, 3): 8, (2, 3): 9}
_FOUR = types.UniTuple(F8, ROWS)


def _opened(context, builder, signature, arguments):
    """Arrays as structures, all else as it is."""
    return [
        context.make_array(kind)(context, builder, value) if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


def _plus(builder, index, number):
    return builder.add(index, ir.Constant(_INDEX, number))


def _stride(builder, matrix):
    return builder.extract_value(matrix.shape, 1)


def _at(builder, matrix, i, j):
    return builder.gep(matrix.data, [builder.add(builder.mul(i, _stride(builder, matrix)), j)])


def _beyond(builder, pointer, number):
    return builder.gep(pointer, [ir.Constant(_INDEX, number)])


def _load(builder, pointer, width):
    return builder.load(builder.bitcast(pointer, ir.VectorType(_DOUBLE, width).as_pointer()), align=8)


def _store(builder, vector, pointer):
    builder.store(vector, builder.bitcast(pointer, vector.type.as_pointer()), align=8)


def _shuffled(builder, one, other, order):
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))


def _spread(builder, number, width):
    """One number in all lanes."""
    first = builder.insert_element(
        ir.Constant(ir.VectorType(_DOUBLE, width), ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
    )
    return _shuffled(builder, first, first, [0] * width)


def _fma(builder, a, b, c):
    kind = ir.FunctionType(a.type, [a.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{a.type.count}f64")
    return builder.call(function, [a, b, c])


def _turned(builder, rows):
    """The transpose of four vectors of four."""
    a, b, c, e = rows
    even, odd = [0, 4, 2, 6], [1, 5, 3, 7]
    p, q, r, s = (_shuffled(builder, *pair, order) for order in (even, odd) for pair in ((a, b), (c, e)))
    low, high = [0, 1, 4, 5], [2, 3, 6, 7]
    return [_shuffled(builder, *pair, order) for order in (low, high) for pair in ((p, q), (r, s))]


def _summed(builder, sums, count, left, left_step, right, right_step, *, minus):
    """Adds to the vectors `sums`, or takes from them, left[k, r] times the vector right[k], for k < count.

    sums[r] are the vectors of row r, side by side."""
    kept = [[cgutils.alloca_once_value(builder, start) for start in row] for row in sums]
    width = sums[0][0].type.count
    with cgutils.for_range(builder, count) as loop:
        base, along = builder.gep(right, [builder.mul(loop.index, right_step)]), builder.mul(loop.index, left_step)
        vectors = [_load(builder, _beyond(builder, base, c * width), width) for c in range(len(sums[0]))]
        for pointer, row in zip(left, kept, strict=True):
            factor = _spread(builder, builder.load(builder.gep(pointer, [along])), width)
            factor = builder.fneg(factor) if minus else factor
            for vector, total in zip(vectors, row, strict=True):
                builder.store(_fma(builder, factor, vector, builder.load(total)), total)
    return [[builder.load(total) for total in row] for row in kept]


def _solved(builder, right, corner):
    """The vectors x of triangle' x = right."""
    width, corner = right[0].type.count, cgutils.unpack_tuple(builder, corner, 10)
    x: list[Any] = []
    for i, vector in enumerate(right):
        for j, known in enumerate(x):
            factor = builder.fneg(_spread(builder, corner[_BESIDE[j, i]], width))
            vector = _fma(builder, factor, known, vector)
        x.append(builder.fmul(vector, _spread(builder, corner[i], width)))
    return x


def _set_products(vectors):
    """total[i : i + 4, j : j + 4 vectors] = the sum over k < count of the same columns of rows[k], multiplied."""

    def typed(context, rows, count, i, j, total):
        def generate(context, builder, signature, arguments):
            rows, count, i, j, total = _opened(context, builder, signature, arguments)
            none, step = ir.Constant(_INDEX, 0), _stride(builder, rows)
            start = [ir.Constant(ir.VectorType(_DOUBLE, 4), [0.0] * 4)] * vectors
            left, right = (
                [_at(builder, rows, none, _plus(builder, i, r)) for r in range(ROWS)],
                _at(builder, rows, none, j),
            )
            sums = _summed(builder, [start] * ROWS, count, left, step, right, step, minus=False)
            for r, row in enumerate(sums):
                for c, vector in enumerate(row):
                    _store(builder, vector, _at(builder, total, _plus(builder, i, r), _plus(builder, j, 4 * c)))
            return context.get_dummy_value()

        return types.void(rows, I8, I8, I8, total), generate

    return typed


def _reduce(width, solve):
    """Rows at, at + step, at + 2 step, at + 3 step of c, in `width` columns, less what `count` rows before them hold.

    c[i, j] -= a[k, i] c[k, j] for k in start .. start + count. With `solve`, what is left is then divided by the corner
    of a that these rows make."""

    def typed(context, a, c, at, step, column, start, count, corner):
        def generate(context, builder, signature, arguments):
            a, c, at, step, column, start, count, corner = _opened(context, builder, signature, arguments)
            row = [builder.add(at, builder.mul(step, ir.Constant(_INDEX, r))) for r in range(ROWS)]
            places = [_at(builder, c, i, column) for i in row]
            x = _summed(
                builder,
                [[_load(builder, place, width)] for place in places],
                count,
                [_at(builder, a, start, i) for i in row],
                _stride(builder, a),
                _at(builder, c, start, column),
                _stride(builder, c),
                minus=True,
            )
            x = [vector for (vector,) in x]
            for vector, place in zip(_solved(builder, x, corner) if solve else x, places, strict=True):
                _store(builder, vector, place)
            return context.get_dummy_value()

        return types.void(a, c, I8, I8, I8, I8, I8, CORNER), generate

    return typed


def _divide(context, root, w, quotient, i, j, count, corner):
    """quotient[i : i + 8, j : j + 4] of quotient w = root, w lower-triangular.

    Known already: `count` columns from j + 4 on. corner: of w at j + 3, with step -1."""

    def generate(context, builder, signature, arguments):
        root, w, quotient, i, j, count, corner = _opened(context, builder, signature, arguments)
        known, row = _plus(builder, j, ROWS), [_plus(builder, i, r) for r in range(COLUMNS)]
        sums = _summed(
            builder,
            [[_load(builder, _at(builder, root, one, j), ROWS)] for one in row],
            count,
            [_at(builder, quotient, one, known) for one in row],
            ir.Constant(_INDEX, 1),
            _at(builder, w, known, j),
            _stride(builder, w),
            minus=True,
        )
        for half in range(0, COLUMNS, ROWS):
            columns = _turned(builder, [vector for (vector,) in sums[half : half + ROWS]])
            columns = _solved(builder, columns[::-1], corner)[::-1]
            for one, vector in zip(row[half:], _turned(builder, columns), strict=False):
                _store(builder, vector, _at(builder, quotient, one, j))
        return context.get_dummy_value()

    return types.void(root, w, quotient, I8, I8, I8, CORNER), generate


def _weigh(context, h, i, w, count, less):
    """The sums over k < count of w[k] (h[i + r, k] - less[r]), for r = 0 .. 3; count is a multiple of 8."""

    def generate(context, builder, signature, arguments):
        h, i, w, count, less = _opened(context, builder, signature, arguments)
        zero, eight = ir.Constant(_INDEX, 0), ir.Constant(_INDEX, COLUMNS)
        start = ir.Constant(ir.VectorType(_DOUBLE, COLUMNS), [0.0] * COLUMNS)
        kept = [cgutils.alloca_once_value(builder, start) for _ in range(ROWS)]
        places = [_at(builder, h, _plus(builder, i, r), zero) for r in range(ROWS)]
        shifts = [_spread(builder, one, COLUMNS) for one in cgutils.unpack_tuple(builder, less, ROWS)]
        with cgutils.for_range(builder, builder.udiv(count, eight)) as loop:
            k = builder.mul(loop.index, eight)
            weights = _load(builder, builder.gep(w.data, [k]), COLUMNS)
            for place, shift, total in zip(places, shifts, kept, strict=True):
                apart = builder.fsub(_load(builder, builder.gep(place, [k]), COLUMNS), shift)
                builder.store(_fma(builder, weights, apart, builder.load(total)), total)
        halves = []
        for total in kept:
            whole = builder.load(total)
            low, high = (_shuffled(builder, whole, whole, list(range(at, at + ROWS))) for at in (0, ROWS))
            halves.append(builder.fadd(low, high))
        a, b, c, e = _turned(builder, halves)
        whole = builder.fadd(builder.fadd(a, b), builder.fadd(c, e))
        parts = [builder.extract_element(whole, ir.Constant(ir.IntType(32), r)) for r in range(ROWS)]
        return context.make_tuple(builder, _FOUR, parts)

    return _FOUR(h, I8, w, I8, _FOUR), generate


def _columns(builder, a, i, j):
    """The vectors a[i : i + 4, j], a[i : i + 4, j + 1], ..., from halves of rows."""
    found = []
    for side in (0, 2):
        half = [_load(builder, _at(builder, a, _plus(builder, i, r), _plus(builder, j, side)), 2) for r in range(ROWS)]
        even, odd = (_shuffled(builder, half[r], half[r + 2], [0, 1, 2, 3]) for r in (0, 1))
        found += [_shuffled(builder, even, odd, order) for order in ([0, 4, 2, 6], [1, 5, 3, 7])]
    return found


def _turn(context, a, i, j, b):
    """b[j : j + 4, i : i + 4] = the transpose of a[i : i + 4, j : j + 4]."""

    def generate(context, builder, signature, arguments):
        a, i, j, b = _opened(context, builder, signature, arguments)
        for s, vector in enumerate(_columns(builder, a, i, j)):
            _store(builder, vector, _at(builder, b, _plus(builder, j, s), i))
        return context.get_dummy_value()

    return types.void(a, I8, I8, b), generate


def _turn_apart(context, a, i, j, less, factor, b):
    """b[j + s, i + r] = factor[j + s] (a[i + r, j + s] - less[i + r]), for r and s = 0 .. 3."""

    def generate(context, builder, signature, arguments):
        a, i, j, less, factor, b = _opened(context, builder, signature, arguments)
        shift = _load(builder, builder.gep(less.data, [i]), ROWS)
        for s, vector in enumerate(_columns(builder, a, i, j)):
            column = _plus(builder, j, s)
            times = _spread(builder, builder.load(builder.gep(factor.data, [column])), ROWS)
            _store(builder, builder.fmul(times, builder.fsub(vector, shift)), _at(builder, b, column, i))
        return context.get_dummy_value()

    return types.void(a, I8, I8, less, factor, b), generate


def _halve(context, h, i, first, size, count, v, middle, observed):
    """observed[i, j] = half[j] (plus - minus), for j < count, a multiple of 8; the sum of (half[j] (plus + minus))^2.

    plus = h[i, first + j] - middle, minus = h[i, first + size + j] - middle, half[j] = v[first + j] / sqrt(2)."""

    def generate(context, builder, signature, arguments):
        h, i, first, size, count, v, middle, observed = _opened(context, builder, signature, arguments)
        eight = ir.Constant(_INDEX, COLUMNS)
        plus, out = _at(builder, h, i, first), _at(builder, observed, i, ir.Constant(_INDEX, 0))
        minus, weights = builder.gep(plus, [size]), builder.gep(v.data, [first])
        shift = _spread(builder, middle, COLUMNS)
        total = cgutils.alloca_once_value(builder, ir.Constant(shift.type, [0.0] * COLUMNS))
        with cgutils.for_range(builder, builder.udiv(count, eight)) as loop:
            at = builder.mul(loop.index, eight)
            up, down, half = (_load(builder, builder.gep(place, [at]), COLUMNS) for place in (plus, minus, weights))
            half = builder.fmul(half, ir.Constant(shift.type, [sqrt(0.5)] * COLUMNS))
            shared = builder.fmul(half, builder.fadd(builder.fsub(up, shift), builder.fsub(down, shift)))
            builder.store(_fma(builder, shared, shared, builder.load(total)), total)
            _store(builder, builder.fmul(half, builder.fsub(up, down)), builder.gep(out, [at]))
        whole = builder.load(total)
        parts = [builder.extract_element(whole, ir.Constant(ir.IntType(32), r)) for r in range(COLUMNS)]
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [builder.fadd(one, other) for one, other in zip(parts[:half], parts[half:], strict=True)]
        return parts[0]

    return F8(h, I8, I8, I8, I8, v, F8, observed), generate


products_eight: Any = intrinsic(_set_products(2))
products_twelve: Any = intrinsic(_set_products(3))
reduce_four: Any = intrinsic(_reduce(ROWS, solve=False))
reduce_eight: Any = intrinsic(_reduce(COLUMNS, solve=False))
solve_four: Any = intrinsic(_reduce(ROWS, solve=True))
solve_eight: Any = intrinsic(_reduce(COLUMNS, solve=True))
divide: Any = intrinsic(_divide)
weigh: Any = intrinsic(_weigh)
turn: Any = intrinsic(_turn)
turn_apart: Any = intrinsic(_turn_apart)
halve: Any = intrinsic(_halve)
