"""Imports point down only, and `vvuq --help` stays light."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "SALib", "chaospy", "jinja2", "llvmlite", "matplotlib", "numba", "numpy", "pandas", "pint", "pydantic", "rich",
    "scipy", "sqlalchemy", "sympy", "yaml",
}  # fmt: skip
FOR_TWINS = {"record", "errors", "models", "data", "assimilation", "calibration", "interaction"}
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The package and its configuration in a folder of their own, to be broken."""
    shutil.copytree(root / "vvuq", tmp_path / "vvuq", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_down_only(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("numerics/upward.py", "import vvuq.evidence"),
        ("record.py", "import vvuq.numerics"),
        ("analyses/curious.py", "import vvuq.evidence"),
        ("unplaced.py", ""),
    ],
)
def test_the_contract_can_be_broken(copy: Path, module: str, line: str) -> None:
    with (copy / "vvuq" / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert lint(copy).returncode != 0


def test_twins_see_only_what_a_twin_is_made_of(root: Path) -> None:
    used = {
        part.split(".")[1]
        for path in (root / "twins").rglob("*.py")
        for part in imported(ast.parse(path.read_text(encoding="utf-8")))
        if part.startswith("vvuq.")
    }
    assert used <= FOR_TWINS


def imported(tree: ast.Module) -> set[str]:
    """The modules that a file imports, dotted."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "vvuq":
            names |= {f"vvuq.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["gate", "--help"]])
def test_help_imports_nothing_heavy(root: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "vvuq", *arguments]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "vvuq" in loaded, "the import trace was not read"
    assert not loaded & HEAVY
    assert result.stdout.startswith("usage: vvuq")
