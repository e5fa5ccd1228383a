"""The same on the real study, in a copy: whatever is tried, the gate ends with the right code and says why."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from external import phenobarbital
from tables import report
from test_gate_is_not_fooled import said

from vvuq.cli import main
from vvuq.data.load import find_file
from vvuq.evidence.store import Store, row_digest
from vvuq.paths import shipped
from vvuq.record import Evidence
from vvuq.run import Study, open_study

pytestmark = [pytest.mark.slow, pytest.mark.external, pytest.mark.timeout(1800)]
TITLE, COLUMNS = "Attempts to fool the gate on the phenobarbital study", ("attempt", "exit", "message")
PLAN, STORE = Path("studies/phenobarbital/plan.yaml"), Path(".vvuq/phenobarbital/evidence.sqlite")
AGREEMENT = "validation.assessment.output_comparison.agreement"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study, its data beside it, locked and run."""
    card = phenobarbital()
    folder = tmp_path_factory.mktemp("base") / "work"
    shutil.copytree(shipped("studies") / "phenobarbital", folder / PLAN.parent)
    (folder / PLAN.with_name("plan.lock.json")).unlink(missing_ok=True)
    (folder / "data").mkdir()
    for file in card.obtain.files:
        shutil.copy(find_file(card, file) or "", folder / "data")
    with inside(folder):
        assert vvuq("plan", "lock")[0] == 0
        assert vvuq("run")[0] == 0
    return folder


@pytest.fixture
def work(base: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, where the command line runs."""
    with inside(shutil.copytree(base, tmp_path / "work")) as folder:
        yield folder


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[Path]:
    here, data = Path.cwd(), os.environ.get("VVUQ_DATA")
    os.environ["VVUQ_DATA"] = str(folder / "data")
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(here)
        os.environ.pop("VVUQ_DATA")
        if data is not None:
            os.environ["VVUQ_DATA"] = data


def vvuq(*words: str) -> tuple[int, list[str]]:
    """(exit code, lines said) of a command on the study."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main([*words, "phenobarbital"])
    return code, out.getvalue().replace(f"{Path.cwd()}/", "").splitlines()


def replan(change: Callable[[dict[str, Any]], object]) -> None:
    data = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    change(data)
    PLAN.write_text(yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False), encoding="utf-8")


def tamper(*statements: str) -> None:
    with sqlite3.connect(STORE, isolation_level=None) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in [*statements, *(sql for _, sql in guards)]:
            connection.execute(statement)
    connection.close()


def without(analysis: str) -> None:
    """The store as if the analysis had never been run."""
    records = Store(STORE).records("phenobarbital")
    STORE.unlink()
    for record in records:
        if record.evidence.analysis != analysis:
            Store(STORE, create=True).add("phenobarbital", record.key, record.evidence)


def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is."""


def widened(monkeypatch: pytest.MonkeyPatch) -> None:
    def widen(data: dict[str, Any]) -> None:
        next(one for one in data["factors"][AGREEMENT]["criteria"] if one["op"] == "<=")["value"] = 1e6

    replan(widen)


def widened_and_run(monkeypatch: pytest.MonkeyPatch) -> None:
    widened(monkeypatch)
    assert vvuq("run", "--only", "cohort")[0] == 4


def edited(monkeypatch: pytest.MonkeyPatch) -> None:
    tamper("UPDATE evidence SET body = replace(body, '\"coverage_90\":{', '\"coverage_90\": {') WHERE seq > 0")


def edited_with_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(row for row in Store(STORE).raw() if '"analysis":"holdout"' in row.body)
    body = row.body.replace('"status":"done"', '"status":"failed"')
    digest = row_digest(row.study, row.id, row.key, row.recorded_at, body)
    where = f"WHERE seq = {row.seq}"
    tamper(
        f"UPDATE evidence SET digest = '{digest}', body = replace(body, 'status\":\"done', 'status\":\"failed') {where}"
    )


def data_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("data/pheno.dta")
    path.write_bytes(path.read_bytes() + b"\n")


def event_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    seq = next(event.seq for event in Store(STORE).events() if event.kind == "opened")
    tamper(f"DELETE FROM events WHERE seq = {seq}")


def last_event_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    tamper("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")


def not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The analysis finds what it found, but for one number."""
    found = next(r.evidence for r in Store(STORE).records() if r.evidence.analysis == "holdout")
    lost = {name: replace(value, value=float("nan")) for name, value in found.values.items() if name == "mdape"}

    def run(twin: Any, context: Any, **settings: Any) -> Evidence:
        return replace(found, values={**found.values, **lost})

    without("holdout")
    changed(monkeypatch, run)
    assert vvuq("run", "--only", "holdout")[0] == 0


def changed(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Evidence]) -> None:
    def opened(where: str) -> Study:
        study = open_study(where)
        return replace(study, analyses={**study.analyses, "holdout": replace(study.analyses["holdout"], run=run)})

    monkeypatch.setattr("vvuq.run.study.open_study", opened)


def empty_selector(monkeypatch: pytest.MonkeyPatch) -> None:
    replan(lambda data: data["analyses"]["holdout"]["settings"].update(groups=[{"covariate": "weight", "below": 0.01}]))
    assert vvuq("plan", "lock", "--amend", "the smallest only")[0] == 0
    assert vvuq("run", "--only", "holdout")[0] == 3


def skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def skip(data: dict[str, Any]) -> None:
        del data["analyses"]["holdout"]
        for factor in data["factors"].values():
            factor["criteria"] = [one for one in factor.get("criteria", []) if one.get("analysis") != "holdout"]

    replan(skip)


def never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    without("holdout")


ATTEMPTS = [
    ("nothing", nothing, 3, "gap: "),
    ("threshold widened after the lock", widened, 4, "put the locked values back, or amend in the open"),
    ("threshold widened after the lock, run again", widened_and_run, 4, "put the locked values back"),
    ("evidence row edited", edited, 4, "was changed: its digest does not fit what it holds"),
    (
        "evidence row edited, its digest computed anew",
        edited_with_its_digest,
        4,
        "is not what the chain of events says",
    ),
    ("data file replaced", data_replaced, 4, "is not the file the data card pins"),
    ("opening deleted from the chain", event_deleted, 4, "is missing"),
    ("last event deleted", last_event_deleted, 4, "the last rows of events were removed"),
    ("metric that is not a number", not_a_number, 3, "mdape could not be computed"),
    ("group that selects no neonate", empty_selector, 3, "the group weight < 0.01 of the plan selects no patient"),
    ("analysis removed from the plan after the lock", skipped, 4, "analyses.holdout: removed"),
    ("analysis never run", never_run, 3, "holdout has not been run"),
]


@pytest.mark.parametrize(("name", "do", "code", "words"), ATTEMPTS, ids=[name for name, *_ in ATTEMPTS])
def test_each_attempt_ends_as_it_should(
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    do: Callable[[pytest.MonkeyPatch], None],
    code: int,
    words: str,
) -> None:
    do(monkeypatch)
    found, lines = vvuq("gate")
    assert found == code, "\n".join(lines)
    report(TITLE, COLUMNS, (name, found, said(lines, words)))
