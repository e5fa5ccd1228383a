"""Is all of a study as it was written: store, plan, lock, data, pages? Nothing is repaired, all is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from vvuq.credibility.history import untold
from vvuq.credibility.lock import check_lock, read_lock, verify_plan
from vvuq.credibility.rules import changed_since, rules
from vvuq.dossier.render import verify_page
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.evidence.canonical import canonical, sha256
from vvuq.evidence.chain import Event
from vvuq.evidence.store import Store
from vvuq.evidence.verify import set_back, verify_rendered, verify_store
from vvuq.run.study import Study

_MARK = b"page-digest"  # every page that vvuq rendered carries it


def broken(study: Study, store: Store | None) -> list[str]:
    """One sentence for each thing that evidence rests on and that is not as it was: rows, events, plan, lock, data.

    Data that are not at hand are not missed: evidence is judged where no patient's record may be."""
    found = (verify_store(store) if store else []) + verify_plan(study.plan, study.path)
    try:
        study.parts()
    except IntegrityError as error:
        found.append(str(error))
    except (NotEvaluable, InputError):
        pass
    if store is not None and not found:
        found += untold(read_lock(study.path), store.events(study.plan.study))
    return found


def invalid(study: Study) -> list[str]:
    """Why the study cannot be judged although nothing was changed: an unlocked plan, data that cannot be read."""
    found = []
    for look in (lambda: check_lock(study.plan, study.path), study.parts):
        try:
            look()
        except InputError as error:
            found.append(str(error))
        except (IntegrityError, NotEvaluable):  # changed, which `broken` tells, or not at hand
            continue
    return found


def notes(study: Study, events: Sequence[Event]) -> list[str]:
    """What breaks nothing and must be seen: changed rules, amendments after openings, clocks that were set back."""
    lock = read_lock(study.path)
    late = [one for one in lock.amendments if one.openings != 0] if lock else []
    said = [
        f"the plan locked {one.locked_at} was amended after {_openings(one.openings)} openings of held-out patients"
        for one in late
    ]
    return changed_since(lock, rules(study.checks)) + said + set_back(events)


def _openings(count: int | None) -> str:
    """What was not recorded is not none: a store that was not at hand may hold openings."""
    return "an unrecorded number of" if count is None else str(count)


def verify_study(study: Study, store: Store | None) -> list[str]:
    """One sentence for each thing of a study that is not as it was, the pages that are still at hand included: those
    the store knows of, and the one in its usual place, which tells of a store that was put in place of another."""
    found = broken(study, store)
    if store is None:
        return found
    try:
        rendered = [event.body for event in store.events(study.plan.study) if event.kind == "rendered"]
    except IntegrityError as error:
        return list(dict.fromkeys([*found, str(error)]))
    usual = Path("reports") / study.plan.study / "dossier.html"
    ours = {usual.as_posix()} if usual.is_file() and _MARK in usual.read_bytes() else set()
    for page in sorted({str(body.get("path")) for body in rendered} | ours):
        found += verify_rendered(Path(page), store) if Path(page).is_file() else []
    return found


def verify_file(path: Path, store: Store | None) -> list[str]:
    """One sentence for each way in which a dossier (a page, or .json) is not as written: by itself, and by a store.

    Raises InputError where the file is no dossier of vvuq."""
    if not path.is_file():
        raise InputError("command line", "PATH", str(path), "a dossier that exists")
    try:
        _verify_data(path) if path.suffix == ".json" else _verify_page(path)
    except IntegrityError as error:
        return [str(error)]
    return verify_store(store) + verify_rendered(path, store) if store else []


def _verify_page(path: Path) -> None:
    data = path.read_bytes()
    if _MARK not in data and b"Credibility dossier" not in data:
        raise InputError(str(path), "page", path.name, "a dossier that vvuq report wrote; this page carries no digest")
    verify_page(path)


def _verify_data(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        body = json.loads(text)
        stated = body.pop("digest")
    except (ValueError, AttributeError, KeyError, TypeError):
        remedy = "a dossier that vvuq report --format json wrote; this file is damaged, or carries no digest"
        raise InputError(str(path), "data", path.name, remedy) from None
    if text != canonical(body | {"digest": stated}) + "\n" or stated != sha256(canonical(body)):
        raise IntegrityError(f"{path} was changed: it states {str(stated)[:12]}, its content has another digest")
