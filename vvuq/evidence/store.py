"""The store of evidence: one SQLite file. Rows are only ever inserted, each together with an event of the chain."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vvuq.errors import IntegrityError, NotEvaluable
from vvuq.evidence.canonical import canonical, evidence_id, from_json, sha256, to_json
from vvuq.evidence.chain import FIRST, Event, link
from vvuq.evidence.sqlite import Layout, SqliteFile
from vvuq.evidence.trouble import StoreError, clear_errors
from vvuq.record import Evidence

__all__ = ["EVENTS", "EVIDENCE", "Record", "Store", "StoreError", "now", "row_digest", "stamp"]

SCHEMA_VERSION = 1
_METADATA = sa.MetaData()
EVIDENCE = sa.Table(
    "evidence",
    _METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("study", sa.String, nullable=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("recorded_at", sa.String, nullable=False),
    sa.Column("body", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sqlite_autoincrement=True,  # SQLite then remembers the highest row ever, so that a removed last row is missed
)
EVENTS = sa.Table(
    "events",
    _METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("study", sa.String, nullable=False),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("body", sa.String, nullable=False),
    sa.Column("previous", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sqlite_autoincrement=True,  # SQLite then remembers the highest row ever, so that a removed last row is missed
)
_GUARDS = {
    f"{table}_{verb}": f"CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
    for table, verb in product((EVIDENCE.name, EVENTS.name), ("UPDATE", "DELETE"))
}
_LAYOUT = Layout("a store of evidence", _METADATA, SCHEMA_VERSION, _GUARDS)


@dataclass(frozen=True, slots=True)
class Record:
    """One stored row: evidence, the freshness key it was made under, when, and the row's sha256."""

    seq: int
    study: str
    id: str
    key: str
    recorded_at: str
    evidence: Evidence
    digest: str


