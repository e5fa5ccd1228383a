"""The store of runs: nothing twice, nothing lost with two writers, clear words for what is in the way."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest
from campaign.made_up import Smooth, grid, in_its_own_process

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.processes import _server
from vvuq.campaign.store import NO_OUTPUTS, CampaignStore, Run
from vvuq.errors import InputError, IntegrityError, VvuqError
from vvuq.evidence.store import Store
from vvuq.evidence.trouble import StoreError

ONE, TWO = b"1" * 16, b"2" * 16
SETTINGS = Settings(code="code", task_seconds=0.01)


def test_what_goes_in_comes_out_and_done_stays_done(tmp_path):
    with CampaignStore(tmp_path / "deep" / "s.sqlite") as store:
        assert (store.knows(ONE), store.outputs(ONE), store.read([ONE])) == (False, None, {})
        store.begin(ONE, "f", "code", 2**70, None)
        assert (store.knows(ONE), store.outputs(ONE)) == (True, None)
        store.begin(ONE, "f", "code", 2**70, NO_OUTPUTS)
        store.begin(ONE, "f", "code", 2**70, None)
        assert store.outputs(ONE) == NO_OUTPUTS
        failed, done = Run(ONE, "failed", "why"), Run(ONE, "done", "", b"12345678")
        for written, kept in ((failed, failed), (done, done), (failed, done), (Run(ONE, "done", "", b"x"), done)):
            store.write(ONE, [written])
            assert store.read([ONE, TWO]) == {ONE: kept}
        store.write(ONE, [])
        assert store.counts() == {"done": 1}


def test_a_write_is_whole_or_not_at_all(tmp_path):
    with CampaignStore(tmp_path / "s") as store:
        with pytest.raises(VvuqError, match="NOT NULL"):
            store.write(ONE, [Run(ONE, "done"), Run(TWO, None)])
        assert store.counts() == {}
        store.write(ONE, [Run(ONE, "done")])
        assert store.counts() == {"done": 1}


def test_two_campaigns_do_not_share_runs(tmp_path):
    points = grid(50)
    for settings in (SETTINGS, Settings(code="other"), Settings(code="code", seed=1)):
        assert run_campaign(Smooth(), points, store=tmp_path / "s", settings=settings).fresh == 50
    assert run_campaign(Smooth(2.0), points, store=tmp_path / "s", settings=SETTINGS).fresh == 50
    assert run_campaign(Smooth(), -points, store=tmp_path / "s", settings=SETTINGS).fresh == 50
    assert run_campaign(Smooth(), points[:, ::-1], store=tmp_path / "s", settings=SETTINGS).reused == 50


def test_without_a_code_the_code_is_that_of_the_file(tmp_path):
    space = {}
    exec("class InNoFile:\n    def key(self): return ''\n    def __call__(self, points): return points[0]\n", space)
    with pytest.raises(InputError, match="its class is in no file"):
        run_campaign(space["InNoFile"](), grid(3), store=tmp_path / "s")
    run_campaign(Smooth(), grid(3), store=tmp_path / "s")
    assert run_campaign(Smooth(), grid(3), store=tmp_path / "s").reused == 3


def test_a_fast_call_is_not_written(tmp_path):
    settings = Settings(code="code", keep_from=60.0)
    for _ in range(2):
        assert run_campaign(Smooth(), grid(50), store=tmp_path / "s", settings=settings).fresh == 50
    with CampaignStore(tmp_path / "s") as store:
        assert store.counts() == {}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda path: path.write_text("a letter to a friend. " * 60), StoreError, "is not a database"),
        (lambda path: path.mkdir(), StoreError, "is a folder: --campaign names the file"),
        (lambda path: Store(path, create=True), StoreError, "not a store of campaigns: name it with --campaign"),
        (lambda path: version(path, 99), StoreError, "by a newer vvuq .schema 99."),
    ],
)
def test_what_is_no_store_of_campaigns(tmp_path, make, error, words):
    make(tmp_path / "s")
    with pytest.raises(error, match=words):
        CampaignStore(tmp_path / "s")


def version(path: Path, number: int) -> None:
    CampaignStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={number}")
    connection.close()


def test_a_store_that_another_process_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("VVUQ_STORE_WAIT", "0.1")
    with CampaignStore(tmp_path / "s") as store:
        other = sqlite3.connect(tmp_path / "s", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is being written by another process"):
            store.write(ONE, [Run(ONE, "done")])
        other.execute("ROLLBACK")
        other.close()
        store.write(ONE, [Run(ONE, "done")])


def test_values_that_were_cut_are_noticed(tmp_path):
    run_campaign(Smooth(), grid(5), store=tmp_path / "s", settings=SETTINGS)
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("UPDATE runs SET results = x'00'")
    connection.close()
    with pytest.raises(IntegrityError, match="is damaged"):
        run_campaign(Smooth(), grid(5), store=tmp_path / "s", settings=SETTINGS)


# --- two at once, and no room ------------------------------------------------------------------------------------


def start(*arguments):
    here, there = multiprocessing.Pipe(duplex=False)
    process = _server().Process(target=in_its_own_process, args=(*arguments[:2], there, *arguments[2:]))
    process.start()
    there.close()
    return process, here


def intact(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


def test_two_writers_at_once_lose_nothing_and_write_nothing_twice(tmp_path):
    both = [start(tmp_path, own) for own in (2.0, 3.0)]
    assert [answer.recv() for _, answer in both] == ["", ""]
    for process, _ in both:
        process.join()
    for a in (1.0, 2.0, 3.0):
        found = run_campaign(Smooth(a), grid(1000), store=tmp_path / "s", settings=SETTINGS)
        assert (found.fresh, found.reused) == (0, 1000)
        np.testing.assert_array_equal(found.values, Smooth(a)(grid(1000)))
    with CampaignStore(tmp_path / "s") as store:
        assert store.counts() == {"done": 3000}
    assert intact(tmp_path / "s")


def test_a_disk_that_is_full(tmp_path):
    process, answer = start(tmp_path, 2.0, 60_000)
    told = answer.recv()
    process.join()
    assert "make room and try again; what was stored before is intact" in told
    assert intact(tmp_path / "s")
    found = run_campaign(Smooth(1.0), grid(1000), store=tmp_path / "s", settings=SETTINGS)
    np.testing.assert_array_equal(found.values, Smooth(1.0)(grid(1000)))
    assert found.reused > 0


@pytest.mark.external
def test_a_small_disk_that_is_full(tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can make a disk that is small")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(StoreError, match=r"no room on the disk|the disk is full"):
            run_campaign(Smooth(1.0), grid(20_000), store=disk / "s", settings=SETTINGS)
        assert intact(disk / "s")
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        found = run_campaign(Smooth(1.0), grid(20_000), store=disk / "s", settings=SETTINGS)
        np.testing.assert_array_equal(found.values, Smooth(1.0)(grid(20_000)))
    finally:
        subprocess.run(["umount", disk], check=True)
