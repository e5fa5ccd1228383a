"""The wheel holds what the installed command needs, and only that."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, capture_output=True, check=True)
    (path,) = folder.glob("*.whl")
    return path


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("kind", ["templates", "studies", "twins"])
def test_the_wheel_carries(wheel: Path, root: Path, kind: str) -> None:
    files = [path for path in (root / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert {f"vvuq/_{kind}/{path.relative_to(root / kind).as_posix()}" for path in files} <= names(wheel)


def test_the_wheel_carries_every_module_and_nothing_beside_the_package(wheel: Path, root: Path) -> None:
    modules = {path.relative_to(root).as_posix() for path in (root / "vvuq").rglob("*.py")}
    assert modules <= names(wheel)
    assert {name.split("/")[0] for name in names(wheel)} == {"vvuq", "vvuq-0.1.0.dist-info"}


def test_the_shipped_folders_are_found_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "from vvuq.paths import shipped; print(*(shipped(k) for k in ('templates', 'studies', 'twins')), sep='\\n')"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {code}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    folders = [Path(line) for line in result.stdout.splitlines()]
    assert [folder.name for folder in folders] == ["_templates", "_studies", "_twins"]
    assert all(folder.is_dir() and folder.is_relative_to(tmp_path) for folder in folders)
