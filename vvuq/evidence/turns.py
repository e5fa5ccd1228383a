"""One process at a time: advisory locks beside the store, which the kernel releases however their process ends.

Where the platform or the disk knows no such lock, work may be done twice; the store still keeps it once."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from urllib.parse import quote

from vvuq.evidence.trouble import clear_errors

_UNKNOWN = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

if sys.platform == "win32":

    def _flock(handle: int, *, wait: bool) -> None:
        raise OSError(errno.ENOSYS, "no advisory locks on this platform")

else:
    import fcntl

    def _flock(handle: int, *, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def turn(store: Path, name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the turn of `name` in the store at this path; `waiting` is called once where another process has it.

    Raises StoreError where no file can be made beside the store."""
    place = store.with_name(f".{store.name}.{quote(name, safe='')}.lock")
    with clear_errors(store):
        store.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(place, waiting)
    try:
        yield
    finally:
        with suppress(OSError):
            place.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def sweep(store: Path) -> None:
    """Removes the locks of processes that were killed; those that are held stay."""
    for place in store.parent.glob(f".{escape(store.name)}.*.lock"):
        with suppress(OSError):
            _remove(place)


def _remove(place: Path) -> None:
    """Removes a lock that nobody holds. Raises BlockingIOError where somebody does."""
    handle = os.open(place, os.O_RDWR)
    try:
        _flock(handle, wait=False)
        if _is_at(place, handle):
            place.unlink()
    finally:
        os.close(handle)


def _take(place: Path, waiting: Callable[[], None]) -> int | None:
    """An open file that is locked, and still the one at `place`: who had it before removed it when done."""
    told = [waiting]
    while True:
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle, told)
            if _is_at(place, handle):
                return handle
        except OSError as error:
            os.close(handle)
            if error.errno not in _UNKNOWN:
                raise
            logging.getLogger("vvuq").warning("%s: no locks here; two runs at once may do the same work", place.parent)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, told: list[Callable[[], None]]) -> None:
    try:
        _flock(handle, wait=False)
    except BlockingIOError:
        if told:
            told.pop()()
        _flock(handle, wait=True)


def _is_at(place: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False
