"""What runs met and what the lock tells today have to agree; what was known is counted in the store."""

import dataclasses

import pytest
from plans import evidence

from vvuq.credibility.history import known_at, met, untold
from vvuq.credibility.lock import Amendment, Lock
from vvuq.errors import IntegrityError
from vvuq.evidence.chain import FIRST, link
from vvuq.evidence.store import Store

FIRST_LOCK = Lock("1" * 64, "2026-01-01", "0" * 64, {}, (), {"grade.py": "1"})
AMENDED = Amendment("1" * 64, "2026-01-01", "a reason", ("seed: 1 -> 2",), 0, {})
SECOND_LOCK = Lock("2" * 64, "2026-02-01", "0" * 64, {}, (AMENDED,), {"grade.py": "2"})


def events(*bodies, kind="locked"):
    return [link(seq, "s", "t", kind, body, FIRST) for seq, body in enumerate(bodies, 1)]


def test_a_lock_tells_of_all_that_runs_met():
    assert untold(FIRST_LOCK, events(met(FIRST_LOCK))) == []
    assert untold(SECOND_LOCK, events(met(FIRST_LOCK), met(SECOND_LOCK))) == []
    assert untold(None, []) == []
    assert untold(SECOND_LOCK, events({"plan": "1" * 64}, kind="opened")) == []


def test_an_older_run_did_not_note_history_and_rules():
    old = {"plan": "1" * 64, "locked_at": "2026-01-01", "amendments": 0}
    assert untold(FIRST_LOCK, events(old)) == []
    assert untold(SECOND_LOCK, events(old)) == []


def test_an_amendment_of_an_older_lock_keeps_its_digest_when_it_is_written_anew():
    old = dataclasses.replace(SECOND_LOCK, amendments=(Amendment("1" * 64, "2026-01-01", "a reason"),))
    body = met(old)
    later = dataclasses.replace(SECOND_LOCK, amendments=(*old.amendments, Amendment("2" * 64, "2026-02-01", "r")))
    assert untold(later, events(body)) == []


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (None, "does not tell of"),
        (dataclasses.replace(SECOND_LOCK, digest="3" * 64), "does not tell of"),
        (dataclasses.replace(SECOND_LOCK, locked_at="2025-01-01"), "was written anew"),
        (dataclasses.replace(SECOND_LOCK, rules={"grade.py": "3"}), "was written anew"),
        (dataclasses.replace(SECOND_LOCK, rules=None), "was written anew"),
        (dataclasses.replace(SECOND_LOCK, amendments=()), "does not tell of"),
        (dataclasses.replace(SECOND_LOCK, amendments=(dataclasses.replace(AMENDED, reason="x"),)), "was written anew"),
        (dataclasses.replace(SECOND_LOCK, amendments=(dataclasses.replace(AMENDED, openings=9),)), "was written anew"),
        (dataclasses.replace(SECOND_LOCK, amendments=(dataclasses.replace(AMENDED, openings=None),)), "anew"),
        (dataclasses.replace(SECOND_LOCK, amendments=(dataclasses.replace(AMENDED, locked_at="x"),)), "anew"),
    ],
)
def test_a_lock_that_tells_it_differently_is_found(today, words):
    problems = untold(today, events(met(FIRST_LOCK), met(SECOND_LOCK)))
    assert problems
    assert words in problems[0]


def test_an_opening_under_a_plan_that_is_not_told_is_found():
    assert len(untold(FIRST_LOCK, events({"plan": "7" * 64}, kind="opened"))) == 1


def test_what_is_known_is_counted_for_the_study(tmp_path):
    store = Store(tmp_path / "evidence.sqlite", create=True)
    store.add("toy", "k1", evidence())
    last = store.add("toy", "k2", evidence(message="again"))
    store.add("other", "k", evidence("holdout"))
    store.append("toy", "opened", {})
    store.append("other", "opened", {})
    known = known_at(store, "toy")
    assert (known.openings, known.evidence) == (1, {"order": last.id})


def test_a_store_that_was_changed_is_not_counted(tmp_path, monkeypatch):
    store = Store(tmp_path / "evidence.sqlite", create=True)
    monkeypatch.setattr("vvuq.credibility.history.verify_store", lambda store: ["row 1 was changed"])
    with pytest.raises(IntegrityError, match="row 1 was changed"):
        known_at(store, "toy")
