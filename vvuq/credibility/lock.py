"""The lock of a plan: what it said when it was frozen, so that goals cannot follow results unseen."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from vvuq.credibility.plan import Plan
from vvuq.errors import InputError, IntegrityError
from vvuq.evidence.canonical import canonical
from vvuq.evidence.store import now
from vvuq.paths import PACKAGE


@dataclass(frozen=True, slots=True)
class Amendment:
    """A lock that was replaced: the digest of the plan then, when it was locked, and why it was changed."""

    digest: str
    locked_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """A locked plan: digest of its values, UTC time, sha256 of the file's text, the values, and earlier locks."""

    digest: str
    locked_at: str
    text_sha256: str
    plan: dict[str, Any]
    amendments: tuple[Amendment, ...] = ()


def lock_path(path: Path) -> Path:
    """Where the lock of the plan at `path` lies: beside it."""
    return path.with_name("plan.lock.json")


def lock(plan: Plan, path: Path, reason: str = "") -> Lock:
    """Locks `plan`, read from `path`. To lock changed values anew needs a reason, which stays in the lock for good.

    Raises InputError in an installed (read-only) study, and where values changed without a reason."""
    _refuse_installed(path)
    old = read_lock(path)
    same = old is not None and old.digest == plan.digest
    if old is not None and not same and not reason:
        remedy = "the values as locked, or vvuq plan lock STUDY --amend REASON (the reason stays in the lock)"
        raise InputError(str(path), "plan", f"changed since {old.locked_at}", remedy)
    earlier = old.amendments if old else ()
    if old is not None and not same:
        earlier = (*earlier, Amendment(old.digest, old.locked_at, reason))
    locked_at = old.locked_at if old is not None and same else now()
    made = Lock(plan.digest, locked_at, text_sha256(path), json.loads(plan.canonical), earlier)
    body = asdict(made)
    _write(lock_path(path), json.dumps(body | {"seal": _seal(body)}, indent=1, sort_keys=True) + "\n")
    return made


def read_lock(path: Path) -> Lock | None:
    """The lock of the plan at `path`; None where there is none. Raises IntegrityError where it was changed."""
    file = lock_path(path)
    if not file.exists():
        return None
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        seal = body.pop("seal")
        held = Lock(**(body | {"amendments": tuple(Amendment(**item) for item in body["amendments"])}))
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise IntegrityError(f"{file} cannot be read as a lock: {error}") from None
    if seal != _seal(body) or held.digest != sha256(_canonical(held.plan).encode()).hexdigest():
        raise IntegrityError(f"{file} was changed since it was written")
    return held


def check_lock(plan: Plan, path: Path) -> Lock:
    """The lock that fits the values of `plan`. Raises InputError (unlocked), IntegrityError (changed since)."""
    held = read_lock(path)
    if held is None:
        raise InputError(str(path), "lock", None, "lock the plan first: vvuq plan lock STUDY")
    if held.digest != plan.digest:
        changes = "; ".join(differences(held.plan, json.loads(plan.canonical))[:3])
        raise IntegrityError(f"{path} was changed since it was locked at {held.locked_at}: {changes}")
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
        return [f"the text of {path} was changed since it was locked, though not its values (vvuq plan lock seals it)"]
    return []


def differences(old: Any, new: Any, place: str = "") -> list[str]:
    """A line "place: old -> new" for every value that differs between two pieces of plain data."""
    if isinstance(old, dict) and isinstance(new, dict):
        return list(_by_key(old, new, place))
    if isinstance(old, list) and isinstance(new, list):
        pairs = (dict(enumerate(old)), dict(enumerate(new)))
        return list(_by_key(*pairs, place))
    return [] if type(old) is type(new) and old == new else [f"{place}: {_short(old)} -> {_short(new)}"]


def text_sha256(path: Path) -> str:
    """sha256 of a text file, whatever its line ends."""
    return sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _by_key(old: dict[Any, Any], new: dict[Any, Any], place: str) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        here = f"{place}.{key}" if place else str(key)
        if key in old and key in new:
            yield from differences(old[key], new[key], here)
        else:
            yield f"{here}: removed, was {_short(old[key])}" if key in old else f"{here}: added, {_short(new[key])}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse_installed(path: Path) -> None:
    folder = path.resolve().parent
    if folder.is_relative_to(PACKAGE / "_studies") or not os.access(folder, os.W_OK):
        remedy = f"a study of your own: vvuq new study NAME --from {folder.name}"
        raise InputError(str(path), "folder", "read-only", remedy)


def _canonical(plan: dict[str, Any]) -> str:
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _seal(body: dict[str, Any]) -> str:
    return sha256(canonical(body).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    """All or nothing: through a temporary file beside it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
