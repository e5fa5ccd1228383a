"""Events in a hash chain: each carries the digest of the one before, so that none can change or go unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vvuq.evidence.canonical import canonical, sha256

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: seq counts from 1 over the whole store; time is UTC, ISO 8601; body is plain data.

    Kinds: "evidence" (a record was stored), "locked" (a run met this lock of the plan), "opened" (held-out patients
    were handed out), "refused" (an analysis reached for what is sealed or was changed), "rendered" (a page was
    written)."""

    seq: int
    study: str
    time: str
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str


def link(seq: int, study: str, time: str, kind: str, body: Mapping[str, Any], previous: str) -> Event:
    """The event with its digest, which covers every other field."""
    return Event(seq, study, time, kind, body, previous, _digest(seq, study, time, kind, body, previous))


def broken_links(events: Sequence[Event]) -> list[str]:
    """One sentence for each event that was changed, removed, or put out of order. Empty: the chain holds."""
    problems, previous = [], FIRST
    for position, event in enumerate(events, 1):
        if event.seq != position:
            problems.append(f"event {position} is missing: event {event.seq} stands in its place")
            break
        if event.previous != previous:
            problems.append(f"event {event.seq} does not follow the event before it")
        if event.digest != _digest(event.seq, event.study, event.time, event.kind, event.body, event.previous):
            problems.append(f"event {event.seq} was changed: its digest does not fit what it says")
        previous = event.digest
    return problems


def _digest(seq: int, study: str, time: str, kind: str, body: Mapping[str, Any], previous: str) -> str:
    fields = {"seq": seq, "study": study, "time": time, "kind": kind, "body": body, "previous": previous}
    return sha256(canonical(fields))
