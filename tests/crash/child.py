"""The command line on the small study in a process of its own, that can be killed, limited and made powerless.

Processes are forked from a server that has imported what a run needs, so that a test can afford many."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, Self

import small

from vvuq.cli import main
from vvuq.evidence.store import Store

NOBODY = 65534
TESTS = Path(__file__).resolve().parents[1]
Before = Callable[[Path], None]


@cache
def server() -> ForkServerContext:
    """The server that forks processes in which everything was used once."""
    forks, given = multiprocessing.get_context("forkserver"), os.environ.get("PYTHONPATH")
    forkserver._forkserver._stop()  # one that another test began imports something else
    forks.set_forkserver_preload(["crash.warm"])
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent), *([given] if given else [])])
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if given is not None:
            os.environ["PYTHONPATH"] = given
    return forks


def start(folder: Path, *words: str, before: Before | None = None) -> tuple[BaseProcess, Connection]:
    """A process that runs `vvuq WORDS small` on the study in `folder`, and where it will send (code, what it said)."""
    forks = server()
    here, there = forks.Pipe(duplex=False)
    process = forks.Process(target=_command, args=(folder, words, there, before))
    process.start()
    there.close()
    return process, here


def finish(folder: Path, *words: str, before: Before | None = None) -> tuple[int, str]:
    """(exit code, what it said) of the command, run to its end."""
    process, answer = start(folder, *words, before=before)
    said: tuple[int, str] = answer.recv()
    process.join()
    return said


def store_file(folder: Path) -> Path:
    """Where the command keeps the evidence of the study in `folder`."""
    return folder / "home" / "small" / "evidence.sqlite"


def here(folder: Path, *words: str) -> tuple[int, str]:
    """(exit code, what it said) of the command, run in this process."""
    from vvuq.run import study as studies

    kept, home = studies.open_study, os.environ.get("VVUQ_HOME")
    said = io.StringIO()
    try:
        studies.open_study = lambda where: small.open_small(folder)
        os.environ["VVUQ_HOME"] = str(folder / "home")
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main([words[0], "small", *words[1:]])
    finally:
        studies.open_study = kept
        os.environ.pop("VVUQ_HOME")
        if home is not None:
            os.environ["VVUQ_HOME"] = home
    return code, said.getvalue()


def waits(pid: int | None) -> bool:
    """True once the process sleeps in the kernel for a lock that another one holds."""
    locks = Path("/proc/locks")
    if not locks.exists():  # not Linux: it has had the time
        time.sleep(1.0)
        return True
    return any(line.split()[1] == "->" and str(pid) in line.split() for line in locks.read_text().splitlines())


def found(folder: Path) -> dict[str, str]:
    """{analysis: evidence id} of the store of the study in `folder`."""
    return {record.evidence.analysis: record.id for record in Store(store_file(folder)).records("small")}


class Clock:
    """Counts the calls, of Python or C, that a process makes from when it first opens a store; kills it at `end`.

    A moment named by this clock is the same on a fast machine, a slow one and a busy one."""

    def __init__(self, end: int | None = None) -> None:
        self.calls, self.end, self.runs = 0, end, False

    def __enter__(self) -> Self:
        sys.setprofile(self._tick)
        return self

    def __exit__(self, *of: object) -> None:
        sys.setprofile(None)

    def _tick(self, frame: FrameType, event: str, called: Any) -> None:
        self.runs = self.runs or called is sqlite3.connect
        self.calls += self.runs and event in ("call", "c_call")
        if self.calls == self.end:
            os.kill(os.getpid(), signal.SIGKILL)


def die_after(calls: int, folder: Path) -> None:
    """Begins the countdown to the end of this process."""
    Clock(calls).__enter__()


def powerless(folder: Path) -> None:
    """Gives up the rights of root, for whom no file is read-only."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _command(folder: Path, words: Sequence[str], answer: Connection, before: Before | None) -> None:
    sys.stdout = sys.stderr = io.StringIO()  # nothing of a killed process is to be seen
    if before is not None:
        before(folder)
    answer.send(here(folder, *words))
