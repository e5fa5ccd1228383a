"""A worker process: loads a function once, then runs the chunks it is sent until nobody sends any."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection

from vvuq.campaign.attempt import Attempt, attempt
from vvuq.campaign.function import AnyFunction

ONE_THREAD = tuple(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR", "NUMBA"))


def work(connection: Connection) -> None:
    """Answers messages: bytes are a pickled function, answered by "" or why it cannot be loaded; an array is points,
    answered by an Attempt; None ends it, as does the end of who sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who sends is interrupted, and ends this
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function: AnyFunction | None = None
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        if message is None:
            return
        answer: Attempt | str
        if isinstance(message, bytes):
            function, answer = loaded(message)
        else:
            answer = attempt(function, message) if function else Attempt(None, broken="no function was sent")
        try:
            connection.send(answer)
        except OSError:
            return


def loaded(text: bytes) -> tuple[AnyFunction | None, str]:
    """(the pickled function, "") or (None, why it cannot be loaded)."""
    try:
        return pickle.loads(text), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
