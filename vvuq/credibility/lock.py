"""The lock of a plan: what it said when it was frozen, so that goals cannot follow results unseen.

It holds the plan's values, and digests of the rules: the files by which evidence becomes a grade (rules.py). Changed
values break the lock. Changed rules do not, because every mended line would; verify, gate and dossier show them. The
seal finds careless changes; that a lock was written anew on purpose is for the chain of events to show, which notes
each lock that a run meets (history.py)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from vvuq.credibility.plan import Plan
from vvuq.errors import InputError, IntegrityError, VvuqError
from vvuq.evidence.canonical import canonical
from vvuq.evidence.files import write_whole
from vvuq.evidence.store import now
from vvuq.paths import PACKAGE

_RESTORE = "put back the file as it was written, for example from version control"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was known when a plan was amended: openings of held-out patients so far, the last evidence by analysis."""

    openings: int
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A lock that was replaced: the digest of the plan then, when it was locked, and why it was changed.

    changes: a line "place: old -> new" for each value; openings and evidence: what was known by then (`Knowledge`).
    None: not recorded, because an older version wrote the lock, or no store was at hand."""

    digest: str
    locked_at: str
    reason: str
    changes: tuple[str, ...] | None = None
    openings: int | None = None
    evidence: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """A locked plan: digest of its values, UTC time, sha256 of the file's text, the values, and earlier locks.

    rules: {file: sha256} of what turned evidence into a grade by then; None: not recorded."""

    digest: str
    locked_at: str
    text_sha256: str
    plan: dict[str, Any]
    amendments: tuple[Amendment, ...] = ()
    rules: Mapping[str, str] | None = None


def lock_path(path: Path) -> Path:
    """Where the lock of the plan at `path` lies: beside it."""
    return path.with_name("plan.lock.json")


def lock(
    plan: Plan,
    path: Path,
    reason: str = "",
    *,
    rules: Mapping[str, str] | None = None,
    known: Knowledge | None = None,
) -> Lock:
    """Locks `plan`, read from `path`. To lock changed values (or rules) anew needs a reason, which stays in the lock
    for good, beside what was changed and what was known by then.

    Raises InputError in an installed (read-only) study, and where values changed without a reason or none did."""
    _refuse_installed(path)
    old, values = read_lock(path), json.loads(plan.canonical)
    made = Lock(plan.digest, now(), text_sha256(path), values, (), rules)
    if old is not None:
        made = _after(old, made, path, reason, known)
    body = asdict(made)
    text = json.dumps(body | {"seal": _seal(body)}, indent=1, sort_keys=True) + "\n"
    write_whole(lock_path(path), text.encode())
    return made


def _after(old: Lock, made: Lock, path: Path, reason: str, known: Knowledge | None) -> Lock:
    """The lock that takes the place of `old`: the same one for another text, or an amendment."""
    changes = differences(old.plan, made.plan, most=None)
    if reason and old.rules is not None and made.rules is not None:
        changes += [f"rules: {name}" for name in changed_files(old.rules, made.rules)]
    if changes and not reason:
        remedy = "the values as locked, or vvuq plan lock STUDY --amend REASON (the reason stays in the lock)"
        raise InputError(str(path), "plan", f"changed since {old.locked_at}", remedy)
    if not changes and reason:
        remedy = f"no reason: neither values nor rules were changed since {old.locked_at}"
        raise InputError("command line", "--amend", reason, remedy)
    if not changes:
        return replace(made, locked_at=old.locked_at, amendments=old.amendments, rules=old.rules)
    openings, evidence = (known.openings, known.evidence) if known else (None, None)
    amendment = Amendment(old.digest, old.locked_at, reason, tuple(changes), openings, evidence)
    return replace(made, amendments=(*old.amendments, amendment))


def read_lock(path: Path) -> Lock | None:
    """The lock of the plan at `path`; None where there is none. Raises IntegrityError where it was changed."""
    file = lock_path(path)
    if not file.exists():
        return None
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        seal = body.pop("seal")
        held = Lock(**(body | {"amendments": tuple(_amendment(**item) for item in body["amendments"])}))
        whole = seal == _seal(body) and held.digest == sha256(_canonical(held.plan).encode()).hexdigest()
    except (ValueError, TypeError, KeyError, AttributeError, OSError, VvuqError) as error:
        raise IntegrityError(f"{file} is damaged ({error}): {_RESTORE}") from None
    if not whole:
        raise IntegrityError(f"{file} was changed since it was written: {_RESTORE}")
    return held


def check_lock(plan: Plan, path: Path) -> Lock:
    """The lock that fits the values of `plan`. Raises InputError (unlocked), IntegrityError (changed since)."""
    held = read_lock(path)
    if held is None:
        raise InputError(str(path), "lock", None, f"lock the plan first: vvuq plan lock {plan.study}")
    if held.digest != plan.digest:
        changes = differences(held.plan, json.loads(plan.canonical))
        said = "; ".join(changes[:3]) + (f"; and {len(changes) - 3} more" if len(changes) > 3 else "")
        remedy = f"put the locked values back, or amend in the open: vvuq plan lock {plan.study} --amend REASON"
        raise IntegrityError(f"{path} was changed since it was locked at {held.locked_at}: {said}: {remedy}")
    return held


def verify_plan(plan: Plan, path: Path) -> list[str]:
    """One sentence for each way in which plan or lock are not as they were locked. An unlocked plan has none."""
    try:
        held = read_lock(path)
        if held is None:
            return []
        check_lock(plan, path)
    except IntegrityError as error:
        return [str(error)]
    if held.text_sha256 != text_sha256(path):
        return [
            f"the text of {path} is not the text that was locked, although its values are those that the lock holds now"
        ]
    return []


def differences(old: Any, new: Any, place: str = "", most: int | None = 60) -> list[str]:
    """A line "place: old -> new" for every value that differs between two pieces of plain data.

    Values are cut to `most` characters; None: they are given whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        return list(_by_key(old, new, place, most))
    if isinstance(old, list) and isinstance(new, list):
        pairs = (dict(enumerate(old)), dict(enumerate(new)))
        return list(_by_key(*pairs, place, most))
    return [] if type(old) is type(new) and old == new else [f"{place}: {_short(old, most)} -> {_short(new, most)}"]


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The files whose digests differ, each with what became of it."""
    verb = {(True, True): "was changed", (True, False): "was removed", (False, True): "was added"}
    names = sorted({*old, *new})
    return [f"{name} {verb[name in old, name in new]}" for name in names if old.get(name) != new.get(name)]


def text_sha256(path: Path) -> str:
    """sha256 of a text file, whatever its line ends."""
    return sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _by_key(old: dict[Any, Any], new: dict[Any, Any], place: str, most: int | None) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        here = f"{place}.{key}" if place else str(key)
        if key in old and key in new:
            yield from differences(old[key], new[key], here, most)
        elif key in old:
            yield f"{here}: removed, was {_short(old[key], most)}"
        else:
            yield f"{here}: added, {_short(new[key], most)}"


def _short(value: Any, most: int | None) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if most is None or len(text) <= most else text[: most - 3] + "..."


def _amendment(changes: list[str] | None = None, **rest: Any) -> Amendment:
    return Amendment(changes=None if changes is None else tuple(changes), **rest)


def _refuse_installed(path: Path) -> None:
    folder = path.resolve().parent
    if folder.is_relative_to(PACKAGE / "_studies") or not os.access(folder, os.W_OK):
        remedy = f"a study of your own: vvuq new study NAME --from {folder.name}"
        raise InputError(str(path), "folder", "read-only", remedy)


def _canonical(plan: dict[str, Any]) -> str:
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _seal(body: dict[str, Any]) -> str:
    return sha256(canonical(body).encode()).hexdigest()
