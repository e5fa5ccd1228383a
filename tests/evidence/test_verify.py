"""Whatever byte, row or event is changed, added or removed: verification finds it."""

import hashlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vvuq.evidence.canonical import canonical
from vvuq.evidence.chain import FIRST, broken_links, link
from vvuq.evidence.store import Store, row_digest, stamp
from vvuq.evidence.verify import set_back, verify_rendered, verify_store
from vvuq.record import Evidence, Quantity, Table


def found(value=1.5, analysis="convergence"):
    table = Table("t", ("a", "b"), ("h", ""), ((1.0, "x"), (2.0, None)))
    return Evidence("Why?", analysis, 1, "pk", {"n": 3}, "s", {"x": Quantity(value, "h", low=1.0)}, {"t": table})


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "evidence.sqlite", create=True)
    store.add("s", "k1", found(1.5))
    store.append("s", "opened", {"analysis": "holdout", "reason": "final"})
    store.add("s", "k2", found(2.5, "holdout"))
    return store


@pytest.fixture
def page(store, tmp_path):
    path = tmp_path / "dossier.html"
    path.write_text(f"<p>{store.records()[0].id}</p>")
    store.append("s", "rendered", {"path": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return path


def tamper(store, *statements):
    """Takes the guards away, does what they forbid, and puts them back."""
    with sqlite3.connect(store.path, isolation_level=None) as connection:
        for name, sql in guards(connection).items():
            connection.execute(f"DROP TRIGGER {name}")
            statements += (sql,)
        for statement in statements:
            connection.execute(*(statement if isinstance(statement, tuple) else (statement,)))
    connection.close()


def guards(connection):
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall())


def test_untouched_is_in_order(store, page):
    assert verify_store(store) == []
    assert verify_rendered(page, store) == []


def body_of(store, table):
    with sqlite3.connect(store.path) as connection:
        ((body,),) = connection.execute(f"SELECT body FROM {table} WHERE seq = 1").fetchall()
    connection.close()
    return body


@pytest.mark.parametrize("table", ["evidence", "events"])
@pytest.mark.parametrize("bit", [1, 2, 4])
def test_every_byte_of_a_body_counts(store, table, bit):
    body = body_of(store, table)
    for position in range(bit, len(body), 5):
        changed = body[:position] + chr(ord(body[position]) ^ bit) + body[position + 1 :]
        tamper(store, (f"UPDATE {table} SET body = ? WHERE seq = 1", (changed,)))
        assert verify_store(store), (position, body[position])
    tamper(store, (f"UPDATE {table} SET body = ? WHERE seq = 1", (body,)))
    assert verify_store(store) == []


@pytest.mark.parametrize("column", ["study", "id", "key", "recorded_at", "body", "digest"])
def test_every_column_of_evidence_counts(store, column):
    tamper(store, f"UPDATE evidence SET {column} = {column} || 'x' WHERE seq = 1")
    assert any("evidence" in problem for problem in verify_store(store))


@pytest.mark.parametrize("column", ["study", "time", "kind", "body", "previous", "digest"])
@pytest.mark.parametrize("seq", [1, 2, 3])
def test_every_column_of_an_event_counts(store, column, seq):
    tamper(store, f"UPDATE events SET {column} = {column} || ' ' WHERE seq = {seq}")
    assert verify_store(store)


@pytest.mark.parametrize("table", ["evidence", "events"])
def test_a_removed_row_is_missed(store, table):
    for seq in (3, 2, 1)[table == "evidence" :]:  # each on top of the one before
        tamper(store, f"DELETE FROM {table} WHERE seq = {seq}")
        assert verify_store(store), seq


def test_a_removed_first_row_is_named(store):
    name = store.records()[0].id
    tamper(store, "DELETE FROM evidence WHERE seq = 1")
    assert verify_store(store) == [f"evidence {name} (row 1) was removed"]


def test_an_event_that_follows_another_than_the_one_before_is_found():
    one, two = (link(1, "s", "t", "k", {"a": a}, FIRST) for a in (1, 2))
    last = link(2, "s", "t", "k", {}, one.digest)
    assert broken_links([one, last]) == []
    assert broken_links([two, last]) == ["event 2 does not follow the event before it"]


def test_a_removed_last_event_is_missed(store):
    store.append("s", "opened", {"reason": "second look"})
    tamper(store, "DELETE FROM events WHERE seq = 4")
    assert verify_store(store) == ["the last rows of events were removed"]


def test_a_row_with_a_digest_of_its_own_making_does_not_fit_the_chain(store):
    row = store.raw()[0]
    body = row.body.replace("1.5", "0.5")
    digest = row_digest(row.study, row.id, row.key, row.recorded_at, body)
    tamper(store, ("UPDATE evidence SET body = ?, digest = ? WHERE seq = 1", (body, digest)))
    assert verify_store(store) == [f"evidence {row.id} (row 1) is not what the chain of events says was stored"]


def test_an_added_row_without_event_is_found(store):
    tamper(
        store, "INSERT INTO evidence SELECT 3, study, id, 'k3', recorded_at, body, digest FROM evidence WHERE seq = 1"
    )
    assert verify_store(store)


def test_a_chain_rebuilt_after_the_edit_bears_the_wrong_id(store, page):
    row, events = store.raw()[0], store.events()
    body = row.body.replace("1.5", "0.5")
    digest = row_digest(row.study, row.id, row.key, row.recorded_at, body)
    _rebuild(store, events, body, row.id, digest)
    assert verify_store(store) == [f"evidence {row.id} (row 1) bears the id of another record"]
    name = "E-000000000000"
    digest = row_digest(row.study, name, row.key, row.recorded_at, body)
    _rebuild(store, events, body, name, digest)
    assert verify_rendered(page, store) == [f"{page} speaks of {row.id}, which the store does not hold"]


def _rebuild(store, events, body, name, digest):
    statements = [("UPDATE evidence SET body = ?, digest = ?, id = ? WHERE seq = 1", (body, digest, name))]
    previous = FIRST
    for event in events:
        said = dict(event.body) | ({"digest": digest, "id": name} if event.seq == 1 else {})
        new = link(event.seq, event.study, event.time, event.kind, said, previous)
        statements.append(
            (
                "UPDATE events SET body = ?, previous = ?, digest = ? WHERE seq = ?",
                (canonical(said), previous, new.digest, event.seq),
            )
        )
        previous = new.digest
    tamper(store, *statements)


def test_any_byte_of_the_page_counts(store, page):
    content = page.read_bytes()
    for position in range(len(content)):
        page.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert verify_rendered(page, store)


def test_only_the_last_page_rendered_to_a_place_counts(store, page):
    first = page.read_bytes()
    page.write_text("another page")
    store.append("s", "rendered", {"path": page.name, "sha256": hashlib.sha256(page.read_bytes()).hexdigest()})
    assert verify_rendered(page, store) == []
    page.write_bytes(first)
    (problem,) = verify_rendered(page, store)
    assert problem == f"{page} is an earlier page, not the one last rendered from this store: render it again"


def test_a_copy_of_a_page_elsewhere_is_known(store, page, tmp_path):
    copy = tmp_path / "copy.html"
    copy.write_bytes(page.read_bytes())
    assert verify_rendered(copy, store) == []


def test_a_damaged_file_is_a_problem_and_no_crash(store):
    content = bytearray(store.path.read_bytes())
    tamper(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(store.path.read_bytes())
    found = 0
    for position in range(4096, len(content), 97):
        changed = content.copy()
        changed[position] ^= 0xFF
        store.path.write_bytes(changed)
        problems = verify_store(store)
        assert all(isinstance(problem, str) for problem in problems)
        found += bool(problems)
    store.path.write_bytes(content)
    assert found > 10
    assert verify_store(store) == []


@pytest.mark.parametrize("name", ["evidence_UPDATE", "evidence_DELETE", "events_UPDATE", "events_DELETE"])
def test_a_guard_that_was_taken_away_is_missed(store, name):
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    assert verify_store(store) == [f"the guard {name} of the rows was removed"]


def test_two_results_under_one_key_are_found(store):
    store.add("s", "k1", found(1.5))
    store.add("other", "k1", found(9.5))
    store.add("s", "k3", replace(found(9.5), status="failed"))
    store.add("s", "k3", found(3.5))
    assert verify_store(store) == []
    first, second = store.records("s")[0].id, store.add("s", "k1", found(0.5)).id
    assert verify_store(store) == [f"evidence {second} (row 6) was made under the key of {first}, and differs from it"]


def test_an_event_of_the_future_is_a_problem(store, monkeypatch):
    soon, late = (stamp(datetime.now(UTC) + timedelta(minutes=minutes)) for minutes in (4, 6))
    monkeypatch.setattr("vvuq.evidence.store.now", lambda: soon)
    store.append("s", "opened", {})
    assert verify_store(store) == []  # clocks of machines that share a store differ a little
    monkeypatch.setattr("vvuq.evidence.store.now", lambda: late)
    store.append("s", "opened", {})
    (problem,) = verify_store(store)
    assert problem.startswith(f"1 events are dated after the present, the first of them event 5 of {late}")


def test_a_clock_that_was_set_back_is_told_and_breaks_nothing(store, monkeypatch):
    assert set_back(store.events()) == []
    monkeypatch.setattr("vvuq.evidence.store.now", lambda: "2020-01-01T00:00:00.000000Z")
    store.append("s", "opened", {})
    assert verify_store(store) == []
    (note,) = set_back(store.events())
    assert note.startswith("event 4 is dated 2020-01-01T00:00:00.000000Z, before event 3 of ")
