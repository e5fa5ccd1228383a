"""Attempts on what is on record: rows, events, clocks, the file; and what no chain can show."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

from attempts.hands import attempt, better, counters, edit_event, edit_row, found, insert_row, tamper
from small import make, open_small, relock, replan, run_small, store_of

from vvuq.evidence.canonical import from_json
from vvuq.evidence.store import Store, row_digest

FAR = "2999-01-01T00:00:00.000000Z"


@attempt("value of an evidence row edited", 4, "its digest does not fit what it holds")
def _(folder, monkeypatch):
    edit_row(folder)


@attempt("... with the row's digest computed anew", 4, "is not what the chain of events says")
def _(folder, monkeypatch):
    edit_row(folder, digest=True)


@attempt("... with the event's digest computed anew, the chain not", 4, "does not follow the event before it")
def _(folder, monkeypatch):
    edit_event(folder, relink=1, new_id=True)


@attempt("... with the whole chain computed anew, the id kept", 4, "bears the id of another record")
def _(folder, monkeypatch):
    edit_event(folder, relink=99, new_id=False)


@attempt("guards of the rows taken away", 4, "the guard evidence_DELETE of the rows was removed")
def _(folder, monkeypatch):
    tamper(folder, guards=False)


@attempt("evidence row put in by hand, its digest right", 4, "is not what the chain of events says")
def _(folder, monkeypatch):
    tamper(folder, insert_row(folder, open_small(folder).key("order", "full")))


@attempt("better evidence put in through the store, beside the true one", 4, "was made under the key of")
def _(folder, monkeypatch):
    _, body, _, row = better(folder)
    store_of(folder).add("small", row.key, from_json(body))


@attempt("evidence row removed", 4, "(row 2) was removed")
def _(folder, monkeypatch):
    tamper(folder, "DELETE FROM evidence WHERE seq = 2")


@attempt("last evidence removed with its event and both counters", 3, "held_out has not been run")
def _(folder, monkeypatch):
    tamper(folder, "DELETE FROM evidence WHERE seq = 4", "DELETE FROM events WHERE seq = 6", *counters(4, 5))


@attempt("stale evidence given the key of today", 4, "its digest does not fit what it holds")
def _(folder, monkeypatch):
    new = open_small(folder, source="new").key("order", "full")
    tamper(folder, ("UPDATE evidence SET key = ? WHERE seq = 1", (new,)))
    return {"source": "new"}


@attempt("evidence copied from another study of the store", 4, "is not what the chain of events says")
def _(folder, monkeypatch):
    store = store_of(folder)
    store.add("another", "k", replace(found(0.0001), twin="another"))
    row = store.raw()[-1]
    digest = row_digest("small", row.id, row.key, row.recorded_at, row.body)
    tamper(folder, ("UPDATE evidence SET study = 'small', digest = ? WHERE seq = ?", (digest, row.seq)))


@attempt("store of another study put in place", 3, "Nothing has been evaluated")
def _(folder, monkeypatch):
    (folder / "evidence.sqlite").unlink()
    store_of(folder).add("another", "k", found(0.0001))


@attempt("store of the same study under another plan put in place", 3, "is stale: run it again")
def _(folder, monkeypatch):
    other = make(folder.with_name("other"))
    replan(other, lambda data: data["analyses"]["order"]["settings"].update(n=1000))
    (other / "plan.lock.json").unlink()
    relock(other)
    run_small(other)
    shutil.copy(folder / "plan.yaml", other / "plan.yaml")
    (folder / "evidence.sqlite").unlink()
    kept = Store(other / "evidence.sqlite")
    for record in kept.records():  # into a store that has met no lock
        store_of(folder).add("small", record.key, record.evidence)


@attempt("store cut in half", 4, "damaged")
def _(folder, monkeypatch):
    tamper(folder, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = folder / "evidence.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@attempt("text in place of the store", 2, "is not a database")
def _(folder, monkeypatch):
    (folder / "evidence.sqlite").write_text("all goals met\n" * 999)


@attempt("event in the middle removed", 4, "event 3 is missing")
def _(folder, monkeypatch):
    tamper(folder, "DELETE FROM events WHERE seq = 3")


@attempt("opening removed, later events moved up", 4, "was changed: its digest does not fit")
def _(folder, monkeypatch):
    (seq,) = (event.seq for event in Store(folder / "evidence.sqlite").events() if event.kind == "opened")
    tamper(folder, f"DELETE FROM events WHERE seq = {seq}", f"UPDATE events SET seq = seq - 1 WHERE seq > {seq}")


@attempt("last event removed", 4, "the last rows of events were removed")
def _(folder, monkeypatch):
    tamper(folder, "DELETE FROM events WHERE seq = 6")


@attempt("last event removed, the counter set back", 4, "is not what the chain of events says")
def _(folder, monkeypatch):
    tamper(folder, "DELETE FROM events WHERE seq = 6", "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'events'")


@attempt("opening put in without a link", 4, "was changed: its digest does not fit")
def _(folder, monkeypatch):
    columns = f"7, study, time, kind, body, digest, '{'0' * 64}'"
    tamper(folder, f"INSERT INTO events SELECT {columns} FROM events WHERE seq = 6")


@attempt("clock ahead when evidence was recorded", 4, "dated after the present")
def _(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vvuq.evidence.store.now", lambda: FAR)
        run_small(folder, source="new")
    return {"source": "new"}


@attempt("clock set back before the gate, so that a waiver holds", 4, "dated after the present")
def _(folder, monkeypatch):
    class Early(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2020, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("vvuq.evidence.verify.datetime", Early)
    monkeypatch.setattr("vvuq.run.report.datetime", Early)


@attempt("clock set back between two events: allowed, and seen", 0, "a clock was set back")
def _(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vvuq.evidence.store.now", lambda: "2020-01-01T00:00:00.000000Z")
        store_of(folder).append("small", "rendered", {"path": "x", "sha256": "0", "public": False})


# --- what no chain can show without a signature ------------------------------------------------------------------


@attempt("LIMIT: row, id and the whole chain computed anew", 0, "all goals met")
def _(folder, monkeypatch):
    edit_event(folder, relink=99, new_id=True)


@attempt("LIMIT: last event that speaks of no evidence removed, the counter set back", 0, "all goals met")
def _(folder, monkeypatch):
    store_of(folder).append("small", "opened", {"analysis": "held_out", "plan": open_small(folder).plan.digest})
    tamper(folder, "DELETE FROM events WHERE seq = 7", *counters(5, 6))


@attempt("LIMIT: evidence made up, and stored as the run would", 0, "all goals met")
def _(folder, monkeypatch):
    (folder / "evidence.sqlite").unlink()
    store_of(folder).add("small", open_small(folder).key("order", "full"), found(1e-9))
    run_small(folder)
