"""A model's plain function as a list of single operations, and the text that goes through it backwards.

The function is run once on numbers that record what is done with them: loops are unrolled, helpers expanded, constants
folded. Going back, every operation hands the slope of its result on to what it was made of.
Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., ch. 3.2 and 4.6."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ALONE = ("exp", "log", "sqrt", "tanh")
DEAR = (*ALONE, "/", "**")


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` on earlier operations (by number) and constants; a leaf is the text of what it stands for."""

    name: str
    of: tuple[Any, ...]


@dataclass(slots=True)
class Tape:
    """Operations in the order in which they were recorded, each different one once."""

    operations: list[Operation] = field(default_factory=list)
    known: dict[Operation, int] = field(default_factory=dict)

    def record(self, name: str, *of: Any) -> Traced:
        """The number that stands for an operation."""
        operation = Operation(name, tuple(_operand(one) for one in of))
        at = self.known.setdefault(operation, len(self.operations))
        if at == len(self.operations):
            self.operations.append(operation)
        return Traced(self, at)


@dataclass(frozen=True, slots=True)
class Place:
    """The result of an operation, as an operand."""

    at: int


def _operand(value: Any) -> Any:
    if isinstance(value, Traced):
        return Place(value.at)
    return value if isinstance(value, str) else float(value)


