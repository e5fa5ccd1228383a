"""The lock against the chain of events: which locks did runs meet, and what was known when one was replaced?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vvuq.credibility.lock import Amendment, Knowledge, Lock
from vvuq.errors import IntegrityError
from vvuq.evidence.canonical import canonical, sha256
from vvuq.evidence.chain import Event
from vvuq.evidence.store import Store
from vvuq.evidence.verify import verify_store

_RESTORE = "put back the lock as it was, for example from version control"


def known_at(store: Store, study: str) -> Knowledge:
    """What the store holds of a study now. Raises IntegrityError where it cannot be trusted."""
    broken = verify_store(store)
    if broken:
        raise IntegrityError("; ".join(broken))
    openings = sum(event.kind == "opened" for event in store.events(study))
    return Knowledge(openings, {record.evidence.analysis: record.id for record in store.records(study)})


def met(lock: Lock) -> dict[str, Any]:
    """The body of the event by which a run notes the lock that it met."""
    body = {"plan": lock.digest, "locked_at": lock.locked_at, "amendments": len(lock.amendments)}
    return body | {"history": _history(lock.amendments), "rules": _digest(lock.rules)}


def untold(lock: Lock | None, events: Sequence[Event]) -> list[str]:
    """One sentence for each lock that runs met and the lock of today does not tell of, or tells of differently."""
    told = [(a.digest, a.locked_at) for a in lock.amendments] + [(lock.digest, lock.locked_at)] if lock else []
    plans = {digest for digest, _ in told}
    seen = {str(event.body.get("plan")) for event in events if event.kind in ("locked", "opened")}
    problems = [
        f"a run met a plan locked as {name[:12]}, which the lock does not tell of: {_RESTORE}"
        for name in sorted(seen - plans)
    ]
    for event in events if lock else ():
        body = event.body
        if event.kind == "locked" and str(body.get("plan")) in plans and not _agrees(body, lock, told):
            what = f"event {event.seq}: a run met the lock of {body.get('locked_at')}"
            problems.append(f"{what}, which the lock tells differently today: it was written anew: {_RESTORE}")
    return list(dict.fromkeys(problems))


def _agrees(body: Mapping[str, Any], lock: Lock | None, told: Sequence[tuple[str, str]]) -> bool:
    if lock is None:
        return False
    place = int(body.get("amendments", 0))
    if place >= len(told) or told[place] != (body.get("plan"), body.get("locked_at")):
        return False
    same = body.get("history", _history(lock.amendments[:place])) == _history(lock.amendments[:place])
    return same and (place < len(lock.amendments) or body.get("rules", _digest(lock.rules)) == _digest(lock.rules))


def _history(amendments: Sequence[Amendment]) -> str:
    """Digest of what amendments say; fields that an older version did not record are left out."""
    said = [{name: value for name, value in asdict(one).items() if value is not None} for one in amendments]
    return sha256(canonical(said))


def _digest(rules: Mapping[str, str] | None) -> str | None:
    return None if rules is None else sha256(canonical(rules))
