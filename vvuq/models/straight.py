"""Writes a model's plain function out as straight-line code: helpers expanded, loops over constants unrolled, choices
without a branch. Compilers bring such text to the vector units, and calls of inlined functions they do not.

The text computes what the function computes, operation by operation and in its order."""

from __future__ import annotations

import ast
import builtins
import inspect
import math as real
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vvuq.models import math
from vvuq.models.lines import tree

MOST_LINES = 4000
MOST_DEPTH = 20  # of helpers that call helpers
ELEMENTARY = ("exp", "log", "sqrt", "tanh")
_SYMBOLS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_BUILTINS = {name: getattr(builtins, name) for name in ("range", "len", "enumerate")}


class NotStraightError(Exception):
    """A function holds something that has no straight-line form; it runs as it is, through its pointer."""


@dataclass(frozen=True, slots=True)
class Text:
    """A value that is known when the kernel runs: a name in the text, or an expression in brackets."""

    text: str

    @property
    def simple(self) -> bool:
        """True where reading it again costs nothing."""
        return self.text.isidentifier()


@dataclass(eq=False, slots=True)
class Written:
    """The array that a function writes: its entries so far, and how many there are."""

    size: int
    entries: dict[int, Any] = field(default_factory=dict)


def expand(
    function: Callable[..., None], t: Text, vectors: Sequence[Sequence[str]], size: int, sink: Sink
) -> list[str]:
    """The `size` values that function(t, x, u, theta, out) writes, as expressions; their lines go into the sink.

    vectors: the names of the entries of x, u and theta. Raises NotStraightError."""
    out = Written(size)
    _call(function, [t, *(tuple(Text(name) for name in names) for names in vectors), out], {}, sink)
    if sorted(out.entries) != list(range(size)):
        raise NotStraightError(f"{function.__name__} does not write each of its {size} values")
    return [sink.shown(_as_float(out.entries[i])) for i in range(size)]


