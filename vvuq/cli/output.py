"""Where a command may write: never over evidence, plan or lock, and known to be writable before anything is done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vvuq.errors import InputError

_KEPT = (".sqlite", ".yaml", ".yml")


def output(place: str, option: str, ending: str = "") -> Path:
    """The file that `option` names, its name with this ending. Makes nothing.

    Raises InputError where it is not to be written over, or cannot be written."""
    path = Path(place)
    try:
        if path.is_dir() or path.suffix in _KEPT or path.name == "plan.lock.json" or is_store(path):
            remedy = "a file of its own; not a folder, a store, a plan or a lock"
            raise InputError("command line", option, place, remedy)
        if path.exists() and not path.is_file():
            return path  # a device, such as the standard output
        if not path.name.endswith(ending):
            raise InputError("command line", option, place, f"a file name that ends in {ending}, as --format says")
        folder = next(one for one in path.absolute().parents if one.exists())
        with tempfile.TemporaryFile(dir=folder):
            return path
    except OSError as error:
        remedy = f"a file in a folder that can be written ({error.strerror})"
        raise InputError("command line", option, place, remedy) from None


def is_store(path: Path) -> bool:
    """True for a database of SQLite, and for a file that is named like a store."""
    if not path.is_file():
        return False
    if path.suffix == ".sqlite":
        return True
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"
