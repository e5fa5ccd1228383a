"""Where in a file something stands: for messages that name a line."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any


def place(function: Callable[..., Any], line: int | None = None) -> str:
    """FILE:LINE of a function, or of the `line` given."""
    code = function.__code__
    return f"{code.co_filename}:{line or code.co_firstlineno}"


def tree(function: Callable[..., Any]) -> ast.Module:
    """The parsed source of a function, with the line numbers of its file."""
    parsed = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return ast.increment_lineno(parsed, function.__code__.co_firstlineno - 1)


def written(function: Callable[..., Any], index: int) -> int | None:
    """The line where a function of (t, x, u, theta, out) last writes out[index]; None where that cannot be read."""
    out = list(inspect.signature(function).parameters)[-1]
    targets = [t for node in ast.walk(tree(function)) if isinstance(node, ast.Assign) for t in node.targets]
    found = [t.lineno for t in targets if ast.unparse(t) == f"{out}[{index}]"]
    return max(found, default=None)


def declared(function: Callable[..., Any], name: str) -> str:
    """FILE:LINE of the call in the file of `function` whose first argument is the text `name`, else of the function."""
    try:
        parsed = ast.parse(Path(function.__code__.co_filename).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return place(function)
    calls = (node for node in ast.walk(parsed) if isinstance(node, ast.Call))
    named = (node.lineno for node in calls if node.args and _text(node.args[0]) == name)
    return place(function, min(named, default=None))


def innermost(error: BaseException, files: str) -> tuple[str, int] | None:
    """(file, line) of the deepest frame of an error, or of its cause, in a file whose path begins with `files`."""
    for one in (error.__cause__, error):
        at = one.__traceback__ if one is not None else None
        found = [step for step in _steps(at) if step[0].startswith(files)]
        if found:
            return found[-1]
    return None


def caller(frame: FrameType | None, files: str) -> tuple[str, int] | None:
    """(file, line) of the nearest frame in a file whose path begins with `files`; None where an import is nearer."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(files):
            return frame.f_code.co_filename, frame.f_lineno
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return None
        frame = frame.f_back
    return None


def _steps(at: TracebackType | None) -> list[tuple[str, int]]:
    found = []
    while at is not None:
        found.append((at.tb_frame.f_code.co_filename, at.tb_lineno))
        at = at.tb_next
    return found


def _text(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None
