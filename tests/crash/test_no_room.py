"""A full disk, a read-only folder, a locked or half-made store: one clear message, the right code, an intact store."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small
from crash import child
from tables import report

from vvuq.evidence.files import OutputError, write_whole
from vvuq.evidence.store import Record, Store
from vvuq.record import Evidence

ROOT = Path(__file__).resolve().parents[2]
TITLE, COLUMNS = "No room, no permission, no turn", ("what is in the way", "command", "exit", "message")
READ_ONLY = 0o555


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small.make(tmp_path / "small")


def told(what: str, command: str, answer: tuple[int, str], code: int, words: str) -> None:
    """The command ended with the code and with one message, which carries the words; a row of the table."""
    found, said = answer
    messages = [line for line in said.splitlines() if line.startswith("vvuq: ")]
    assert found == code, said
    assert "Traceback" not in said
    assert len(messages) == 1 and words in messages[0], said
    report(TITLE, COLUMNS, (what, command, found, messages[0].replace(f"{folder_of(messages[0])}/", "")))


def folder_of(message: str) -> str:
    """The folder that a message names, which is another in every run of the tests."""
    found = re.search(r"/[^':]*/small", message)
    return found[0] if found else ""


# --- a full disk -------------------------------------------------------------------------------------------------


def limit(size: int, folder: Path) -> None:
    """From here on no file of this process grows beyond `size` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def large(folder: Path) -> Path:
    """A study whose last analysis finds 100 kB."""
    small.make(folder, locked=False)

    def last(data: dict[str, Any]) -> None:
        order = data["analyses"].pop("order")
        data["analyses"]["order"] = order | {"settings": {"n": 5, "rounds": 3000}}

    small.replan(folder, last)
    small.relock(folder)
    return folder


def test_a_run_without_room_for_its_store_keeps_what_it_had(tmp_path: Path) -> None:
    folder, whole = large(tmp_path / "small"), large(tmp_path / "whole")
    assert child.finish(whole, "run")[0] == 0
    for size in (0, 80_000):
        answer = child.finish(folder, "run", before=partial(limit, size))
        told(f"a disk that is full after {size} bytes", "run", answer, 2, "make room and try again")
        assert child.here(folder, "verify")[0] == 0
    assert sorted(child.found(folder)) == ["group", "held_out", "spread"]
    assert child.finish(folder, "run")[0] == 0
    assert child.found(folder) == child.found(whole)
    assert child.here(folder, "verify")[0] == 0


@pytest.mark.external
def test_a_run_on_a_disk_that_is_full(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can make a disk that is small")
    folder = large(tmp_path / "small")
    disk = folder / "home"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        told("a disk of 128 kB", "run", child.finish(folder, "run"), 2, "make room and try again")
        assert child.here(folder, "verify")[0] == 0
        assert sorted(child.found(folder)) == ["group", "held_out", "spread"]
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        assert child.finish(folder, "run")[0] == 0
        assert child.here(folder, "verify")[0] == 0
        assert len(child.found(folder)) == 4
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gate.xml", ("gate", "--junit")),
        ("gate.md", ("gate", "--summary")),
    ],
)
def test_an_output_without_room_leaves_the_old_one(folder: Path, name: str, words: tuple[str, ...]) -> None:
    assert child.finish(folder, "run")[0] == 0
    old = folder / "out" / name
    old.parent.mkdir()
    old.write_text("the old one")
    answer = child.finish(folder, *words, str(old), before=partial(limit, 1000))
    told("a disk that is full after 1000 bytes", f"{words[0]} {words[-1]}", answer, 2, f"{name} cannot be written")
    assert old.read_text() == "the old one"
    assert [path.name for path in old.parent.iterdir()] == [name]


def test_a_dossier_without_room_leaves_the_old_one_and_is_not_on_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert child.here(folder, "run")[0] == 0
    events, old = Store(child.store_file(folder)).events(), folder / "dossier.json"
    old.write_text("the old one")
    monkeypatch.setattr("os.fsync", full)
    words = ("report", "--format", "json", "--out", str(old))
    told("a disk that is full", "report --out", child.here(folder, *words), 2, "dossier.json cannot be written")
    assert old.read_text() == "the old one"
    assert not list(folder.glob(".dossier*"))
    assert Store(child.store_file(folder)).events() == events


def test_a_device_that_is_full_stays_a_device() -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(OutputError, match="No space left on device"):
        write_whole(device, b"x" * 10_000)
    assert not device.is_file()


@pytest.mark.parametrize("words", [("list",), ("list", "--json")])
def test_an_output_that_is_full_is_told(words: tuple[str, ...]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vvuq", *words],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    told(
        "a standard output that is full", " ".join(words), (done.returncode, done.stderr), 2, "No space left on device"
    )


# --- no permission -----------------------------------------------------------------------------------------------


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that somebody else can reach, which those of pytest are not."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    for path in [place, *place.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(place)


@pytest.fixture
def archive(open_to_all: Path) -> Path:
    """A study that was run, in folders and files that are read-only."""
    folder = small.make(open_to_all / "small")
    assert child.finish(folder, "run")[0] == 0
    return read_only(folder)


def read_only(folder: Path) -> Path:
    for path in [*folder.rglob("*"), folder]:
        path.chmod(READ_ONLY if path.is_dir() else 0o444)
    return folder


