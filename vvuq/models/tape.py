"""A model's plain function as a list of single operations, and the text that goes through it backwards.

The function is run once on numbers that record what is done with them: loops are unrolled, helpers expanded, constants
folded. Going back, every operation hands the slope of its result on to what it was made of.
Source: Griewank & Walther, Evaluating Derivatives, 2nd ed., ch. 3.2 and 4.6."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    kept = [i for i in sorted(needed - fixed) if operations[i].name in DEAR]
    known = {i: f"c[{k}]" for k, i in enumerate(constants)}
    stored = known | {i: f"kept[{k}]" for k, i in enumerate(kept)}
    slope = _values(operations, known, read) + [f"{stored[i]} = v{i}" for i in kept]
    slope += [f"out[{i}] = {_name(one)}" for i, one in enumerate(found.outputs)]
    shares: dict[int, list[str]] = {}
    for k, one in enumerate(found.outputs):
        if isinstance(one, Place):
            shares.setdefault(one.at, []).append(f"d[{k}]")
    pull = _reversed(operations, shares, active, {i: f"d{name}" for i, name in known.items()})
    reached = {line.split(" = ")[0] for line in pull}
    size = 1 + max(
        (int(one.of[0][2:-1]) for one in operations if one.name == "leaf" and one.of[0][0] == "x"), default=-1
    )
    pull += [f"dx[{i}] = 0.0" for i in range(size) if f"dx[{i}]" not in reached]
    last = _reversed(operations, {i: [f"d{name}"] for i, name in known.items()}, active, {})
    return Passes(
        _values(operations, {}, constants) + [f"{known[i]} = v{i}" for i in constants],
        slope,
        _values(operations, stored, _mentioned(pull)) + pull,
        _values(operations, {}, _mentioned(last)) + last,
        len(constants),
        len(kept),
    )


def _values(operations: Sequence[Operation], known: Mapping[int, str], wanted: Iterable[int]) -> list[str]:
    """Lines that compute the wanted operations from leaves and from those that are known."""
    lines: dict[int, str] = {}
    open_ = list(wanted)
    while open_:
        i = open_.pop()
        if i in lines:
            continue
        lines[i] = f"v{i} = {known.get(i) or _expression(operations[i])}"
        if i not in known:
            open_ += [one.at for one in operations[i].of if isinstance(one, Place)]
    return [lines[i] for i in sorted(lines)]


def _reversed(
    operations: Sequence[Operation], shares: dict[int, list[str]], active: set[int], ends: Mapping[int, str]
) -> list[str]:
    """Lines that hand slopes back, from the operations that have a share of them to leaves and `ends`."""
    lines = []
    for i in reversed(range(len(operations))):
        if i not in shares or i not in active:
            continue
        one, total = operations[i], " + ".join(shares[i])
        if one.name == "leaf" and one.of[0][0] == "x":
            lines.append(f"d{one.of[0]} = {total}")
        elif one.name == "leaf" or i in ends:
            target = ends.get(i) or f"d{one.of[0]}"
            lines.append(f"{target} = {target} + {total}")
        else:
            lines.append(f"d{i} = {total}")
            for at, text in _handed(one, i, active):
                shares.setdefault(at, []).append(text)
    return lines


def _handed(one: Operation, i: int, active: set[int]) -> list[tuple[int, str]]:
    """Which active operations receive a share of the slope of operation i, and what."""
    parts = zip(one.of, _shares(one, i), strict=True)
    return [(part.at, text) for part, text in parts if isinstance(part, Place) and part.at in active and text]


def _mentioned(lines: Sequence[str]) -> set[int]:
    return {int(found) for line in lines for found in re.findall(r"\bv(\d+)", line)}


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
        "/": (f"d{i} / {b}", f"(-d{i} * v{i} / {b})"),
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
