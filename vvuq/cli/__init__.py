"""The command line: parses, prints, and turns errors into exit codes. Everything heavy is imported where it is used."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vvuq.cli.words import parser
from vvuq.errors import InputError, VvuqError

if TYPE_CHECKING:
    import logging

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. No traceback reaches the user: it goes to a file that is named."""
    for name in _THREADS:
        os.environ[f"{name}_NUM_THREADS"] = "1"
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with _as_lines():
            _stand()
            arguments = parser().parse_args(words)
            code = int(arguments.command(arguments))
            sys.stdout.flush()
            return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except VvuqError as error:
        return _end(words, error.exit_code, "error", str(error))
    except KeyboardInterrupt:
        said = "what was finished is kept, and the next run goes on from there"
        return _end(words, 130, "interrupted", said)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to print has nowhere to go
            return _end(words, 2, "error", f"standard output cannot be written ({error.strerror}): make room there")
        with _crash_log() as (logger, place):
            logger.exception("internal error")
        return _end(words, 70, "internal error", f"{type(error).__name__}: {error}\ntraceback in {place}")


def _stand() -> None:
    """Raises InputError where the working directory was removed: no path would lead anywhere."""
    try:
        Path.cwd()
    except OSError as error:
        raise InputError(
            "environment", "working directory", error.strerror, "a folder that exists: cd to one"
        ) from None


def _end(words: Sequence[str], code: int, what: str, message: str) -> int:
    """Says how a command ended, to people on standard error, and as JSON where that was asked for."""
    shown = "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in message)
    print(f"vvuq: {what}: {shown}", file=sys.stderr)
    if "--json" in words:
        print(json.dumps({"error": {"exit": code, "message": message}}, indent=1))
    return code


@contextmanager
def _as_lines() -> Iterator[None]:
    """Warnings are lines for people, and a terminal that lacks a sign gets its number instead of an end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *place, **more: f"vvuq: warning: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextmanager
def _crash_log() -> Iterator[tuple[logging.Logger, str]]:
    """A logger that writes to a new file, and the path of that file."""
    import logging
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix="vvuq-", suffix=".log")
    os.close(descriptor)
    handler = logging.FileHandler(name, encoding="utf-8")
    logger = logging.Logger("vvuq.crash")
    logger.addHandler(handler)
    yield logger, name
    handler.close()
