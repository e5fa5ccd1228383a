"""Section 22: how to repeat the study, what it ran on, when the plan was locked and held-out data were opened."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.labels import analysis_label
from vvuq.dossier.source import Logged, Source, number
from vvuq.dossier.view import Amended, Number, Reproduce, Section


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of the held-out data: for which analysis, by whom, from which commit, and whether after the lock."""

    seq: Number
    time: str
    analysis: str
    reason: str
    who: str
    plan: str
    commit: str
    after_lock: bool | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt of an analysis to reach what is sealed or was changed."""

    seq: Number
    time: str
    analysis: str
    who: str
    message: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """One earlier lock, what was changed in it, and what was known by then. None: not recorded.

    evidence: (analysis, id without its E-): it may lie in another store than the one that vouches for this page."""

    facts: Amended
    openings: Number | None
    evidence: tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class View:
    """Commands, versions, hashes, openings, amendments. `named`: the names of those who opened may be shown."""

    facts: Reproduce
    tolerance: Number | None
    hashes: tuple[tuple[str, str], ...]
    seed: Number
    named: bool
    openings: tuple[Opening, ...]
    refusals: tuple[Refusal, ...]
    amendments: tuple[Amendment, ...]
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
        not source.public,
        tuple(_opening(event, facts, source.public) for event in source.events if event.kind == "opened"),
        tuple(_refusal(event, source.public) for event in source.events if event.kind == "refused"),
        tuple(_amendment(place, one) for place, one in enumerate(facts.amendments)),
        number(sum(cost.model_runs for cost in costs), "", "records", "model_runs"),
        number(sum(cost.cpu_seconds for cost in costs), "s", "records", "cpu_seconds"),
        number(sum(cost.wall_seconds for cost in costs), "s", "records", "wall_seconds"),
    )


def _opening(event: Logged, facts: Reproduce, public: bool) -> Opening:
    """An opening stands against the lock of the plan it was made under, not against a later amendment."""
    plan = next((str(event.body[name]) for name in ("plan", "plan_digest", "digest") if name in event.body), "")
    locks = {facts.locked_digest: facts.locked_at} | {one.digest: one.locked_at for one in reversed(facts.amendments)}
    locked_at = locks.get(plan) or facts.locked_at
    after = locked_at <= event.time if locked_at else None
    head, _, changes = str(event.body.get("commit") or "").partition("+")
    return Opening(
        _seq(event),
        event.time,
        _analysis(event),
        str(event.body.get("reason", "no reason recorded")),
        _who(event, public),
        plan,
        head[:12] + (" and changes" if changes else ""),
        after,
    )


def _refusal(event: Logged, public: bool) -> Refusal:
    message = "" if public else str(event.body.get("message", ""))
    return Refusal(_seq(event), event.time, _analysis(event), _who(event, public), message)


def _amendment(place: int, one: Amended) -> Amendment:
    openings = None if one.openings is None else number(one.openings, "", "lock", f"amendments/{place}/openings")
    known = None if one.evidence is None else tuple((name, found.removeprefix("E-")) for name, found in one.evidence)
    return Amendment(one, openings, known)


def _seq(event: Logged) -> Number:
    return number(event.seq, "", "events", f"{event.seq}/seq")


def _analysis(event: Logged) -> str:
    name = event.body.get("analysis")
    return analysis_label(str(name)) if name else ""


def _who(event: Logged, public: bool) -> str:
    return "" if public else str(event.body.get("who") or "")


SECTION = Section("reproduce", 22, "Reproducing this dossier", build)
