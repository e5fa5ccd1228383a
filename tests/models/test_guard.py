"""A twin's file that does more than declare while it is imported is refused, with its line; packages are left alone."""

import importlib
import socket
import sys
from pathlib import Path

import pytest
from examples import ROOT
from numba.core import entrypoints

from vvuq.errors import InputError
from vvuq.models.twin import load_twin

PK = (ROOT / "twins" / "pk" / "__init__.py").read_text()
STEPS = {
    "network": [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "from urllib.request import urlopen; urlopen('http://127.0.0.1:9/x')",
    ],
    "file": [
        "open('{here}/table.csv')",
        "open('{here}/made.txt', 'w')",
        "import numpy; numpy.loadtxt('{here}/table.csv')",
        "import os; os.open('{here}/made.txt', os.O_WRONLY | os.O_CREAT)",
        "import os; os.mkdir('{here}/made')",
        "import os; os.remove('{here}/table.csv')",
        "import os; os.listdir('{here}')",
        "import shutil; shutil.copy('{here}/table.csv', '{here}/made.csv')",
        "import tempfile; tempfile.mkdtemp()",
        "import sqlite3; sqlite3.connect('{here}/made.db')",
        "from pathlib import Path; Path('{here}/made').write_text('x')",
        "exec(\"open('{here}/made.txt', 'w')\")",
    ],
    "process": [
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.posix_spawn('/bin/true', ['true'], {{}})",
    ],
    "question": ["input('name? ')"],
}
ALL = [(kind, step) for kind, steps in STEPS.items() for step in steps]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    }


@pytest.mark.parametrize(("kind", "step"), ALL, ids=[step.split("(")[0].split("; ")[-1] for _, step in ALL])
@pytest.mark.parametrize("caught", [False, True])
def test_what_is_no_declaration_is_refused_before_it_happens(tmp_path, kind, step, caught):
    (tmp_path / "table.csv").write_text("1,2\n")
    step = step.format(here=tmp_path)
    lines = [f"try:\n    {step}\nexcept Exception:\n    pass"] if caught else [step]
    (tmp_path / "mine.py").write_text("\n".join(["import math", *lines, PK.replace("from __future__", "#")]))
    before = snapshot(tmp_path)
    with pytest.raises(
        InputError, match=rf"mine\.py:{3 if caught else 2}: {kind} at import: .*uses no network, no files"
    ):
        load_twin(tmp_path / "mine.py")
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "made").exists()


def test_a_helper_of_the_twin_is_watched_and_named(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("from . import numbers\n")
    (tmp_path / "mine" / "numbers.py").write_text("\nK = open('/etc/hostname').read()\n")
    with pytest.raises(InputError, match=r"mine/numbers\.py:2: file at import: 'open /etc/hostname'"):
        load_twin(tmp_path / "mine")


def test_what_a_package_does_is_its_own_affair(tmp_path, monkeypatch):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "curious_package.py").write_text(
        "import os\nFOUND = os.listdir('.')\nopen('/etc/hostname').close()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    text = "import curious_package, numpy, csv\nfrom pint import UnitRegistry\nUnitRegistry(cache_folder=None)\n"
    (tmp_path / "mine.py").write_text(text + PK.replace("from __future__", "#"))
    assert load_twin(tmp_path / "mine.py").name == "pk"
    assert sys.modules["curious_package"].FOUND


def test_which_packages_are_installed_may_be_looked_up(tmp_path):
    """Wherever sys.path leads, as to archives that are not there; numba does it when it first compiles something."""
    importlib.invalidate_caches()
    text = "import importlib.metadata as m\nassert m.version('numpy') and m.entry_points()\n"
    (tmp_path / "mine.py").write_text(text + PK.replace("from __future__", "#"))
    assert load_twin(tmp_path / "mine.py").name == "pk"


@pytest.mark.parametrize(
    "step",
    [
        "import os; os.listdir('{here}')",
        "open('{here}/own.dist-info/METADATA').read()",
        "open('{here}/table.csv')",
        "import importlib.metadata as m; m.distribution('own').locate_file('table.csv').read_text()",
        "import importlib.metadata as m; m.files('own')[0].read_text()",
        "import importlib.metadata as m; m.Distribution.at('{here}/elsewhere/own.dist-info').read_text('METADATA')",
    ],
)
def test_a_lookup_of_packages_is_no_way_to_other_files(tmp_path, monkeypatch, step):
    """Not even where the twin's folder is one that packages are looked for in."""
    (tmp_path / "table.csv").write_text("1,2\n")
    for folder in (tmp_path, tmp_path / "elsewhere"):
        (folder / "own.dist-info").mkdir(parents=True)
        (folder / "own.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1\n")
        (folder / "own.dist-info" / "RECORD").write_text("table.csv,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine.py").write_text(step.format(here=tmp_path) + "\n" + PK.replace("from __future__", "#"))
    with pytest.raises(InputError, match=r"mine\.py:1: file at import"):
        load_twin(tmp_path / "mine.py")


def test_a_compiled_function_may_be_made(tmp_path, monkeypatch):
    """Also where nothing has been compiled before."""
    monkeypatch.setattr(entrypoints, "_already_initialized", False)
    importlib.invalidate_caches()
    text = "import numba\n\n@numba.njit(cache=True)\ndef twice(v):\n    return 2.0 * v\n\nFOUR = twice(2.0)\n"
    (tmp_path / "mine.py").write_text(text + PK.replace("from __future__", "#"))
    assert load_twin(tmp_path / "mine.py").name == "pk"


def test_nothing_is_watched_afterwards(tmp_path):
    (tmp_path / "broken.py").write_text("open('x')\n")
    with pytest.raises(InputError):
        load_twin(tmp_path / "broken.py")
    (tmp_path / "later.txt").write_text("x")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"broken.py", "later.txt"}
    socket.socket().close()
