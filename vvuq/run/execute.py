"""Plan -> analyses -> evidence: runs what is not fresh, and keeps each result as soon as it is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vvuq.credibility.lock import read_lock
from vvuq.credibility.plan import Budget, near
from vvuq.errors import InputError, IntegrityError, NotEvaluable, VvuqError
from vvuq.evidence.canonical import to_json, without_nonfinite
from vvuq.evidence.store import Record, Store
from vvuq.record import Cost, Evidence
from vvuq.run.context import RunContext, commit
from vvuq.run.study import Study

logger = logging.getLogger("vvuq.run")


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands: `state` is "running", then "fresh" (kept), or the status of the new evidence."""

    number: int
    total: int
    analysis: str
    state: Literal["running", "fresh", "done", "failed", "not_evaluable"]
    seconds: float = 0.0
    evidence_id: str = ""
    message: str = ""


def run_study(
    study: Study,
    store: Store,
    budget: Budget = "quick",
    only: str | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> tuple[Step, ...]:
    """Runs every analysis of the plan that has no fresh evidence (or the one named), storing each as soon as it ends.

    A failure is kept as evidence with status failed and its traceback goes to `log_path(store)`; the run goes on.
    Raises InputError where `only` is not in the plan, IntegrityError where a locked plan was changed."""
    names = list(study.plan.analyses)
    if only is not None and only not in names:
        raise InputError("command line", "--only", only, f"an analysis of this plan{near(only, names)}")
    chosen = names if only is None else [only]
    study.twin()
    _note_lock(study, store)
    records = store.records(study.plan.study)
    steps = []
    with _log_file(log_path(store)):
        for number, name in enumerate(chosen, 1):
            old = _fresh(study, records, name, budget)
            if old is not None:
                steps.append(Step(number, len(chosen), name, "fresh", 0.0, old.id))
            else:
                progress(Step(number, len(chosen), name, "running"))
                steps.append(_run_one(study, store, name, budget, (number, len(chosen))))
            progress(steps[-1])
    return tuple(steps)


def log_path(store: Store) -> Path:
    """Where the tracebacks of failed analyses go."""
    return store.path.parent / "run.log"


def _run_one(study: Study, store: Store, name: str, budget: Budget, place: tuple[int, int]) -> Step:
    context = RunContext(study, store, name)
    wall, cpu = time.perf_counter(), time.process_time()
    evidence = _guarded(study, context, name, study.plan.analyses[name].at(budget))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cost = Cost(round(cpu, 3), round(wall, 3), context.model_runs + evidence.cost.model_runs)
    key, facts = study.key(name, budget), {"budget": budget, "key": study.key(name, budget), "commit": commit()}
    record = store.add(study.plan.study, key, replace(evidence, cost=cost), facts)
    return Step(*place, name, evidence.status, wall, record.id, evidence.message)


def _guarded(study: Study, context: RunContext, name: str, settings: dict[str, Any]) -> Evidence:
    """What the analysis found, or evidence of why it found nothing."""
    analysis, twin = study.analyses[name], study.twin()
    empty = Evidence(analysis.question, name, analysis.version, twin.name, settings, name, {})
    try:
        evidence = without_nonfinite(analysis.run(twin, context, **settings))
        to_json(evidence)
        if evidence.analysis != name:
            raise VvuqError(f"the analysis {name} returned evidence of {evidence.analysis}")
    except NotEvaluable as reason:
        return replace(empty, status="not_evaluable", message=str(reason))
    except (InputError, IntegrityError):
        raise
    except Exception as error:
        logger.exception("analysis %s failed", name)
        return replace(empty, status="failed", message=f"{type(error).__name__}: {error}")
    return evidence


def _fresh(study: Study, records: Sequence[Record], name: str, budget: Budget) -> Record | None:
    """Evidence that makes a run needless: done, and under today's key of this budget or of the full one."""
    accepted = {study.key(name, budget), study.key(name, "full")}
    done = [record for record in records if record.key in accepted and record.evidence.status == "done"]
    return done[-1] if done else None


def _note_lock(study: Study, store: Store) -> None:
    """Writes the lock that this run met into the chain, unless the chain ends with it already."""
    lock = read_lock(study.path)
    if lock is None:
        return
    body = {"plan": lock.digest, "locked_at": lock.locked_at, "amendments": len(lock.amendments)}
    before = [event.body for event in store.events(study.plan.study) if event.kind == "locked"]
    if not before or before[-1] != body:
        store.append(study.plan.study, "locked", body)


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Tracebacks go to a file that exists only once there is one."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
        handler.close()
