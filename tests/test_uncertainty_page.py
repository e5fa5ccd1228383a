"""docs/uncertainty.md and docs/sensitivity.md run, block by block, and print what stands under each block."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from test_filters_page import alike, printed

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {"uncertainty.md": 5, "sensitivity.md": 3}  # and how many blocks print at least


@pytest.mark.parametrize("name", PAGES)
def test_the_page_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = printed(tmp_path, (DOCS / name).read_text(encoding="utf-8"))
    assert len(found) >= PAGES[name]
    for block, said in found:
        assert alike(block.text, said), said


if __name__ == "__main__":  # writes what was really printed into the pages
    for one in PAGES:
        with tempfile.TemporaryDirectory() as place:
            sys.path.insert(0, place)
            text = (DOCS / one).read_text(encoding="utf-8")
            for block, said in reversed(printed(Path(place), text)):
                text = text[: block.start] + said + text[block.end :]
            (DOCS / one).write_text(text, encoding="utf-8")
