"""The store only grows, in whole steps; it says clearly what is wrong with a file."""

import multiprocessing
import sqlite3

import pytest

from vvuq.errors import InputError, IntegrityError, NotEvaluable, VvuqError
from vvuq.evidence.canonical import evidence_id
from vvuq.evidence.chain import FIRST, broken_links, link
from vvuq.evidence.store import Store, StoreError
from vvuq.record import Cost, Evidence, Quantity


def found(value=1.0, analysis="convergence", cost=None):
    values = {"x": Quantity(value, "h")}
    return Evidence("Why?", analysis, 1, "pk", {}, analysis, values, cost=cost or Cost())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "evidence.sqlite"


def test_what_goes_in_comes_out(path):
    record = Store(path, create=True).add("s", "k", found(cost=Cost(1.0, 2.0, 3)))
    assert Store(path).records("s") == (record,)
    assert record.evidence == found(cost=Cost(1.0, 2.0, 3))
    assert record.id == evidence_id(found())
    assert Store(path).records("other") == ()


def test_each_record_comes_with_its_event(path):
    store = Store(path, create=True)
    record = store.add("s", "k", found(), {"budget": "quick"})
    (event,) = store.events("s")
    assert (event.kind, event.body["id"], event.body["digest"]) == ("evidence", record.id, record.digest)
    assert (event.body["budget"], event.seq, event.previous, event.time) == ("quick", 1, FIRST, record.recorded_at)


def test_the_same_evidence_under_the_same_key_is_stored_once(path):
    store = Store(path, create=True)
    first = store.add("s", "k", found())
    assert store.add("s", "k", found(cost=Cost(9.0))) == first
    assert len(store.records()) == len(store.events()) == 1
    assert store.add("s", "k2", found()).id == first.id
    assert len(store.records()) == len(store.events()) == 2


def test_studies_share_a_chain_but_not_their_rows(path):
    store = Store(path, create=True)
    store.add("a", "k", found())
    store.append("b", "opened", {"reason": "x"})
    store.add("b", "k", found())
    assert [event.seq for event in store.events("b")] == [2, 3]
    assert broken_links(store.events()) == []


@pytest.mark.parametrize("table", ["evidence", "events"])
@pytest.mark.parametrize("change", ["UPDATE {} SET digest = ''", "DELETE FROM {}"])
def test_rows_cannot_be_changed_or_removed(path, table, change):
    Store(path, create=True).add("s", "k", found())
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute(change.format(table))
    connection.close()


def test_nothing_is_stored_when_the_event_cannot_be(path, monkeypatch):
    store = Store(path, create=True)
    monkeypatch.setattr("vvuq.evidence.store.link", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.add("s", "k", found())
    monkeypatch.undo()
    assert store.records() == ()
    store.add("s", "k", found())
    assert len(store.records()) == 1


def test_write_ahead_log_is_on(path):
    Store(path, create=True)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_reading_needs_a_store_and_does_not_make_one(path):
    with pytest.raises(NotEvaluable, match="run the study first"):
        Store(path)
    assert not path.exists()


def test_a_store_opened_for_reading_refuses_to_write(path):
    Store(path, create=True)
    with pytest.raises(StoreError, match="reading only"):
        Store(path).add("s", "k", found())


@pytest.mark.parametrize("create", [True, False])
def test_not_a_database(path, create):
    path.parent.mkdir()
    path.write_text("this is a letter to a friend, and longer than a header of SQLite would be. " * 20)
    with pytest.raises(StoreError, match="is not a database"):
        Store(path, create=create)


def test_a_database_of_somebody_else(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE friends (name TEXT)")
    connection.close()
    for create in (True, False):
        with pytest.raises(StoreError, match="not a store of evidence"):
            Store(path, create=create)


def test_a_newer_schema(path):
    Store(path, create=True)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    for create in (True, False):
        with pytest.raises(StoreError, match="newer vvuq"):
            Store(path, create=create)


def test_a_place_that_cannot_be_written():
    with pytest.raises(StoreError, match="cannot be written"):
        Store(__import__("pathlib").Path("/proc/vvuq/evidence.sqlite"), create=True)


def test_a_body_that_is_no_evidence_breaks_integrity(path):
    store = Store(path, create=True)
    store.add("s", "k", found())
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER evidence_UPDATE")
        connection.execute("UPDATE evidence SET body = '{}'")
    connection.close()
    with pytest.raises(IntegrityError, match="cannot be read"):
        store.records()


def test_records_of_some_keys_alone(path):
    store = Store(path, create=True)
    records = [store.add("s", key, found(value)) for key, value in (("a", 1.0), ("b", 2.0), ("a", 3.0))]
    assert store.records("s", {"a"}) == (records[0], records[2])
    assert store.records("s", set()) == ()


def test_what_was_just_noted_is_not_noted_again(path):
    store = Store(path, create=True)
    for body in ({"plan": "1", "n": (1,)}, {"plan": "1", "n": (1,)}, {"plan": "2", "n": ()}, {"plan": "1", "n": (1,)}):
        store.note("s", "locked", body)
    store.note("other", "locked", {"plan": "1", "n": (1,)})
    assert [event.body["plan"] for event in store.events("s")] == ["1", "2", "1"]
    assert len(store.events("other")) == 1
    for place, digest in (("a", 1), ("b", 2), ("a", 1), ("a", 3)):
        store.note("s", "rendered", {"path": place, "sha256": digest}, by="path")
    rendered = [event.body["sha256"] for event in store.events("s") if event.kind == "rendered"]
    assert rendered == [1, 2, 3]


def test_a_folder_is_no_store(tmp_path):
    for create in (True, False):
        with pytest.raises(StoreError, match="is a folder: --store names the file"):
            Store(tmp_path, create=create)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "ok"), [("0", True), ("0.5", True), ("", False), ("long", False), ("nan", False), ("-1", False)]
)
def test_how_long_to_wait_is_a_number(path, monkeypatch, given, ok):
    monkeypatch.setenv("VVUQ_STORE_WAIT", given)
    if ok:
        Store(path, create=True)
    else:
        with pytest.raises(InputError, match="a number of seconds"):
            Store(path, create=True)


def test_an_error_of_sqlite_that_nobody_thought_of_is_an_internal_one(path):
    store = Store(path, create=True)
    with pytest.raises(VvuqError) as caught, store._transaction() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert caught.value.exit_code == 70
    assert "no such table" in str(caught.value)


def _write(path, number):
    store = Store(path, create=True)
    for i in range(10):
        store.add(f"study{number}", f"k{i}", found(float(i)))


def test_writers_at_the_same_time_make_one_chain(path):
    workers = [multiprocessing.get_context("spawn").Process(target=_write, args=(path, n)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    events = Store(path).events()
    assert len(events) == 20
    assert broken_links(events) == []


def test_a_link_covers_every_field():
    event = link(1, "s", "t", "k", {"a": 1}, FIRST)
    others = [
        link(2, "s", "t", "k", {"a": 1}, FIRST),
        link(1, "S", "t", "k", {"a": 1}, FIRST),
        link(1, "s", "T", "k", {"a": 1}, FIRST),
        link(1, "s", "t", "K", {"a": 1}, FIRST),
        link(1, "s", "t", "k", {"a": 2}, FIRST),
        link(1, "s", "t", "k", {"a": 1}, "1" * 64),
    ]
    assert len({event.digest, *(other.digest for other in others)}) == 7
