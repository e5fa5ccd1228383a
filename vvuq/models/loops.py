"""Loops over long vectors, rewritten so that the compiler can use its vector units.

An index that might be negative counts from the end. The compiler does not see that `x[i - 2]` never is, and keeps the
loop scalar. Where a loop's range shows it, the index is written as an unsigned number; the result is the same."""

from __future__ import annotations

import ast
from collections.abc import Collection


def unsigned(text: str, function: str, arrays: Collection[str]) -> str:
    """The text of a module in one function of which loops over range(A, B), A a number >= 0, index arrays unsigned.

    Only `name[i]`, `name[i + C]` and `name[i - C]` with C <= A are rewritten, for the named arrays, where the loop does
    not assign i anew."""
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            _Loops(arrays).visit(node)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Loops(ast.NodeTransformer):
    def __init__(self, arrays: Collection[str]) -> None:
        self.arrays = arrays

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        first = _first(node)
        if first is None or not isinstance(node.target, ast.Name) or _assigned(node):
            return node
        index, counter = node.target.id, f"unsigned_{node.target.id}"
        for statement in node.body:
            _Indices(index, counter, first, self.arrays).visit(statement)
        end = ast.unparse(node.iter.args[-1])  # type: ignore[attr-defined]
        node.iter = _expression(f"range(np.uint64({first}), np.uint64(max({end}, {first})))")
        node.target = ast.Name(counter, ast.Store())
        node.body.insert(0, ast.parse(f"{index} = np.int64({counter})").body[0])
        return node


class _Indices(ast.NodeTransformer):
    def __init__(self, index: str, counter: str, first: int, arrays: Collection[str]) -> None:
        self.index, self.counter, self.first, self.arrays = index, counter, first, arrays

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self.arrays:
            shift = _shift(node.slice, self.index)
            if shift is not None and shift >= -self.first:
                sign = "+" if shift >= 0 else "-"
                node.slice = _expression(f"{self.counter} {sign} np.uint64({abs(shift)})" if shift else self.counter)
        return node


def _first(node: ast.For) -> int | None:
    """Where a loop over range(B) or range(A, B) begins; None for any other loop."""
    call = node.iter
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"):
        return None
    if call.keywords or len(call.args) not in (1, 2):
        return None
    begin = call.args[0] if len(call.args) == 2 else ast.Constant(0)
    return begin.value if isinstance(begin, ast.Constant) and type(begin.value) is int and begin.value >= 0 else None


def _assigned(node: ast.For) -> bool:
    """True where the loop's body gives its index another value."""
    names = [one for part in node.body for one in ast.walk(part) if isinstance(one, ast.Name)]
    return any(one.id == node.target.id and isinstance(one.ctx, ast.Store) for one in names)  # type: ignore[attr-defined]


def _shift(index: ast.expr, name: str) -> int | None:
    """C of `i + C`, -C of `i - C`, 0 of `i`; None for anything else."""
    if isinstance(index, ast.Name) and index.id == name:
        return 0
    if not (isinstance(index, ast.BinOp) and isinstance(index.left, ast.Name) and index.left.id == name):
        return None
    if not (isinstance(index.right, ast.Constant) and type(index.right.value) is int and index.right.value >= 0):
        return None
    if isinstance(index.op, ast.Add):
        return index.right.value
    return -index.right.value if isinstance(index.op, ast.Sub) else None


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
