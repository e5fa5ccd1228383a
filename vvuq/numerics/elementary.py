"""exp, log and tanh of a float, or of all lanes of a wide number at once, by the same operations: the same bits.

The processor's vector units know sums, products, roots and fused multiply-add; libraries' functions take one number at
a time. These are written in what the units know, without a branch. They are within 1 unit in the last place of the true
value (the tests say how near), with the limits of IEEE 754 at zeros, infinities and what is not a number.

Sources: reduction in two parts, Cody & Waite, Software Manual for the Elementary Functions (1980), ch. 6; sums of two
doubles, Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed. (2018), ch. 4. Polynomials: minimax by exchange
(Remez) at 60 digits: (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2, weighted by r^2, to 5.4e-20; and
(2 artanh(s) - 2 s) / s^3 in z = s^2, up to s = (sqrt(2) - 1) / (sqrt(2) + 1), weighted by z, to 1.7e-20."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from vvuq.numerics.vectors import F8, PLAIN, Wide

EXPONENTIAL = (
    0.5, 0.16666666666666685, 0.04166666666666673, 0.008333333333316685, 0.0013888888888858439,
    0.00019841269897194548, 2.4801587373738906e-05, 2.7557234099292212e-06, 2.755723336524338e-07,
    2.5112288432386106e-08, 2.0926941090615537e-09,
)  # fmt: skip
LOGARITHM = (
    0.6666666666666666, 0.4000000000000624, 0.2857142856908707, 0.2222222264661408, 0.1818177568037192,
    0.15387090098623896, 0.13250133170348383, 0.1325119089830153,
)  # fmt: skip
LOG2_E = 1.4426950408889634
LN2 = float.fromhex("0x1.62e42fefa38p-1")  # 42 bits of ln 2: its products with exponents are exact
LN2_REST = 5.497923018708371e-14
WHOLE = 1.5 * 2.0**52  # added to a number below 2^51, leaves it rounded to an integer in the last bits
ONE, LEAST_ROOT = 0x3FF0000000000000, 0x3FE6A09E00000000  # the bits of 1, and those of sqrt(1/2) that come first
EXPONENT, MAGNITUDE = -(1 << 52), (1 << 63) - 1  # masks


@dataclass(frozen=True, slots=True)
class _Term:
    """A float or a vector of them while code is generated: an operation on it writes an instruction."""

    builder: Any
    value: Any

    def of(self, number: float) -> _Term:
        """A constant of this term's kind."""
        kind = self.value.type
        count = getattr(kind, "count", 0)
        return _Term(self.builder, ir.Constant(kind, [number] * count if count else number))

    def _with(self, name: str, other: _Term | float) -> _Term:
        right = other if isinstance(other, _Term) else self.of(other)
        return _Term(self.builder, getattr(self.builder, name)(self.value, right.value))

    def __add__(self, other: _Term | float) -> _Term:
        return self._with("fadd", other)

    def __sub__(self, other: _Term | float) -> _Term:
        return self._with("fsub", other)

    def __mul__(self, other: _Term | float) -> _Term:
        return self._with("fmul", other)

    def __truediv__(self, other: _Term | float) -> _Term:
        return self._with("fdiv", other)

    def __neg__(self) -> _Term:
        return _Term(self.builder, self.builder.fneg(self.value))

    def times(self, factor: _Term | float, plus: _Term | float) -> _Term:
        """self factor + plus, rounded once."""
        b, c = (one if isinstance(one, _Term) else self.of(one) for one in (factor, plus))
        kind = self.value.type
        name = f"llvm.fma.v{kind.count}f64" if hasattr(kind, "count") else "llvm.fma.f64"
        function = cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return _Term(self.builder, self.builder.call(function, [self.value, b.value, c.value]))

    def where(self, relation: str, bound: float, then: _Term | float, otherwise: _Term) -> _Term:
        """`then` where self stands in a relation to a bound; not where self is not a number."""
        holds = self.builder.fcmp_ordered(relation, self.value, self.of(bound).value)
        first = then if isinstance(then, _Term) else self.of(then)
        return _Term(self.builder, self.builder.select(holds, first.value, otherwise.value))

    def bits(self) -> _Bits:
        """Its 64 bits."""
        return _Bits(self.builder, self.builder.bitcast(self.value, _integers(self.value.type)), self.value.type)

    def size(self) -> _Term:
        """Without its sign."""
        return self.bits().masked(MAGNITUDE).number()


