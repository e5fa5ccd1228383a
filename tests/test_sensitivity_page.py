"""docs/sensitivity.md runs, block by block, and what it prints is what stands under each block."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from test_filters_page import alike, printed

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sensitivity.md"


def test_the_page_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = printed(tmp_path, PAGE.read_text(encoding="utf-8"))
    assert len(found) >= 3
    for block, said in found:
        assert alike(block.text, said), said


if __name__ == "__main__":  # writes what was really printed into the page
    with tempfile.TemporaryDirectory() as place:
        sys.path.insert(0, place)
        text = PAGE.read_text(encoding="utf-8")
        for one, said in reversed(printed(Path(place), text)):
            text = text[: one.start] + said + text[one.end :]
        PAGE.write_text(text, encoding="utf-8")
