"""What goes wrong with a store, in the words of somebody who has to mend it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from vvuq.errors import IntegrityError, VvuqError


class StoreError(VvuqError):
    """The store cannot be used as asked: no database, not writable, no room, locked, or by a newer version."""

    exit_code = 2


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REMEDY = {
    "FULL": ": there is no room on the disk ({text}): make room and try again; what was stored before is intact",
    "IOERR": ": the disk is full, or it fails ({text}): make room and try again; what was stored before is intact",
    "BUSY": " is being written by another process: wait for it to end, then try again",
    "LOCKED": " is being written by another process: wait for it to end, then try again",
    "READONLY": " cannot be written ({text}): name another store with {option}",
    "PERM": " cannot be used ({text}): name another store with {option}",
    "CANTOPEN": " cannot be opened ({text}): name another store with {option}, or make its folder writable",
    "NOTADB": " is not a database: name the store with {option}, or move this file away",
}


@contextmanager
def clear_errors(path: Path, option: str = "--store") -> Iterator[None]:
    """Errors of SQLite and of the file system as StoreError, IntegrityError where the file itself is damaged.

    option: the words of the command line that name such a store."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise translated(path, error, option) from None


def translated(path: Path, error: Exception, option: str = "--store") -> VvuqError:
    """What to tell of an error met while using the store at `path`."""
    cause = getattr(error, "orig", None) or error
    name, text = kind(cause), str(cause)
    if path.is_dir():
        return StoreError(f"{path} is a folder: {option} names the file of the store")
    if name == "CORRUPT" or isinstance(cause, UnicodeDecodeError) or "decode" in text:
        return IntegrityError(f"{path} is damaged: {text}: restore it from a copy, or move it away and run again")
    if name not in _REMEDY:
        return VvuqError(f"{path}: {text}")
    return StoreError(f"{path}{_REMEDY[name].format(text=text, option=option)}")


def kind(error: BaseException) -> str:
    """SQLite's name for an error without its prefix and details ("BUSY"), or the like of it for the file system's."""
    if isinstance(error, OSError):
        return "FULL" if error.errno in _NO_ROOM else "READONLY"
    return str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").partition("_")[0]
