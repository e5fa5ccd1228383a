"""One at a time, whoever dies; and where the platform knows no locks, the work goes on."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from vvuq.evidence import turns
from vvuq.evidence.trouble import StoreError
from vvuq.evidence.turns import sweep, turn

FORKS = multiprocessing.get_context("spawn")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "evidence.sqlite"


def hold(store: Path, held: Event, done: Event) -> None:
    with turn(store, "study order"):
        held.set()
        done.wait(60)


def test_nothing_is_left_behind(store: Path) -> None:
    with turn(store, "study a/b"):
        assert [path.name for path in store.parent.iterdir()] == [".evidence.sqlite.study%20a%2Fb.lock"]
    assert list(store.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), turn(store, "study order"):
        1 / 0  # noqa: B018
    assert list(store.parent.iterdir()) == []


def test_who_holds_it_is_waited_for_until_it_is_killed(store: Path) -> None:
    held, done = FORKS.Event(), FORKS.Event()
    holder = FORKS.Process(target=hold, args=(store, held, done))
    holder.start()
    assert held.wait(60)
    with turn(store, "study other", lambda: pytest.fail("another turn is free")):
        pass
    sweep(store)
    assert len(list(store.parent.glob("*.lock"))) == 1  # it is held
    said = []

    def waiting() -> None:
        said.append("waiting")
        os.kill(holder.pid or 0, signal.SIGKILL)

    with turn(store, "study order", waiting):
        assert said == ["waiting"]
    assert list(store.parent.iterdir()) == []
    holder.join()


def test_locks_of_the_dead_are_swept(store: Path) -> None:
    (store.parent / ".evidence.sqlite.study%20order.lock").touch()
    (store.parent / ".other.sqlite.study%20order.lock").touch()
    sweep(store)
    assert [path.name for path in store.parent.iterdir()] == [".other.sqlite.study%20order.lock"]


def test_a_platform_without_locks_is_told_and_goes_on(store: Path, monkeypatch, caplog) -> None:
    def unknown(handle: int, *, wait: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(turns, "_flock", unknown)
    with turn(store, "study order"):
        pass
    assert "no locks here; two runs at once may do the same work" in caplog.text
    assert list(store.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told() -> None:
    with pytest.raises(StoreError, match="cannot be written"), turn(Path("/proc/vvuq/evidence.sqlite"), "study order"):
        pass
