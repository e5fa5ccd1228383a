"""The store of runs: a row a run under its content hash, written by any number of processes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from vvuq.campaign.database import database
from vvuq.errors import InputError
from vvuq.evidence.sqlite import Layout
from vvuq.evidence.store import now

State = Literal["done", "failed", "quarantined"]
SCHEMA_VERSION = 1
NO_OUTPUTS = 0  # a function that gives one number a point, values (n,)
_ASKED_AT_ONCE = 500
_METADATA = sa.MetaData()


class _Bytes(sa.LargeBinary):
    """Bytes as both drivers take and give them: wrapping each costs more than writing it."""

    def bind_processor(self, dialect: sa.Dialect) -> None:
        return None

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        return None


CAMPAIGNS = sa.Table(
    "campaigns",
    _METADATA,
    sa.Column("id", _Bytes, primary_key=True),
    sa.Column("function", sa.String, nullable=False),  # its class and key, for people
    sa.Column("code", sa.String, nullable=False),
    sa.Column("seed", sa.String, nullable=False),
    sa.Column("outputs", sa.Integer, nullable=True),  # numbers a point; unknown until a run is done
    sa.Column("begun_at", sa.String, nullable=False),
)
RUNS = sa.Table(
    "runs",
    _METADATA,
    sa.Column("key", _Bytes, primary_key=True),
    sa.Column("campaign", _Bytes, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("results", _Bytes, nullable=False),  # float64, little endian
    sqlite_with_rowid=False,
)
_LAYOUT = Layout("a store of campaigns", _METADATA, SCHEMA_VERSION, option="--campaign")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run: its key, how it ended, why it failed, and the bytes of its values (float64, little endian)."""

    key: bytes
    state: State
    reason: str = ""
    results: bytes = b""


class CampaignStore:
    """Runs in a SQLite file or, by URL, in PostgreSQL; made where there is none. To be closed, or used in `with`.

    Raises StoreError where it cannot serve: no room, locked, no database, by a newer version."""

    def __init__(self, where: str | Path) -> None:
        self._database = database(where, _LAYOUT)
        self.name = self._database.name
        with self._database.errors():
            self._connection = self._database.connect()
        postgres = self._connection.dialect.name == "postgresql"
        self._upsert, self._note = _upserts(postgresql.insert if postgres else sqlite.insert)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; what was written stays."""
        self._connection.close()

    def outputs(self, campaign: bytes) -> int | None:
        """How many numbers a run of the campaign gives, NO_OUTPUTS for (n,) values; None where no run is known."""
        with self._database.errors():
            query = sa.select(CAMPAIGNS.c.outputs).where(CAMPAIGNS.c.id == campaign)
            found: int | None = self._connection.execute(query).scalar()
            return found

    def knows(self, campaign: bytes) -> bool:
        """True where a run of the campaign was ever kept."""
        with self._database.errors():
            query = sa.select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.id == campaign)
            return self._connection.execute(query).first() is not None

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Run]:
        """The finished runs among these keys."""
        query = sa.select(RUNS.c.key, RUNS.c.state, RUNS.c.reason, RUNS.c.results)
        query = query.where(RUNS.c.key.in_(sa.bindparam("keys", expanding=True)))
        found: dict[bytes, Run] = {}
        with self._database.errors():
            for begin in range(0, len(keys), _ASKED_AT_ONCE):
                rows = self._connection.execute(query, {"keys": keys[begin : begin + _ASKED_AT_ONCE]})
                found |= {row[0]: Run(*row) for row in rows}
        return found

    def begin(self, campaign: bytes, function: str, code: str, seed: int, outputs: int | None) -> None:
        """Notes a campaign, once, and the number of outputs as soon as it is known. Raises InputError where it is
        another than that of earlier runs."""
        row = {"id": campaign, "function": function, "code": code, "seed": str(seed), "outputs": outputs}
        with self._transaction():
            self._connection.execute(self._note, row | {"begun_at": now()})
        known = self.outputs(campaign)
        if outputs is not None and known != outputs:
            remedy = f"outputs as in earlier runs ({known} a point): key() leaves out what decides their number"
            raise InputError(self.name, "outputs a point", outputs, remedy)

    def write(self, campaign: bytes, runs: Sequence[Run]) -> None:
        """Keeps runs, all or none. A run that is done stays as it is; one that failed gives way to a later end."""
        rows = [
            {"key": r.key, "campaign": campaign, "state": r.state, "reason": r.reason, "results": r.results}
            for r in sorted({run.key: run for run in runs}.values(), key=lambda run: run.key)
        ]  # in one order: two writers that lock the same rows wait for each other, but not forever
        if rows:
            with self._transaction():
                self._connection.execute(self._upsert, rows)

    def counts(self) -> dict[str, int]:
        """{state: runs} of all campaigns."""
        with self._database.errors():
            query = sa.select(RUNS.c.state, sa.func.count()).group_by(RUNS.c.state)
            return {state: int(count) for state, count in self._connection.execute(query)}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database.errors():
            self._connection.exec_driver_sql(self._database.begin)
            try:
                yield
            except BaseException:
                self._undo()
                raise
            self._connection.exec_driver_sql("COMMIT")

    def _undo(self) -> None:
        """Rolls back, where the connection still can: the error that led here is the one to tell."""
        try:
            self._connection.exec_driver_sql("ROLLBACK")
        except sa.exc.DBAPIError:
            return


def _upserts(insert: Any) -> tuple[Any, Any]:
    """(insert of runs, insert of campaigns), of the dialect's own kind."""
    runs, notes = insert(RUNS), insert(CAMPAIGNS)
    names = ("state", "reason", "results")
    runs = runs.on_conflict_do_update(
        index_elements=[RUNS.c.key], set_={n: runs.excluded[n] for n in names}, where=RUNS.c.state != "done"
    )
    notes = notes.on_conflict_do_update(
        index_elements=[CAMPAIGNS.c.id], set_={"outputs": notes.excluded.outputs}, where=CAMPAIGNS.c.outputs.is_(None)
    )
    return runs, notes
