"""The rules of a grade are the files that decide it; a changed one is named, and breaks nothing."""

from pathlib import Path

import pytest

from vvuq.collect import collect
from vvuq.credibility import rules as module
from vvuq.credibility.lock import Lock
from vvuq.credibility.rules import changed_since, rules
from vvuq.record import Check

TODAY = {"grade.py": "1", "check.py": "1"}


def held(known):
    return Lock("0" * 64, "2026-01-01", "0" * 64, {}, (), known)


def mine(evidence):
    return ()


def test_all_that_decides_a_grade_is_covered():
    found = rules({"mine": Check("mine", "order", mine)} | collect("vvuq.analyses", Check))
    assert found.keys() >= {
        "vvuq/credibility/criteria.py",
        "vvuq/credibility/grade.py",
        "vvuq/credibility/standards/vv40_2018.yaml",
        "vvuq/analyses/validation/holdout.py",
        "vvuq/analyses/validation/report.py",
        __name__,
    }
    for check in collect("vvuq.analyses", Check).values():
        assert check.run.__module__.replace(".", "/") + ".py" in found


def test_a_changed_file_changes_its_digest_alone(tmp_path, monkeypatch):
    package = tmp_path / "vvuq"
    for name in (*module._GRADING, "analyses/a.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(f"# {name}\n")
    monkeypatch.setattr(module, "PACKAGE", package)
    before = rules({})
    (package / "analyses" / "a.py").write_bytes(b"# analyses/a.py\r\n")
    assert rules({}) == before
    (package / "analyses" / "a.py").write_text("# lenient\n")
    assert [name for name, digest in rules({}).items() if digest != before[name]] == ["vvuq/analyses/a.py"]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (TODAY, []),
        (None, []),
        ({"grade.py": "0", "check.py": "1"}, ["grade.py was changed"]),
        ({"grade.py": "1", "old.py": "1"}, ["check.py was added", "old.py was removed"]),
    ],
)
def test_each_changed_rule_is_named_with_the_lock(known, words):
    assert changed_since(held(known), TODAY) == [
        f"rules changed since the lock of 2026-01-01: {word}" for word in words
    ]
    assert changed_since(None, TODAY) == []


def test_the_folders_are_where_the_rules_are():
    assert (Path(module.PACKAGE) / "credibility" / "grade.py").is_file()
