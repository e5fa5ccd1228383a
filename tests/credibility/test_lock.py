"""A lock holds values; changed values are refused or amended in the open; no byte changes unseen."""

import json

import pytest
from plans import ORDER, plan_data, write_plan

from vvuq.credibility import lock as module
from vvuq.credibility.lock import check_lock, differences, lock, lock_path, read_lock, verify_plan
from vvuq.credibility.plan import load_plan
from vvuq.errors import InputError, IntegrityError


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


def test_comments_keep_the_lock_but_verification_sees_them(path):
    made = lock(load_plan(path), path)
    path.write_text("# new\n" + path.read_text())
    plan = load_plan(path)
    assert check_lock(plan, path) == made
    assert "though not its values" in verify_plan(plan, path)[0]
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
        raise OSError("disk full")

    monkeypatch.setattr(module.Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
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
