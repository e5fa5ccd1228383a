"""The command line: exit codes, words, what is printed and written; no tracebacks; nothing heavy at the start."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from plans import plan_data
from test_run import analysis, order, sealed, study_of

from vvuq.cli import main
from vvuq.cli.words import parser
from vvuq.evidence.store import Store

HEAVY = ("numpy", "pandas", "scipy", "sqlalchemy", "pydantic", "jinja2", "rich", "yaml", "sympy", "numba", "matplotlib")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VVUQ_HOME", raising=False)
    monkeypatch.delenv("VVUQ_DATA", raising=False)
    return tmp_path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The command line sees one study, "toy", with two synthetic analyses."""

    def use(*analyses, data=None):
        study = study_of(tmp_path, *(analyses or (analysis(order), analysis(sealed))), data=data)
        monkeypatch.setattr("vvuq.run.study.open_study", lambda where: study)
        return study

    return use


def test_start_imports_nothing_heavy_and_costs_little():
    code = "import sys, vvuq.cli; vvuq.cli.parser().format_help(); import json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["gat"], "did you mean gate?"),
        (["plan", "chek", "x"], "did you mean check?"),
        (["gate", "x", "--jnit", "f"], "did you mean --junit?"),
        (["run", "x", "--budget", "ful"], "did you mean full?"),
        (["run"], "required: STUDY"),
        ([], "required: COMMAND"),
        (["new", "study", "mine"], "required: --from"),
        (["run", "x", "--budg", "full"], "--budget"),
        (["zzzzzz"], "invalid choice"),
        (["gate", "x", "--sarif", "f"], "unrecognized"),
        (["plan", "check"], "STUDY"),
        (["run", "phenobarbitol"], "did you mean phenobarbital?"),
        (["verify", "none.html"], "a dossier that exists"),
    ],
)
def test_wrong_words_end_with_2_and_a_hint(words, hint, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("vvuq: error: ")
    assert hint in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def commands(top=None, before=()):
    for action in (top or parser())._actions:
        if isinstance(action.choices, dict):
            for name, below in action.choices.items():
                yield (*before, name), below
                yield from commands(below, (*before, name))


@pytest.mark.parametrize(
    ("words", "one"), list(commands()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_and_json_and_an_example(words, one, capsys):
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    if one.get_default("command"):
        assert f"example: vvuq {' '.join(words)}" in " ".join(text.split())
        assert "--json" in text


def test_the_examples_of_the_help_can_be_parsed():
    for _, one in commands():
        if one.epilog:
            parser().parse_args(one.epilog.removeprefix("example: vvuq ").split())


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "vvuq 0.1.0\n"


def test_threads_are_pinned(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    main(["--version"])
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == ("1", "1")


def test_list(capsys):
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "phenobarbital" in found["studies"]
    assert "pk" in found["twins"]
    assert "convergence" in found["analyses"]
    assert main(["list"]) == 0
    assert "phenobarbital" in capsys.readouterr().out


def test_run_prints_a_line_for_each_analysis_and_resumes(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/2] order ... ")
    assert "E-" in lines[0]
    assert "not evaluable: held-out patients stay sealed" in lines[1]
    assert lines[-1] == "evidence in .vvuq/toy/evidence.sqlite"
    assert main(["run", "toy", "--only", "order", "--json"]) == 0
    captured = capsys.readouterr()
    assert [step["state"] for step in json.loads(captured.out)["steps"]] == ["fresh"]
    assert "[1/1] order ... fresh" in captured.err


def test_run_in_another_store(toy, tmp_path, monkeypatch, capsys):
    toy()
    assert main(["run", "toy", "--store", "mine.sqlite"]) == 0
    monkeypatch.setenv("VVUQ_HOME", str(tmp_path / "home"))
    assert main(["run", "toy"]) == 0
    assert Path("mine.sqlite").exists()
    assert (tmp_path / "home" / "toy" / "evidence.sqlite").exists()
    assert not Path(".vvuq").exists()


def test_a_failed_analysis_ends_with_70_and_names_the_log(toy, capsys):
    def broken(twin, context):
        raise ZeroDivisionError("no patients")

    toy(analysis(broken), analysis(order))
    assert main(["run", "toy"]) == 70
    captured = capsys.readouterr()
    assert "[2/2] order" in captured.out
    assert "Traceback" not in captured.err
    log = captured.err.strip().rsplit(" ", 1)[1]
    assert "ZeroDivisionError: no patients" in Path(log).read_text()


def test_a_crash_is_70_with_its_traceback_in_a_file(monkeypatch, capsys):
    def crash(where):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("vvuq.run.study.open_study", crash)
    assert main(["gate", "toy"]) == 70
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    log = Path(captured.err.strip().rsplit(" ", 1)[1])
    assert "out of luck" in log.read_text()
    log.unlink()


def test_an_interrupt_is_130(monkeypatch, capsys):
    def stop(where):
        raise KeyboardInterrupt

    monkeypatch.setattr("vvuq.run.study.open_study", stop)
    assert main(["run", "toy"]) == 130
    assert "interrupted" in capsys.readouterr().err


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
    connection.execute("UPDATE evidence SET body = replace(body, '0.01', '0.02')")
    connection.commit()
    connection.close()
    capsys.readouterr()
    assert main(["gate", "toy"]) == 4
    assert "integrity: evidence E-" in capsys.readouterr().out
    assert main(["verify", "toy"]) == 4
    assert "was changed" in capsys.readouterr().err
    assert main(["verify", "toy", "--json"]) == 4
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1
    assert main(["report", "toy"]) == 4


def test_a_file_that_is_no_store_is_2(toy, capsys):
    toy()
    Path("notes.txt").write_text("not a database " * 100)
    assert main(["run", "toy", "--store", "notes.txt"]) == 2
    assert "is not a database" in capsys.readouterr().err
    assert main(["gate", "toy", "--store", "none.sqlite"]) == 3


def test_a_study_of_ones_own_from_plan_to_page(capsys):
    assert main(["new", "study", "mine", "--from", "phenobarbital"]) == 0
    path = Path("studies/mine/plan.yaml")
    assert main(["plan", "check", "mine"]) == 0
    assert "not locked" in capsys.readouterr().out
    assert main(["plan", "diff", "mine"]) == 2
    assert main(["plan", "lock", "mine", "--json"]) == 0
    capsys.readouterr()
    assert main(["plan", "diff", "mine"]) == 0
    assert capsys.readouterr().out == "no value was changed\n"
    assert main(["report", "mine"]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert page == Path("reports/mine/dossier.html")
    first = page.read_bytes()
    assert main(["report", "mine"]) == 0
    assert page.read_bytes() == first
    assert [event.kind for event in Store(Path(".vvuq/mine/evidence.sqlite")).events()] == ["rendered"]
    assert main(["verify", "mine"]) == 0
    assert main(["verify", str(page)]) == 0
    page.write_bytes(first.replace(b"neonate", b"neonatE", 1))
    assert main(["verify", "mine"]) == 4
    assert main(["verify", str(page)]) == 4
    page.write_bytes(first)
    path.write_text(path.read_text().replace("seed: 20240607", "seed: 20240608"))
    capsys.readouterr()
    assert main(["plan", "diff", "mine"]) == 0
    assert "seed: 20240607 -> 20240608" in capsys.readouterr().out
    assert main(["plan", "check", "mine"]) == 4
    assert main(["verify", "mine"]) == 4
    assert main(["plan", "lock", "mine"]) == 2
    assert main(["plan", "lock", "mine", "--amend", "another seed"]) == 0
    assert main(["verify", "mine"]) == 0


def test_report_as_data_and_for_the_public(toy, capsys):
    toy()
    main(["run", "toy"])
    assert main(["report", "toy", "--format", "json", "--public", "--out", "out/data.json"]) == 0
    found = json.loads(Path("out/data.json").read_text())
    assert found["public"] is True
    assert len(found["verdicts"]) == 23
    assert len(found["evidence"]) == 2


def test_schema_can_be_printed(capsys):
    assert main(["plan", "check", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Plan"


def test_a_plan_that_is_wrong_is_2_with_its_line(capsys):
    main(["new", "study", "mine", "--from", "phenobarbital"])
    path = Path("studies/mine/plan.yaml")
    path.write_text(path.read_text().replace("seed: 20240607", "seed: soon"))
    line = path.read_text().splitlines().index("seed: soon") + 1
    assert main(["plan", "check", "mine"]) == 2
    assert f"studies/mine/plan.yaml:{line}: seed: 'soon'" in capsys.readouterr().err


def test_data_show_and_fetch(monkeypatch, capsys):
    assert main(["data", "show", "phenobarbital"]) == 0
    assert "59" in capsys.readouterr().out
    monkeypatch.setattr("vvuq.data.fetch.fetch", lambda name, progress: progress("looking") or Path("cache") / name)
    assert main(["data", "fetch", "phenobarbital"]) == 0
    assert capsys.readouterr() == ("cache/phenobarbital\n", "looking\n")
    assert main(["data", "show", "nonsense"]) == 2


def test_a_terminal_gets_a_table_and_a_bar(toy, capsys, monkeypatch):
    toy()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["run", "toy"]) == 0
    assert "[1/2] order ... " in capsys.readouterr().out
    assert main(["gate", "toy"]) == 3
    assert "numerical_code_verification" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("place", [".vvuq/toy/evidence.sqlite", "copy.db", "plan.yaml", "plan.lock.json", ".", "f/x"])
@pytest.mark.parametrize(
    "words", [["report", "toy", "--out"], ["gate", "toy", "--junit"], ["gate", "toy", "--summary"]]
)
def test_nothing_that_is_kept_is_written_over(toy, capsys, words, place):
    toy()
    assert main(["run", "toy"]) == 0
    store = Path(".vvuq/toy/evidence.sqlite")
    Path("copy.db").write_bytes(store.read_bytes())
    Path("f").write_text("a file, not a folder")
    before = store.read_bytes(), Path("copy.db").read_bytes()
    capsys.readouterr()
    assert main([*words, place]) == 2
    assert place in capsys.readouterr().err
    assert (store.read_bytes(), Path("copy.db").read_bytes()) == before
    assert not Path("plan.yaml").exists() and not Path("plan.lock.json").exists()


def test_a_study_cannot_be_copied_where_a_file_stands(capsys):
    Path("studies").write_text("a file, not a folder")
    assert main(["new", "study", "mine", "--from", "phenobarbital"]) == 2
    assert "can be written" in capsys.readouterr().err