class Store:
    """Evidence and events of studies in the SQLite file `path`.

    `create` makes the file where there is none and opens it for writing; without it the store is only read. Another
    process that writes is waited for, for $VVUQ_STORE_WAIT seconds (30).
    Raises NotEvaluable where there is nothing to read, StoreError where the file cannot serve."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = Path(path)
        self._writable = create
        file = SqliteFile(self.path, _LAYOUT, writable=create)
        self._engine = file.engine
        if not create and not self.path.exists():
            raise self._nothing()
        with clear_errors(self.path):
            if create:
                file.prepare()
                return
            if file.is_empty():
                raise self._nothing()
            file.check()

    def records(self, study: str | None = None, keys: Collection[str] | None = None) -> tuple[Record, ...]:
        """The records of a study (or all), under these keys (or any), oldest first. Raises IntegrityError where a row
        cannot be read."""
        return tuple(
            Record(row.seq, row.study, row.id, row.key, row.recorded_at, from_json(row.body), row.digest)
            for row in self._rows(EVIDENCE, study)
            if keys is None or row.key in keys
        )

    def events(self, study: str | None = None) -> tuple[Event, ...]:
        """The events of a study (or all), oldest first."""
        return tuple(_event(row) for row in self._rows(EVENTS, study))

    def add(self, study: str, key: str, evidence: Evidence, facts: Mapping[str, Any] | None = None) -> Record:
        """Stores evidence and its event in one transaction. What is there already (same id and key) is not repeated."""
        name, body = evidence_id(evidence), to_json(evidence)
        with self._transaction() as connection:
            wanted = (EVIDENCE.c.study == study) & (EVIDENCE.c.id == name) & (EVIDENCE.c.key == key)
            old = connection.execute(sa.select(EVIDENCE).where(wanted)).first()
            if old is not None:
                return Record(old.seq, study, name, key, old.recorded_at, from_json(old.body), old.digest)
            time, seq = now(), _last(connection, EVIDENCE.c.seq) + 1
            digest = row_digest(study, name, key, time, body)
            row = {"seq": seq, "study": study, "id": name, "key": key, "recorded_at": time, "body": body}
            connection.execute(sa.insert(EVIDENCE).values(row | {"digest": digest}))
            said = {"row": seq, "id": name, "analysis": evidence.analysis, "status": evidence.status, "digest": digest}
            _append(connection, study, time, "evidence", said | dict(facts or {}))
        return Record(seq, study, name, key, time, evidence, digest)

    def append(self, study: str, kind: str, body: Mapping[str, Any]) -> Event:
        """Appends an event that speaks of no row of evidence."""
        with self._transaction() as connection:
            return _append(connection, study, now(), kind, body)

    def note(self, study: str, kind: str, body: Mapping[str, Any], by: str = "") -> None:
        """Appends an event unless the last of its kind (with the same body[by], where `by` is given) says the same."""
        with self._transaction() as connection:
            wanted = (EVENTS.c.study == study) & (EVENTS.c.kind == kind)
            rows = connection.execute(sa.select(EVENTS.c.body).where(wanted).order_by(EVENTS.c.seq)).scalars()
            before = [old for old in map(json.loads, rows) if not by or old.get(by) == body[by]]
            if not before or before[-1] != json.loads(canonical(body)):
                _append(connection, study, now(), kind, body)

    def raw(self) -> list[sa.Row[Any]]:
        """All rows of evidence as they are stored, unread: for verification."""
        return self._rows(EVIDENCE, None)

    def whole(self) -> tuple[tuple[Event, ...], list[sa.Row[Any]], list[str]]:
        """All events, all rows as in `raw`, and the damage, of one moment: another process may be writing."""
        with clear_errors(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            rows = {table.name: list(connection.execute(_select(table, None))) for table in (EVIDENCE, EVENTS)}
            found = _damage(connection)
            connection.exec_driver_sql("ROLLBACK")
        return tuple(_event(row) for row in rows[EVENTS.name]), rows[EVIDENCE.name], found

    def _rows(self, table: sa.Table, study: str | None) -> list[sa.Row[Any]]:
        with clear_errors(self.path), self._engine.connect() as connection:
            return list(connection.execute(_select(table, study)))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """One writer at a time, from the first look to the commit: positions in the chain cannot be taken twice."""
        if not self._writable:
            raise StoreError(f"{self.path} was opened for reading only")
        with clear_errors(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def _nothing(self) -> NotEvaluable:
        return NotEvaluable(f"there is no evidence yet at {self.path}: run the study first (vvuq run STUDY)")


def _select(table: sa.Table, study: str | None) -> sa.Select[Any]:
    query = sa.select(table).order_by(table.c.seq)
    return query if study is None else query.where(table.c.study == study)


def _damage(connection: sa.Connection) -> list[str]:
    """What SQLite itself finds wrong with the file, last rows and guards that were removed. Empty: nothing."""
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
    highest = {row[0]: row[1] for row in rows}
    last = {table.name: _last(connection, table.c.seq) for table in (EVIDENCE, EVENTS)}
    guards = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars())
    damaged = [f"the database is damaged: {line}" for line in found if line != "ok"]
    cut = [f"the last rows of {name} were removed" for name, seq in last.items() if highest.get(name, 0) != seq]
    return damaged + cut + [f"the guard {name} of the rows was removed" for name in sorted(_GUARDS.keys() - guards)]


def row_digest(study: str, name: str, key: str, recorded_at: str, body: str) -> str:
    """sha256 over all that a row of evidence holds."""
    return sha256(canonical([study, name, key, recorded_at, body]))


def now() -> str:
    """The present as `stamp` writes it."""
    return stamp(datetime.now(UTC))


def stamp(time: datetime) -> str:
    """A time in UTC as ISO 8601 to the microsecond: texts in the order of time."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _event(row: sa.Row[Any]) -> Event:
    try:
        body = json.loads(row.body)
        if canonical(body) != row.body:
            raise IntegrityError(f"event {row.seq} was changed: it is not in canonical form")
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"event {row.seq} was changed: it cannot be read: {error}") from None
    return Event(row.seq, row.study, row.time, row.kind, body, row.previous, row.digest)


def _append(connection: sa.Connection, study: str, time: str, kind: str, body: Mapping[str, Any]) -> Event:
    last = connection.execute(sa.select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(1)).first()
    seq, previous = (last.seq + 1, last.digest) if last else (1, FIRST)
    event = link(seq, study, time, kind, body, previous)
    row = {"seq": seq, "study": study, "time": time, "kind": kind, "body": canonical(body)}
    connection.execute(sa.insert(EVENTS).values(row | {"previous": previous, "digest": event.digest}))
    return event


def _last(connection: sa.Connection, column: sa.Column[Any]) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one())
