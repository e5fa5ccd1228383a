"""Studies, twins and stores are found where they are looked for; a copy of a study starts unlocked."""

from pathlib import Path

import pytest
from plans import write_plan

from vvuq.credibility import study
from vvuq.credibility.study import find_plan, find_twin, store_path, studies
from vvuq.errors import InputError


@pytest.fixture
def places(tmp_path, monkeypatch):
    here, shipped = tmp_path / "here", tmp_path / "shipped"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(study, "shipped", lambda kind: shipped / kind)
    monkeypatch.delenv("VVUQ_HOME", raising=False)
    return here, shipped


def test_a_study_is_found_by_name_folder_and_file(places):
    _, shipped = places
    path = write_plan(shipped / "studies" / "toy")
    assert find_plan("toy") == path
    assert find_plan(str(path.parent)) == path
    assert find_plan(str(path)) == path


def test_a_study_here_hides_the_shipped_one(places):
    _, shipped = places
    write_plan(shipped / "studies" / "toy")
    other = write_plan(shipped / "studies" / "other")
    own = write_plan(Path("studies") / "toy")
    assert studies() == {"toy": own, "other": other}


def test_an_unknown_study_is_refused_with_a_guess(places):
    write_plan(places[1] / "studies" / "phenobarbital")
    with pytest.raises(InputError, match="did you mean phenobarbital"):
        find_plan("phenobarbitol")


@pytest.mark.parametrize("where", ["beside", "here", "shipped"])
@pytest.mark.parametrize("shape", ["folder", "file"])
def test_a_twin_is_found(places, where, shape):
    _, shipped = places
    plan = write_plan(Path("studies") / "toy")
    folder = {"beside": plan.parent, "here": Path("twins"), "shipped": shipped / "twins"}[where]
    path = folder / "pk" if shape == "folder" else folder / "pk.py"
    file = path / "__init__.py" if shape == "folder" else path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    assert find_twin("pk", plan) == (path, "")
    assert find_twin("pk/other", plan) == (path, "other")
    with pytest.raises(InputError, match="a twin beside the plan"):
        find_twin("none", plan)


def test_where_evidence_lies(places, monkeypatch):
    assert store_path("toy") == Path(".vvuq/toy/evidence.sqlite")
    monkeypatch.setenv("VVUQ_HOME", "elsewhere")
    assert store_path("toy") == Path("elsewhere/toy/evidence.sqlite")
    assert store_path("toy", "mine.sqlite") == Path("mine.sqlite")
