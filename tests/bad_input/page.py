"""docs/bad-input.md: the cases with what each command says; scripts/bad_input_page.py writes it, a test compares."""

from __future__ import annotations

import sys
import tempfile
from itertools import groupby
from pathlib import Path

from bad_input.case import ROOT, Case, Result, prepare, run, shown
from bad_input.table import CASES

PAGE = ROOT / "docs" / "bad-input.md"
_HEAD = f"""# Bad input, and what is said of it

Each row is a test (`tests/bad_input/`): the input is made, the command runs, and it has to end with this exit code and
one message that names file (with its line, where it is YAML or Python), field, value and what would be right. There is
no traceback, no file is half written or left behind, and store, plan, data and pages are as they were. With `--json`
the same message stands in `{{"error": {{"exit": ..., "message": ...}}}}` on standard output.

{len(CASES)} cases. A message on several lines is shown on one. The commands, written without their first word, run
beside a study `toy` that is sound but for the case. `python scripts/bad_input_page.py` writes this page.
"""


def row(case: Case, result: Result, folder: Path) -> str:
    """One line of the page."""
    cells = (case.what, f"`{case.command[:60]}`", str(result.code), shown(case, result, folder))
    return f"| {' | '.join(cell.replace('|', '&#124;').replace('<', '&lt;').replace('*', '&#42;') for cell in cells)} |"


def compared(line: str) -> str:
    """What of a line is the same under every Python: on the oldest, with which it was written, all of it."""
    return line if sys.version_info[:2] == (3, 11) else line.rsplit(" | ", 1)[0]


def write() -> None:
    """Runs all cases and writes the page."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        place.chmod(0o755)
        (place / "sound").mkdir()
        prepare(place / "sound")
        lines = {}
        for number, case in enumerate(CASES):
            folder = place / str(number) / "study"
            folder.parent.mkdir()
            lines[case.name] = row(case, run(case, place / "sound", folder), folder)
    parts = [_HEAD]
    for area, cases in groupby(CASES, lambda case: case.area):
        parts.append(
            f"\n## {area[0].upper()}{area[1:]}\n\n| what is wrong | command | exit | message |\n|---|---|---|---|\n"
        )
        parts.append("\n".join(lines[case.name] for case in cases) + "\n")
    PAGE.write_text("".join(parts), encoding="utf-8")
