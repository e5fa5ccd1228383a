"""A run killed at any moment loses nothing that it had finished, and ends, started again, with the same digests."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import small
from crash import child
from external import phenobarbital
from tables import report

from vvuq.evidence.canonical import canonical, sha256, value_digest
from vvuq.evidence.store import Store

COLUMNS_OF_CALLS = ("run", "killed after [calls]", "records by then", "digest of all value digests")
COLUMNS = ("run", "killed after [s]", "records by then", "digest of all value digests")
ROOT = Path(__file__).resolve().parents[2]
KILLS = 10


def digest_of(store: Path, study: str) -> str:
    """One digest for what a store holds: that of {analysis: value digest}."""
    return sha256(canonical({r.evidence.analysis: value_digest(r.evidence) for r in Store(store).records(study)}))


def records(store: Path) -> int:
    """How many rows there are by now, as anybody can count them who has nothing but SQLite."""
    if not store.exists() or not store.stat().st_size:
        return 0
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'evidence'").fetchone()[0]
        found = connection.execute("SELECT count(*) FROM evidence").fetchone()[0] if tables else 0
    connection.close()
    return int(found)


def leftovers(store: Path) -> list[str]:
    """Files beside the store that a killed process may have left; SQLite's own are its readers' as well."""
    return [path.name for path in store.parent.iterdir() if path.suffix in (".lock", ".part")]


@pytest.mark.parametrize("kills", [4, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_kills_of_a_small_study(tmp_path: Path, kills: int) -> None:
    """A moment is drawn from each part of the run, told by calls and not by seconds: the same on any machine."""
    title = f"Kill test: {kills} kills of a small study"
    for name in ("first", "whole"):  # the first imports what a run needs
        whole = small.make(tmp_path / name)
        with child.Clock() as clock:
            assert child.here(whole, "run")[0] == 0
    expected = digest_of(child.store_file(whole), "small")
    report(title, COLUMNS_OF_CALLS, (0, f"none of {clock.calls}", 4, expected))
    chance, seen = random.Random(20261122), set()
    for number in range(kills):
        after = int(0.98 * clock.calls * (number + chance.random()) / kills) + 1
        folder = small.make(tmp_path / f"killed after {after}")
        process, _ = child.start(folder, "run", before=partial(child.die_after, after))
        process.join()
        assert process.exitcode == -signal.SIGKILL
        by_then, store = records(child.store_file(folder)), child.store_file(folder)
        assert child.here(folder, "verify")[0] == 0
        assert child.finish(folder, "run")[0] == 0
        assert child.here(folder, "verify")[0] == 0
        digest = digest_of(store, "small")
        report(title, COLUMNS_OF_CALLS, (number + 1, after, by_then, digest))
        assert digest == expected
        assert leftovers(store) == []
        seen.add(by_then)
    assert len(seen) > 1
    assert kills < KILLS or seen >= {0, 1, 2, 3}


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.timeout(3600)
def test_ten_kills_of_the_phenobarbital_study(tmp_path: Path) -> None:
    """As above, through `python -m vvuq` and nothing else."""
    phenobarbital()
    title = f"Kill test: {KILLS} kills of the phenobarbital study"
    begun = time.monotonic()
    assert vvuq("run", tmp_path / "whole").wait() == 0
    seconds, whole = time.monotonic() - begun, tmp_path / "whole" / "phenobarbital" / "evidence.sqlite"
    expected = digest_of(whole, "phenobarbital")
    report(title, COLUMNS, (0, "not killed", records(whole), expected))
    chance, number = random.Random(20261122), 0
    while number < KILLS:
        after = chance.uniform(0.0, seconds)
        home = tmp_path / f"killed after {after}"
        store, process = home / "phenobarbital" / "evidence.sqlite", vvuq("run", home)
        time.sleep(after)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            continue  # it was faster this time
        by_then = records(store)
        assert vvuq("verify", home).wait() == 0
        assert vvuq("run", home).wait() == 0
        assert vvuq("verify", home).wait() == 0
        number, digest = number + 1, digest_of(store, "phenobarbital")
        report(title, COLUMNS, (number, f"{after:.1f}", by_then, digest))
        assert digest == expected
        assert leftovers(store) == []


def vvuq(command: str, home: Path) -> subprocess.Popen[bytes]:
    """The command on the phenobarbital study, its store below `home`."""
    words = [sys.executable, "-m", "vvuq", command, "phenobarbital"]
    environment = os.environ | {"VVUQ_HOME": str(home)}
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
