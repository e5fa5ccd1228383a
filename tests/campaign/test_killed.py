"""kill -9 in the middle of a campaign: what had ended is kept, and the end is that of one that was left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaign.made_up import Counted, counted, counter, grid
from tables import report

from vvuq.campaign.campaign import Outcome, Settings, run_campaign
from vvuq.campaign.executors import Serial
from vvuq.campaign.processes import Processes
from vvuq.campaign.store import CampaignStore

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Campaigns killed with SIGKILL"
COLUMNS = ("runs", "workers", "ended by then", "kept of them", "kept [%]")


def here(folder: str, n: str, seconds: str, workers: str, task: str) -> Outcome:
    """A campaign of n runs that count themselves."""
    function = Counted(f"{folder}/count", float(seconds))
    settings = Settings(code="code", task_seconds=float(task))
    with Processes(int(workers)) if workers != "1" else Serial() as executor:
        return run_campaign(function, grid(int(n)), store=f"{folder}/s", executor=executor, settings=settings)


def killed(folder: Path, words: tuple[str, ...], after: int) -> tuple[int, int]:
    """(runs that had ended, runs that were kept) when a campaign and its workers were killed after so many runs."""
    program = f"from campaign.test_killed import here; here({str(folder)!r}, *{words!r})"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": path}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, start_new_session=True)
    while counted(folder / "count") < after:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.3)  # its workers are nobody's to wait for
    ended = counted(folder / "count")
    with CampaignStore(folder / "s") as store:
        return ended, store.counts()["done"]


def try_it(folder: Path, words: tuple[str, ...], after: int) -> None:
    n, seconds, workers, task = words
    counter(folder / "count")
    ended, kept = killed(folder, words, after)
    report(TITLE, COLUMNS, (int(n), int(workers), ended, kept, f"{100.0 * kept / ended:.2f}"))
    assert 0.99 * ended <= kept <= ended < int(n)
    found = here(str(folder), n, seconds, workers, task)
    assert (found.reused, found.fresh) == (kept, int(n) - kept)
    assert counted(folder / "count") == ended + found.fresh + (found.fresh >= 32), "only the witness is run twice"
    whole = Counted(counter(folder / "other"))(grid(int(n)))
    assert found.values.tobytes() == whole.tobytes()


def test_a_campaign_that_is_killed(tmp_path):
    try_it(tmp_path, ("3000", "0.0005", "1", "0.01"), 2500)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_runs_that_are_killed(tmp_path):
    try_it(tmp_path, ("100000", "0.001", "2", "0.1"), 50_000)
