"""The two databases a campaign can be kept in: a SQLite file, or PostgreSQL by its URL, behind the same tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from vvuq.errors import InputError
from vvuq.evidence.sqlite import Layout, SqliteFile
from vvuq.evidence.trouble import StoreError, clear_errors

OPTION = "--campaign"
_VERSIONS = "campaign_schema"


class Database(Protocol):
    """Where rows go: a connection without transactions of its own, and errors in the words of who has to mend it."""

    name: str
    begin: str  # what begins a transaction that writes

    def connect(self) -> sa.Connection: ...

    def errors(self) -> Any: ...


def database(where: str | Path, layout: Layout) -> Database:
    """The database at a path or URL, made ready. Raises InputError for another URL than of PostgreSQL, or where its
    driver is missing, StoreError where the database cannot serve."""
    text = str(where)
    scheme, separator, _ = text.partition("://")
    if not separator:
        return _Sqlite(Path(where), layout)
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputError("campaign", "store", _shown(text), "a file of SQLite, or postgresql://USER@HOST/DATABASE")
    return _Postgres(f"postgresql+psycopg://{text.partition('://')[2]}", layout)


class _Sqlite:
    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, layout: Layout) -> None:
        self.name, self._path = str(path), path
        self._file = SqliteFile(path, layout, writable=True)
        with self.errors():
            self._file.prepare()

    def connect(self) -> sa.Connection:
        connection = self._file.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("PRAGMA synchronous=NORMAL")  # the end of a process loses nothing; that of power may
        connection.exec_driver_sql("PRAGMA cache_size=-65536")  # keys come in no order: keep the tree in memory
        return connection

    def errors(self) -> Any:
        return clear_errors(self._path, OPTION)


class _Postgres:
    begin = "BEGIN"

    def __init__(self, url: str, layout: Layout) -> None:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            remedy = "a file; or install what PostgreSQL needs: pip install 'vvuq[postgres]'"
            raise InputError("campaign", "store", _shown(url), remedy) from None
        self.name = _shown(url)
        with self.errors():
            options = {"connect_timeout": 10}
            self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=options)
            with self._engine.begin() as connection:
                _prepare(connection, layout, self.name)

    def connect(self) -> sa.Connection:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.ArgumentError as error:
            raise InputError("campaign", "store", self.name, f"postgresql://USER@HOST/DATABASE ({error})") from None
        except sa.exc.DBAPIError as error:
            raise _translated(self.name, error) from None


def _prepare(connection: sa.Connection, layout: Layout, name: str) -> None:
    """Tables and the version of their schema, once: of two that begin together one waits. Raises StoreError."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7655431)")
    versions = sa.Table(_VERSIONS, sa.MetaData(), sa.Column("version", sa.Integer, nullable=False))
    versions.create(connection, checkfirst=True)
    found = connection.execute(sa.select(versions.c.version)).scalar()
    if found is not None and found != layout.version:
        raise StoreError(f"{name} was written by a newer vvuq (schema {found}): update vvuq to read it")
    layout.tables.create_all(connection)
    if found is None:
        connection.execute(sa.insert(versions).values(version=layout.version))


def _translated(name: str, error: sa.exc.DBAPIError) -> StoreError:
    """By the class of PostgreSQL's SQLSTATE, which there is none of where no connection was made: the server may have
    answered all the same, and refused it."""
    state, text = str(getattr(error.orig, "sqlstate", None) or ""), " ".join(str(error.orig).split())
    if state.startswith("53"):
        return StoreError(f"{name}: the server has no room ({text}): make room; what was stored before is intact")
    if state.startswith(("28", "3D", "42501")) or (not state and "FATAL:" in text):
        return StoreError(f"{name} cannot be used ({text}): name user and database that may, with {OPTION}")
    if not state or state.startswith(("08", "57")):
        return StoreError(f"{name} cannot be reached ({text}): start the server, or name another store with {OPTION}")
    return StoreError(f"{name}: {text}")


def _shown(url: str) -> str:
    """A URL without its password."""
    scheme, _, rest = url.partition("://")
    who, at, place = rest.rpartition("@")
    return f"{scheme.partition('+')[0]}://{who.partition(':')[0]}{at}{place}"
