"""Stores that cannot serve."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bad_input.case import STORE, Case, Make, content

OTHER = "other.sqlite"


def store(
    what: str, make: Make, command: str, where: str, value: str, remedy: str, code: int = 2, **more: bool
) -> Case:
    """A store that is wrong; its messages name the file, what is wrong with it, and what to do."""
    return Case("store", what, make, command, where, "", value, remedy, exit=code, **more)


def database(statement: str) -> Make:
    """A database of SQLite made by one statement."""

    def make(folder: Path) -> None:
        connection = sqlite3.connect(folder / OTHER)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return make


def changed(statement: str) -> Make:
    """The study's own store, changed behind its back."""

    def make(folder: Path) -> None:
        connection = sqlite3.connect(folder / STORE)
        for name in ("evidence", "events"):
            connection.execute(f"DROP TRIGGER IF EXISTS {name}_UPDATE")
            connection.execute(f"DROP TRIGGER IF EXISTS {name}_DELETE")
        connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    return make


def cut(folder: Path) -> None:
    """The second half of the store is gone."""
    data = (folder / STORE).read_bytes()
    (folder / STORE).write_bytes(data[: len(data) // 2])


def shut(folder: Path) -> None:
    """Nobody may read the store."""
    (folder / STORE).chmod(0)


def read_only(folder: Path) -> None:
    """Nobody may write into the folder of the store."""
    (folder / STORE).chmod(0o444)
    (folder / STORE).parent.chmod(0o555)


NEWER = database("PRAGMA user_version = 99")
EDITED = changed("UPDATE evidence SET body = replace(body, '\"n\":2', '\"n\":9')")
FOREIGN = database("CREATE TABLE bookmarks (url)")

CASES = (
    store("no database", content("notes.txt", "not a database " * 99), "run toy --store notes.txt", "notes.txt",
          "is not a database", "name the store with --store"),
    store("no database, to be judged", content("notes.txt", "not a database " * 99), "gate toy --store notes.txt",
          "notes.txt", "is not a database", "name the store with --store"),
    store("folder", lambda folder: None, "run toy --store studies", "studies", "", "--store"),
    store("folder, to be judged", lambda folder: None, "gate toy --store studies", "studies", "", "--store"),
    store("store that is not there", lambda folder: None, "gate toy --store none.sqlite", "none.sqlite", "no evidence",
          "vvuq run", 3),
    store("newer schema", NEWER, f"run toy --store {OTHER}", OTHER, "schema 99", "update vvuq"),
    store("newer schema, to be judged", NEWER, f"gate toy --store {OTHER}", OTHER, "schema 99", "update vvuq"),
    store("another program's database", FOREIGN, f"run toy --store {OTHER}", OTHER, "not a store of evidence",
          "--store"),
    store("another program's database, to be judged", FOREIGN, f"report toy --store {OTHER}", OTHER,
          "not a store of evidence", "--store"),
    store("empty file, to be judged", content("empty.sqlite", ""), "gate toy --store empty.sqlite", "empty.sqlite",
          "no evidence", "vvuq run", 3),
    store("cut in half", cut, "run toy --only filter_exactness", STORE, "damaged", "restore it from a copy", 4),
    store("cut in half, to be rendered", cut, "report toy", STORE, "damaged", "restore it from a copy", 4),
    store("row that was edited", EDITED,
          "run toy --only cohort", STORE, "was changed", "move the file away", 4),
    store("row that was edited, to be rendered", EDITED,
          "report toy", "evidence E-", "was changed", "restore what", 4),
    store("event that was deleted", changed("DELETE FROM events"), "verify toy", STORE, "", "removed", 4),
    store("no permission to read", shut, "gate toy", STORE, "", "--store", nobody=True),
    store("no permission to write", read_only, "run toy --only cohort", STORE, "", "--store", nobody=True),
)  # fmt: skip
