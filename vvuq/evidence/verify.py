"""Is everything as it was written? Rows, chain and page are computed anew and compared. No problem is repaired."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from vvuq.errors import VvuqError
from vvuq.evidence.canonical import evidence_id, from_json
from vvuq.evidence.chain import Event, broken_links
from vvuq.evidence.store import Store, row_digest

_ID = re.compile(rb"E-[0-9a-f]{12}(?![0-9a-f])")


def verify_store(store: Store) -> list[str]:
    """One sentence for each row or event of the store that was changed, added or removed. Empty: it holds."""
    try:
        events = store.events()
        return store.damage() + broken_links(events) + _rows(store, events)
    except VvuqError as error:
        return [str(error)]


def verify_rendered(page: Path, store: Store) -> list[str]:
    """One sentence for each way in which the file `page` is not what was last rendered to it from this store."""
    try:
        rendered = [event.body for event in store.events() if event.kind == "rendered"]
        known = {row.id for row in store.raw()}
    except VvuqError as error:
        return [str(error)]
    here = [body for body in rendered if body.get("path") == page_name(page)]
    content = page.read_bytes()
    fits = sha256(content).hexdigest() in [body.get("sha256") for body in here[-1:] or rendered]
    problems = [] if fits else [f"{page} is not the page that was last rendered from this store"]
    strangers = sorted({found.decode() for found in _ID.findall(content)} - known)
    return problems + [f"{page} speaks of {name}, which the store does not hold" for name in strangers]


def page_name(page: Path) -> str:
    """How an event names a page: relative to where the command runs, or the bare file name where it lies elsewhere."""
    full, here = page.resolve(), Path.cwd().resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else page.name


def _rows(store: Store, events: Sequence[Event]) -> list[str]:
    """Rows against their own digests, and against the events that were written with them, both ways."""
    stored = {event.body.get("row"): event for event in events if event.kind == "evidence"}
    problems = []
    for row in store.raw():
        event = stored.pop(row.seq, None)
        if row.digest != row_digest(row.study, row.id, row.key, row.recorded_at, row.body):
            problems.append(f"evidence {row.id} (row {row.seq}) was changed: its digest does not fit what it holds")
        elif event is None or (event.body.get("digest"), event.study) != (row.digest, row.study):
            problems.append(f"evidence {row.id} (row {row.seq}) is not what the chain of events says was stored")
        elif evidence_id(from_json(row.body)) != row.id:
            problems.append(f"evidence {row.id} (row {row.seq}) bears the id of another record")
    gone = (f"evidence {event.body.get('id')} (row {seq}) was removed" for seq, event in stored.items())
    return problems + list(gone)
