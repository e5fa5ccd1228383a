"""Evidence -> verdicts -> page. Computes no evidence."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vvuq import __version__
from vvuq.credibility.criteria import current
from vvuq.credibility.grade import grade
from vvuq.credibility.lock import Lock, read_lock
from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import page, seal
from vvuq.dossier.view import Amended, Reproduce
from vvuq.errors import IntegrityError
from vvuq.evidence.canonical import canonical, sha256, to_json
from vvuq.evidence.chain import Event
from vvuq.evidence.files import replacing
from vvuq.evidence.freshness import lock_digest
from vvuq.evidence.store import Record, Store
from vvuq.evidence.verify import page_name
from vvuq.record import Evidence, Verdict
from vvuq.run.study import Study
from vvuq.run.verification import broken, invalid, notes

_SHOWN_VERSIONS = ("numpy", "scipy", "pandas", "numba", "sympy", "SALib", "chaospy", "pydantic", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the evidence amounts to today: a verdict for each leaf, and the records that count.

    broken: what was changed; invalid: why it cannot be judged; notes: what must be seen besides; stale: ids of records
    made under a plan, code, data or lock of the past."""

    verdicts: tuple[Verdict, ...]
    records: tuple[Record, ...]
    events: tuple[Event, ...]
    broken: tuple[str, ...]
    invalid: tuple[str, ...]
    notes: tuple[str, ...]
    stale: tuple[str, ...]


def assess(study: Study, store: Store | None) -> Assessment:
    """Verdicts over what the store holds today; without a store every leaf is a gap."""
    wrong = tuple(broken(study, store))
    at_hand = store if not wrong else None
    records = at_hand.records(study.plan.study) if at_hand else ()
    events = at_hand.events(study.plan.study) if at_hand else ()
    keys = study.keys()
    verdicts = grade(study.plan, records, datetime.now(UTC).date(), checks=study.checks, keys=keys)
    counted = current(records, keys)
    kept = {**counted.stale, **counted.fresh}
    in_order = tuple(kept[name] for name in study.plan.analyses if name in kept)
    stale = tuple(record.id for record in counted.stale.values())
    said = [] if wrong else notes(study, events)
    budget = _budget(study, in_order)
    said += [f"judged by evidence of the budget {budget}"] if budget != "full" else []
    return Assessment(verdicts, in_order, events, wrong, tuple(invalid(study)), tuple(said), stale)


def report(study: Study, store: Store | None, path: Path, *, public: bool = False) -> str:
    """Renders the dossier to `path`, and notes it in the store, if there is one. Returns the page's sha256.

    Raises IntegrityError where the store or the plan is broken: nothing is rendered from what cannot be trusted."""
    found = _trusted(study, store)
    facts = reproduce(study, found.events, _budget(study, found.records), found.notes)
    dossier = assemble(
        study.plan, found.verdicts, found.records, found.events, study.twin(),
        public=public, reproduce=facts, stale=found.stale,
    )  # fmt: skip
    return _keep(study, store, path, seal(page(dossier).encode()), public)


def report_data(study: Study, store: Store | None, path: Path, *, public: bool = False) -> str:
    """Writes verdicts and the evidence behind them as canonical JSON to `path`, like `report`; returns its sha256."""
    found = _trusted(study, store)
    evidence = {record.id: json.loads(to_json(_shown(record.evidence, public))) for record in found.records}
    body = {"study": study.plan.study, "plan": study.plan.digest, "public": public, "evidence": evidence}
    body = json.loads(canonical(body | {"verdicts": [asdict(verdict) for verdict in found.verdicts]}))
    text = canonical(body | {"digest": sha256(canonical(body))}) + "\n"
    return _keep(study, store, path, text.encode(), public)


def _trusted(study: Study, store: Store | None) -> Assessment:
    found = assess(study, store)
    if found.broken:
        raise IntegrityError(f"{'; '.join(found.broken)}: nothing is rendered from this; restore what was changed")
    return found


def _keep(study: Study, store: Store | None, path: Path, data: bytes, public: bool) -> str:
    """Puts the file in place, noted in the store before it is to be seen: no page is without its event."""
    digest = hashlib.sha256(data).hexdigest()
    with replacing(path, data):
        if store is not None:
            body = {"path": page_name(path), "sha256": digest, "public": public}
            store.note(study.plan.study, "rendered", body, by="path")
    return digest


def reproduce(study: Study, events: Sequence[Event], budget: str = "", notes: Sequence[str] = ()) -> Reproduce:
    """What somebody needs to repeat the study. The head of the chain leaves renderings aside: they find nothing."""
    name = study.plan.study
    lock = read_lock(study.path)
    head = [event.digest for event in events if event.kind != "rendered"]
    cohorts = [study.plan.cohort, *study.plan.external] if study.plan.cohort else []
    fetch = [(f"vvuq data fetch {one}", "obtains the cohort and checks its digest") for one in cohorts]
    return Reproduce(
        commands=(
            *fetch,
            (f"vvuq run {name}", "runs every analysis that is not fresh; --budget full takes more folds and samples"),
            (f"vvuq report {name}", "renders this page"),
            (f"vvuq verify {name}", "recomputes every digest"),
        ),
        versions=(("vvuq", __version__), *((item, importlib.metadata.version(item)) for item in _SHOWN_VERSIONS)),
        hashes=(
            ("plan", study.plan.digest),
            ("source tree and twin", study.source),
            *((("data card", study.data),) if study.data else ()),
            ("libraries", lock_digest()),
            ("last event of the chain", head[-1] if head else ""),
            ("budget of the run", budget),
        ),
        platform=f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        locked_at=lock.locked_at if lock else "",
        locked_digest=lock.digest if lock else "",
        amendments=_amended(lock) if lock else (),
        notes=tuple(notes),
    )


def _budget(study: Study, records: Sequence[Record]) -> str:
    """Under which budget the evidence was made: "full", or which analyses ran with the quick settings."""
    keys = {record.evidence.analysis: record.key for record in records}
    quick = [name for name, key in keys.items() if key == study.key(name, "quick")]
    short = [name for name in quick if study.plan.analyses[name].quick != study.plan.analyses[name].full]
    return f"quick for {', '.join(short)} (the numbers to be judged are the full ones)" if short else "full"


def _amended(lock: Lock) -> tuple[Amended, ...]:
    """Each earlier lock with the time of the one that took its place."""
    until = [*(one.locked_at for one in lock.amendments), lock.locked_at][1:]
    return tuple(
        Amended(
            one.digest, one.locked_at, time, one.reason, one.changes, one.openings,
            None if one.evidence is None else tuple(one.evidence.items()),
        )
        for one, time in zip(lock.amendments, until, strict=True)
    )  # fmt: skip


def _shown(evidence: Evidence, public: bool) -> Evidence:
    """The evidence, for the public without the tables that speak of single patients."""
    kept = {name: table for name, table in evidence.tables.items() if not (public and table.individual)}
    return replace(evidence, tables=kept)
