"""A Dask cluster gives what one process gives, also where its workers are killed."""

import os
import signal
import sys
import threading
import time
import warnings
from unittest.mock import patch

import numpy as np
import pytest
from campaign.made_up import Counted, Smooth, counter, grid

from vvuq.campaign.campaign import Settings, run_campaign
from vvuq.campaign.policy import SKIP
from vvuq.errors import InputError, NotEvaluable

SETTINGS = Settings(code="code", policy=SKIP)


def test_without_dask_the_command_that_installs_it_is_named():
    from vvuq.campaign.cluster import Cluster

    with patch.dict(sys.modules, {"distributed": None}), pytest.raises(InputError, match=r"pip install 'vvuq\[dask\]'"):
        Cluster("local")


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("distributed")
    from vvuq.campaign.cluster import Cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        with Cluster("local", jobs=2) as made:
            yield made


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [0, 2])
def test_the_cluster_gives_the_same_bits(cluster, tmp_path, outputs):
    points, function = grid(1500), Smooth(outputs=outputs)
    found = run_campaign(function, points, store=tmp_path / "s", executor=cluster, settings=SETTINGS)
    assert found.values.tobytes() == function(points).tobytes()
    again = run_campaign(function, points, store=tmp_path / "s", settings=SETTINGS)
    assert again.reused == 1500 and again.values.tobytes() == found.values.tobytes()


@pytest.mark.slow
def test_one_exception_costs_one_run(cluster, tmp_path):
    points, function = grid(300), Counted(counter(tmp_path / "count"), at=123.0)
    found = run_campaign(function, points, executor=cluster, settings=SETTINGS)
    assert found.reasons == {123: "ValueError: a point that cannot be run"}
    with pytest.raises(NotEvaluable, match="run 123 of 300 failed"):
        run_campaign(function, points, executor=cluster)
    assert run_campaign(Smooth(), points, executor=cluster).values.tobytes() == Smooth()(points).tobytes()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killed_workers_change_nothing(cluster, tmp_path):
    points, function = grid(6000), Counted(counter(tmp_path / "count"), 0.001)
    killed = []

    def kill():
        for _ in range(2):
            time.sleep(0.7)
            pids = cluster._client.run(os.getpid)
            killed.append(min(pids.values()))
            os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = run_campaign(function, points, store=tmp_path / "s", executor=cluster, settings=SETTINGS)
    killer.join()
    assert len(killed) == 2
    assert found.reasons == {}
    np.testing.assert_array_equal(found.values, points[0] + 2.0 * points[1])


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_lethal_point_is_quarantined(cluster, tmp_path):
    points, function = grid(40), Counted(counter(tmp_path / "count"), 0.01, at=27.0, end="exit")
    found = run_campaign(function, points, executor=cluster, settings=SETTINGS)
    assert found.reasons == {27: "ended its Dask worker"} and found.quarantined == 1
    assert np.isfinite(np.delete(found.values, 27)).all()


@pytest.mark.slow
def test_no_scheduler_and_other_code():
    pytest.importorskip("distributed")
    from vvuq.campaign import cluster as module

    with patch.object(module, "_SECONDS", 0.5), pytest.raises(NotEvaluable, match="no Dask scheduler answers"):
        module.Cluster("tcp://127.0.0.1:9")
    with patch.object(module, "_code", lambda: str(os.getpid())), pytest.raises(NotEvaluable, match="another version"):
        module.Cluster("local", jobs=1)
