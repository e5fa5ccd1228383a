"""Files that are whole or not there: written beside their place, then moved into it at once."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vvuq.errors import VvuqError


class OutputError(VvuqError):
    """A file cannot be written: no room, no permission. What stood there before is as it was."""

    exit_code = 2


def write_whole(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, all or nothing. Raises OutputError; the old file is then as it was."""
    with replacing(path, data):
        pass


@contextmanager
def replacing(path: Path, data: bytes) -> Iterator[None]:
    """Writes `data` beside `path`, runs the block, and puts it in place only where the block ends without an error.

    What must be noted before the file counts is noted in the block: by then it is known to fit on the disk. What a
    killed process left beside `path` is removed. A device or pipe is written to as it is. Raises OutputError."""
    with _clear(path):
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        place = None if _is_device(path) else _beside(target, data)
    try:
        yield
        with _clear(path):
            path.write_bytes(data) if place is None else os.replace(place, target)
    except BaseException:
        if place is not None:
            place.unlink(missing_ok=True)
        raise


def _beside(target: Path, data: bytes) -> Path:
    """A complete temporary file on the same disk as `target`, named after it and this process."""
    _sweep(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.{os.getpid()}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sweep(target: Path) -> None:
    """Removes what processes that are gone left half written."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        process = left.name.removeprefix(f".{target.name}.").partition(".")[0]
        if process.isdigit() and _gone(int(process)):
            left.unlink(missing_ok=True)


def _gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it runs, and belongs to somebody else
        return False
    return False


def _is_device(path: Path) -> bool:
    return path.is_relative_to("/dev") or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def _clear(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}): make room or name another place; "
            "what stood there before is as it was"
        ) from None
