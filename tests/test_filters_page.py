"""docs/filters.md runs: each block in order, and what it prints is what stands under it, up to rounding and chaos."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tutorial import Block, blocks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "filters.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def printed(folder: Path, page: str) -> list[tuple[Block, str]]:
    """Each ```text block of the page with what the ```python block above it really printed."""
    found, space, said = [], dict[str, Any](), ""
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block.text, "filters.md", "exec"), space)
            said = out.getvalue()
        elif block.language == "text":
            found.append((block, said))
    return found


def alike(a: str, b: str) -> bool:
    """The same words, and numbers within a fifth or 0.05 of one another: a chaotic system magnifies rounding."""
    pairs = zip(NUMBER.findall(a), NUMBER.findall(b), strict=False)
    near = all(abs(float(p) - float(q)) <= max(0.05, 0.2 * abs(float(p))) for p, q in pairs)
    return near and NUMBER.sub("#", a).split() == NUMBER.sub("#", b).split()


def test_the_page_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = printed(tmp_path, PAGE.read_text(encoding="utf-8"))
    assert len(found) >= 4
    for block, said in found:
        assert alike(block.text, said), said


if __name__ == "__main__":  # writes what was really printed into the page
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        sys.path.insert(0, place)
        text = PAGE.read_text(encoding="utf-8")
        for block, said in reversed(printed(Path(place), text)):
            text = text[: block.start] + said + text[block.end :]
        PAGE.write_text(text, encoding="utf-8")
