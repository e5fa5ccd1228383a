"""The command line: exit codes, words, what is printed and written; no tracebacks; nothing heavy at the start."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import Mock

import pytest
from test_run import analysis, order
from toy import use_toy

from vvuq.cli import main
from vvuq.cli.words import parser
from vvuq.errors import InputError

HEAVY = ("numpy", "pandas", "scipy", "sqlalchemy", "pydantic", "jinja2", "rich", "yaml", "sympy", "numba", "matplotlib")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VVUQ_HOME", raising=False)
    monkeypatch.delenv("VVUQ_DATA", raising=False)
    return tmp_path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The command line sees one study, "toy", with two synthetic analyses; its plan is locked."""

    return use_toy(tmp_path, monkeypatch)


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
        (["new", "study", "mine"], "either --from STUDY"),
        (["new", "study", "mine", "--form", "x"], "did you mean --from?"),
        (["gate", "x", "--jnit=f"], "did you mean --junit?"),
        (["gate", "x", "--jnit", "f"], "help: vvuq gate --help"),
        (["check", "x"], "did you mean vvuq plan check?"),
        (["plan", "rum", "x"], "help: vvuq plan --help"),
        (["run", ""], "argument '' after run is empty"),
        (["run", "x", "--store", ""], "argument '' after --store is empty"),
        (["plan", "check", "x", "--schema"], "not allowed with argument STUDY"),
        (["run", "x" * 5000], "a path that can be read"),
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
    assert main([*words, "--json"]) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert json.loads(captured.out)["error"]["exit"] == 2
    assert hint in json.loads(captured.out)["error"]["message"]


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
        assert f"example: vvuq {' '.join(words)}" in text
        assert "--json" in text
        assert all(f"\n  {code} " in text or f"   {code} " in text for code in (0, 1, 2, 3, 4, 5, 70, 130))


def test_the_examples_of_the_help_can_be_parsed():
    for _, one in commands():
        if one.epilog:
            parser().parse_args(one.epilog.splitlines()[0].removeprefix("example: vvuq ").split())


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


def test_rivals_are_listed_behind_their_twin_and_a_broken_twin_with_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in {"sound": "TWIN = 1\n", "broken": "TWIN = RIVALS\nRIVALS = 1\n"}.items():
        (tmp_path / "twins").mkdir(exist_ok=True)
        (tmp_path / "twins" / f"{name}.py").write_text(text)
    assert main(["list", "--json"]) == 0
    twins = json.loads(capsys.readouterr().out)["twins"]
    assert twins[0] == "broken" and "NameError" in twins[1]
    assert {"glucose", "glucose/uva_padova", "glucose/hovorka", "lorenz"} <= set(twins)


def test_run_prints_a_line_for_each_analysis_and_resumes(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[1/2] order ... ")
    assert "E-" in lines[0]
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


def test_an_end_without_a_result_is_told_as_json_too(monkeypatch, capsys):
    for error, code in (
        (RuntimeError("out of luck"), 70),
        (KeyboardInterrupt(), 130),
        (InputError("a", "b", 1, "c"), 2),
    ):
        monkeypatch.setattr("vvuq.run.study.open_study", Mock(side_effect=error))
        assert main(["gate", "toy", "--json"]) == code
        found = json.loads(capsys.readouterr().out)["error"]
        assert found["exit"] == code
        if code == 70:
            Path(found["message"].rsplit(" ", 1)[1]).unlink()


def test_what_cannot_be_printed_is_shown_by_its_number(monkeypatch, capsys):
    error = InputError("plan.yaml:1", "\x1b[31mred\x07", "\x1b", "none")
    monkeypatch.setattr("vvuq.run.study.open_study", Mock(side_effect=error))
    assert main(["gate", "toy"]) == 2
    assert capsys.readouterr().err == "vvuq: error: plan.yaml:1: \\x1b[31mred\\x07: '\\x1b' is not valid: none\n"


def test_a_terminal_without_a_sign_gets_its_number():
    code = "import sys; from vvuq.cli import main; sys.exit(main(['data', 'show', 'phenobarbital']))"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[1], check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xb7" in done.stdout


def test_warnings_are_lines(monkeypatch, capsys):
    def warn(where):
        sys.stderr.write(warnings.formatwarning("the cache cannot be written", RuntimeWarning, "jit.py", 1))
        raise InputError("a", "b", 1, "c")

    before = warnings.formatwarning
    monkeypatch.setattr("vvuq.run.study.open_study", warn)
    assert main(["gate", "toy"]) == 2
    assert capsys.readouterr().err.startswith("vvuq: warning: the cache cannot be written\nvvuq: error: a: b: 1")
    assert warnings.formatwarning is before


def test_an_interrupt_is_130(monkeypatch, capsys):
    def stop(where):
        raise KeyboardInterrupt

    monkeypatch.setattr("vvuq.run.study.open_study", stop)
    assert main(["run", "toy"]) == 130
    assert "interrupted" in capsys.readouterr().err


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
    assert not Path(".vvuq").exists()  # a page of gaps leaves no empty store behind
    assert main(["verify", "mine"]) == 0
    assert main(["verify", str(page)]) == 0
    page.write_bytes(first.replace(b"neonate", b"neonatE", 1))
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
    assert main(["data", "show", "phenobarbital", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["card"]["patients"], len(found["digest"])) == (59, 64)
    assert set(found) == {"card", "digest", "path"}
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


def test_options_that_clash(toy, capsys):
    toy()
    assert main(["run", "toy"]) == 0
    assert main(["report", "toy", "--format", "json", "--out", "new/page.html"]) == 2
    assert "ends in .json" in capsys.readouterr().err
    assert not Path("new").exists(), "nothing is made before it is known to be wanted"
    assert main(["gate", "toy", "--junit", "one.xml", "--summary", "./one.xml"]) == 2
    assert "another file than that of --junit" in capsys.readouterr().err
    assert not Path("one.xml").exists()


def test_a_study_cannot_be_copied_where_a_file_stands(capsys):
    Path("studies").write_text("a file, not a folder")
    assert main(["new", "study", "mine", "--from", "phenobarbital"]) == 2
    assert "can be written" in capsys.readouterr().err
