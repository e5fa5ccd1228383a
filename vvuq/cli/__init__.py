"""The command line: parses, prints, and turns errors into exit codes. Everything heavy is imported where it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vvuq.cli.words import parser
from vvuq.errors import VvuqError

if TYPE_CHECKING:
    import logging

_THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. No traceback reaches the user: it goes to a file that is named."""
    for name in _THREADS:
        os.environ[f"{name}_NUM_THREADS"] = "1"
    try:
        arguments = parser().parse_args(argv)
        return int(arguments.command(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except VvuqError as error:
        print(f"vvuq: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("vvuq: interrupted; what was finished is kept, and the next run goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        with _crash_log() as (logger, place):
            logger.exception("internal error")
        print(f"vvuq: internal error: {type(error).__name__}: {error}\ntraceback in {place}", file=sys.stderr)
        return 70


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
