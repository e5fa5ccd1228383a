"""SQLite files as stores are kept in them: logs written ahead, one schema with a version, other writers waited for."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from vvuq.errors import InputError
from vvuq.evidence.trouble import StoreError, kind
from vvuq.evidence.turns import turn

_LONGEST_WAIT = 86400


@dataclass(frozen=True)
class Layout:
    """What a kind of store holds: its name in words, its tables, the version of their schema, its triggers by name, and
    the option of the command line that names such a file."""

    what: str
    tables: sa.MetaData
    version: int
    guards: Mapping[str, str] = field(default_factory=dict)
    option: str = "--store"


class SqliteFile:
    """A file of one layout. Writable ones are made where there is none; the others are only read.

    `engine` opens a connection for each use, without transactions of its own. Another process that writes is waited
    for, for $VVUQ_STORE_WAIT seconds (30). Errors of SQLite pass through: see `vvuq.evidence.trouble`."""

    def __init__(self, path: Path, layout: Layout, *, writable: bool) -> None:
        self.path, self.layout, self.writable = path, layout, writable
        self._wait = _seconds()
        self.engine = sa.create_engine("sqlite://", creator=self.connect, poolclass=sa.pool.NullPool)

    def connect(self) -> sqlite3.Connection:
        """A connection of its own. Raises StoreError where a read-only file has rows that cannot be reached."""
        address = f"file:{quote(str(self.path.resolve()))}"
        if self.writable:
            return sqlite3.connect(f"{address}?mode=rwc", uri=True, timeout=self._wait, isolation_level=None)
        connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=self._wait, isolation_level=None)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError as error:
            connection.close()
            if kind(error) not in ("CANTOPEN", "READONLY", "IOERR", "FULL"):
                raise
            return self._unchanging(address)
        return connection

    def _unchanging(self, address: str) -> sqlite3.Connection:
        """A store beside which no file can be made, for want of permission or room: nobody else writes there either."""
        ahead = self.path.with_name(f"{self.path.name}-wal")
        if ahead.exists() and ahead.stat().st_size:
            remedy = f"copy both to a folder that can be written, and name the copy with {self.layout.option}"
            raise StoreError(f"{self.path}: its last rows are still in {ahead.name} and cannot be read here: {remedy}")
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)

    def prepare(self) -> None:
        """Makes what is not there yet, and tries whether the file can be written. Raises as `check`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.is_empty():
            with turn(self.path, "new"):
                self._make()
        self.check()
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("ROLLBACK")

    def _make(self) -> None:
        if self.is_empty():  # still: another process may have made it meanwhile
            with self.engine.connect() as connection:
                _create(connection, self.layout)

    def is_empty(self) -> bool:
        """True where the file is new, or a process was killed while it made the store: nothing is in it yet."""
        if not self.path.exists() or not self.path.stat().st_size:
            return True
        version, tables = self._schema()
        return version == 0 and tables <= set(self.layout.tables.tables)

    def check(self) -> None:
        """Raises StoreError where the file is by a newer version, or a database of something else."""
        (version, tables), layout = self._schema(), self.layout
        wanted = set(layout.tables.tables)
        if version > layout.version:
            raise StoreError(f"{self.path} was written by a newer vvuq (schema {version}): update vvuq to read it")
        if version < layout.version or not wanted <= tables:
            raise StoreError(f"{self.path} is a database, but not {layout.what}: name it with {layout.option}")

    def _schema(self) -> tuple[int, set[str]]:
        """The version of the schema, and the tables there are."""
        with self.engine.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            return version, set(sa.inspect(connection).get_table_names())


def _create(connection: sa.Connection, layout: Layout) -> None:
    """Tables and the triggers that keep their rows, once: of two processes that begin together one waits."""
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    layout.tables.create_all(connection)
    for guard in layout.guards.values():
        connection.exec_driver_sql(guard)
    connection.exec_driver_sql(f"PRAGMA user_version={layout.version}")
    connection.exec_driver_sql("COMMIT")


def _seconds() -> float:
    """How long to wait for another process that writes."""
    given = os.environ.get("VVUQ_STORE_WAIT", "30")
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= _LONGEST_WAIT:
        raise InputError("environment", "VVUQ_STORE_WAIT", given, f"a number of seconds, at most {_LONGEST_WAIT}")
    return seconds
