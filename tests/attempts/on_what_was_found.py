"""Attempts with results that decide nothing: no numbers, nobody selected, nothing run, nobody asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from attempts.hands import attempt, better, finding, found, tamper
from plans import JUDGEMENT
from small import ORDER, open_small, relock, replan, run_small, store_of

from vvuq.errors import InputError, NotEvaluable
from vvuq.evidence.store import row_digest
from vvuq.record import Quantity
from vvuq.run import run_study


@attempt("metric that is not a number", 3, "could not be computed")
def _(folder, monkeypatch):
    return finding(folder, found(float("nan")))


@attempt("metric that is infinite", 3, "could not be computed")
def _(folder, monkeypatch):
    return finding(folder, found(float("-inf")))


@attempt("NaN written into the row by hand", 4, "is not what the chain of events says")
def _(folder, monkeypatch):
    seq, _, _, row = better(folder)
    body = row.body.replace('"value":0.002', '"value":NaN')
    digest = row_digest(row.study, row.id, row.key, row.recorded_at, body)
    tamper(folder, ("UPDATE evidence SET body = ?, digest = ? WHERE seq = ?", (body, digest, seq)))


@attempt("metric in another unit", 3, "nothing is converted")
def _(folder, monkeypatch):
    return finding(folder, found(0.01, unit="%"))


@attempt("metric left out", 3, "reports no deviation")
def _(folder, monkeypatch):
    return finding(folder, replace(found(0.01), values={}))


@attempt("group that selects no patient", 3, "rests on nobody")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["analyses"]["group"]["settings"].update(below=0.01))
    relock(folder, "the smallest only")
    run_small(folder)


@attempt("fewer patients than the criterion asks for", 3, "needs 50 at least")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["factors"][ORDER]["criteria"][0].update(min_n=50))
    relock(folder, "more cases")
    run_small(folder)


@attempt("number of patients left out", 3, "rests on an unknown number")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["factors"][ORDER]["criteria"][0].update(min_n=1))
    relock(folder, "at least one case")
    return finding(folder, found(0.01, n=None))


@attempt("one-sided bound left out", 3, "without its upper 95 % bound")
def _(folder, monkeypatch):
    result = replace(found(1.0), analysis="spread", values={"sd": Quantity(1.0, "1", n=5)})
    return finding(folder, result, "spread")


@attempt("analysis that was not run", 3, "held_out has not been run")
def _(folder, monkeypatch):
    (folder / "evidence.sqlite").unlink()
    for name in ("order", "spread", "group"):
        run_study(open_small(folder), store_of(folder), only=name)


@attempt("analysis that failed", 3, "order is failed: ZeroDivisionError")
def _(folder, monkeypatch):
    return finding(folder, ZeroDivisionError("no patients"))


@attempt("evidence of code that has changed since", 3, "is stale: run it again")
def _(folder, monkeypatch):
    return {"source": "new"}


@attempt("evidence of settings that have changed since", 3, "is stale: run it again")
def _(folder, monkeypatch):
    replan(folder, lambda data: data["analyses"]["order"]["settings"].update(n=6))
    relock(folder, "one more")


@attempt("data file replaced", 4, "is not the file the data card pins")
def _(folder, monkeypatch):
    path = folder / "patients.txt"
    path.write_text(path.read_text().replace("value=1", "value=2"))


@attempt("data file replaced, and the card's pin with it", 3, "is stale: run it again")
def _(folder, monkeypatch):
    return {"data": "another pin"}


@attempt("data file that cannot be read", 2, "a weight above 0")
def _(folder, monkeypatch):
    def unreadable():
        raise InputError("cohort small", "weight", -1, "a weight above 0")

    return {"parts": unreadable}


@attempt("data file that is not at hand: evidence is judged without patients", 0, "all goals met")
def _(folder, monkeypatch):
    def absent():
        raise NotEvaluable("fetch the cohort")

    return {"parts": absent}


def asking(folder: Path) -> None:
    replan(folder, lambda data: data["factors"][ORDER]["criteria"].append(JUDGEMENT))
    relock(folder, "somebody has to look")
    run_small(folder)


@attempt("judgement that nobody has signed", 5, "Awaits a signed judgement by clinician")
def _(folder, monkeypatch):
    asking(folder)


@attempt("waiver that has expired", 3, "expired on 2020-01-01")
def _(folder, monkeypatch):
    leaf = "validation.model.form"
    replan(folder, lambda data: data["factors"][leaf]["waiver"].update(expires="2020-01-01"))
    relock(folder, "no longer than that")
    run_small(folder)
