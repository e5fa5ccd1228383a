"""The tutorial, typed by a new user in an empty folder: each command ends as the page says and prints what it shows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tutorial import PAGE, blocks, here, masked, shell, steps

FIFTEEN_MINUTES = 15 * 60.0  # seconds; reading and typing take most of them
WORDS_A_SECOND = 3.0  # of somebody who reads and types along
IN_SHORT = ("pytest -q tests", "vvuq run levels", "vvuq report levels\n", "vvuq gate levels")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("VVUQ_DATA", "VVUQ_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_tutorial_works_in_short(empty: Path) -> None:
    """In this process, with few cases for the conformance suite and half of the analyses."""
    page = PAGE.read_text(encoding="utf-8")
    before = {b.start: a.text for a, b in zip(blocks(page), blocks(page)[1:], strict=False)}
    shown = [(before[block.start], block.text, printed) for block, printed in steps(page, here)]
    assert len(shown) >= 9
    for commands, page_shows, printed in shown:
        if not any(command in commands for command in IN_SHORT):
            assert masked(printed) == masked(page_shows), commands
    assert (empty / "reports" / "levels" / "dossier.html").stat().st_size > 100_000


def test_nothing_of_the_tutorial_is_left_to_be_written(empty: Path) -> None:
    """The lines that it gives are as many as are marked (`put` looks), and hold no mark themselves."""
    given = [block for block in blocks(PAGE.read_text(encoding="utf-8")) if block.language == "yaml"]
    assert len(given) == 2 and not any("TO WRITE" in block.text for block in given)


@pytest.mark.slow
def test_the_tutorial_works_command_by_command(empty: Path) -> None:
    """In processes of their own, caches empty, in less than a quarter of an hour with the time that reading takes."""
    page, begun = PAGE.read_text(encoding="utf-8"), time.monotonic()
    cache = empty.parent / "cache"
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("VVUQ_CACHE", str(cache))
        for block, printed in steps(page, shell(empty)):
            assert masked(printed) == masked(block.text)
    reading = len(page.split()) / WORDS_A_SECOND
    assert time.monotonic() - begun + reading < FIFTEEN_MINUTES