class Sink:
    """The lines written so far, and names that are used once in the whole text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth, self._count = 0, 0
        self._read: dict[Callable[..., Any], tuple[list[ast.stmt], dict[str, Any]]] = {}

    def read(self, function: Callable[..., Any]) -> tuple[list[ast.stmt], dict[str, Any]]:
        """The statements of a plain function and the outer names that it uses."""
        if function not in self._read:
            body = tree(function).body
            if len(body) != 1 or not isinstance(body[0], ast.FunctionDef) or body[0].decorator_list:
                raise NotStraightError(f"{function} is no plain function")
            known = inspect.getclosurevars(function)
            self._read[function] = body[0].body, {**known.globals, **known.nonlocals}
        return self._read[function]

    def name(self, like: str, value: Any) -> Text:
        """A new name for a value."""
        if len(self.lines) >= MOST_LINES:
            raise NotStraightError(f"more than {MOST_LINES} lines")
        self._count += 1
        self.lines.append(f"{like}_{self._count} = {self.shown(value)}")
        return Text(f"{like}_{self._count}")

    def shown(self, value: Any) -> str:
        """The text of a number."""
        if isinstance(value, Text):
            return value.text
        if isinstance(value, int | float) and real.isfinite(value):
            text = repr(int(value) if isinstance(value, bool) else value)
            return f"({text})" if text.startswith("-") else text
        raise NotStraightError(f"{value!r} is no finite number")


def _call(function: Callable[..., Any], values: list[Any], named: dict[str, Any], sink: Sink) -> Any:
    """What a plain function returns, its body written into the sink."""
    statements, outer = sink.read(function)
    if sink.depth >= MOST_DEPTH:
        raise NotStraightError(f"{function.__name__} calls itself")
    try:
        bound = inspect.signature(function).bind(*values, **named)
    except TypeError as error:
        raise NotStraightError(str(error)) from error
    bound.apply_defaults()
    scope = dict(outer)
    for name, value in bound.arguments.items():
        scope[name] = sink.name(name, value) if isinstance(value, Text) and not value.simple else value
    sink.depth += 1
    found = _Body(scope, sink).run(statements)
    sink.depth -= 1
    return None if found is _GOES_ON else found


_GOES_ON = object()  # a block came to its end without a return


class _Body:
    """One call of a function: its names, and what each of its statements becomes."""

    def __init__(self, scope: dict[str, Any], sink: Sink) -> None:
        self.scope, self.sink = scope, sink

    def run(self, statements: Sequence[ast.stmt]) -> Any:
        """What the statements return, or _GOES_ON."""
        for statement in statements:
            found = self._statement(statement)
            if found is not _GOES_ON:
                return found
        return _GOES_ON

    def _statement(self, node: ast.stmt) -> Any:
        match node:
            case ast.Assign():
                value = self.value(node.value)
                for target in node.targets:
                    self._assign(target, value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, self.value(value))
            case ast.AugAssign():
                self._assign(node.target, self._two(node.op, self.value(_read(node.target)), self.value(node.value)))
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr():
                self.value(node.value)
            case ast.Return():
                return None if node.value is None else self.value(node.value)
            case ast.If():
                return self.run(node.body if self._known(node.test) else node.orelse)
            case ast.For(orelse=[]):
                return self._loop(node)
            case _:
                raise NotStraightError(f"line {node.lineno}: {type(node).__name__}")
        return _GOES_ON

    def _loop(self, node: ast.For) -> Any:
        for item in self._items(node.iter):
            self._assign(node.target, item)
            found = self.run(node.body)
            if found is not _GOES_ON:
                return found
        return _GOES_ON

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name():
                composite = isinstance(value, Text) and not value.simple
                self.scope[target.id] = self.sink.name(target.id, value) if composite else value
            case ast.Tuple():
                values = self._sequence(value)
                if len(values) != len(target.elts):
                    raise NotStraightError(f"line {target.lineno}: {len(values)} values for {len(target.elts)} names")
                for one, part in zip(target.elts, values, strict=True):
                    self._assign(one, part)
            case ast.Subscript():
                out, index = self.value(target.value), self._known(target.slice)
                if not (isinstance(out, Written) and isinstance(index, int) and 0 <= index < out.size):
                    raise NotStraightError(f"line {target.lineno}: {ast.unparse(target)} is written")
                out.entries[index] = self.sink.name("out", value) if isinstance(value, Text) else value
            case _:
                raise NotStraightError(f"line {target.lineno}: {ast.unparse(target)} is assigned")

    def value(self, node: ast.expr) -> Any:
        """A number or a structure known now, or the Text of a number known later."""
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return number
            case ast.Name():
                return self._named(node.id)
            case ast.Tuple():
                return tuple(self.value(element) for element in node.elts)
            case _:
                return self._computed(node)

    def _computed(self, node: ast.expr) -> Any:
        match node:
            case ast.BinOp():
                return self._two(node.op, self.value(node.left), self.value(node.right))
            case ast.UnaryOp():
                return self._one(node.op, self.value(node.operand))
            case ast.Compare(ops=[op], comparators=[right]):
                return self._two(op, self.value(node.left), self.value(right))
            case ast.IfExp():
                return self.value(node.body if self._known(node.test) else node.orelse)
            case ast.Subscript():
                return self._entry(self.value(node.value), node.slice)
            case ast.Call():
                return self._called(node)
        raise NotStraightError(f"line {node.lineno}: {ast.unparse(node)}")

    def _named(self, name: str) -> Any:
        if name in self.scope:
            return self.scope[name]
        if name in _BUILTINS:
            return _BUILTINS[name]
        raise NotStraightError(f"the name {name}")

    def _two(self, op: ast.operator | ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(left, int | float) and isinstance(right, int | float) and type(op) in _OPERATORS:
            try:
                return _OPERATORS[type(op)](left, right)
            except (ArithmeticError, ValueError) as error:
                raise NotStraightError(str(error)) from error
        if type(op) not in _SYMBOLS:
            raise NotStraightError(f"{type(op).__name__} of what is not known before")
        return Text(f"({self.sink.shown(left)} {_SYMBOLS[type(op)]} {self.sink.shown(right)})")

    def _one(self, op: ast.unaryop, value: Any) -> Any:
        if isinstance(value, int | float) and type(op) in _OPERATORS:
            return _OPERATORS[type(op)](value)
        if isinstance(op, ast.UAdd):
            return value
        if not isinstance(op, ast.USub):
            raise NotStraightError(f"{type(op).__name__} of what is not known before")
        return Text(f"(-{self.sink.shown(value)})")

    def _known(self, node: ast.expr) -> Any:
        value = self.value(node)
        if not isinstance(value, int | float):
            raise NotStraightError(f"line {node.lineno}: {ast.unparse(node)} is not known before")
        return value

    def _sequence(self, value: Any) -> Sequence[Any]:
        if not isinstance(value, tuple | range):
            raise NotStraightError(f"{value!r} is no tuple")
        return value

    def _items(self, node: ast.expr) -> Sequence[Any]:
        return self._sequence(self.value(node))

    def _entry(self, whole: Any, index: ast.expr) -> Any:
        if isinstance(index, ast.Slice):
            ends = [None if end is None else self._known(end) for end in (index.lower, index.upper, index.step)]
            return self._sequence(whole)[slice(*ends)]
        at = self._known(index)
        values = whole.entries if isinstance(whole, Written) else self._sequence(whole)
        try:
            return values[at]
        except (IndexError, KeyError, TypeError) as error:
            raise NotStraightError(f"entry {at}") from error

    def _called(self, node: ast.Call) -> Any:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise NotStraightError(f"line {node.lineno}: a call with a star")
        function = self.value(node.func)
        values = [self.value(a) for a in node.args]
        named = {str(k.arg): self.value(k.value) for k in node.keywords}
        if function in _BUILTINS.values():
            return self._built_in(function, values)
        name = getattr(function, "__name__", "")
        if getattr(math, name, None) is function and name in math.__all__:
            return self._math(name, *inspect.signature(getattr(math, name)).bind(*values, **named).args)
        if inspect.isfunction(function):
            return _call(function, values, named, self.sink)
        raise NotStraightError(f"line {node.lineno}: a call of {ast.unparse(node.func)}")

    def _built_in(self, function: Any, values: list[Any]) -> Any:
        if function is range:
            if not all(isinstance(v, int) for v in values):
                raise NotStraightError("a range that is not known before")
            return range(*values)
        parts = [self._sequence(v) for v in values]
        return len(*parts) if function is len else tuple(function(*parts))

    def _math(self, name: str, *values: Any) -> Any:
        if name in ELEMENTARY:
            return Text(f"{name}({self.sink.shown(values[0])})")
        a, b = values[0], values[1]
        if name == "pow":
            return self._two(ast.Pow(), a, b)
        if name == "where":
            return self._where(*values)
        a, b = (self.sink.name("of", v) if isinstance(v, Text) and not v.simple else v for v in (a, b))
        return self._where(self._two(ast.Sub(), *((b, a) if name == "minimum" else (a, b))), a, b)

    def _where(self, positive: Any, a: Any, b: Any) -> Any:
        """Both values first, then the choice alone: no branch is left."""
        both = [self._two(ast.Add(), _as_float(value), 0.0) for value in (a, b)]
        if isinstance(positive, int | float):
            return both[0] if positive > 0.0 else both[1]
        first, second = (self.sink.name("either", v) if isinstance(v, Text) else v for v in both)
        shown = self.sink.shown
        return self.sink.name("chosen", Text(f"({shown(first)} if {shown(positive)} > 0.0 else {shown(second)})"))


def _read(target: ast.expr) -> ast.expr:
    """The expression that reads what an augmented assignment writes."""
    return ast.parse(ast.unparse(target), mode="eval").body


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value
