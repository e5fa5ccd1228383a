"""PostgreSQL keeps what a SQLite file keeps; its errors are told as clearly."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from campaign.made_up import Fails, Smooth, grid
from crash.child import NOBODY

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.policy import SKIP
from vvuq.campaign.store import NO_OUTPUTS, CampaignStore, Run
from vvuq.errors import InputError
from vvuq.evidence.trouble import StoreError

SETTINGS = Settings(code="code", policy=SKIP)


def test_without_psycopg_the_command_that_installs_it_is_named():
    with patch.dict(sys.modules, {"psycopg": None}):
        with pytest.raises(InputError, match=r"pip install 'vvuq\[postgres\]'") as told:
            CampaignStore("postgresql://me:secret@there/db")
        assert "secret" not in str(told.value) and "postgresql://me@there/db" in str(told.value)


def test_another_database():
    with pytest.raises(InputError, match="a file of SQLite, or postgresql"):
        CampaignStore("mysql://me@there/db")


@pytest.fixture(scope="module")
def url():
    """The URL of a server that runs in a temporary folder, on a socket there."""
    pytest.importorskip("psycopg")
    if any(shutil.which(name) is None for name in ("initdb", "pg_ctl", "postgres")):
        pytest.skip("PostgreSQL is not installed")
    root = os.geteuid() == 0
    as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if root:
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o755)
        data = folder / "data"

        def do(*words):
            subprocess.run(words, check=True, capture_output=True, cwd=folder, **as_user)

        do("initdb", "-D", str(data), "-U", "vvuq", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        do("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://vvuq@/postgres?host={folder}"
        finally:
            do("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.mark.external
def test_it_keeps_what_a_file_keeps(url, tmp_path):
    points = grid(800)
    for function in (Smooth(), Smooth(outputs=2), Fails((5.0, 700.0))):
        ends = [run_campaign(function, points, store=where, settings=SETTINGS) for where in (tmp_path / "s", url, url)]
        assert [(one.fresh, one.reused) for one in ends] == [(800, 0), (800, 0), (0, 800)]
        assert len({(one.values.tobytes(), one.values.shape, str(one.reasons)) for one in ends}) == 1
    with CampaignStore(url) as server, CampaignStore(tmp_path / "s") as file:
        assert server.counts() == file.counts() == {"done": 2398, "failed": 2}


@pytest.mark.external
def test_writers_and_errors(url):
    key = b"k" * 16
    with CampaignStore(url) as one, CampaignStore(url) as two:
        for store in (one, two):
            store.begin(key, "f", "code", 1, NO_OUTPUTS)
        one.write(key, [Run(key, "failed", "why")])
        two.write(key, [Run(key, "done", "", b"12345678")])
        one.write(key, [Run(key, "failed", "again")])
        assert one.read([key]) == two.read([key]) == {key: Run(key, "done", "", b"12345678")}
    with pytest.raises(StoreError, match=r"cannot be used .* does not exist"):
        CampaignStore(url.replace("/postgres?", "/nothing?"))
    with pytest.raises(StoreError, match=r"cannot be reached .* start the server"):
        CampaignStore("postgresql://vvuq@/postgres?host=/nowhere")
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("UPDATE campaign_schema SET version = 99")
    try:
        with pytest.raises(StoreError, match=r"by a newer vvuq .schema 99."):
            CampaignStore(url)
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE campaign_schema SET version = 1")
