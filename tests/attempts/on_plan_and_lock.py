"""Attempts on what was set in advance: goals, limits, rules, the lock itself."""

from __future__ import annotations

import json
import shutil

from attempts.hands import attempt, reseal, widen
from small import AGREEMENT, ORDER, make, open_small, relock, replan, run_small, store_of

from vvuq.credibility import lock as locks


@attempt("nothing", 0, "all goals met")
def _(folder, monkeypatch):
    return None


@attempt("a limit that is not kept", 1, "is not <= 0.001")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["factors"][ORDER]["criteria"][0].update(value=0.001))
    relock(folder, "a stricter limit")
    run_small(folder)


@attempt("threshold widened after the lock", 4, "0.1 -> 0.5: put the locked values back")
def _(folder, monkeypatch):
    widen(folder)


@attempt("goal lowered after the lock", 4, f"factors.{ORDER}.goal")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["factors"][ORDER].update(goal="a"))


@attempt("criterion removed after the lock", 4, "criteria.0: removed")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["factors"][ORDER].update(criteria=[]))


@attempt("waiver added after the lock", 4, "waiver")
def _(folder, monkeypatch):
    waiver = {"reason": "r", "approver": "a", "expires": "2999-01-01"}
    replan(folder, lambda data: data["factors"][ORDER].update(waiver=waiver))


@attempt("analysis removed from the plan after the lock", 4, "analyses.held_out: removed")
def _(folder, monkeypatch):
    def skip(data):
        del data["analyses"]["held_out"]
        data["factors"][AGREEMENT]["criteria"].pop()

    replan(folder, skip)


@attempt("threshold widened in plan and lock, the old seal kept", 4, "was changed since it was written")
def _(folder, monkeypatch):
    widen(folder)
    path, plan = folder / "plan.lock.json", open_small(folder).plan
    body = json.loads(path.read_text()) | {"plan": json.loads(plan.canonical), "digest": plan.digest}
    path.write_text(json.dumps(body))


@attempt("threshold widened in plan and lock, sealed anew", 4, "which the lock does not tell of")
def _(folder, monkeypatch):
    widen(folder)
    plan = open_small(folder).plan
    text = locks.text_sha256(folder / "plan.yaml")
    reseal(folder, lambda body: body.update(plan=json.loads(plan.canonical), digest=plan.digest, text_sha256=text))


@attempt("lock removed, threshold widened, locked as if for the first time, run again", 4, "does not tell of")
def _(folder, monkeypatch):
    (folder / "plan.lock.json").unlink()
    widen(folder)
    relock(folder)
    run_small(folder)


@attempt("lock removed", 4, "which the lock does not tell of")
def _(folder, monkeypatch):
    (folder / "plan.lock.json").unlink()


@attempt("plan never locked", 2, "lock the plan first: vvuq plan lock small")
def _(folder, monkeypatch):
    shutil.rmtree(folder)
    make(folder, locked=False)
    store_of(folder)


@attempt("lock cut in half", 4, "is damaged")
def _(folder, monkeypatch):
    path = folder / "plan.lock.json"
    path.write_text(path.read_text()[:400])


@attempt("lock dated back", 4, "it was written anew")
def _(folder, monkeypatch):
    reseal(folder, lambda body: body.update(locked_at="2020-01-01T00:00:00.000000Z"))


@attempt("reason of an amendment reworded afterwards", 4, "it was written anew")
def _(folder, monkeypatch):
    widen(folder)
    relock(folder, "the goal was not met")
    run_small(folder)
    reseal(folder, lambda body: body["amendments"][0].update(reason="a typing error"))


@attempt("rules in the lock exchanged for those of today", 4, "it was written anew")
def _(folder, monkeypatch):
    reseal(folder, lambda body: body["rules"].update({"vvuq/credibility/grade.py": "0" * 64}))


@attempt("check made lenient after the lock: its evidence is stale", 3, "stale")
def _(folder, monkeypatch):
    return {"source": "a lenient check"}


@attempt("check made lenient after the lock, run again: allowed, and seen", 0, "note: rules changed since the lock")
def _(folder, monkeypatch):
    today = {"vvuq/analyses/lenient.py": "0" * 64}
    monkeypatch.setattr("vvuq.run.verification.rules", lambda checks: today)
    run_small(folder, source="a lenient check")
    return {"source": "a lenient check"}
