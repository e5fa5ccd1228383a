"""Patients of another cohort are opened like held-out ones: under a locked plan, on record, sealed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from bad_input.material import CARD, TABLE, write_study

from vvuq.calibration.foce import fit_population
from vvuq.credibility.lock import lock
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.evidence.store import Store
from vvuq.run import RunContext, open_study

HEAD, *ROWS = TABLE.splitlines()
OTHERS = "\n".join([HEAD, *(f"x{row}".replace(",0,", ",1,") for row in ROWS)]) + "\n"  # other ids and times of doses


def study(folder: Path, external: object = ("other",), table: str = OTHERS):
    """The study of the folder, written there if it is not, with external cohorts."""
    place = folder / "studies" / "toy"
    if not place.exists():
        write_study(folder)
        (place / "data" / "other.csv").write_text(table)
        digest = hashlib.sha256(table.encode()).hexdigest()
        text = CARD.replace("name: toy", "name: other").replace("toy.csv", "other.csv").replace("SHA256", digest)
        (place / "data" / "other.yaml").write_text(text)
    plan = yaml.safe_load((place / "plan.yaml").read_text()) | {"external": list(external)}
    (place / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))
    return open_study(str(place / "plan.yaml"))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "evidence.sqlite", create=True)


def test_it_is_opened_only_under_a_locked_plan_and_on_record(tmp_path, store):
    found = study(tmp_path)
    context = RunContext(found, store, "holdout")
    with pytest.raises(InputError, match="lock the plan first"):
        context.external("other")
    assert store.events() == ()
    lock(found.plan, found.path)
    cohort = context.external("other", "to test")
    assert [p.id for p in cohort.patients] == ["xa", "xb", "xc", "xd"] and all(p.sealed for p in cohort.patients)
    (event,) = store.events()
    assert (event.kind, event.body["reason"], event.body["patients"]) == ("opened", "other: to test", 4)
    assert (event.body["cohort"], event.body["plan"]) == (cohort.digest, found.plan.digest)
    with pytest.raises(InputError, match=r"external: 'othre' is not valid.*did you mean other"):
        context.external("othre")
    with pytest.raises(IntegrityError):
        fit_population(found.twin(), cohort)


def test_a_plan_that_names_another_cohort_since_it_was_locked_opens_nothing(tmp_path, store):
    first = study(tmp_path, ())
    lock(first.plan, first.path)
    changed = study(tmp_path)
    with pytest.raises(IntegrityError, match="external"):
        RunContext(changed, store, "holdout").external("other")
    assert store.events() == () and changed.data != first.data and first.data in changed.data


def test_patients_of_the_study_cannot_be_external(tmp_path, store):
    for table in (TABLE, TABLE.replace("\na,", "\nz,")):  # by id, or the same records under another id
        folder = tmp_path / hashlib.sha256(table.encode()).hexdigest()[:8]
        found = study(folder, table=table)
        lock(found.plan, found.path)
        with pytest.raises(InputError, match=r"external: '. patients' is not valid"):
            RunContext(found, store, "holdout").external("other")
    assert store.events() == ()


@pytest.mark.parametrize(
    ("external", "words"),
    [
        (("othre",), r"external\.0: 'othre' is not valid: a data card .*"),
        (("toy",), r"external\.0: 'toy' is not valid: a cohort that is named once"),
        (("other", "other"), r"external\.1: 'other' is not valid: a cohort that is named once"),
        (("../x",), r"external\.0: '\.\./x' is not valid"),
    ],
)
def test_a_plan_names_cohorts_that_there_are(tmp_path, external, words):
    with pytest.raises(InputError, match=rf"plan\.yaml:\d+: {words}"):
        study(tmp_path, external)


def test_its_card_is_checked_and_its_file_may_be_away(tmp_path, store):
    found = study(tmp_path)
    lock(found.plan, found.path)
    (found.path.parent / "data" / "other.csv").unlink()
    with pytest.raises(NotEvaluable, match=r"other\.csv"):
        RunContext(found, store, "holdout").external("other")
    card = found.path.parent / "data" / "other.yaml"
    card.write_text(card.read_text().replace("dose_unit: mg", "dose_unit: h"))
    with pytest.raises(InputError, match=r"other\.yaml:\d+: layout\.dose_unit"):
        study(tmp_path)


def test_a_plan_without_external_cohorts_has_the_digest_it_always_had(tmp_path):
    found = study(tmp_path, ())
    assert "external" not in found.plan.canonical and "external" in study(tmp_path).plan.canonical
    path = found.path
    path.write_text(path.read_text().replace("external:\n- other\n", ""))
    assert open_study(str(path)).plan.digest == found.plan.digest
