"""What an attempt at fooling the gate is made of: hands on store, lock and plan of the small study (tests/small.py)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from small import ANALYSES, ORDER, replan, run_small

from vvuq.credibility import lock as locks
from vvuq.evidence.canonical import canonical, evidence_id, from_json
from vvuq.evidence.chain import link
from vvuq.evidence.store import Store, row_digest
from vvuq.record import Evidence, Quantity

Try = Callable[[Path, pytest.MonkeyPatch], dict[str, Any] | None]


@dataclass(frozen=True)
class Attempt:
    """What was tried in the study's folder, and how the gate has to end. `do` returns what the study became by it."""

    name: str
    do: Try
    code: int
    words: str


ATTEMPTS: list[Attempt] = []


def attempt(name: str, code: int, words: str) -> Callable[[Try], Try]:
    """Declares a function of (folder, monkeypatch) as an attempt that ends with this code, and says these words."""

    def declare(do: Try) -> Try:
        ATTEMPTS.append(Attempt(name, do, code, words))
        return do

    return declare


def tamper(folder: Path, *statements: tuple[str, tuple[Any, ...]] | str, guards: bool = True) -> None:
    """SQL on the store, its guards taken away before and put back after."""
    with sqlite3.connect(folder / "evidence.sqlite", isolation_level=None) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in found:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(*([statement] if isinstance(statement, str) else statement))
        for _, sql in found if guards else ():
            connection.execute(sql)
    connection.close()


def better(folder: Path) -> tuple[int, str, str, Any]:
    """(row, body, id, stored row) of the evidence of `order`, with a deviation ten times smaller."""
    row = Store(folder / "evidence.sqlite").raw()[0]
    body = row.body.replace('"value":0.002', '"value":0.0002')
    assert body != row.body
    return row.seq, body, evidence_id(from_json(body)), row


def edit_row(folder: Path, digest: bool = False) -> None:
    seq, body, _, row = better(folder)
    own = row_digest(row.study, row.id, row.key, row.recorded_at, body) if digest else row.digest
    tamper(folder, ("UPDATE evidence SET body = ?, digest = ? WHERE seq = ?", (body, own, seq)))


def edit_event(folder: Path, *, relink: int, new_id: bool) -> None:
    """The row, its event and `relink` events from there on are written anew."""
    seq, body, other, row = better(folder)
    name = other if new_id else row.id
    digest = row_digest(row.study, name, row.key, row.recorded_at, body)
    statements: list[Any] = [("UPDATE evidence SET body=?, digest=?, id=? WHERE seq=?", (body, digest, name, seq))]
    previous, left = "", relink
    for event in Store(folder / "evidence.sqlite").events():
        mine = event.kind == "evidence" and event.body["row"] == seq
        if left and (mine or previous):
            told = dict(event.body) | ({"digest": digest, "id": name} if mine else {})
            made = link(event.seq, event.study, event.time, event.kind, told, previous or event.previous)
            values = (canonical(told), made.previous, made.digest, event.seq)
            statements.append(("UPDATE events SET body=?, previous=?, digest=? WHERE seq=?", values))
            previous, left = made.digest, left - 1
    tamper(folder, *statements)


def insert_row(folder: Path, key: str, **changes: Any) -> tuple[str, tuple[Any, ...]]:
    """A statement that inserts evidence of `order` with a digest that fits it."""
    _, body, name, row = better(folder)
    values = {"study": row.study, "id": name, "key": key, "recorded_at": row.recorded_at, "body": body} | changes
    digest = row_digest(*(values[column] for column in ("study", "id", "key", "recorded_at", "body")))
    seq = len(Store(folder / "evidence.sqlite").raw()) + 1
    return "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", (seq, *values.values(), digest)


def reseal(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The lock changed by hand, with a seal that fits."""
    path = folder / "plan.lock.json"
    body = json.loads(path.read_text())
    body.pop("seal")
    change(body)
    path.write_text(json.dumps(body | {"seal": locks._seal(body)}))


def widen(folder: Path) -> None:
    replan(folder, lambda data: data["factors"][ORDER]["criteria"][0].update(value=0.5))


def counters(evidence: int, events: int) -> list[str]:
    """Statements that set back what SQLite remembers of the highest rows."""
    update = "UPDATE sqlite_sequence SET seq = {} WHERE name = '{}'"
    return [update.format(evidence - 1, "evidence"), update.format(events, "events")]


def found(value: float, **changes: Any) -> Evidence:
    quantity = Quantity(value, "1", n=5)
    return Evidence("Why?", "order", 1, "small", {}, "order", {"deviation": replace(quantity, **changes)})


def finding(folder: Path, result: Evidence | Exception, name: str = "order") -> dict[str, Any]:
    """The study with an analysis that finds this, run."""

    def run(twin, context, **settings):
        if isinstance(result, Exception):
            raise result
        return result

    changes = {"analyses": ANALYSES | {name: replace(ANALYSES[name], run=run)}, "source": "new"}
    run_small(folder, **changes)
    return changes
