"""A lock holds values; changed values are refused or amended in the open; no byte changes unseen."""

import dataclasses
import errno
import json

import pytest
from plans import ORDER, plan_data, write_plan

from vvuq.credibility import lock as module
from vvuq.credibility.lock import (
    Amendment,
    Knowledge,
    check_lock,
    differences,
    lock,
    lock_path,
    read_lock,
    verify_plan,
)
from vvuq.credibility.plan import load_plan
from vvuq.errors import InputError, IntegrityError
from vvuq.evidence.files import OutputError
from vvuq.paths import shipped


@pytest.fixture
def path(tmp_path):
    return write_plan(tmp_path / "toy")


def widen(path):
    data = plan_data()
    data["factors"][ORDER]["criteria"][0]["value"] = 0.5
    write_plan(path.parent, data)
    return load_plan(path)


def test_lock_and_check(path):
    plan = load_plan(path)
    with pytest.raises(InputError, match="vvuq plan lock"):
        check_lock(plan, path)
    made = lock(plan, path)
    assert check_lock(plan, path) == made
    assert made.digest == plan.digest
    assert json.loads(lock_path(path).read_text())["plan"]["seed"] == 1
    assert verify_plan(plan, path) == []
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["plan.lock.json", "plan.yaml"]


def test_a_changed_value_breaks_the_lock_and_is_named(path):
    lock(load_plan(path), path)
    plan = widen(path)
    with pytest.raises(IntegrityError, match=r"criteria\.0\.value: 0\.1 -> 0\.5"):
        check_lock(plan, path)
    assert len(verify_plan(plan, path)) == 1


def test_locking_changed_values_needs_a_reason_which_stays(path):
    first = lock(load_plan(path), path)
    plan = widen(path)
    with pytest.raises(InputError, match="--amend"):
        lock(plan, path)
    made = lock(plan, path, "the assay is coarser")
    assert [a.reason for a in made.amendments] == ["the assay is coarser"]
    assert (made.amendments[0].digest, made.amendments[0].locked_at) == (first.digest, first.locked_at)
    assert check_lock(plan, path) == made


def test_an_amendment_holds_what_changed_and_what_was_known(path):
    lock(load_plan(path), path, rules={"a.py": "1"})
    plan = widen(path)
    made = lock(
        plan, path, "the assay is coarser", rules={"a.py": "2", "b.py": "1"}, known=Knowledge(2, {"order": "E-1"})
    )
    (amendment,) = made.amendments
    place = f"factors.{ORDER}.criteria.0.value"
    assert amendment.changes == (f"{place}: 0.1 -> 0.5", "rules: a.py was changed", "rules: b.py was added")
    assert (amendment.openings, amendment.evidence) == (2, {"order": "E-1"})
    assert read_lock(path) == made
    assert made.rules == {"a.py": "2", "b.py": "1"}


def test_changed_values_are_kept_whole(path):
    lock(load_plan(path), path)
    data = plan_data()
    data["title"] = "T" * 300
    write_plan(path.parent, data)
    made = lock(load_plan(path), path, "a better title")
    assert made.amendments[0].changes == (f'title: "A toy" -> "{"T" * 300}"',)
    assert (made.amendments[0].openings, made.amendments[0].evidence) == (None, None)  # no store was at hand


def test_changed_rules_alone_are_amended_only_with_a_reason(path):
    plan = load_plan(path)
    first = lock(plan, path, rules={"a.py": "1"})
    assert lock(plan, path, rules={"a.py": "2"}) == first
    made = lock(plan, path, "the check was mended", rules={"a.py": "2"})
    assert made.amendments[0].changes == ("rules: a.py was changed",)
    assert (made.digest, made.rules) == (first.digest, {"a.py": "2"})
    with pytest.raises(InputError, match="neither values nor rules were changed"):
        lock(plan, path, "once more", rules={"a.py": "2"})


