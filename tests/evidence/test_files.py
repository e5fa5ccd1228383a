"""A file is whole or as it was before; what a killed process left half written is removed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vvuq.evidence.files import OutputError, replacing, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(path.parent) == ["page.html"]


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "tempfile.mkstemp"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch, step: str) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(OutputError, match=r"page\.html cannot be written \(No space left on device\): make room"):
        write_whole(path, b"new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["page.html"]


def test_the_file_counts_only_when_the_block_ended_well(tmp_path: Path) -> None:
    path = tmp_path / "page.html"

    def stop() -> None:
        assert not path.exists()
        assert len(names(tmp_path)) == 1  # it is known to fit
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), replacing(path, b"new"):
        stop()
    assert names(tmp_path) == []
    with replacing(path, b"new"):
        pass
    assert path.read_bytes() == b"new"


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process in (gone.pid, os.getppid(), 2**40):
        (tmp_path / f".page.html.{process}.x.part").touch()
    (tmp_path / f".other.html.{gone.pid}.x.part").touch()
    (tmp_path / ".page.html.notes.part").touch()
    write_whole(tmp_path / "page.html", b"new")
    assert f".page.html.{gone.pid}.x.part" not in names(tmp_path)
    assert f".page.html.{os.getppid()}.x.part" in names(tmp_path)
    assert len(names(tmp_path)) == 5


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "page.html").write_text("old")
    (tmp_path / "page.html").symlink_to(tmp_path / "kept" / "page.html")
    write_whole(tmp_path / "page.html", b"new")
    assert (tmp_path / "page.html").is_symlink()
    assert (tmp_path / "kept" / "page.html").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write_whole(pipe, b"through")
    assert reader.communicate()[0] == b"through"
    assert names(tmp_path) == ["pipe"]


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "page.html", b"new")
    assert names(tmp_path) == ["page.html"]
