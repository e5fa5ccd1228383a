"""Walks the table of bad inputs: exit code, one message with file, field, value and remedy, nothing half done."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tables
from bad_input.case import COHORT, PLAN, STORE, Case, content, line_of, nothing, prepare, rows, run, shown
from bad_input.page import PAGE, compared, row
from bad_input.table import AREAS, CASES

LINES = {compared(line) for line in PAGE.read_text(encoding="utf-8").splitlines()} if PAGE.is_file() else set()

pytestmark = pytest.mark.filterwarnings("default::RuntimeWarning")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound study, prepared once."""
    folder = tmp_path_factory.mktemp("bad") / "sound"
    folder.mkdir()
    prepare(folder)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody reaches, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="vvuq-bad-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_ends_in_one_clear_message(case: Case, template: Path, tmp_path: Path, open_folder: Path) -> None:
    folder = (open_folder if case.nobody else tmp_path) / "study"
    result = run(case, template, folder)
    assert result.code == case.exit, result.err
    assert len(result.messages) == 1, result.err
    message, noted = result.messages[0], [STORE] * case.noted
    assert "Traceback" not in result.out + result.err
    assert "Input should" not in message, "words of the validator"
    for part in (line_of(folder, case), case.field, case.value, case.remedy):
        assert part in message
    if case.noted:
        assert rows(result.before[STORE]) < rows(result.after[STORE])
    assert [n for n in {*result.before, *result.after} if result.before.get(n) != result.after.get(n)] == noted
    assert result.left == ()
    tables.report("Bad input", ("case", "exit", "message"), (case.name, result.code, shown(case, result, folder)[:180]))
    assert compared(row(case, result, folder)) in LINES, "docs/bad-input.md is old: python scripts/bad_input_page.py"
    if not (case.process or case.nobody or case.command == COHORT):
        as_json = run(case, template, folder, "--json")
        found = json.loads(as_json.out)["error"]
        assert (as_json.code, found["exit"]) == (case.exit, case.exit)
        assert case.remedy in found["message"]


def test_the_table_is_long_and_covers_every_area() -> None:
    assert len(CASES) >= 90
    assert len({case.name for case in CASES}) == len(CASES)
    found = {area: sum(case.area == area for case in CASES) for area in AREAS}
    assert set(found) == {case.area for case in CASES}
    assert min(found.values()) >= 5, found


def test_the_page_shows_these_cases_and_no_others() -> None:
    assert sum(line.startswith("| ") for line in LINES) == len(CASES) + 1


def test_what_a_command_leaves_or_loses_is_noticed(template: Path, tmp_path: Path) -> None:
    made = Case("none", "page", nothing, "report toy", "", "", "", "")
    result = run(made, template, tmp_path / "study")
    assert (result.code, result.messages) == (0, [])
    assert {"reports/toy/dossier.html", STORE} <= {
        n for n, data in result.after.items() if result.before.get(n) != data
    }
    assert rows(result.before[STORE]) < rows(result.after[STORE])
    broken = Case("none", "crash", content(PLAN, ""), "report toy", PLAN, "", "", "")
    assert run(broken, template, tmp_path / "other").code == 2
