"""docs/following.md runs, block by block, on made-up patients, and what it says of its numbers holds."""

from pathlib import Path
from typing import Any

import freeliving
import numpy as np
from tutorial import blocks

PAGE = Path(__file__).resolve().parent.parent / "docs" / "following.md"


def test_the_page_runs_and_its_numbers_make_sense(capsys):
    space: dict[str, Any] = {"cohort": freeliving.cohort(3, days=1.5)}
    for block in blocks(PAGE.read_text("utf-8")):
        if block.language == "python":
            exec(compile(block.text, "following.md", "exec"), space)
    assert "P(below 70 within 3 h) = " in capsys.readouterr().out
    assert np.all(space["low"] < space["high"])
    assert np.all(np.diff(space["pair"].difference().mean(axis=1)[:4]) > 0.0)  # a snack raises glucose, more and more
