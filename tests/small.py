"""A small study in a folder of its own: real files, lock, patients and store, with analyses that take no time.

Every goal is met or waived, so that a gate that ends with another code than 0 was stopped by what a test did."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import yaml
from plans import NUMERIC, plan_data, write_plan
from strategies import synthetic_neonates

from vvuq.credibility.lock import lock
from vvuq.credibility.plan import load_plan
from vvuq.credibility.rules import rules
from vvuq.data.cards import HeldOutRule
from vvuq.data.load import check_digest
from vvuq.data.split import split
from vvuq.evidence.store import Store
from vvuq.record import Analysis, Check, Cohort, Evidence, Finding, Quantity, Table
from vvuq.run import Study, run_study

ORDER = "verification.code.numerical_code_verification"
SOLVER = "verification.calculation.numerical_solver_error"
AGREEMENT = "validation.assessment.output_comparison.agreement"
WAIVER = {"reason": "made up", "approver": "a test", "expires": "2999-01-01"}
COHORT = synthetic_neonates(8, 3)


def order(twin: Any, context: Any, *, n: int = 1, rounds: int = 1) -> Evidence:
    """A deviation that falls with n, and a table of draws; `rounds` makes it take longer."""
    draws = context.stream("draws")
    values = [float(np.linalg.norm(draws.standard_normal(4096))) for _ in range(rounds)]
    table = Table("Draws", ("place", "norm"), ("1", "1"), tuple(enumerate(values)))
    return _found("order", {"deviation": Quantity(0.01 / n, "1", n=n)}, {"draws": table})


def spread(twin: Any, context: Any, *, n: int = 100, rounds: int = 1) -> Evidence:
    """The standard deviation of normal draws."""
    draws = context.stream("draws")
    found = [float(draws.standard_normal(n).std()) for _ in range(rounds)]
    sd = Quantity(found[-1], "1", min(found), max(found), 0.95, min(found), max(found), "epistemic", n)
    return _found("spread", {"sd": sd})


def group(twin: Any, context: Any, *, below: float = 9.0) -> Evidence:
    """The mean weight of build patients below a limit; of nobody where none is."""
    weights = [dict(p.covariates)["weight"] for p in context.build().patients]
    chosen = [weight for weight in weights if weight < below]
    mean = sum(chosen) / len(chosen) if chosen else 0.0
    return _found("group", {"mean_weight": Quantity(mean, "kg", n=len(chosen))})


def held_out(twin: Any, context: Any, *, rounds: int = 1) -> Evidence:
    """How many measurements held-out patients have."""
    draws = context.stream("draws")
    for _ in range(rounds):
        draws.standard_normal(4096).sort()
    patients = context.open_sealed("to count measurements").patients
    count = sum(len(patient.measurements) for patient in patients)
    return _found("held_out", {"measurements": Quantity(float(count), "1", n=len(patients))})


def _found(name: str, values: dict[str, Quantity], tables: dict[str, Table] | None = None) -> Evidence:
    return Evidence("Why?", name, 1, "small", {}, name, values, tables or {})


ANALYSES = {run.__name__: Analysis(run.__name__, "s", "Why?", 1, run) for run in (order, spread, group, held_out)}
CHECKS = {
    "exact": Check("exact", "order", lambda e: (Finding(ORDER, "d", "the order is right"),)),
    "steady": Check("steady", "spread", lambda e: (Finding(SOLVER, "c", "the spread is steady"),)),
    "agrees": Check("agrees", "held_out", lambda e: (Finding(AGREEMENT, "c", "they agree"),)),
}


def small_plan(rounds: int = 1) -> dict[str, Any]:
    """Plain data of the plan: three goals with criteria, all others waived."""
    data = plan_data() | {"study": "small"}
    for leaf, factor in data["factors"].items():
        factor.pop("criteria", None)
        if leaf not in (ORDER, SOLVER, AGREEMENT):
            factor["waiver"] = dict(WAIVER)
    data["factors"][ORDER]["criteria"] = [dict(NUMERIC)]
    sd = {"analysis": "spread", "metric": "sd", "statistic": "upper95", "op": "<=", "value": 2.0}
    weight = {"analysis": "group", "metric": "mean_weight", "op": "<=", "value": 5.0, "unit": "kg"}
    count = {"analysis": "held_out", "metric": "measurements", "op": ">=", "value": 1.0, "min_n": 2}
    data["factors"][SOLVER]["criteria"] = [NUMERIC | sd]
    data["factors"][AGREEMENT]["criteria"] = [NUMERIC | weight, NUMERIC | count]
    settings: dict[str, dict[str, Any]] = {
        "order": {"n": 5, "rounds": rounds}, "spread": {"rounds": rounds}, "group": {}, "held_out": {"rounds": rounds},
    }  # fmt: skip
    data["analyses"] = {name: {"settings": found} for name, found in settings.items()}
    return data


def make(folder: Path, *, rounds: int = 1, locked: bool = True) -> Path:
    """The study's files in `folder`, locked; returns `folder`."""
    write_plan(folder, small_plan(rounds))
    (folder / "patients.txt").write_text(repr(COHORT))
    if locked:
        relock(folder)
    return folder


def open_small(folder: Path, **changes: Any) -> Study:
    """The study in a folder, as `open_study` would give it."""
    path = folder / "plan.yaml"
    pin = hashlib.sha256(repr(COHORT).encode()).hexdigest()

    def parts() -> tuple[Cohort, Cohort]:
        check_digest(folder / "patients.txt", pin)
        return split(COHORT, HeldOutRule(salt="toy/", count=2))

    study = Study(
        plan=load_plan(path),
        path=path,
        twin=lambda: SimpleNamespace(name="small"),
        analyses=ANALYSES,
        checks=CHECKS,
        parts=parts,
        reference_fit=lambda: None,
        data=pin,
        source="source",
    )
    return replace(study, **changes)


def store_of(folder: Path) -> Store:
    """The store of the study in a folder, for writing."""
    return Store(folder / "evidence.sqlite", create=True)


def run_small(folder: Path, **changes: Any) -> None:
    """Runs the study into its store."""
    run_study(open_small(folder, **changes), store_of(folder))


def replan(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the plan's values in its file."""
    data = yaml.safe_load((folder / "plan.yaml").read_text())
    change(data)
    write_plan(folder, data)


def relock(folder: Path, reason: str = "") -> None:
    """Locks the plan, with the rules of today."""
    study = open_small(folder)
    lock(study.plan, study.path, reason, rules=rules(study.checks))
