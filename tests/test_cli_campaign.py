"""`vvuq run --jobs`, `--dask`, `--campaign`: the same evidence, runs that are kept, clear words."""

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from campaign.made_up import Counted, Fails, Smooth, counted, counter, grid
from test_run import analysis, found
from toy import use_toy

from vvuq.campaign.store import CampaignStore
from vvuq.cli import main, printing
from vvuq.evidence.canonical import value_digest
from vvuq.evidence.store import Store
from vvuq.run import RunContext, Step
from vvuq.run.scheduling import Campaigns, Scheduling


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VVUQ_HOME", raising=False)
    monkeypatch.delenv("VVUQ_DATA", raising=False)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    return use_toy(tmp_path, monkeypatch)


def campaign(function, points):
    """An analysis that runs a function at points."""

    def spread(twin, context):
        return found("spread", float(context.evaluate(function, points).mean()))

    return analysis(spread)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--jobs", "0"], "'0' is not a number of processes: 1 to 1024"),
        (["--jobs", "two"], "'two' is not a number of processes"),
        (["--jobs", "2", "--dask", "local"], "argument --dask: not allowed with argument --jobs"),
        (["--dask", ""], "argument '' after --dask is empty"),
        (["--campaign", "mysql://there/db"], "a file of SQLite, or postgresql://"),
        (["--campaign", "."], "is a folder: --campaign names the file"),
    ],
)
def test_wrong_words(toy, words, hint, capsys):
    toy(campaign(Smooth(), grid(3)))
    assert main(["run", "toy", *words]) == 2
    captured = capsys.readouterr()
    assert hint in captured.err and "Traceback" not in captured.err
    assert not any(Store(path).records() for path in Path().rglob("evidence.sqlite")), "an analysis was run"


@pytest.mark.parametrize(
    ("package", "words"),
    [("distributed", ["--dask", "local"]), ("psycopg", ["--campaign", "postgresql://user@host/database"])],
)
def test_a_missing_package_is_named_with_what_installs_it(toy, package, words, capsys):
    toy(campaign(Smooth(), grid(3)))
    with patch.dict(sys.modules, {package: None}):
        assert main(["run", "toy", *words]) == 2
    assert "pip install 'vvuq[" in capsys.readouterr().err


def test_evidence_is_the_same_and_runs_are_kept(toy, tmp_path, capsys):
    count = counter(tmp_path / "count")
    toy(campaign(Counted(count, 0.002), grid(60)))
    digests = set()
    for words in (["--store", "a/e.sqlite"], ["--store", "b/e.sqlite", "--jobs", "2"]):
        assert main(["run", "toy", *words]) == 0
        (record,) = Store(Path(words[1])).records()
        digests.add(value_digest(record.evidence))
        assert record.evidence.cost.model_runs == 60
        with CampaignStore(Path(words[1]).with_name("campaign.sqlite")) as store:
            assert store.counts() == {"done": 60}
    before = counted(count)
    assert main(["run", "toy", "--store", "c/e.sqlite", "--campaign", "a/campaign.sqlite"]) == 0
    (record,) = Store(Path("c/e.sqlite")).records()
    assert len(digests | {value_digest(record.evidence)}) == 1
    assert counted(count) == before, "what is kept was run again"


def test_a_fast_call_is_not_kept(toy):
    toy(campaign(Smooth(), grid(60)))
    assert main(["run", "toy"]) == 0
    with CampaignStore(Path(".vvuq/toy/campaign.sqlite")) as store:
        assert store.counts() == {}


def test_where_every_run_fails_nothing_can_be_evaluated(toy, capsys):
    toy(campaign(Fails((3.0,)), np.full((2, 4), 3.0)))
    assert main(["run", "toy"]) == 3
    assert "all 4 model runs failed: ZeroDivisionError: a bad point" in capsys.readouterr().err


def test_failed_runs_are_not_a_number(toy, tmp_path):
    study = toy(campaign(Smooth(), grid(3)))
    context = RunContext(study, Store(tmp_path / "e.sqlite", create=True), "spread")
    assert np.isnan(context.evaluate(Fails((3.0,)), grid(5))).tolist() == [False, False, False, True, False]
    assert context.evaluate(lambda points: points[0], grid(2)).tolist() == [0.0, 1.0]
    assert context.model_runs == 7


def test_how_far_runs_are_is_told(toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(printing, "_SECONDS", 0.0)
    toy(campaign(Counted(counter(tmp_path / "count"), 0.002), grid(60)))
    assert main(["run", "toy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "[1/1] spread ... 60 of 60 runs" in lines
    monkeypatch.setattr(printing, "_SECONDS", 3600.0)
    with printing.progress(True) as show:
        show(Step(1, 1, "spread", "running", message="1 of 60 runs"))
        show(Step(1, 1, "spread", "done", 1.0, "E-1"))
    assert capsys.readouterr().err == "[1/1] spread ... 1.0 s  E-1\n"


def test_what_was_opened_is_closed_where_another_thing_fails(tmp_path):
    with patch("vvuq.run.scheduling._executor", side_effect=KeyError), pytest.raises(KeyError):
        Campaigns(None, Scheduling(dask="local", campaign=str(tmp_path / "s")))
    CampaignStore(tmp_path / "s").close()
