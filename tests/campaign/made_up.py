"""Functions for campaigns: quick, slow, fragile, lethal; of a module, so that other processes can load them."""

from __future__ import annotations

import mmap
import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.evidence.trouble import StoreError


@dataclass(frozen=True)
class Smooth:
    """a x0 + x1^2, and with more outputs its multiples; each column by itself, to the last bit."""

    a: float = 1.5
    outputs: int = 0

    def key(self):
        return repr((self.a, self.outputs))

    def __call__(self, points):
        one = self.a * points[0] + points[1] * points[1]
        return np.array([(i + 1.0) * one for i in range(self.outputs)]) if self.outputs else one


@dataclass(frozen=True)
class Counted:
    """The sum of rows, a run after another; each run that ends adds 1 to the byte count of a file, shared memory that
    outlives its process. The run whose x0 is `at` does what `end` says."""

    file: str
    seconds: float = 0.0
    at: float = np.nan
    end: str = "raise"

    def key(self):
        return repr((self.seconds, self.at, self.end))

    def __call__(self, points):
        found = np.empty(points.shape[1])
        with Path(self.file).open("r+b") as file, mmap.mmap(file.fileno(), 0) as counts:
            slot = 8 * (os.getpid() % (len(counts) // 8))
            for i in range(points.shape[1]):
                if points[0, i] == self.at:
                    bad_end(self.end)
                if self.seconds:
                    time.sleep(self.seconds)
                found[i] = points[0, i] + 2.0 * points[1, i]
                counts[slot : slot + 8] = (int.from_bytes(counts[slot : slot + 8]) + 1).to_bytes(8)
        return found


def bad_end(how):
    """A run that fails, or ends its process, or goes on for ever."""
    if how == "raise":
        raise ValueError("a point that cannot be run")
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        os._exit(3)
    while how == "loop":
        time.sleep(0.01)


def counter(path):
    """A file of zeros that `Counted` counts in; returns its name."""
    path.write_bytes(bytes(8 * 65536))
    return str(path)


def counted(path):
    """How many runs have ended, of all processes."""
    return int(np.frombuffer(Path(path).read_bytes(), ">u8").sum())


@dataclass(frozen=True)
class Fails:
    """x0, where it is not among `bad`: those raise or give not-a-number."""

    bad: tuple[float, ...]
    outputs: int = 0

    def key(self):
        return repr((self.bad, self.outputs))

    def __call__(self, points):
        if np.isin(points[0], self.bad[::2]).any():
            raise ZeroDivisionError("a bad point")
        one = np.where(np.isin(points[0], self.bad[1::2]), np.nan, points[0])
        return np.array([one, -one]) if self.outputs else one


def grid(n, d=2):
    """Points (d, n), the first row 0, 1, 2 ..."""
    return np.vstack([np.arange(float(n)), np.random.default_rng(n).standard_normal((d - 1, n))])


def in_its_own_process(folder, own, answer, limit=None):
    """A campaign that others run too, and one of its own; answers with what was told. limit: bytes a file may have."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for a in (1.0, own):
            run_campaign(Smooth(a), grid(1000), store=folder / "s", settings=Settings(code="code", task_seconds=0.01))
    except StoreError as error:
        answer.send(str(error))
    else:
        answer.send("")
