"""The first page counts changed rules where they are many, and keeps all else that is to be seen."""

from vvuq.dossier.sections.verdict import MOST, gathered


def notes(count, lock="2026-01-01"):
    return [f"rules changed since the lock of {lock}: {i}.py was changed" for i in range(count)]


def test_few_changed_rules_are_named():
    assert gathered([*notes(MOST), "other"]) == (*notes(MOST), "other")


def test_many_are_counted_by_their_lock_and_the_rest_stays_in_its_place():
    found = gathered(["first", *notes(5), *notes(3, "2026-02-02"), "last"])
    assert found == (
        "first",
        "rules changed since the lock of 2026-01-01: 5 files, each named in section 22",
        "rules changed since the lock of 2026-02-02: 3 files, each named in section 22",
        "last",
    )
