"""A cache that cannot be written slows a command down and does no more; ~ is the home; a removed folder is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_input.case import ROOT
from bad_input.material import write_study


def vvuq(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, without compiling."""
    (folder / "scratch").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VVUQ_", "XDG_"))}
    given = {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", "TMPDIR": str(folder / "scratch")} | environment
    command = [sys.executable, "-m", "vvuq", *words]
    return subprocess.run(command, cwd=folder, env=kept | given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("environment", [{"VVUQ_CACHE": "studies/toy/toy.py"}, {"HOME": "/proc"}], ids=["file", "home"])
def test_a_cache_that_cannot_be_written_is_told_in_a_line(tmp_path: Path, environment: dict[str, str]) -> None:
    write_study(tmp_path)
    done = vvuq(tmp_path, "plan", "check", "toy", **environment)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("vvuq: warning: ")
    assert line.endswith("VVUQ_CACHE may name a folder that can be written")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_home_may_be_written_as_a_tilde(tmp_path: Path) -> None:
    write_study(tmp_path)
    (tmp_path / "home" / "data").mkdir(parents=True)
    given = {"HOME": str(tmp_path / "home"), "VVUQ_CACHE": "~/cache", "VVUQ_DATA": "~/data", "VVUQ_HOME": "~/stores"}
    done = vvuq(tmp_path, "run", "toy", "--only", "filter_exactness", **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "home" / "cache" / "kernels").is_dir()
    assert (tmp_path / "home" / "stores" / "toy" / "evidence.sqlite").is_file()
    assert not (tmp_path / "~").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be removed there")
def test_a_working_directory_that_was_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = "import os, sys\nos.rmdir(os.getcwd())\nfrom vvuq.cli import main\nsys.exit(main(['list']))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "gone",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("vvuq: error: environment: working directory: ")
    assert "a folder that exists: cd to one" in done.stderr
