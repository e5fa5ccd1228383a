"""The limits of style that a linter does not know, and what must not be in a tracked file."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, NESTING = 400, 60, 3
KERNEL_LINES, KERNEL_NESTING = 120, 5  # compiled functions: a helper there costs more than it explains
BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FOLDERS = ("vvuq", "twins", "scripts", "benchmarks", "tests")
PYTHON = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
TEXT = {"", *(f".{name}" for name in "py toml txt in md yaml yml html css j2 svg json cff csv".split())}
# Written apart so that this file does not hold what it looks for.
REGISTRIES = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "ana" + r"conda\.(org|com)"]))
MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(root|home|Users|work|tmp|opt)" + r"/\w")
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    """The files of the repository: tracked or about to be. Without git, what a fresh checkout would hold."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        names = [name for name in found.stdout.split("\0") if name]
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    ignored = {".venv", ".cache", ".vvuq", ".git", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not ignored & set(path.parts)]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def nesting(node: ast.AST, depth: int = 0) -> int:
    """How many blocks stand in one another below `node`; an elif counts like the if it continues."""
    deepest = depth
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
                continue
            both_if = isinstance(node, ast.If) and isinstance(child, ast.If)
            deeper = isinstance(child, BLOCKS) and not (both_if and field == "orelse" and len(value) == 1)
            deepest = max(deepest, nesting(child, depth + deeper))
    return deepest


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def excesses(source: str) -> list[str]:
    """What in one Python file exceeds the limits."""
    tree = ast.parse(source)
    found = [f"{source.count(chr(10))} lines"] if source.count("\n") > FILE_LINES else []
    for function in functions(tree):
        lines, depth = (KERNEL_LINES, KERNEL_NESTING) if is_kernel(function) else (FUNCTION_LINES, NESTING)
        if body_lines(function) > lines:
            found.append(f"{function.name}: {body_lines(function)} lines")
        if nesting(function) > depth:
            found.append(f"{function.name}: nested {nesting(function)} deep")
    return found


def is_kernel(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """True where numba compiles the function."""
    return any("jit" in ast.unparse(decorator).partition("(")[0] for decorator in function.decorator_list)


def undocumented(tree: ast.Module) -> list[str]:
    """Public modules, classes, functions and methods without a docstring. A protocol's members speak by their names."""
    missing = [] if ast.get_docstring(tree) else ["module"]
    scopes: list[ast.Module | ast.ClassDef] = [tree]
    for scope in scopes:
        for node in scope.body:
            if not isinstance(node, (*FUNCTIONS, ast.ClassDef)) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                missing.append(node.name)
            if isinstance(node, ast.ClassDef) and "Protocol" not in map(ast.unparse, node.bases):
                scopes.append(node)
    return missing


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_files_are_short_and_flat(path: Path) -> None:
    assert excesses(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [path for path in PYTHON if path.is_relative_to(ROOT / "vvuq")], ids=relative)
def test_public_names_are_documented(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    is_empty = path.name == "__init__.py" and not tree.body
    assert is_empty or undocumented(tree) == []


def test_the_limits_are_noticed() -> None:
    deep = "def f(a):\n if a:\n  for b in a:\n   while b:\n    with b:\n     pass\n"
    chain = "def f(a):\n if a:\n  pass\n elif b:\n  pass\n elif c:\n  pass\n elif d:\n  pass\n elif e:\n  pass\n"
    long = "def f():\n" + " pass\n" * (FUNCTION_LINES + 1)
    assert excesses(deep) == ["f: nested 4 deep"]
    assert excesses("@njit(cache=True)\n" + deep) == []
    assert excesses(chain) == []
    assert excesses(long) == [f"f: {FUNCTION_LINES + 1} lines"]
    assert excesses("\n" * (FILE_LINES + 1)) == [f"{FILE_LINES + 1} lines"]
    assert undocumented(ast.parse("class A:\n def b(self): ...\n def _c(self): ...\n")) == ["module", "A", "b"]


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix not in TEXT or path.name == "LICENSE":
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [
            f"{relative(path)}: {hit.group()}"
            for pattern in (REGISTRIES, MACHINE_PATHS)
            for hit in pattern.finditer(text)
        ]
    assert found == []


def test_registries_and_machines_are_noticed() -> None:
    assert REGISTRIES.search("https://" + "py" + "pi.org/simple")
    assert MACHINE_PATHS.search("see /" + "home/someone/file")
    assert not MACHINE_PATHS.search("docs/work/plan and $HOME/work/x")


@pytest.mark.parametrize("path", LOCKS, ids=relative)
def test_locks_have_hashes_and_no_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", "\n" + text)[1:]
    assert all("==" in entry.splitlines()[0] and "--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"index-url|find-links|trusted-host|://|@ ", text)


def pins(name: str) -> set[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^[\w.-]+==[^\s;]+", text, flags=re.MULTILINE))


def test_locks_agree() -> None:
    assert pins("runtime") <= pins("dev")
    assert pins("runtime") <= pins("bench")
    everything = [pin.split("==") for pin in set().union(*(pins(path.stem) for path in LOCKS))]
    assert len({name for name, _ in everything}) == len(everything), "a package is locked at two versions"


def test_the_licence_is_verbatim() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def guard(path: str) -> str | None:
    spec = importlib.util.spec_from_file_location("guard", ROOT / "scripts" / "guard.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    complaint: str | None = module.complaint(Path(path))
    return complaint


def test_no_tracked_file_is_refused_by_the_guard() -> None:
    assert [text for path in tracked() if (text := guard(relative(path)))] == []


@pytest.mark.parametrize("name", ["pheno.dta", "x/evidence.sqlite", "studies/x/patients.csv", "notes/SIGNING.KEY"])
def test_the_guard_refuses(name: str) -> None:
    assert guard(name) is not None


def test_the_guard_lets_published_numbers_in() -> None:
    assert guard("tests/references/table2.csv") is None
