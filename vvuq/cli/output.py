"""Where a command may write: never over evidence, plan or lock, and known to be writable before anything is done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vvuq.errors import InputError

_KEPT = (".sqlite", ".yaml", ".yml")


def output(place: str, option: str) -> Path:
    """The file that `option` names, its folder made. Raises InputError where it is not to be written, or cannot be."""
    path = Path(place)
    if path.is_dir() or path.suffix in _KEPT or path.name == "plan.lock.json" or _database(path):
        raise InputError("command line", option, place, "a file of its own; not a folder, a store, a plan or a lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise InputError("command line", option, place, f"a file in a folder that can be written ({error})") from None


def _database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"
