"""What ends a worker costs its chunk; a point that does so again and again is quarantined, with the reason."""

import os
import signal
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
from campaign.made_up import Counted, Smooth, counter, grid

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.policy import SKIP, retry
from vvuq.campaign.processes import Processes
from vvuq.campaign.store import CampaignStore
from vvuq.errors import InputError, NotEvaluable, VvuqError

SKIPPING = Settings(code="code", policy=SKIP)


@dataclass(frozen=True)
class Environment:
    """How many of the variables that limit threads are 1 in the process that runs it."""

    def key(self):
        return ""

    def __call__(self, points):
        names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
        return np.full(points.shape[1], float(sum(os.environ.get(f"{name}_NUM_THREADS") == "1" for name in names)))


@dataclass(frozen=True)
class CannotBeLoaded:
    """A function that ends where another process loads it."""

    how: str

    def __reduce__(self):
        return (os._exit, (5,)) if self.how == "exit" else (int, ("no number",))

    def __call__(self, points):
        return points[0]


@pytest.mark.parametrize(
    ("n", "end", "reason"),
    [
        (15, "kill", "ended its process by SIGKILL"),
        (15, "exit", "ended its process with exit code 3"),
        (6, "loop", "took longer than 0.3 s"),
    ],
)
def test_a_lethal_point_is_quarantined(tmp_path, n, end, reason):
    bad = 2 * n // 3
    points, function = grid(n), Counted(counter(tmp_path / "count"), at=float(bad), end=end)
    with Processes(2, deadline=0.3 if end == "loop" else None) as executor:
        found = run_campaign(function, points, store=tmp_path / "s", executor=executor, settings=SKIPPING)
        assert found.reasons == {bad: reason}
        assert (found.states[bad], found.quarantined, found.failed) == ("quarantined", 1, 0)
        expected = points[0] + 2.0 * points[1]
        expected[bad] = np.nan
        np.testing.assert_array_equal(found.values, expected)
        again = run_campaign(function, points, store=tmp_path / "s", executor=executor, settings=SKIPPING)
    assert (again.fresh, again.reused, again.reasons) == (0, n, found.reasons)
    with CampaignStore(tmp_path / "s") as store:
        assert store.counts() == {"done": n - 1, "quarantined": 1}


def test_a_lethal_point_stops_where_the_policy_says_so(tmp_path):
    function = Counted(counter(tmp_path / "count"), at=2.0, end="exit")
    with Processes(1) as executor, pytest.raises(NotEvaluable, match="run 2 of 4 failed: ended its process with exit"):
        run_campaign(function, grid(4), executor=executor, settings=Settings(policy=retry(1)))


def test_a_worker_that_somebody_kills_changes_nothing(tmp_path):
    """Three kills at moments of chance, of workers at work and of idle ones."""
    points, function = grid(400), Counted(counter(tmp_path / "count"), 0.002)
    with Processes(2) as executor:
        run_campaign(function, points[:, :2], executor=executor)
        over = threading.Event()

        def kill():
            for _ in range(3):
                time.sleep(0.1)
                for one in list(executor._all)[:1]:
                    os.kill(one.process.pid, signal.SIGKILL)
            over.set()

        killer = threading.Thread(target=kill)
        killer.start()
        found = run_campaign(function, points, executor=executor)
        killer.join()
        assert over.is_set() and found.reasons == {}
        np.testing.assert_array_equal(found.values, points[0] + 2.0 * points[1])
        again = run_campaign(function, points[:, :9], executor=executor)
        np.testing.assert_array_equal(again.values, found.values[:9])


def test_workers_have_one_thread_and_are_reused(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    with Processes(1) as executor:
        assert run_campaign(Environment(), np.ones((1, 3)), executor=executor).values.tolist() == [5.0] * 3
        pids = [one.process.pid for one in executor._all]
        run_campaign(Smooth(), np.ones((2, 3)), executor=executor)
        assert [one.process.pid for one in executor._all] == pids
    assert os.environ["OMP_NUM_THREADS"] == "4"
    assert executor._all == []


def test_functions_that_cannot_travel():
    with Processes(1) as executor:
        with pytest.raises(InputError, match="one that can be pickled"):
            run_campaign(lambda points: points[0], np.ones((1, 3)), executor=executor)
        with pytest.raises(InputError, match="one that the workers can load"):
            run_campaign(CannotBeLoaded("raise"), np.ones((1, 3)), executor=executor)
        with pytest.raises(VvuqError, match="no worker can be started: the last ended its process with exit code 5"):
            run_campaign(CannotBeLoaded("exit"), np.ones((1, 3)), executor=executor)
        assert run_campaign(Smooth(), np.ones((2, 3)), executor=executor).values.tolist() == [2.5] * 3