@dataclass(frozen=True, slots=True)
class _Bits:
    """The bits of a term as whole numbers."""

    builder: Any
    value: Any
    kind: Any

    def _with(self, name: str, other: int | Any) -> _Bits:
        if isinstance(other, int):
            count = getattr(self.value.type, "count", 0)
            other = ir.Constant(self.value.type, [other] * count if count else other)
        return _Bits(self.builder, getattr(self.builder, name)(self.value, other), self.kind)

    def plus(self, other: int | _Bits) -> _Bits:
        """Sum, modulo 2^64."""
        return self._with("add", other.value if isinstance(other, _Bits) else other)

    def minus(self, other: int | _Bits) -> _Bits:
        """Difference, modulo 2^64."""
        return self._with("sub", other.value if isinstance(other, _Bits) else other)

    def masked(self, mask: int) -> _Bits:
        """The bits that a mask keeps."""
        return self._with("and_", mask)

    def joined(self, other: int | _Bits) -> _Bits:
        """The bits that either has."""
        return self._with("or_", other.value if isinstance(other, _Bits) else other)

    def up(self, places: int) -> _Bits:
        """Shifted towards the sign."""
        return self._with("shl", places)

    def down(self, places: int) -> _Bits:
        """Shifted away from the sign."""
        return self._with("lshr", places)

    def number(self) -> _Term:
        """The term with these bits."""
        return _Term(self.builder, self.builder.bitcast(self.value, self.kind))


def _integers(kind: Any) -> Any:
    return ir.VectorType(ir.IntType(64), kind.count) if hasattr(kind, "count") else ir.IntType(64)


def _polynomial(x: _Term, coefficients: tuple[float, ...]) -> _Term:
    """By pairs, pairs of pairs and so on: units that work side by side wait less than along one chain."""
    terms: list[_Term | float] = list(coefficients)
    power = x
    while len(terms) > 1:
        paired = [power.times(b, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = [*paired, *terms[len(paired) * 2 :]]
        if len(terms) > 1:
            power = power * power
    assert isinstance(terms[0], _Term)
    return terms[0]


def _halves(x: _Term, factor: float = 1.0) -> tuple[_Term, _Term, _Term]:
    """k and (high, low) with factor x = k ln 2 + high + low, k whole; low is what rounding took from high."""
    k = x.times(factor * LOG2_E, WHOLE) - WHOLE
    first = k.times(-LN2, x if factor == 1.0 else x * factor)  # exact
    high = k.times(-LN2_REST, first)
    return k, high, k.times(-LN2_REST, first - high)


def _power_of_two(k: _Term) -> _Term:
    """2^k for whole k from -1022 to 1023."""
    return (k + WHOLE).bits().up(52).plus(ONE).number()


def _exp(x: _Term) -> _Term:
    x = x.where(">", 710.0, 710.0, x.where("<", -746.0, -746.0, x))
    k, high, low = _halves(x)
    first = high + 1.0
    grown = first + (high - (first - 1.0) + (high * high).times(_polynomial(high, EXPONENTIAL), low))
    part = k.times(0.5, WHOLE) - WHOLE  # in two steps, since 2^k alone may be beyond the normal numbers
    return grown * _power_of_two(part) * _power_of_two(k - part)


def _log(x: _Term) -> _Term:
    tiny = x * 2.0**54  # of a subnormal number
    scaled = x.where("<", 2.0**-1022, tiny, x)
    shift = x.where("<", 2.0**-1022, -54.0, x.of(0.0))
    apart = scaled.bits().minus(LEAST_ROOT)  # its exponent is that of x over sqrt(1/2)
    k = apart.plus(1 << 62).down(52).joined(0x433 << 52).number() - (2.0**52 + 1024.0) + shift
    f = scaled.bits().minus(apart.masked(EXPONENT)).number() - 1.0
    half = f * f * 0.5
    s = f / (f + 2.0)
    z = s * s
    rest = s.times(half + z * _polynomial(z, LOGARITHM), k * LN2_REST)
    found = k.times(LN2, f - (half - rest))
    found = x.where("<", float("inf"), found, x)
    return x.where(">", 0.0, found, x.where("==", 0.0, float("-inf"), x.where("<", 0.0, float("nan"), x)))


def _tanh(x: _Term) -> _Term:
    """By t = exp(-2 |x|) - 1 as a sum of two doubles: -t / (2 + t), corrected by the remainder of the division."""
    size = x.size()
    bounded = size.where(">", 20.0, 20.0, size)
    k, high, low = _halves(bounded, -2.0)
    whole = _power_of_two(k)
    less, most = whole - 1.0, whole * high
    first = less + most
    rest = (less - first + most) + whole * (high * high).times(_polynomial(high, EXPONENTIAL), low)
    rest = whole - (less + 1.0) + rest
    t = first + rest
    rest = first - t + rest
    below = t + 2.0
    lost = t - (below - 2.0) + rest
    inverse = below.of(1.0) / below
    found = -(t * inverse)
    remainder = -(found.times(below, t) + found.times(lost, rest))
    found = remainder.times(inverse, found)
    return found.size().bits().joined(x.bits().minus(size.bits())).number()


_WRITTEN = {"exp": _exp, "log": _log, "tanh": _tanh}


def written(builder: Any, name: str, value: Any) -> Any:
    """The code of a function of a float or of a vector of them."""
    return _WRITTEN[name](_Term(builder, value)).value


def _function(name: str) -> Any:
    """A function of a float or a wide number for compiled code."""

    def typed(typing, x):
        if not isinstance(x, (*PLAIN, Wide)):
            return None
        kind = x if isinstance(x, Wide) else F8

        def generate(context, builder, of, values):
            return written(builder, name, values[0])

        return signature(kind, kind), generate

    return intrinsic(typed)


exp, log, tanh = (_function(name) for name in _WRITTEN)
