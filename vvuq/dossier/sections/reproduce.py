"""Section 22: how to repeat the study, what it ran on, when the plan was locked and held-out data were opened."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.source import Logged, Source, number
from vvuq.dossier.view import Number, Reproduce, Section


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of the held-out data, from which commit, and whether the plan had been locked before."""

    seq: Number
    time: str
    reason: str
    plan: str
    commit: str
    after_lock: bool | None


@dataclass(frozen=True, slots=True)
class View:
    """Commands, versions, hashes, openings, amendments."""

    facts: Reproduce
    tolerance: Number | None
    hashes: tuple[tuple[str, str], ...]
    seed: Number
    openings: tuple[Opening, ...]
    runs: Number
    cpu_seconds: Number
    wall_seconds: Number


def build(source: Source) -> View:
    """From the facts handed over by the run, and the event chain."""
    facts, plan = source.reproduce, source.plan
    costs = [record.evidence.cost for record in source.current.values()]
    hashes = facts.hashes if any(what == "plan" for what, _ in facts.hashes) else (("plan", plan.digest), *facts.hashes)
    return View(
        facts,
        number(facts.tolerance, "", "run", "tolerance") if facts.tolerance is not None else None,
        hashes,
        number(plan.seed, "", "plan", "seed"),
        tuple(_opening(event, facts) for event in source.events if event.kind == "opened"),
        number(sum(cost.model_runs for cost in costs), "", "records", "model_runs"),
        number(sum(cost.cpu_seconds for cost in costs), "s", "records", "cpu_seconds"),
        number(sum(cost.wall_seconds for cost in costs), "s", "records", "wall_seconds"),
    )


def _opening(event: Logged, facts: Reproduce) -> Opening:
    """An opening stands against the lock of the plan it was made under, not against a later amendment."""
    plan = next((str(event.body[name]) for name in ("plan", "plan_digest", "digest") if name in event.body), "")
    locks = {facts.locked_digest: facts.locked_at} | {digest: time for digest, time, _ in facts.amendments}
    locked_at = locks.get(plan) or facts.locked_at
    after = locked_at <= event.time if locked_at else None
    seq = number(event.seq, "", "events", f"{event.seq}/seq")
    head, _, changes = str(event.body.get("commit") or "").partition("+")
    commit = head[:12] + (" and changes" if changes else "")
    return Opening(seq, event.time, str(event.body.get("reason", "no reason recorded")), plan, commit, after)


SECTION = Section("reproduce", 22, "Reproducing this dossier", build)
