"""docs/campaigns.md runs, block by block, and what it prints holds."""

import re
from pathlib import Path
from typing import Any

from tutorial import blocks

from vvuq.cli.words import parser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "campaigns.md"


def test_the_page_runs_and_its_commands_can_be_parsed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "campaigns"}
    for block in blocks(PAGE.read_text("utf-8")):
        if block.language == "python":
            exec(compile(block.text, "campaigns.md", "exec", dont_inherit=True), space)
        for line in block.text.splitlines() if block.language == "sh" else ():
            parser().parse_args(line.split()[1:])
    said = capsys.readouterr().out
    made, failed, read = map(int, re.match(r"(\d+) runs made, (\d+) failed; again: (\d+) read", said).groups())
    assert (made, read) == (20_000, 20_000)
    assert failed == (space["points"][1] <= 0.0).sum() > 0
    low, high = map(float, re.search(r"between (\S+) and (\S+) lie", said).groups())
    assert abs((high - low) - failed / 20_000) < 2e-4
