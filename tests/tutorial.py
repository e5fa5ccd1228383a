"""Runs the blocks of docs/tutorial.md. As a script it writes what they really printed into the page.

A ```sh block is run line by line (`# exits N` says with which code); the ```text block below it holds what it printed.
A block with the name of a file is written to it; where the file exists, its lines replace, in order, those marked."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = (
    (r"E-[0-9a-f]{12}", "E-*"),
    (r"\b[0-9a-f]{12,64}\b", "*"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "*"),
    (r"\d+\.\d+ ?s\b(?: \(\d+:\d\d:\d\d\))?", "* s"),
    (r"(?m)^[.s]+ +\[ *\d+%\]$", "*"),
)
Run = Callable[[str], tuple[int, str]]  # a command line -> exit code, what it printed


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it names, its text, and where the text stands in the page."""

    language: str
    file: str
    text: str
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """All fenced blocks in their order."""
    return [Block(m[1], m[2] or "", m[3], m.start(3), m.end(3)) for m in FENCE.finditer(page)]


def steps(page: str, run: Run) -> Iterator[tuple[Block, str]]:
    """Executes the page in the working folder; yields each ```text block with what was really printed."""
    printed = ""
    for block in blocks(page):
        if block.file:
            put(Path(block.file), block.text)
        elif block.language == "sh":
            printed = "".join(command(line, run) for line in block.text.splitlines())
        elif block.language == "text":
            yield block, printed


def command(line: str, run: Run) -> str:
    """What one line printed. Raises AssertionError where it ends with another code than the page says."""
    words, _, comment = line.partition("#")
    wanted = re.search(r"exits (\d+)", comment)
    code, printed = run(words.strip())
    assert code == (int(wanted[1]) if wanted else 0), f"{line} ended with {code}:\n{printed}"
    return printed


def put(path: Path, text: str) -> None:
    """Writes a file; or replaces, in order, the lines of one that are marked."""
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        return
    lines, new = path.read_text(encoding="utf-8").splitlines(), text.splitlines()
    marked = [place for place, line in enumerate(lines) if "TO WRITE" in line]
    assert len(marked) == len(new), f"{path}: {len(marked)} lines are marked, the page gives {len(new)}"
    for place, line in zip(marked, new, strict=True):
        indent = len(lines[place]) - len(lines[place].lstrip())
        lines[place] = " " * indent + line
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def masked(text: str) -> str:
    """The text without what differs from run to run: times, ids, digests."""
    for pattern, sign in VARYING:
        text = re.sub(pattern, sign, text)
    return text


SHORT = ("cohort", "population_fit", "convergence", "holdout")  # what a short run of the tutorial runs


def here(line: str) -> tuple[int, str]:
    """A command in this process; the conformance suite with few cases a property, and only SHORT of the analyses."""
    from vvuq.cli import main
    from vvuq.testing import check_conformance

    words, out = line.split(), io.StringIO()
    target = words.index(">") if ">" in words else len(words)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        if words[:2] == ["vvuq", "run"]:
            code = max(main([*words[1:], "--only", name]) for name in SHORT)
        elif words[0] == "vvuq":
            code = main(words[1:target])
        elif words[0] == "python":
            code = 0 if runpy.run_path(words[1]) else 1
        elif words[0] == "head":
            code, lines = 0, Path(words[2]).read_text(encoding="utf-8").splitlines()
            out.write("\n".join(lines[: -int(words[1])]) + "\n")
        else:
            report = check_conformance("twins/onecomp.py", examples=2)
            code = 0 if report.ok else 1
            out.write(f"{report}\n")
    return code, "" if target < len(words) else out.getvalue()


def shell(folder: Path) -> Run:
    """Commands in processes of their own, `vvuq`, `python` and `pytest` being those of this interpreter."""
    tools = folder / "bin"
    tools.mkdir()
    modules = {"vvuq": "-m vvuq", "python": "", "pytest": "-m pytest -p no:cacheprovider"}
    for name, words in modules.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "VVUQ_DATA", "VVUQ_HOME"))}
    paths = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PAGE.parent.parent)}

    def run(line: str) -> tuple[int, str]:
        same = subprocess.STDOUT
        done = subprocess.run(line, shell=True, env=ours | paths, stdout=subprocess.PIPE, stderr=same, check=False)
        return done.returncode, done.stdout.decode()

    return run


def rewrite() -> None:
    """Puts what the commands print into the page."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        found = list(steps(page, shell(Path(folder))))
    for block, printed in reversed(found):
        page = page[: block.start] + printed + page[block.end :]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
