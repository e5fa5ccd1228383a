"""Evidence -> verdicts -> page, and the check that all of it is as it was written. Computes no evidence."""

from __future__ import annotations

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
from vvuq.credibility.lock import read_lock, verify_plan
from vvuq.credibility.plan import Known, load_plan
from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import render, verify_page
from vvuq.dossier.view import Reproduce
from vvuq.errors import InputError, IntegrityError
from vvuq.evidence.canonical import canonical, sha256, to_json
from vvuq.evidence.chain import Event
from vvuq.evidence.freshness import lock_digest
from vvuq.evidence.store import Record, Store
from vvuq.evidence.verify import page_name, verify_rendered, verify_store
from vvuq.record import Evidence, Verdict
from vvuq.run.study import Study

_SHOWN_VERSIONS = ("numpy", "scipy", "pandas", "numba", "sympy", "SALib", "chaospy", "pydantic", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the evidence amounts to today: a verdict for each leaf, the records that count, and what is broken."""

    verdicts: tuple[Verdict, ...]
    records: tuple[Record, ...]
    events: tuple[Event, ...]
    broken: tuple[str, ...]
    stale: tuple[str, ...]


def assess(study: Study, store: Store | None) -> Assessment:
    """Verdicts over what the store holds today; without a store every leaf is a gap."""
    broken = tuple(verify_store(store) if store else []) + tuple(verify_plan(study.plan, study.path))
    records = store.records(study.plan.study) if store and not broken else ()
    events = store.events(study.plan.study) if store and not broken else ()
    keys = study.keys()
    verdicts = grade(study.plan, records, datetime.now(UTC).date(), checks=study.checks, keys=keys)
    counted = current(records, keys)
    kept = {**counted.stale, **counted.fresh}
    in_order = tuple(kept[name] for name in study.plan.analyses if name in kept)
    stale = tuple(record.id for record in counted.stale.values())
    return Assessment(verdicts, in_order, events, broken, stale)


def report(study: Study, store: Store, page: Path, *, public: bool = False) -> str:
    """Renders the dossier to `page`, and notes it in the store where the page is new. Returns the page's sha256.

    Raises IntegrityError where the store or the plan is broken: nothing is rendered from what cannot be trusted."""
    found = assess(study, store)
    if found.broken:
        raise IntegrityError("; ".join(found.broken))
    facts = reproduce(study, found.events, _budget(study, found.records))
    dossier = assemble(
        study.plan, found.verdicts, found.records, found.events, study.twin(),
        public=public, reproduce=facts, stale=found.stale,
    )  # fmt: skip
    digest = render(dossier, page)
    body = {"path": page_name(page), "sha256": digest, "public": public}
    before = [event.body for event in found.events if event.kind == "rendered" and event.body["path"] == body["path"]]
    if not before or before[-1] != body:
        store.append(study.plan.study, "rendered", body)
    return digest


def report_data(study: Study, store: Store, path: Path, *, public: bool = False) -> str:
    """Writes verdicts and the evidence behind them as canonical JSON to `path`; returns its sha256."""
    found = assess(study, store)
    if found.broken:
        raise IntegrityError("; ".join(found.broken))
    evidence = {record.id: json.loads(to_json(_shown(record.evidence, public))) for record in found.records}
    body = {"study": study.plan.study, "plan": study.plan.digest, "public": public, "evidence": evidence}
    text = canonical(body | {"verdicts": [asdict(verdict) for verdict in found.verdicts]}) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return sha256(text)


def check_metrics(study: Study, store: Store | None) -> None:
    """Raises InputError where a criterion names a metric that fresh evidence of its analysis does not report."""
    records = current(store.records(study.plan.study), study.keys()).fresh if store else {}
    done = {name: record.evidence.values for name, record in records.items() if record.evidence.status == "done"}
    load_plan(study.path, {name: Known(metrics=done.get(name)) for name in study.analyses})


def verify_file(page: Path, store: Store | None) -> list[str]:
    """One sentence for each way in which a dossier is not as it was written: by itself, and against a store."""
    if not page.is_file():
        raise InputError("command line", "PATH", str(page), "a dossier that exists")
    try:
        verify_page(page)
    except IntegrityError as error:
        return [str(error)]
    return verify_store(store) + verify_rendered(page, store) if store else []


def verify_study(study: Study, store: Store | None) -> list[str]:
    """One sentence for each thing of a study that is not as it was: rows, events, plan, lock, pages still at hand."""
    problems = (verify_store(store) if store else []) + verify_plan(study.plan, study.path)
    if store is None:
        return problems
    try:
        events = store.events(study.plan.study)
        pages = sorted({str(event.body["path"]) for event in events if event.kind == "rendered"})
        for page in pages:
            problems += verify_rendered(Path(page), store) if Path(page).is_file() else []
        return problems + _locks_unknown(study, events)
    except IntegrityError as error:
        return list(dict.fromkeys([*problems, str(error)]))


def reproduce(study: Study, events: Sequence[Event], budget: str = "") -> Reproduce:
    """What somebody needs to repeat the study. The head of the chain leaves renderings aside: they find nothing."""
    name = study.plan.study
    lock = read_lock(study.path)
    head = [event.digest for event in events if event.kind != "rendered"]
    return Reproduce(
        commands=(
            (f"vvuq data fetch {study.plan.cohort}", "obtains the cohort and checks its digest"),
            (f"vvuq run {name}", "runs every analysis that is not fresh; --budget full takes more folds and samples"),
            (f"vvuq report {name}", "renders this page"),
            (f"vvuq verify {name}", "recomputes every digest"),
        ),
        versions=(("vvuq", __version__), *((item, importlib.metadata.version(item)) for item in _SHOWN_VERSIONS)),
        hashes=(
            ("plan", study.plan.digest),
            ("source tree and twin", study.source),
            ("data card", study.data),
            ("libraries", lock_digest()),
            ("last event of the chain", head[-1] if head else ""),
            ("budget of the run", budget),
        ),
        platform=f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        locked_at=lock.locked_at if lock else "",
        locked_digest=lock.digest if lock else "",
        amendments=tuple((a.digest, a.locked_at, a.reason) for a in lock.amendments) if lock else (),
    )


def _budget(study: Study, records: Sequence[Record]) -> str:
    """Under which budget the evidence was made: "full", or which analyses ran with the quick settings."""
    quick = [r.evidence.analysis for r in records if r.key != study.key(r.evidence.analysis, "full")]
    short = [name for name in quick if study.plan.analyses[name].quick != study.plan.analyses[name].full]
    return f"quick for {', '.join(short)} (the numbers to be judged are the full ones)" if short else "full"


def _locks_unknown(study: Study, events: Sequence[Event]) -> list[str]:
    """Plans that the chain saw locked and that the lock no longer tells of."""
    lock = read_lock(study.path)
    told = {lock.digest, *(amendment.digest for amendment in lock.amendments)} if lock else set()
    seen = {str(event.body["plan"]) for event in events if event.kind in ("locked", "opened")}
    return [f"a run met a plan locked as {name[:12]}, which the lock does not tell of" for name in sorted(seen - told)]


def _shown(evidence: Evidence, public: bool) -> Evidence:
    """The evidence, for the public without the tables that speak of single patients."""
    kept = {name: table for name, table in evidence.tables.items() if not (public and table.individual)}
    return replace(evidence, tables=kept)
