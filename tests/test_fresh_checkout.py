"""`make dossier` in a fresh checkout with empty caches: within its time, and again without work. Needs the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

FIRST, AGAIN = 360.0, 15.0  # seconds, on two cores
PAGE = "reports/phenobarbital/dossier.html"


def checkout(root: Path, folder: Path) -> Path:
    """A copy of what git would give, in a folder with a space in its name."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    target = folder / "a checkout"
    for name in filter(None, listed.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target / name)
    return target


def make(target: str, folder: Path) -> tuple[str, float]:
    """What `make TARGET` prints, with caches of its own and without this process's environment, and its seconds."""
    ours = ("VVUQ_", "NUMBA_", "MPL", "PYTHON", "VIRTUAL_ENV", "PYTEST_", "MAKE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    cache = folder.parent / "cache"
    environment |= {"VVUQ_CACHE": str(cache), "MPLCONFIGDIR": str(cache / "matplotlib"), "PIP_NO_CACHE_DIR": "1"}
    start = time.monotonic()
    result = subprocess.run(["make", target], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout, time.monotonic() - start


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.timeout(1200)
def test_make_dossier(root: Path, tmp_path: Path) -> None:
    folder = checkout(root, tmp_path)
    output, first = make("dossier", folder)
    assert output.splitlines()[-1] == PAGE
    page = (folder / PAGE).read_bytes()
    output, again = make("dossier", folder)
    assert output.splitlines()[-1] == PAGE
    assert (folder / PAGE).read_bytes() == page
    assert first < FIRST
    assert again < AGAIN