def test_a_run_in_a_read_only_folder(open_to_all: Path) -> None:
    folder = read_only(small.make(open_to_all / "small"))
    answer = child.finish(folder, "run", before=child.powerless)
    told("a read-only folder", "run", answer, 2, "name another store with --store")
    assert not (folder / "home").exists()


def test_an_archive_can_be_read_and_is_not_written(archive: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    assert child.finish(archive, "gate", before=child.powerless)[0] == 0
    assert child.finish(archive, "verify", before=child.powerless)[0] == 0
    told("a read-only store", "run", child.finish(archive, "run", before=child.powerless), 2, "cannot be written")
    page = ("report", "--format", "json", "--out", "/dev/null")
    told("a read-only store", "report", child.finish(archive, *page, before=child.powerless), 2, "cannot be written")
    out = ("gate", "--junit", str(archive / "gate.xml"))
    told("a read-only folder", "gate --junit", child.finish(archive, *out, before=child.powerless), 2, "gate.xml")
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before


def test_an_archive_without_its_last_rows_is_not_read_as_if_it_were_whole(open_to_all: Path) -> None:
    folder = small.make(open_to_all / "small")
    dead_after_commit(folder)
    store = child.store_file(folder)
    store.with_name("evidence.sqlite-shm").unlink()
    read_only(folder)
    answer = child.finish(folder, "gate", before=child.powerless)
    told("a read-only store whose last rows are in its -wal", "gate", answer, 2, "copy both to a folder")
    for path in (store.parent, *store.parent.iterdir()):
        path.chmod(0o755)
    assert len(child.found(folder)) == 4


# --- another process ---------------------------------------------------------------------------------------------


def test_a_store_that_is_locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert child.here(folder, "run")[0] == 0
    small.replan(folder, lambda data: data["analyses"]["order"]["settings"].update(n=6))
    small.relock(folder, "one more")
    monkeypatch.setenv("VVUQ_STORE_WAIT", "0.1")
    with sqlite3.connect(child.store_file(folder), isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        told("a store that another process writes", "run", child.here(folder, "run"), 2, "another process: wait for it")
        assert child.here(folder, "verify")[0] == 0
        assert child.here(folder, "gate")[0] == 3
        holder.execute("ROLLBACK")
    holder.close()
    assert child.here(folder, "run")[0] == 0
    assert child.here(folder, "gate")[0] == 0


def test_a_wait_that_is_no_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VVUQ_STORE_WAIT", "long")
    told("VVUQ_STORE_WAIT=long", "run", child.here(folder, "run"), 2, "a number of seconds")


# --- killed while it made or wrote the store ---------------------------------------------------------------------


def die_making(folder: Path) -> None:
    """The next transaction on a new store is the last thing this process does."""
    from vvuq.evidence import store

    store._METADATA.create_all = lambda connection: os.kill(os.getpid(), signal.SIGKILL)


def dead_after_commit(folder: Path) -> None:
    """The small study is run; its process dies when all is committed, and nothing has been tidied up."""
    process, _ = child.start(folder, "run", before=die_after_the_last_row)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def die_after_the_last_row(folder: Path) -> None:
    kept = Store.add

    def add(self: Store, study: str, key: str, evidence: Evidence, facts: Mapping[str, Any] | None = None) -> Record:
        connection = sqlite3.connect(self.path)  # holds the write-ahead file
        connection.execute("SELECT count(*) FROM events").fetchone()
        record = kept(self, study, key, evidence, facts)
        if record.evidence.analysis == "held_out":
            os.kill(os.getpid(), signal.SIGKILL)
        return record

    pytest.MonkeyPatch().setattr(Store, "add", add)  # for good: the process ends with it


def empty(store: Path) -> None:
    store.touch()


def headed(store: Path) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def half_a_schema(store: Path) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE evidence (seq INTEGER PRIMARY KEY)")
        connection.execute("DROP TABLE evidence")
    connection.close()


@pytest.mark.parametrize("begin", [empty, headed, half_a_schema])
def test_a_store_that_was_only_begun_is_no_store_yet(folder: Path, begin: Callable[[Path], None]) -> None:
    child.store_file(folder).parent.mkdir(parents=True)
    begin(child.store_file(folder))
    assert child.here(folder, "verify")[0] == 0
    assert child.here(folder, "gate")[0] == 3
    assert child.here(folder, "run")[0] == 0
    assert child.here(folder, "gate")[0] == 0


def test_killed_while_the_store_was_made(folder: Path) -> None:
    process, _ = child.start(folder, "run", before=die_making)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert child.here(folder, "verify")[0] == 0
    assert child.here(folder, "run")[0] == 0
    assert child.here(folder, "verify")[0] == 0


def test_killed_with_all_rows_in_the_write_ahead_file(folder: Path) -> None:
    dead_after_commit(folder)
    store = child.store_file(folder)
    assert store.with_name("evidence.sqlite-wal").stat().st_size > 0
    assert child.here(folder, "verify")[0] == 0
    assert len(child.found(folder)) == 4
    code, said = child.here(folder, "run")
    assert code == 0 and said.count("fresh") == 4
    assert child.here(folder, "gate")[0] == 0
