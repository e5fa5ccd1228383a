"""Is everything as it was written? Rows, chain and page are computed anew and compared. No problem is repaired."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from vvuq.errors import VvuqError
from vvuq.evidence.canonical import evidence_id, from_json
from vvuq.evidence.chain import Event, broken_links
from vvuq.evidence.store import Store, row_digest, stamp

_CLOCKS_DIFFER = timedelta(minutes=5)  # between machines that share a store
_CLOCK = "set this machine's clock right, or, if they were recorded by a wrong one, move the store away and run again"
_ID = re.compile(rb"E-[0-9a-f]{12}(?![0-9a-f])")


def verify_store(store: Store) -> list[str]:
    """One sentence for each row or event of the store that was changed, added or removed. Empty: it holds.

    An event of the future is a problem too: what expires cannot be judged by a clock that was set back."""
    try:
        events, rows, damage = store.whole()
        return damage + broken_links(events) + _rows(rows, events) + _ahead(events)
    except VvuqError as error:
        return [str(error)]


def set_back(events: Sequence[Event]) -> list[str]:
    """One sentence for each event that bears an earlier time than the one before: a clock was set back.

    The order is that of the chain, whatever the clocks said; so this breaks nothing, and is to be seen."""
    return [
        f"event {event.seq} is dated {event.time}, before event {last.seq} of {last.time}: a clock was set back"
        for last, event in pairwise(events)
        if event.time < last.time
    ]


def verify_rendered(page: Path, store: Store) -> list[str]:
    """One sentence for each way in which the file `page` is not what was last rendered to it from this store."""
    try:
        rendered = [event.body for event in store.events() if event.kind == "rendered"]
        known = {row.id for row in store.raw()}
    except VvuqError as error:
        return [str(error)]
    here = [body for body in rendered if body.get("path") == page_name(page)]
    content = page.read_bytes()
    digest = sha256(content).hexdigest()
    fits = digest in [body.get("sha256") for body in here[-1:] or rendered]
    problems = [] if fits else [f"{page} is not the page that was last rendered from this store"]
    if not fits and digest in [body.get("sha256") for body in here]:
        problems = [f"{page} is an earlier page, not the one last rendered from this store: render it again"]
    strangers = sorted({found.decode() for found in _ID.findall(content)} - known)
    return problems + [f"{page} speaks of {name}, which the store does not hold" for name in strangers]


def page_name(page: Path) -> str:
    """How an event names a page: relative to where the command runs, or the bare file name where it lies elsewhere."""
    full, here = page.resolve(), Path.cwd().resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else page.name


def _ahead(events: Sequence[Event]) -> list[str]:
    limit = stamp(datetime.now(UTC) + _CLOCKS_DIFFER)
    late = [event for event in events if event.time > limit]
    what = f"{len(late)} events are dated after the present, the first of them event "
    return [f"{what}{event.seq} of {event.time}: {_CLOCK}" for event in late[:1]]


def _rows(rows: Sequence[Row[Any]], events: Sequence[Event]) -> list[str]:
    """Rows against their own digests, and against the events that were written with them, both ways.

    One key has one result: a run leaves alone what is done, and would find the same."""
    stored = {event.body.get("row"): event for event in events if event.kind == "evidence"}
    problems: list[str] = []
    done: dict[tuple[str, str], str] = {}
    for row in rows:
        event = stored.pop(row.seq, None)
        if row.digest != row_digest(row.study, row.id, row.key, row.recorded_at, row.body):
            problems.append(f"evidence {row.id} (row {row.seq}) was changed: its digest does not fit what it holds")
        elif event is None or (event.body.get("digest"), event.study) != (row.digest, row.study):
            problems.append(f"evidence {row.id} (row {row.seq}) is not what the chain of events says was stored")
        elif evidence_id(found := from_json(row.body)) != row.id:
            problems.append(f"evidence {row.id} (row {row.seq}) bears the id of another record")
        elif found.status == "done" and done.setdefault((row.study, row.key), row.id) != row.id:
            first = done[row.study, row.key]
            problems.append(f"evidence {row.id} (row {row.seq}) was made under the key of {first}, and differs from it")
    gone = (f"evidence {event.body.get('id')} (row {seq}) was removed" for seq, event in stored.items())
    return problems + list(gone)
