"""The command line and what is on record: locks, gate, pages, stores; each exit code with what to do about it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from plans import plan_data
from test_run import analysis, order, sealed
from toy import use_toy

from vvuq.cli import main
from vvuq.errors import NotEvaluable
from vvuq.evidence.store import Store


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The command line sees one study, "toy", with two synthetic analyses; its plan is locked."""
    return use_toy(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VVUQ_HOME", raising=False)
    monkeypatch.delenv("VVUQ_DATA", raising=False)


def test_an_unlocked_plan_opens_nothing_and_is_not_judged(toy, capsys):
    toy(locked=False)
    assert main(["run", "toy"]) == 2
    captured = capsys.readouterr()
    assert "[1/2] order ... " in captured.out and "[2/2] sealed ... " in captured.out and " invalid: " in captured.out
    assert "analyses.sealed: " in captured.err and "vvuq plan lock toy" in captured.err
    assert main(["run", "toy", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["exit"] == 2 and "vvuq plan lock toy" in error["message"]
    assert main(["gate", "toy", "--junit", "gate.xml", "--summary", "gate.md"]) == 2
    out = capsys.readouterr().out
    assert "invalid: " in out and "vvuq plan lock toy" in out
    assert out.count("gap: ") == 22  # all else is listed
    assert "vvuq plan lock toy" in Path("gate.xml").read_text() and "vvuq plan lock toy" in Path("gate.md").read_text()


def test_run_ends_with_3_where_something_is_missing(toy, capsys):
    def absent(twin, context):
        raise NotEvaluable("fetch the cohort")

    toy(analysis(absent), analysis(order))
    assert main(["run", "toy"]) == 3
    captured = capsys.readouterr()
    assert captured.err == "vvuq: error: absent is not evaluable: fetch the cohort\n"
    assert "[2/2] order" in captured.out


def test_gate_judges_and_writes(toy, capsys):
    toy()
    main(["run", "toy"])
    capsys.readouterr()
    assert main(["gate", "toy", "--junit", "gate.xml", "--summary", "gate.md"]) == 3
    out = capsys.readouterr().out
    assert out.count("gap: ") == 22
    assert "exit 3: something is missing, stale or not evaluable" in out
    assert len(ET.parse("gate.xml").getroot()) == 24
    assert Path("gate.md").read_text().count("\n| ") == 24 + 1
    assert main(["gate", "toy", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["exit"] == 3
    assert [v["status"] for v in found["verdicts"]].count("met") == 1


def test_gate_without_evidence_is_3_and_makes_no_store(toy, capsys):
    toy()
    assert main(["gate", "toy"]) == 3
    assert not Path(".vvuq").exists()


def test_gate_is_0_when_all_is_met_and_1_when_one_is_not(toy, capsys):
    data = plan_data()
    leaf = "verification.code.numerical_code_verification"
    for name, factor in data["factors"].items():
        if name != leaf:
            factor["waiver"] = {"reason": "r", "approver": "a", "expires": "2999-01-01"}
    toy(analysis(order), data=data)
    main(["run", "toy"])
    assert main(["gate", "toy"]) == 0
    data["factors"][leaf]["criteria"][0]["value"] = 0.001
    toy(analysis(order), data=data)
    assert main(["gate", "toy"]) == 3
    main(["run", "toy"])
    assert main(["gate", "toy"]) == 1


def test_gate_and_verify_are_4_when_evidence_was_changed(toy, capsys):
    import sqlite3

    toy()
    main(["run", "toy"])
    assert main(["verify", "toy"]) == 0
    connection = sqlite3.connect(".vvuq/toy/evidence.sqlite")
    connection.execute("DROP TRIGGER evidence_UPDATE")
    connection.execute("UPDATE evidence SET body = replace(body, '0.01', '0.02') WHERE seq = 1")
    connection.commit()
    connection.close()
    capsys.readouterr()
    assert main(["gate", "toy"]) == 4
    assert "integrity: evidence E-" in capsys.readouterr().out
    assert main(["verify", "toy"]) == 4
    assert "was changed" in capsys.readouterr().err
    assert main(["verify", "toy", "--json"]) == 4
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert len(found["problems"]) == 2  # the row, and the guard that was taken away
    assert captured.err == "" and captured.out.count("was changed: its digest") == 2  # once listed, once in the message
    assert found["error"]["exit"] == 4
    assert main(["verify", ".vvuq/toy/evidence.sqlite"]) == 4
    assert main(["report", "toy"]) == 4


def test_a_file_that_is_no_store_is_2(toy, capsys):
    toy()
    Path("notes.txt").write_text("not a database " * 100)
    assert main(["run", "toy", "--store", "notes.txt"]) == 2
    assert "is not a database" in capsys.readouterr().err
    assert main(["gate", "toy", "--store", "none.sqlite"]) == 3


def test_report_as_data_and_for_the_public(toy, capsys):
    toy()
    main(["run", "toy"])
    assert main(["report", "toy", "--format", "json", "--public", "--out", "out/data.json"]) == 0
    found = json.loads(Path("out/data.json").read_text())
    assert found["public"] is True
    assert len(found["verdicts"]) == 23
    assert len(found["evidence"]) == 2
    assert main(["verify", "out/data.json", "--store", ".vvuq/toy/evidence.sqlite"]) == 0
    Path("out/data.json").write_text(Path("out/data.json").read_text().replace("0.01", "0.02"))
    assert main(["verify", "out/data.json"]) == 4
    Path("out/data.json").write_text("{}")
    assert main(["verify", "out/data.json"]) == 2


def test_what_was_rendered_is_known_to_its_store(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    store = Store(Path(".vvuq/toy/evidence.sqlite"))
    Path("reports/toy").mkdir(parents=True)
    for path in ("reports/toy/dossier.html", "reports/toy/dossier.json"):
        Path(path).write_bytes(b"made by hand")
        assert main(["verify", path]) == 2
    assert main(["report", "toy", "--format", "json"]) == 0
    assert [event.body["path"] for event in store.events() if event.kind == "rendered"] == ["reports/toy/dossier.json"]
    assert main(["verify", "toy"]) == 0
    Path("reports/toy/dossier.json").write_text("{}")
    assert main(["verify", "toy"]) == 4


def test_a_page_of_another_store_in_the_usual_place_shows_that_the_store_was_replaced(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    Path("reports/toy").mkdir(parents=True)
    Path("reports/toy/dossier.html").write_text('<meta name="page-digest"> of a run that this store has not seen')
    capsys.readouterr()
    assert main(["verify", "toy"]) == 4
    assert "is not the page that was last rendered from this store" in capsys.readouterr().err


def test_a_page_that_is_not_ours_is_2(capsys):
    Path("page.html").write_text("<html>hello</html>")
    assert main(["verify", "page.html"]) == 2
    assert "a dossier that vvuq report wrote" in capsys.readouterr().err


def test_a_store_can_be_verified_by_itself(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    store = ".vvuq/toy/evidence.sqlite"
    assert main(["verify", store]) == 0
    assert f"{store}: as it was written" in capsys.readouterr().out
    assert main(["verify", store, "--store", store]) == 2
    Path("empty.sqlite").touch()
    assert main(["verify", "empty.sqlite"]) == 3


@pytest.mark.parametrize("command", [["run", "toy"], ["gate", "toy"], ["report", "toy"], ["verify", "toy"]])
def test_a_folder_is_no_store(toy, capsys, command):
    toy()
    Path("folder").mkdir()
    assert main([*command, "--store", "folder"]) == 2
    assert "folder is a folder: --store names the file of the store" in capsys.readouterr().err
    assert list(Path("folder").iterdir()) == []


def test_an_amendment_tells_what_was_known(toy, capsys):
    toy(analysis(order), analysis(sealed))
    assert main(["run", "toy"]) == 0
    data = plan_data()
    data["seed"] = 2
    study = toy(analysis(order), analysis(sealed), data=data, locked=False)
    study.path.with_name("toytwin.py").touch()  # what is to be written in a twin is looked for before a lock
    assert main(["gate", "toy"]) == 4
    out = capsys.readouterr().out
    assert "seed: 1 -> 2: put the locked values back, or amend in the open: vvuq plan lock toy --amend REASON" in out
    assert main(["plan", "lock", "toy", "--amend", "a better seed"]) == 0
    assert "1 openings of held-out patients, 2 analyses" in capsys.readouterr().out
    assert main(["gate", "toy", "--summary", "gate.md"]) == 3
    assert "was amended after 1 openings of held-out patients" in Path("gate.md").read_text()
    assert main(["plan", "lock", "toy", "--amend", "once more"]) == 2
