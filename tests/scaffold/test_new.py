"""What a new user is given: a twin and a study that are valid as they stand, made whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from examples import ROOT, pk
from plans import write_plan
from strategies import synthetic_neonates

from vvuq.cli import main
from vvuq.credibility.lock import lock, lock_path
from vvuq.credibility.plan import load_plan
from vvuq.credibility.standards import ladders
from vvuq.data.cards import load_card
from vvuq.data.load import load_cohort
from vvuq.errors import InputError
from vvuq.models.twin import load_twin
from vvuq.run.study import open_study
from vvuq.scaffold import study as module
from vvuq.scaffold.files import write_new
from vvuq.scaffold.study import copy_study, new_study
from vvuq.scaffold.twin import new_twin
from vvuq.scaffold.unwritten import MARK, check_written, texts, unwritten


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("VVUQ_HOME", "VVUQ_DATA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write_table(path, patients=12):
    """A long table of simulated patients, without covariates."""
    lines = ["id,time,dose,concentration"]
    for p in synthetic_neonates(patients, 2).patients:
        rows = [(d.time, 1, f"{d.amount},") for d in p.doses] + [(m.time, 0, f",{m.value}") for m in p.measurements]
        lines += [f"{p.id},{time},{cells}" for time, _, cells in sorted(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def made(here):
    new_twin("mine", Path())
    return new_study("levels", "mine", write_table(here / "levels.csv"), Path("studies"))


def files():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_a_new_twin_is_valid_as_it_stands(here):
    twin_file, test_file = new_twin("mine", Path())
    assert files() == ["tests/test_mine.py", "twins/mine.py"] == [str(test_file), str(twin_file)]
    twin = load_twin(twin_file)
    assert (twin.name, twin.model.name, twin.personal) == ("mine", "mine", ("CL", "V"))
    assert twin.claims.balances and twin.claims.envelope and twin.closed_form
    text = test_file.read_text()
    assert "from vvuq.testing import conformance" in text and 'conformance("../twins/mine.py")' in text
    for name in twin.scenarios:
        assert twin.scenarios[name]().observable == "concentration", "each scenario has a value for each setting"


@pytest.mark.parametrize("name", ["", "Mine", "my twin", "1st", "a-b", "../x", "class", "pk"])
def test_names_that_a_twin_cannot_have(here, name):
    with pytest.raises(InputError, match=r"command line: NAME: "):
        new_twin(name, Path())
    assert files() == []


@pytest.mark.parametrize("taken", ["twins/mine.py", "twins/mine/__init__.py", "tests/test_mine.py"])
def test_nothing_is_written_over_a_twin(here, taken):
    Path(taken).parent.mkdir(parents=True)
    Path(taken).write_text("kept")
    with pytest.raises(InputError, match="a name that is free"):
        new_twin("mine", Path())
    assert files() == [taken] and Path(taken).read_text() == "kept"


def test_a_new_study_is_accepted_and_pins_its_table(here, made, capsys):
    study = open_study("levels")
    assert (study.plan.study, study.plan.cohort, study.plan.twin) == ("levels", "levels", "mine")
    assert list(study.plan.analyses) == [
        "cohort", "population_fit", "convergence", "filter_exactness", "cross_validation", "sensitivity", "fisher",
        "holdout",
    ]  # fmt: skip
    card = load_card(Path("studies/levels/data/levels.yaml"))
    copied = Path("studies/levels/data/levels.csv").read_bytes()
    assert copied == Path("levels.csv").read_bytes()
    assert card.table.sha256 == hashlib.sha256(copied).hexdigest()
    cohort = load_cohort(card)
    assert (len(cohort.patients), card.held_out.count) == (12, 4) == (made.patients, made.held_out)
    assert made.measurements == card.measurements == sum(len(p.measurements) for p in cohort.patients)
    assert main(["plan", "check", "levels"]) == 0 and "valid; 23 factors" in capsys.readouterr().out
    assert Path("studies/levels/.gitignore").read_text() == "/data/levels.csv\n"


def test_ones_own_twin_and_study_are_listed(made, capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "\n  mine\n" in listed and "  levels  studies/levels/plan.yaml" in listed


def test_every_goal_is_a_rung_and_says_that_it_was_not_argued(made):
    plan = load_plan(Path("studies/levels/plan.yaml"))
    assert set(plan.factors) == {leaf.id for leaf in ladders("vv40_2018").leaves}
    assert {factor.goal_rationale for factor in plan.factors.values()} == {
        "Default of the scaffold; not argued for this use yet"
    }


def test_a_plan_is_not_locked_while_anything_is_to_be_written(here, made, capsys):
    assert main(["plan", "lock", "levels"]) == 2
    told = capsys.readouterr().err
    plan = Path("studies/levels/plan.yaml")
    for path in (plan, Path("studies/levels/data/levels.yaml"), Path("twins/mine.py")):
        marked = [n for n, line in enumerate(path.read_text().splitlines(), 1) if MARK in line]
        assert marked and all(f"{path}:{number}:" in told for number in marked)
    assert not lock_path(plan).exists()
    for path in (plan, Path("studies/levels/data/levels.yaml"), Path("twins/mine.py")):
        path.write_text(path.read_text().replace(MARK, "Written"))
    assert main(["plan", "lock", "levels"]) == 0 and lock_path(plan).exists()


def test_marks_are_counted_and_found_in_every_text_of_a_study(made):
    plan = Path("studies/levels/plan.yaml")
    found = texts(load_plan(plan), plan)
    assert [path.name for path in found] == ["plan.yaml", "levels.yaml", "mine.py"]
    assert made.to_write == len(unwritten(found)) > 10
    last = found[-1]
    for path in found:
        path.write_text(path.read_text().replace(MARK, "Written"))
    last.write_text(last.read_text() + f"# {MARK}: one more\n")
    with pytest.raises(InputError, match=r"mine\.py:\d+: text: '# TO WRITE: one more' is not valid: your own words"):
        check_written(found)


def test_the_shipped_study_and_twin_hold_no_mark():
    plan = ROOT / "studies" / "phenobarbital" / "plan.yaml"
    assert unwritten(texts(load_plan(plan), plan)) == ()


@pytest.mark.parametrize("name", ["", "My study", "../x", "Levels", "phenobarbital"])
def test_names_that_a_study_cannot_have(here, name):
    new_twin("mine", Path())
    table, before = write_table(here / "levels.csv"), files()
    with pytest.raises(InputError, match=r"command line: NAME: "):
        new_study(name, "mine", table, Path("studies"))
    assert files() == before


def test_nothing_is_written_over_a_study_or_for_a_table_that_cannot_be_read(here, made):
    before = files()
    with pytest.raises(InputError, match="a name that is free"):
        new_study("levels", "mine", Path("levels.csv"), Path("studies"))
    broken = here / "broken.csv"
    broken.write_text(Path("levels.csv").read_text().replace(",", ";"))
    broken.write_text(broken.read_text() + "99;1;x;\n")
    with pytest.raises(InputError, match=r"broken\.csv, line \d+, column dose: dose amount: 'x'"):
        new_study("other", "mine", broken, Path("studies"))
    with pytest.raises(InputError, match=r"command line: twin: 'mime' .*did you mean mine\?"):
        new_study("other", "mime", Path("levels.csv"), Path("studies"))
    with pytest.raises(InputError, match=r"absent\.csv: file"):
        new_study("other", "mine", Path("absent.csv"), Path("studies"))
    with pytest.raises(InputError, match=r"levels\.csv: patients: 5 .*8 or more"):
        new_study("other", "mine", write_table(here / "levels.csv", 5), Path("studies"))
    assert files() == sorted([*before, "broken.csv"])


def test_a_twin_that_asks_for_what_the_table_lacks(here):
    with pytest.raises(InputError, match=r"twin pk: schedule: .*weight.*holds: concentration, dose, time"):
        new_study("other", "pk", write_table(here / "levels.csv"), Path("studies"))


def test_analyses_that_a_twin_cannot_answer_are_left_out_and_the_plan_says_why(here, monkeypatch):
    """A twin without scenarios and closed form: the plan is still accepted."""
    file, _ = new_twin("mine", Path())
    bare = re.sub(r"    scenarios=.*\n    closed_form=.*\n", "", file.read_text())
    file.write_text(bare)
    new_study("levels", "mine", write_table(here / "levels.csv"), Path("studies"))
    plan = open_study("levels").plan
    assert not {"convergence", "sensitivity"} & set(plan.analyses)
    text = Path("studies/levels/plan.yaml").read_text()
    assert "# convergence is left out: twin mine declares no" in text and "# sensitivity is left out: twin mine" in text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"closed_form": None}, "no closed form"),
        ({"scenarios": {}}, "no scenario"),
        ({"scenarios": {"maintenance_trough": pk().scenarios["maintenance_trough"]}}, "no scenario that has a value"),
    ],
)
def test_a_ladder_of_steps_needs_a_scenario_and_an_exact_solution(here, change, reason):
    twin = replace(load_twin(new_twin("mine", Path())[0]), **change)
    steps, why = module._steps(twin, module._scenarios(twin)[0])
    assert steps == [] and reason in why


def test_the_steps_divide_the_scenario(here):
    twin = load_twin(new_twin("mine", Path())[0])
    steps, why = module._steps(twin, "verification")
    assert (steps, why) == ([2.0, 1.0, 0.5, 0.25, 0.125], "")


def test_a_copy_has_another_name_and_neither_lock_nor_history(here):
    source = write_plan(here / "given" / "toy")
    source.write_text("# the plan of toy\n" + source.read_text())
    for name in ("judgements/one.yaml", "data/toy.yaml", "README.md", ".hidden"):
        (source.parent / name).parent.mkdir(exist_ok=True)
        (source.parent / name).write_text("of toy: opened once\n")
    before = load_plan(source)
    lock(before, source)
    made = copy_study("mine", source, Path("studies"))
    plan = load_plan(made)
    assert plan.model_copy(update={"study": "toy"}) == before and made.read_text().startswith("# the plan of mine\n")
    assert not lock_path(made).exists()
    assert sorted(entry.name for entry in made.parent.iterdir()) == ["README.md", "data", "plan.yaml"]
    told = (made.parent / "README.md").read_text()
    assert "A copy of the study `toy`" in told and "opened once" not in told
    with pytest.raises(InputError, match="a name that is free"):
        copy_study("mine", source, Path("studies"))
    with pytest.raises(InputError, match="a study that is shipped has this one"):
        copy_study("phenobarbital", source, Path("studies"))


def test_the_shipped_study_can_be_copied_and_is_valid(here, capsys):
    assert main(["new", "study", "mine", "--from", "phenobarbital"]) == 0
    assert main(["plan", "check", "mine"]) == 0
    assert "not locked" in capsys.readouterr().out
    assert "phenobarbital`" not in Path("studies/mine/plan.yaml").read_text().split("schema_version")[0]


@pytest.mark.parametrize(
    "words",
    [
        ["mine"],
        ["mine", "--twin", "pk"],
        ["mine", "--data", "x.csv"],
        ["mine", "--from", "phenobarbital", "--twin", "pk"],
        ["mine", "--from", "phenobarbital", "--twin", "pk", "--data", "x.csv"],
    ],
)
def test_a_study_is_copied_or_made_of_twin_and_table(here, words, capsys):
    assert main(["new", "study", *words]) == 2
    assert "either --from STUDY, or --twin TWIN with --data FILE" in capsys.readouterr().err
    assert files() == []


def test_the_command_tells_what_it_guessed(here, capsys):
    import json

    write_table(here / "levels.csv")
    assert main(["new", "twin", "mine"]) == 0
    assert main(["new", "study", "levels", "--twin", "mine", "--data", "levels.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.partition("tries what it claims\n")[2])
    assert {one["what"] for one in told["guessed"]} >= {"cells", "id", "time", "dose", "observation", "observable"}
    assert told["patients"] == 12 and told["to_write"] > 10 and "studies/levels/plan.yaml" in told["files"]


def test_files_are_made_all_or_none(here, monkeypatch):
    Path("blocked").write_text("a file, no folder")
    with pytest.raises(InputError, match="a folder that can be written"):
        write_new({Path("fine/a/one.txt"): b"1", Path("blocked/two.txt"): b"2"})
    assert files() == ["blocked"] and not Path("fine").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder(here):
    here.chmod(0o555)
    with pytest.raises(InputError, match="a folder that can be written"):
        new_twin("mine", Path())
    here.chmod(0o755)


def test_a_study_on_a_twin_with_covariates_states_their_ranges(here, tmp_path):
    """The reference twin, on a table with weight and Apgar score."""
    lines = ["id;time [h];dose [mg];level [mg/L];weight [kg];apgar"]
    for p in synthetic_neonates(14, 2).patients:
        w, a = (value for _, value in p.covariates)
        rows = [(d.time, 1, f"{d.amount};") for d in p.doses] + [(m.time, 0, f";{m.value}") for m in p.measurements]
        lines += [f"{p.id};{time};{cells};{w};{a:.0f}" for time, _, cells in sorted(rows)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    new_study("babies", "pk", tmp_path / "t.csv", Path("studies"))
    plan = open_study("babies").plan
    axes = {axis.name: axis for axis in plan.context_of_use.envelope}
    assert set(axes) == {"weight", "apgar", "dose"}
    assert plan.analyses["cohort"].settings["envelope"]["weight"] == [axes["weight"].low, axes["weight"].high]
    assert "convergence" not in plan.analyses, "its scenarios ask for settings that only the user knows"