def test_a_lock_of_an_older_version_still_holds(path):
    plan = load_plan(path)
    made = lock(plan, path)
    body = dataclasses.asdict(made) | {"amendments": [{"digest": "0" * 64, "locked_at": "2026", "reason": "r"}]}
    del body["rules"]
    lock_path(path).write_text(json.dumps(body | {"seal": module._seal(body)}))
    assert check_lock(plan, path).amendments == (Amendment("0" * 64, "2026", "r"),)
    assert verify_plan(plan, path) == []
    lock(widen(path), path, "the assay is coarser", known=Knowledge(1, {}))
    old, new = read_lock(path).amendments
    assert (old.changes, old.openings, new.openings) == (None, None, 1)


def test_the_lock_of_the_shipped_study_holds():
    plan = shipped("studies") / "phenobarbital" / "plan.yaml"
    assert read_lock(plan) is not None


@pytest.mark.parametrize("content", ["", "{}", "[]", "not JSON", '{"seal": ""}', "\udcff"])
def test_a_damaged_lock_says_what_to_do(path, content):
    lock(load_plan(path), path)
    lock_path(path).write_text(content, errors="surrogateescape")
    with pytest.raises(IntegrityError, match=r"plan\.lock\.json is damaged .*put back the file as it was written"):
        read_lock(path)


def test_comments_keep_the_lock_but_verification_sees_them(path):
    made = lock(load_plan(path), path)
    path.write_text("# new\n" + path.read_text())
    plan = load_plan(path)
    assert check_lock(plan, path) == made
    assert "although its values are" in verify_plan(plan, path)[0]
    sealed = lock(plan, path)
    assert (sealed.locked_at, sealed.amendments) == (made.locked_at, ())
    assert verify_plan(plan, path) == []


def test_line_ends_do_not_matter(path):
    lock(load_plan(path), path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert verify_plan(load_plan(path), path) == []


def test_every_byte_of_the_plan_counts(path):
    lock(load_plan(path), path)
    content = path.read_bytes()
    for position in range(0, len(content), 97):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        try:
            problems = verify_plan(load_plan(path), path)
        except InputError:
            continue
        assert problems, position


def test_every_byte_of_the_lock_counts(path):
    plan = load_plan(path)
    lock(plan, path)
    content = lock_path(path).read_bytes()
    for position in range(0, len(content), 23):
        if content[position] in b" \n":  # white space of JSON
            continue
        lock_path(path).write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert verify_plan(plan, path), position


def test_a_lock_with_values_of_its_own_making(path):
    plan = load_plan(path)
    lock(plan, path)
    body = json.loads(lock_path(path).read_text())
    body["plan"]["seed"] = 2
    body.pop("seal")
    body["seal"] = module._seal(body)
    lock_path(path).write_text(json.dumps(body))
    with pytest.raises(IntegrityError, match="was changed"):
        read_lock(path)


def test_an_installed_study_is_not_locked(path, monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", path.parent.parent)
    installed = write_plan(path.parent.parent / "_studies" / "toy")
    with pytest.raises(InputError, match="vvuq new study NAME --from toy"):
        lock(load_plan(installed), installed)
    assert not lock_path(installed).exists()


def test_a_lock_is_written_whole_or_not_at_all(path, monkeypatch):
    plan = load_plan(path)
    made = lock(plan, path)

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        lock(plan, path)
    monkeypatch.undo()
    assert read_lock(path) == made
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["plan.lock.json", "plan.yaml"]


def test_differences():
    old = {"a": 1, "b": [1, 2], "c": {"d": "x"}, "gone": 1}
    new = {"a": 1.5, "b": [1, 3, 4], "c": {"d": "x"}, "new": "y"}
    assert differences(old, new) == [
        "a: 1 -> 1.5",
        "b.1: 2 -> 3",
        "b.2: added, 4",
        "gone: removed, was 1",
        'new: added, "y"',
    ]
    assert differences(old, old) == []
    assert differences({"a": True}, {"a": 1}) == ["a: true -> 1"]
