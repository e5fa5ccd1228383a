"""Attempts to make the gate say more than the evidence does, each with the exit code and the words it ends with."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from attempts import on_plan_and_lock, on_the_store, on_what_was_found
from attempts.hands import ATTEMPTS, Attempt, better, edit_event
from small import make, open_small, run_small
from tables import report

from vvuq.cli import main
from vvuq.evidence.canonical import from_json, to_json
from vvuq.evidence.store import row_digest

TITLE, COLUMNS = "Attempts to fool the gate", ("attempt", "exit", "message")


def gate(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[int, list[str]]:
    """(exit code, what the gate says) of the small study in `folder`."""
    monkeypatch.setattr("vvuq.run.study.open_study", lambda where: open_small(folder, **changes))
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["gate", "small", "--store", str(folder / "evidence.sqlite")])
    return code, [line.replace(f"{folder}/", "") for line in out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("base") / "small")
    run_small(folder)
    return folder


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    return shutil.copytree(base, tmp_path / "small")


def said(lines: list[str], words: str) -> str:
    """The line that carries the words; of a long one its beginning and what stands about them."""
    line = next((line for line in lines if words in line), "")
    assert line, "\n".join(lines)
    place = line.index(words)
    head = line if place < 80 else f"{line[:30]}... {line[place - 20 :]}"
    return head if len(head) <= 120 else f"{head[:117]}..."


@pytest.mark.parametrize("one", ATTEMPTS, ids=lambda one: one.name)
def test_each_attempt_ends_as_it_should(one: Attempt, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = one.do(folder, monkeypatch) or {}
    code, lines = gate(folder, monkeypatch, **changes)
    assert code == one.code, "\n".join(lines)
    report(TITLE, COLUMNS, (one.name, code, said(lines, one.words)))


def test_what_was_kept_outside_of_the_store_shows_a_chain_that_was_computed_anew(folder, monkeypatch):
    def head():
        return next(line for line in gate(folder, monkeypatch)[1] if "chain of events" in line)

    before = head()
    page, store = folder / "dossier.json", str(folder / "evidence.sqlite")
    assert main(["report", "small", "--store", store, "--format", "json", "--out", str(page)]) == 0
    assert main(["verify", str(page), "--store", store]) == 0
    edit_event(folder, relink=99, new_id=True)
    assert head() != before
    assert main(["verify", str(page), "--store", store]) == 4


def test_the_helpers_write_what_the_store_would(folder):
    modules = (on_plan_and_lock, on_the_store, on_what_was_found)
    assert {one.do.__module__ for one in ATTEMPTS} == {module.__name__ for module in modules}
    _, body, name, row = better(folder)
    assert row.digest == row_digest(row.study, row.id, row.key, row.recorded_at, row.body)
    assert to_json(from_json(body)) == body and name != row.id
