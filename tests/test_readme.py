"""What the documentation names exists: commands with their options, make targets, linked files, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from vvuq.errors import InputError, IntegrityError, NotEvaluable, VvuqError

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
STUDIES = {path.name for path in (ROOT / "studies").iterdir()} | {"levels", "onecomp"}  # and those of the tutorial
LINKS = [
    pytest.param(page, link, id=f"{page.name}:{link}")
    for page in PAGES
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text(encoding="utf-8"))
]


def code(page: Path) -> list[str]:
    """The lines of a page's shell blocks, without comments, and its inline code."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return lines + re.findall(r"`([^`\n]+)`", prose)


def named(program: str) -> list[tuple[str, ...]]:
    """The words after `program`, for each time a page shows it being called."""
    calls = {line.removeprefix(".venv/bin/") for page in PAGES for line in code(page)}
    return sorted(
        {tuple(call.split()[1:]) for call in calls if call.split()[:1] == [program] and len(call.split()) > 1}
    )


def verbs(words: tuple[str, ...]) -> tuple[str, ...]:
    """The leading words that name a command, up to its first argument."""
    found: list[str] = []
    for word in words:
        if not re.fullmatch(r"[a-z]+", word) or word in STUDIES:
            break
        found.append(word)
    return tuple(found)


@cache
def help_of(command: tuple[str, ...]) -> str:
    call = [sys.executable, "-m", "vvuq", *command, "--help"]
    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"vvuq {' '.join(command)} is not a command"
    return result.stdout


@pytest.mark.parametrize("words", named("vvuq"), ids=" ".join)
def test_commands_exist(words: tuple[str, ...]) -> None:
    usage = help_of(verbs(words))
    assert usage.startswith(f"usage: vvuq {' '.join(verbs(words))}".rstrip())
    assert [word for word in words if word.startswith("--") and word not in usage] == []


def test_an_unknown_command_is_noticed() -> None:
    with pytest.raises(AssertionError, match="not a command"):
        help_of(("certify",))


@pytest.mark.parametrize("words", named("make"), ids=" ".join)
def test_make_targets_exist(words: tuple[str, ...]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(words[0])}:", makefile, flags=re.MULTILINE)


def test_the_pages_name_the_main_commands() -> None:
    assert {"dossier", "test"} <= {words[0] for words in named("make")}
    assert {"list", "data", "run", "report", "gate", "verify"} <= {words[0] for words in named("vvuq")}


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links_lead_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link.partition("#")[0]).exists()


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name not in index] == []


def test_the_table_of_exit_codes_has_those_of_the_errors() -> None:
    table = set(re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    raised = {error.exit_code for error in (VvuqError, InputError, NotEvaluable, IntegrityError)}
    assert {str(code) for code in raised} <= table
