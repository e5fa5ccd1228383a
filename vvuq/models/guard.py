"""A twin's file declares: while it is imported it opens no connection, touches no files and starts nothing.

An audit hook of the interpreter looks at each such step before it is taken, and refuses it where the twin's own code is
what takes it. Python files and installed packages may be read, which packages are installed may be looked up, and what
a package does while it is imported is its own affair. This catches accidents, such as a table read from a path of one
machine; it does not hold back malice: code that wants to get around it can. Run no twin that you would not run as a
program."""

from __future__ import annotations

import importlib.metadata
import os
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from vvuq.errors import InputError
from vvuq.models.lines import caller
from vvuq.numerics.jit import kernel_folder
from vvuq.paths import PACKAGE, cache_folder

_KINDS = {  # what the interpreter calls a step (or a family of steps) -> what it is to a reader
    "socket": "network", "urllib": "network", "http": "network", "ftplib": "network", "smtplib": "network",
    "webbrowser": "network", "subprocess": "process", "os.system": "process", "os.exec": "process",
    "os.fork": "process", "os.forkpty": "process", "os.posix_spawn": "process", "os.spawn": "process",
    "os.startfile": "process", "pty": "process", "builtins.input": "question", "shutil": "file", "tempfile": "file",
    "sqlite3": "file", "glob": "file", "os.listdir": "file", "os.scandir": "file", "os.walk": "file",
    "os.remove": "file", "os.rename": "file", "os.rmdir": "file", "os.mkdir": "file", "os.link": "file",
    "os.symlink": "file", "os.truncate": "file", "os.chmod": "file", "os.chown": "file", "os.chdir": "file",
}  # fmt: skip
_LOOKUP = f"{Path(importlib.metadata.__file__).parent}{os.sep}"  # the code that looks up what is installed
_HARMLESS = ("socket.__new__", "socket.gethostname")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_REMEDY = (
    "declarations alone: while a twin is imported it uses no network, no files and no processes; "
    "numbers that it needs stand in its Python files, whose digest evidence carries"
)


@dataclass(frozen=True, slots=True)
class _Watch:
    """Whose code is watched, by the beginning of its path, and the folders that are free to write and to read."""

    files: str
    written: tuple[Path, ...]
    read: tuple[Path, ...]


_watches: list[_Watch] = []
_refused: list[InputError] = []
_installed: list[bool] = []


@contextmanager
def guarded(files: str) -> Iterator[None]:
    """Refuses what code in files whose path begins with `files` does beyond declaring, inside the block.

    Raises InputError with file and line of the first such step, even where the code caught the refusal."""
    if not _installed:
        sys.addaudithook(_hook)  # it stays for as long as the process runs, and looks only inside this block
        _installed.append(True)
    packages = (sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages(), "/proc", "/sys")
    _refused.clear()
    _watches.append(_Watch(files, (cache_folder(), kernel_folder()), (PACKAGE, *map(Path, packages))))
    try:
        yield
    finally:
        _watches.pop()
        if _refused:
            raise _refused[0]


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watches:
        return
    watch = _watches[-1]
    kind = _KINDS.get(event) or _KINDS.get(event.partition(".")[0])
    if event == "open":
        kind = "file"
    if kind is None or event in _HARMLESS or (kind == "file" and not _refuses(watch, event, *arguments)):
        return
    at = caller(sys._getframe(1), watch.files)
    if at is None or (_looked_up(event, *arguments) and _looks_up(sys._getframe(1), watch.files)):
        return
    step = f"{event} {arguments[0]}" if arguments else event
    error = InputError(f"{at[0]}:{at[1]}", f"{kind} at import", step, _REMEDY)
    _refused.append(error)
    raise error


def _refuses(watch: _Watch, event: str, path: Any = None, mode: Any = None, flags: Any = 0, *_: Any) -> bool:
    """True for a file that a declaration has no business with."""
    if not isinstance(path, str | bytes | os.PathLike):
        return event != "open"  # what is open already may be opened by its descriptor
    file = Path(os.fsdecode(path)).absolute()
    if "__pycache__" in file.parts or str(file) == os.devnull or any(map(file.is_relative_to, watch.written)):
        return False
    return _writes(event, mode, flags) or not (file.suffix == ".py" or any(map(file.is_relative_to, watch.read)))


def _writes(event: str, mode: Any, flags: Any) -> bool:
    return event != "open" or bool(set(mode) & set("wax+") if mode else flags & _WRITES)


def _looked_up(event: str, path: Any = None, mode: Any = None, flags: Any = 0, *_: Any) -> bool:
    """True for what a look-up of installed packages reads: a folder of sys.path, and descriptions of packages in it.

    numba looks up its extensions when it first compiles something, which may be while a twin is imported."""
    if not isinstance(path, str) or (event != "os.listdir" and _writes(event, mode, flags)):
        return False
    file, places = Path(path).absolute(), {Path(os.fsdecode(entry)).absolute() for entry in sys.path}
    describes = file.parent.suffix in (".dist-info", ".egg-info") or file.parent.name == "EGG-INFO"
    return file in places or (event == "open" and describes and file.parent.parent in places)


def _looks_up(frame: FrameType | None, files: str) -> bool:
    """True where such a look-up stands between a frame and the nearest one in a file whose path begins with `files`."""
    while frame is not None and not frame.f_code.co_filename.startswith(files):
        if frame.f_code.co_filename.startswith(_LOOKUP):
            return True
        frame = frame.f_back
    return False
