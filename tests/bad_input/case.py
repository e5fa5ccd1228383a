"""One case of bad input: how it is made, the command, and what the message has to say. Needs no pytest: a script too
walks the cases, to write their page."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np  # noqa: F401 (before the clock of any case runs)
from bad_input.material import write_study, write_table

import vvuq.numerics.jit  # noqa: F401 (its cache folder is chosen once, before a case names another)
from vvuq.cli import main

ROOT = Path(__file__).resolve().parents[2]
PLAN, CARD, TWIN = "studies/toy/plan.yaml", "studies/toy/data/toy.yaml", "studies/toy/toy.py"
STORE = ".vvuq/toy/evidence.sqlite"
CHECK, COHORT = "plan check toy", "run toy --only cohort"
NOBODY = 65534
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """`what` is wrong, in one phrase; `make` breaks the study in a folder; `command` is run there and ends with `exit`.

    The message names `where` (a file; with `at`, a text in that file, its line too), `field`, `value` and `remedy`.
    noted: the store gains a row that says so. process: run in a process of its own, as somebody without rights where
    `nobody`."""

    area: str
    what: str
    make: Make
    command: str
    where: str
    field: str
    value: str
    remedy: str
    exit: int = 2
    at: str = ""
    noted: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    process: bool = False
    nobody: bool = False

    @property
    def name(self) -> str:
        """The id of the case."""
        return f"{self.area}: {self.what}"


@dataclass(frozen=True)
class Result:
    """What a command said, and the files before and after it."""

    code: int
    out: str
    err: str
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    left: tuple[str, ...]

    @property
    def messages(self) -> list[str]:
        """What stands behind each "vvuq: error: ", with the lines that belong to it."""
        return self.err.split("vvuq: error: ")[1:]


def nothing(folder: Path) -> None:
    """The study as it is: the command itself is wrong."""


def edit(path: str, old: str, new: str) -> Make:
    """Replaces a text that stands once in a file of the study."""

    def make(folder: Path) -> None:
        text = (folder / path).read_text()
        assert text.count(old) == 1, (path, old, text.count(old))
        (folder / path).write_text(text.replace(old, new))

    return make


def content(path: str, data: bytes | str) -> Make:
    """Writes a file, whatever stood there."""

    def make(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data.encode() if isinstance(data, str) else data)

    return make


def table(old: str, new: str) -> Make:
    """Changes the cohort's table, and the digest that its data card pins."""

    def make(folder: Path) -> None:
        text = (folder / "studies/toy/data/toy.csv").read_text()
        assert text.count(old) == 1, (old, text.count(old))
        write_table(folder, text.replace(old, new).encode("utf-8", "surrogateescape"))

    return make


def whole_table(data: bytes) -> Make:
    """Another table, pinned."""
    return lambda folder: write_table(folder, data)


def both(*makes: Make) -> Make:
    """One change after the other."""

    def make(folder: Path) -> None:
        for one in makes:
            one(folder)

    return make


def prepare(folder: Path) -> None:
    """The sound study with a store that holds evidence already."""
    write_study(folder)
    with _inside(folder, {}):
        code = main(["run", "toy", "--only", "filter_exactness"])
    assert code == 0
    for left in folder.glob(f"{STORE}-*"):
        left.unlink()


def run(case: Case, template: Path, folder: Path, *extra: str) -> Result:
    """Runs the case in a copy of the `template` at `folder`, which is made unless it is there already."""
    if not folder.exists():
        shutil.copytree(template, folder)
        case.make(folder)
    scratch = folder.with_name(f"{folder.name}-scratch")
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o777)
    words = [word.strip("'") for word in case.command.split()] + list(extra)
    before = snapshot(folder)
    called = _in_process if case.process else _as_nobody if case.nobody else _in_this_process
    code, out, err = called(case, folder, scratch, words)
    return Result(code, out, err, before, snapshot(folder), tuple(path.name for path in scratch.iterdir()))


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file and folder below `folder`; not what Python compiles, nor SQLite's own files while a store is read."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if "__pycache__" not in path.parts and not name.endswith(("-shm", "-wal")):
            found[name] = path.read_bytes() if path.is_file() else b"folder"
    return found


def rows(store: bytes) -> set[tuple[object, ...]]:
    """All rows of a store that nobody writes."""
    plain = store[:18] + b"\1\1" + store[20:]  # a database in memory keeps no write-ahead file
    connection = sqlite3.connect(":memory:")
    connection.deserialize(plain)
    found = {row for name in ("evidence", "events") for row in connection.execute(f"SELECT '{name}', * FROM {name}")}
    connection.close()
    return found


def line_of(folder: Path, case: Case) -> str:
    """`where` of the case with the number of the first line that holds `at`."""
    if not case.at:
        return case.where
    lines = (folder / case.where).read_text(errors="replace").splitlines()
    return f"{case.where}:{next(i for i, line in enumerate(lines, 1) if case.at in line)}"


def shown(case: Case, result: Result, folder: Path) -> str:
    """The message on one line, without what differs between machines."""
    message = " ".join(result.messages[0].split())
    for place in (str(folder.resolve()), str(folder), str(ROOT)):
        message = message.replace(f"{place}/", "").replace(place, ".")
    return message


@contextlib.contextmanager
def _inside(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """The folder is the current one; no variable of vvuq is set but those given, and no cache is at hand."""
    before, kept = Path.cwd(), dict(os.environ)
    for name in [name for name in os.environ if name.startswith("VVUQ_")]:
        del os.environ[name]
    os.environ["VVUQ_CACHE"] = str(folder.with_name("cache"))
    os.environ.update(_filled(folder, environment))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(kept)


def _filled(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value.format(folder=folder) for name, value in environment.items()}


def _in_this_process(case: Case, folder: Path, scratch: Path, words: list[str]) -> tuple[int, str, str]:
    out, err, place = io.StringIO(), io.StringIO(), tempfile.tempdir
    tempfile.tempdir = str(scratch)
    try:
        with _inside(folder, case.environment), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    finally:
        tempfile.tempdir = place
    return code, out.getvalue(), err.getvalue()


def _in_process(case: Case, folder: Path, scratch: Path, words: list[str]) -> tuple[int, str, str]:
    """Without compiling: no kernel is called by what these cases run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VVUQ_")}
    given = {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = kept | given | {"VVUQ_CACHE": str(folder.with_name("cache"))} | _filled(folder, case.environment)
    command = [sys.executable, "-m", "vvuq", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _as_nobody(case: Case, folder: Path, scratch: Path, words: list[str]) -> tuple[int, str, str]:
    """In a child that has given up the rights of root; whoever is not root needs none of this."""
    if os.geteuid() != 0:
        return _in_this_process(case, folder, scratch, words)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads of the tests' process hold no lock of ours
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            found = _in_this_process(case, folder, scratch, words)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a child must not go on as the tests)
            found = (-1, "", repr(error))
        with os.fdopen(writer, "w") as file:
            json.dump(found, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        code, out, err = json.load(file)
    os.waitpid(child, 0)
    return code, out, err