class Traced:
    """A number that records what is done with it; a model may not branch on it."""

    __slots__ = ("at", "tape")

    def __init__(self, tape: Tape, at: int) -> None:
        self.tape, self.at = tape, at

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.tape.record("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.tape.record("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.tape.record("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.tape.record("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self.tape.record("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self.tape.record("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self.tape.record("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.tape.record("/", other, self)

    def __pow__(self, other: Any) -> Any:
        return self.tape.record("**", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.tape.record("**", other, self)

    def __neg__(self) -> Any:
        return self.tape.record("-", 0.0, self)

    def __pos__(self) -> Any:
        return self

    def model_function(self, name: str) -> Any:
        """A function of vvuq.models.math."""
        return self.tape.record(name, self)

    def model_where(self, a: Any, b: Any) -> Any:
        """a where this is above 0, else b."""
        return self.tape.record("where", self, a, b)

    def __bool__(self) -> bool:
        raise TypeError("a branch on a value of the model")

    def __hash__(self) -> int:
        return self.at

    def __eq__(self, other: object) -> bool:
        raise TypeError("a comparison of a value of the model")


def _is(value: Any, constant: float) -> bool:
    return isinstance(value, int | float) and value == constant


@dataclass(frozen=True, slots=True)
class Trace:
    """What a function does: its operations, and for each output the number of an operation or a constant."""

    operations: tuple[Operation, ...]
    outputs: tuple[Any, ...]


def trace(function: Callable[..., None], sizes: tuple[int, int, int], outputs: int) -> Trace:
    """`function`(t, x, u, theta, out) with `sizes` of x, u and theta, run once. Raises TypeError where it branches."""
    tape = Tape()
    x, u, theta = (
        tuple(tape.record("leaf", f"{name}[{i}]") for i in range(size)) for name, size in zip("xup", sizes, strict=True)
    )
    out: list[Any] = [0.0] * outputs
    function(tape.record("leaf", "t"), x, u, theta, out)
    return Trace(tuple(tape.operations), tuple(_operand(one) for one in out))


@dataclass(frozen=True, slots=True)
class Passes:
    """Lines of the four functions that go through a trace, and how many numbers they hand on.

    first(p, c): what depends on the parameters alone, c. slope(t, x, u, p, c, kept, out): the outputs; keeps what is
    dear to compute. pull(t, x, u, p, c, kept, d, dx, dp, dc): from the slopes d by the outputs those by x, and adds
    those by p and c. last(p, dc, dp): adds to dp what dc stands for."""

    first: list[str]
    slope: list[str]
    pull: list[str]
    last: list[str]
    constants: int
    kept: int


def passes(found: Trace, wanted: Collection[int]) -> Passes:
    """The functions of a trace, with slopes by x and by the `wanted` entries of p."""
    operations, needed = found.operations, _needed(found)
    fixed = _closure(operations, lambda one: one.name == "leaf" and one.of[0][0] == "p", every=True)
    leaves = {"x"} | {f"p[{i}]" for i in wanted}
    active = _closure(operations, lambda one: one.name == "leaf" and bool({one.of[0], one.of[0][0]} & leaves))
    read = {one.at for one in found.outputs if isinstance(one, Place)}
    read |= {part.at for i in needed - fixed for part in operations[i].of if isinstance(part, Place)}
    constants = [i for i in sorted(read & fixed) if operations[i].name != "leaf"]
    known = {i: f"c[{k}]" for k, i in enumerate(constants)}
    shares: dict[int, list[str]] = {}
    for k, one in enumerate(found.outputs):
        if isinstance(one, Place):
            shares.setdefault(one.at, []).append(f"d[{k}]")
    pull = _reversed(operations, shares, active, {i: f"d{name}" for i, name in known.items()})
    reached = {line.split(" = ")[0] for line in pull}
    states = [one.of[0] for one in operations if one.name == "leaf" and one.of[0][0] == "x"]
    pull += [f"d{x} = 0.0" for x in states if f"d{x}" not in reached]
    dear = {i: f"kept[{i}]" for i in sorted(needed - fixed) if operations[i].name in DEAR}
    back = _in_time(operations, known | dear, pull)
    kept = {i: f"kept[{k}]" for k, i in enumerate(i for i in dear if f"v{i} = {dear[i]}" in back)}
    slope = []
    for i in sorted(needed - fixed):
        if operations[i].name != "leaf":
            slope.append(f"v{i} = {_expression(operations[i])}")
        if i in kept:
            slope.append(f"{kept[i]} = v{i}")
    slope += [f"out[{i}] = {_name(one)}" for i, one in enumerate(found.outputs)]
    last = _reversed(operations, {i: [f"d{name}"] for i, name in known.items()}, active, {})
    return Passes(
        _in_time(operations, {}, [f"{known[i]} = v{i}" for i in constants]),
        _in_time(operations, known, slope),
        _in_time(operations, known | kept, pull),
        _in_time(operations, {}, last),
        len(constants),
        len(kept),
    )


def _in_time(operations: Sequence[Operation], known: Mapping[int, str], lines: Sequence[str]) -> list[str]:
    """The lines, each value that they mention computed, or read where it is known, just before it is first needed: what
    is read long before waits in memory, not in a register."""
    done: set[int] = set()
    found: list[str] = []

    def have(i: int) -> None:
        if i in done:
            return
        done.add(i)
        for one in () if i in known else operations[i].of:
            if isinstance(one, Place):
                have(one.at)
        found.append(f"v{i} = {known.get(i) or _expression(operations[i])}")

    for line in lines:
        target, _, value = line.partition(" = ")
        for at in re.findall(r"\bv(\d+)", value):
            have(int(at))
        if re.fullmatch(r"v\d+", target):
            done.add(int(target[1:]))
        found.append(line)
    return found


def _reversed(
    operations: Sequence[Operation], shares: dict[int, list[str]], active: set[int], ends: Mapping[int, str]
) -> list[str]:
    """Lines that hand slopes back, from the operations that have a share of them to leaves and `ends`."""
    lines = []
    for i in reversed(range(len(operations))):
        if i not in shares or i not in active:
            continue
        one, total = operations[i], " + ".join(shares[i])
        if i in ends:
            lines.append(f"{ends[i]} = {ends[i]} + {total}")
            continue
        if one.name == "leaf":
            lines.append(_added(one, total) if one.of[0][0] == "p" else f"d{one.of[0]} = {total}")
            continue
        lines.append(f"d{i} = {total}")
        if one.name == "/":
            lines.append(f"q{i} = d{i} / {_name(one.of[1])}")
        for at, text in _handed(one, i, active):
            if operations[at].name == "leaf" and operations[at].of[0][0] == "p":
                lines.append(_added(operations[at], text))
            else:
                shares.setdefault(at, []).append(text)
    return lines


def _added(leaf: Operation, share: str) -> str:
    return f"d{leaf.of[0]} = d{leaf.of[0]} + {share}"


def _handed(one: Operation, i: int, active: set[int]) -> list[tuple[int, str]]:
    """Which active operations receive a share of the slope of operation i, and what."""
    parts = zip(one.of, _shares(one, i), strict=True)
    return [(part.at, text) for part, text in parts if isinstance(part, Place) and part.at in active and text]


def _closure(operations: Sequence[Operation], seed: Callable[[Operation], bool], every: bool = False) -> set[int]:
    """The operations of which one operand (every: all that are no constants) goes back to leaves with `seed`."""
    found: set[int] = set()
    for i, one in enumerate(operations):
        parts = [part.at in found for part in one.of if isinstance(part, Place)]
        if seed(one) or (parts and (all(parts) if every else any(parts))):
            found.add(i)
    return found


def _shares(one: Operation, i: int) -> Sequence[str]:
    """What each operand of operation i receives of its slope d{i}."""
    a, b = (*map(_name, one.of), "")[:2]
    rules: dict[str, tuple[str, ...]] = {
        "+": (f"d{i}", f"d{i}"),
        "-": (f"d{i}", f"(-d{i})"),
        "*": (f"d{i} * {b}", f"d{i} * {a}"),
        "/": (f"q{i}", f"(-q{i} * v{i})"),
        "exp": (f"d{i} * v{i}",),
        "log": (f"d{i} / {a}",),
        "sqrt": (f"0.5 * d{i} / v{i}",),
        "tanh": (f"d{i} * (1.0 - v{i} * v{i})",),
        "where": ("", f"where({a}, d{i}, 0.0)", f"where({a}, 0.0, d{i})"),
    }
    if one.name == "**":
        exponent = one.of[1]
        power = f"{a} ** ({b} - 1.0)" if isinstance(exponent, Place) else _power(a, exponent - 1.0)
        return f"d{i} * {b} * {power}", f"d{i} * v{i} * log({a})"
    return rules[one.name]


def _power(base: str, exponent: float) -> str:
    """A whole exponent is written as one: it is multiplied out."""
    whole = exponent == int(exponent)
    return base if exponent == 1.0 else f"{base} ** {int(exponent) if whole else exponent!r}"


def _expression(one: Operation) -> str:
    of = [_name(operand) for operand in one.of]
    if one.name == "leaf":
        return str(one.of[0])
    if one.name in ALONE or one.name == "where":
        return f"{one.name}({', '.join(of)})"
    if one.name == "-" and of[0] == "0.0":
        return f"-{of[1]}"
    if one.name == "**" and isinstance(one.of[1], float):
        return _power(of[0], one.of[1])
    return f"{of[0]} {one.name} {of[1]}"


def _name(operand: Any) -> str:
    if isinstance(operand, Place):
        return f"v{operand.at}"
    if isinstance(operand, str):
        return operand
    return repr(int(operand)) + ".0" if operand == int(operand) and abs(operand) < 1e15 else repr(operand)


def _needed(found: Trace) -> set[int]:
    """The operations on which an output depends."""
    needed = {one.at for one in found.outputs if isinstance(one, Place)}
    for i in reversed(range(len(found.operations))):
        if i in needed:
            needed |= {one.at for one in found.operations[i].of if isinstance(one, Place)}
    return needed
