"""Two runs at once on one store: no work is done twice, nothing is stored twice, and who dies holds up nobody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import small
from crash import child

from vvuq.evidence.store import Store

LONG = 3000


def kinds(folder: Path) -> Counter[str]:
    return Counter(event.kind for event in Store(child.store_file(folder)).events())


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits until the function says yes."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this never came"
        time.sleep(0.005)


def test_two_runs_share_the_work(tmp_path: Path) -> None:
    alone = small.make(tmp_path / "alone", rounds=100)
    assert child.finish(alone, "run")[0] == 0
    for number in range(3):
        folder = small.make(tmp_path / str(number), rounds=100)
        both = [child.start(folder, "run") for _ in range(2)]
        answers = [answer.recv() for _, answer in both]
        assert [code for code, _ in answers] == [0, 0], answers
        assert child.here(folder, "verify")[0] == 0
        assert len(Store(child.store_file(folder)).records()) == 4
        assert kinds(folder) == {"locked": 1, "evidence": 4, "opened": 1}
        assert child.found(folder) == child.found(alone)
        made = sum("fresh" not in line for _, said in answers for line in said.splitlines() if "E-" in line)
        assert made == 4


def test_a_run_that_waits_goes_on_when_the_other_is_killed(tmp_path: Path) -> None:
    folder = small.make(tmp_path / "small", rounds=LONG)
    store = child.store_file(folder)
    first, _ = child.start(folder, "run")
    until(lambda: list(store.parent.glob(".evidence.sqlite.small*.lock")))
    second, answer = child.start(folder, "run")
    until(lambda: child.waits(second.pid))
    first.kill()
    first.join()
    code, said = answer.recv()
    assert code == 0
    assert "another run is at it: waiting" in said
    assert child.here(folder, "verify")[0] == 0
    assert len(Store(store).records()) == 4
    assert not list(store.parent.glob("*.lock"))


def test_a_store_can_be_verified_while_a_run_writes_to_it(tmp_path: Path) -> None:
    folder = small.make(tmp_path / "small", rounds=1000)
    process, answer = child.start(folder, "run")
    looks = 0
    while process.is_alive():
        code, said = child.here(folder, "verify")
        assert code == 0, said
        looks += 1
    assert answer.recv()[0] == 0
    assert looks > 0


def test_runs_of_two_budgets_do_not_meet_each_other_half_done(tmp_path: Path) -> None:
    folder = small.make(tmp_path / "small", rounds=100)
    small.replan(folder, lambda data: data["analyses"]["order"].update(full={"n": 9}))
    (folder / "plan.lock.json").unlink()
    small.relock(folder)
    both = [child.start(folder, "run", "--budget", budget) for budget in ("quick", "full")]
    assert [answer.recv()[0] for _, answer in both] == [0, 0]
    assert child.here(folder, "verify")[0] == 0
    assert kinds(folder)["opened"] == 1
    assert len(Store(child.store_file(folder)).records()) in (4, 5)  # full evidence serves a quick run that comes later
