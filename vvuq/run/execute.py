"""Plan -> analyses -> evidence: runs what is not fresh, and keeps each result as soon as it is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vvuq.credibility.gate import worst
from vvuq.credibility.history import met
from vvuq.credibility.lock import read_lock
from vvuq.credibility.plan import Budget
from vvuq.errors import InputError, IntegrityError, NotEvaluable, VvuqError, near
from vvuq.evidence.canonical import to_json, without_nonfinite
from vvuq.evidence.store import Record, Store, StoreError
from vvuq.evidence.turns import sweep, turn
from vvuq.evidence.verify import verify_store
from vvuq.record import Cost, Evidence
from vvuq.run.context import RunContext, commit
from vvuq.run.scheduling import FILE, Campaigns, Scheduling
from vvuq.run.study import Study
from vvuq.strict_yaml import read_yaml

logger = logging.getLogger("vvuq.run")
_MOVE_AWAY = "move the file away, and run again into a new store"

State = Literal["running", "waiting", "fresh", "done", "failed", "invalid", "not_evaluable"]
EXIT: dict[State, int] = {"failed": 70, "invalid": 2, "not_evaluable": 3}


@dataclass(frozen=True, slots=True)
class Step:
    """Where a run stands: `state` is "waiting" (another run is at it) or "running" (`message` says how far its model
    runs are, once there are many), then "fresh" (kept already), "invalid" (nothing was stored; `message` says what to
    correct), or the status of the new evidence."""

    number: int
    total: int
    analysis: str
    state: State
    seconds: float = 0.0
    evidence_id: str = ""
    message: str = ""


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every analysis of a run shares."""

    study: Study
    store: Store
    budget: Budget
    progress: Progress
    campaigns: Campaigns


def run_study(
    study: Study,
    store: Store,
    budget: Budget = "quick",
    only: str | None = None,
    progress: Progress = lambda step: None,
    how: Scheduling | None = None,
) -> tuple[Step, ...]:
    """Runs every analysis of the plan that has no fresh evidence (or the one named), storing each as soon as it ends.
    how: where model runs are made and kept; it changes no evidence.

    A failure is kept as evidence with status failed and its traceback goes to `log_path(store)`; the run goes on, as it
    does where an analysis finds its input invalid. Another run in the same store is waited for, analysis by analysis.
    Raises InputError where `only` is not in the plan, IntegrityError where store or lock were changed, or where an
    analysis reaches what is sealed; the attempt is then in the chain of events."""
    names = list(study.plan.analyses)
    if only is not None and only not in names:
        raise InputError("command line", "--only", only, f"an analysis of this plan{near(only, names)}")
    chosen = names if only is None else [only]
    study.twin()
    sweep(store.path)
    broken = verify_store(store)
    if broken:
        raise IntegrityError(f"{store.path} is not as it was written: {'; '.join(broken)}: {_MOVE_AWAY}")
    lock = read_lock(study.path)
    if lock is not None:
        store.note(study.plan.study, "locked", met(lock))
    steps = []
    with _log_file(log_path(store)), Campaigns(store.path.with_name(FILE), how) as campaigns:
        desk = _Desk(study, store, budget, progress, campaigns)
        for number, name in enumerate(chosen, 1):
            steps.append(_step(desk, Step(number, len(chosen), name, "running")))
            progress(steps[-1])
    return tuple(steps)


def exit_code(steps: Sequence[Step]) -> int:
    """What a run with these steps ends with: the most severe of 70 (failed), 2 (invalid), 3 (not evaluable), else 0."""
    return worst([EXIT.get(step.state, 0) for step in steps])


def complaints(steps: Sequence[Step], store: Store) -> list[str]:
    """One sentence for each analysis that gave no evidence to judge: which, why, and where to look."""
    return [_complaint(step, log_path(store)) for step in steps if step.state in EXIT]


def _complaint(step: Step, log: Path) -> str:
    if step.state == "failed":
        return f"{step.analysis} failed: {step.message}; traceback in {log}"
    return f"{step.analysis} is not evaluable: {step.message}" if step.state == "not_evaluable" else step.message


def log_path(store: Store) -> Path:
    """Where the tracebacks of failed analyses go."""
    return store.path.parent / "run.log"


def _step(desk: _Desk, begun: Step) -> Step:
    """What is fresh is kept; else one process at a time runs the analysis, unless another has run it meanwhile."""
    old = _fresh(desk, begun.analysis)
    if old is not None:
        return replace(begun, state="fresh", evidence_id=old.id)
    mine = f"{desk.study.plan.study} {begun.analysis}"
    with turn(desk.store.path, mine, lambda: desk.progress(replace(begun, state="waiting"))):
        old = _fresh(desk, begun.analysis)
        if old is not None:
            return replace(begun, state="fresh", evidence_id=old.id)
        desk.progress(begun)
        return _run_one(desk, begun)


def _run_one(desk: _Desk, begun: Step) -> Step:
    study, store, budget, name = desk.study, desk.store, desk.budget, begun.analysis
    context = RunContext(
        study, store, name, desk.campaigns, lambda found: desk.progress(replace(begun, message=str(found)))
    )
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        evidence = _guarded(study, context, name, study.plan.analyses[name].at(budget))
    except InputError as error:
        place = read_yaml(study.path).at(("analyses", name))
        seconds, told = time.perf_counter() - wall, str(error.inside(f"{place}: analyses.{name}"))
        return replace(begun, state="invalid", seconds=seconds, message=told)
    except IntegrityError as error:
        context.refused(str(error))
        raise
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cost = Cost(round(cpu, 3), round(wall, 3), context.model_runs + evidence.cost.model_runs)
    key, facts = study.key(name, budget), {"budget": budget, "key": study.key(name, budget), "commit": commit()}
    record = store.add(study.plan.study, key, replace(evidence, cost=cost), facts)
    return replace(begun, state=evidence.status, seconds=wall, evidence_id=record.id, message=evidence.message)


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
    except (InputError, IntegrityError, StoreError):
        raise
    except Exception as error:
        logger.exception("analysis %s failed", name)
        return replace(empty, status="failed", message=f"{type(error).__name__}: {error}")
    return evidence


def _fresh(desk: _Desk, name: str) -> Record | None:
    """Evidence that makes a run needless: done, and under today's key of this budget or of the full one."""
    keys = {desk.study.key(name, desk.budget), desk.study.key(name, "full")}
    records = desk.store.records(desk.study.plan.study, keys)
    done = [record for record in records if record.evidence.status == "done"]
    return done[-1] if done else None


class _Log(logging.FileHandler):
    """A log that fails in silence: where it cannot be written, the evidence still names the error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record, where the file can be opened."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: a traceback about the log would hide the message it was about."""


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Tracebacks go to a file that exists only once there is one."""
    handler = _Log(path, encoding="utf-8", errors="replace", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.close()
