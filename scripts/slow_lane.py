"""Runs the slow tests and writes what they gave, with commit and date, to docs/slow-lane.md.

Usage: slow_lane.py [PYTEST ARGUMENTS]"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "slow-lane.md"


def commit() -> str:
    """The commit that was tested, marked where the working tree differed from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip() or "no commit"


def outcome(case: ET.Element) -> str:
    """passed, or skipped, failed or error with the first line of the reason."""
    for kind, name in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        element = case.find(kind)
        if element is not None:
            reason = (element.get("message") or "").splitlines() or [""]
            return f"{name}: {reason[0]}"
    return "passed"


def page(report: Path, tested: str, closing: str) -> str:
    """The Markdown page of one run: which commit, where, when, its closing line, each test with outcome and seconds."""
    lines = [
        "# Slow lane",
        "",
        "Written by `make test-slow`: the statistical and long reference tests.",
        "",
        f"- Commit: {tested}",
        f"- Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"- Result: {closing}",
        "",
        "| Test | Outcome | Seconds |",
        "| --- | --- | ---: |",
    ]
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".replace("|", "\\|")
        text = outcome(case).replace("|", "\\|")
        lines.append(f"| `{name}` | {text} | {float(case.get('time', 0)):.1f} |")
    return "\n".join(lines + tables(report)) + "\n"


def tables(report: Path) -> list[str]:
    """The tables that tests reported (tests/tables.py), as Markdown."""
    found: dict[tuple[str, ...], list[list[object]]] = {}
    for entry in ET.parse(report).getroot().iter("property"):
        if entry.get("name") == "table":
            title, columns, cells = json.loads(entry.get("value") or "")
            found.setdefault((title, *columns), []).append(cells)
    lines = []
    for (title, *columns), rows in sorted(found.items()):
        lines += ["", f"## {title}", "", row(columns), row(["---"] * len(columns))]
        lines += [row(cells) for cells in sorted(rows)]
    return lines


def row(cells: Sequence[object]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str]) -> int:
    """Run `pytest -m slow`, write the page, and return pytest's exit code (5 where no test is marked slow)."""
    tested = commit()  # before the run: the tree may change while it lasts
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "slow", "--timeout=1800", f"--junitxml={report}", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        closing = ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            closing = line.strip(" =\n") or closing
        code = process.wait()
        if report.is_file():
            PAGE.write_text(page(report, tested, closing), encoding="utf-8")
            print(f"written: {PAGE.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
