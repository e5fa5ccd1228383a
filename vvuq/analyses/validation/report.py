"""Shared by cross_validation and holdout: forecasts summarized as values with patient-level intervals, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vvuq.analyses.settings import Group, has_covariate, refused
from vvuq.analyses.validation import learning
from vvuq.analyses.validation.next_measurement import (
    COLUMN,
    COLUMNS,
    LEVELS,
    Rows,
    covered,
    metrics,
    pooled,
    statistics,
)
from vvuq.errors import NotEvaluable, near
from vvuq.methods.bootstrap import patient_bootstrap, quantity
from vvuq.methods.scores import prediction_error
from vvuq.models.parameter import Observable
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Evidence, Finding, Floats, Quantity, Table


def declared(analysis: str, twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    """Name and unit of every value that cross_validation or holdout reports under these settings."""
    unit = compared(twin, settings.get("observable"), analysis).unit
    counts = dict.fromkeys(("n_patients", "n_predictions", "n_leaked", "failed_members"), "1")
    return metrics(unit) | counts | learning.metrics(twin, unit)


def compared(twin: Twin, name: str | None, analysis: str) -> Observable:
    """The observable that is compared: the one named, else the twin's first. Raises InputError."""
    observables = {o.name: o for o in twin.model.observables}
    if name is not None and name not in observables:
        raise refused(f"{analysis}.observable", name, f"an observable of {twin.name}{near(name, observables)}")
    return observables[name] if name else twin.model.observables[0]


def check_cohort(cohort: Cohort, observable: Observable, groups: Sequence[Group], analysis: str) -> None:
    """Raises InputError where a group names a covariate that is not there, or another observable was measured too."""
    for place, group in enumerate(groups):
        has_covariate(cohort, group["covariate"], f"{analysis}.groups.{place}.covariate")
    measured = sorted({m.observable for p in cohort.patients for m in p.measurements})
    if measured and measured != [observable.name]:
        remedy = f"the one observable that the cohort holds; it holds {', '.join(measured)}"
        raise refused(f"{analysis}.observable", observable.name, remedy)


def values_of(
    twin: Twin, unit: str, found: Sequence[Rows], rng: np.random.Generator, resamples: int
) -> dict[str, Quantity]:
    """All `metrics` with 95 % patient-level bootstrap intervals, the counts, what samples teach (learning.py).

    n_predictions counts a forecast once, however often cross-validation repeats it."""
    groups = [g for g in pooled(found) if np.any(g[:, COLUMN["earlier"]] >= 1.0)]
    if len(groups) < 3:
        raise NotEvaluable(f"{len(groups)} patients with two measurements or more: an interval over patients needs 3")
    observed, replicates = patient_bootstrap(groups, statistics, rng, resamples)
    values = {
        name: quantity(observed[i], replicates[np.isfinite(replicates[:, i]), i], of, n=len(groups))
        for i, (name, of) in enumerate(metrics(unit).items())
        if np.isfinite(observed[i])
    }
    values |= {name: _bounded(q) for name, q in values.items() if "coverage_" in name}
    values["n_patients"] = Quantity(float(len(groups)), "1")
    values["n_predictions"] = Quantity(float(sum(len(np.unique(g[:, COLUMN["earlier"]])) - 1 for g in groups)), "1")
    values |= learning.learned(twin, unit, found, rng, resamples)
    values["failed_members"] = Quantity(float(sum(r.failed for r in found)), "1")
    return values


def _bounded(share: Quantity) -> Quantity:
    """A share in percent with an interval that is honest at its limits: where every (or no) measurement of each patient
    is covered, resampling has no spread, and the exact binomial bounds over patients stand instead."""
    n = share.n or 0
    if n == 0 or 0.0 < share.value < 100.0:
        return share
    two, one = 100.0 * 0.025 ** (1.0 / n), 100.0 * 0.05 ** (1.0 / n)
    if share.value == 0.0:
        return replace(share, low=0.0, high=100.0 - two, lower95=0.0, upper95=100.0 - one)
    return replace(share, low=two, high=100.0, lower95=one, upper95=100.0)


def tables_of(
    twin: Twin,
    unit: str,
    found: Sequence[Rows],
    values: dict[str, Quantity],
    groups: Sequence[Group],
    rng: np.random.Generator,
) -> dict[str, Table]:
    """The tables that the pages draw from; none shows single patients. by_group is there where groups are named."""
    return {
        "by_history": _by_history(found, unit),
        "coverage": _coverage(values),
        "learning": learning.learning_table(twin, values),
        "narrowing": learning.narrowing_table(unit, values),
        **({"by_group": _by_group(found, groups, unit, rng)} if groups else {}),
    }


def individual_tables(twin: Twin, unit: str, found: Sequence[Rows]) -> dict[str, Table]:
    """The tables that show single patients."""
    return {"predictions": _predictions(found, twin.model.time_unit, unit), "worst": _worst(found)}


def _stack(found: Sequence[Rows]) -> Floats:
    return np.concatenate([r.values for r in found])


def _summary(rows: Floats) -> tuple[float, float, float, float]:
    """mdape, crps, baseline crps and 90 % coverage of rows."""
    error = np.abs(prediction_error(rows[:, COLUMN["observed"]], rows[:, COLUMN["median"]]))
    crps, base = rows[:, COLUMN["crps"]].mean(), rows[:, COLUMN["baseline_crps"]].mean()
    return float(np.median(error)), float(crps), float(base), 100.0 * float(covered(rows[:, COLUMN["pit"]], 0.9).mean())


def _patients(found: Sequence[Rows], keep: NDArray[np.bool_]) -> int:
    owner = np.concatenate([np.full(len(r.values), i) for i, r in enumerate(found)])
    return len({found[int(i)].patient.id for i in owner[keep]})


def _distinct(found: Sequence[Rows], keep: NDArray[np.bool_]) -> int:
    """Forecasts, each counted once however often it is repeated."""
    every = [(r.patient.id, float(row[COLUMN["earlier"]])) for r in found for row in r.values]
    return len({pair for pair, kept in zip(every, keep, strict=True) if kept})


def _by_history(found: Sequence[Rows], unit: str) -> Table:
    rows, out = _stack(found), []
    earlier = rows[:, COLUMN["earlier"]]
    for label, keep in (("0", earlier == 0), ("1", earlier == 1), ("2", earlier == 2), ("3 or more", earlier >= 3)):
        part = rows[keep]
        if not len(part):
            continue
        mdape, crps, base, coverage = _summary(part)
        mdpe = float(np.median(prediction_error(part[:, COLUMN["observed"]], part[:, COLUMN["median"]])))
        epistemic, aleatory = (float(part[:, COLUMN[f"{kind}_variance"]].mean()) for kind in ("epistemic", "aleatory"))
        sds = (epistemic + aleatory) ** 0.5, epistemic**0.5, aleatory**0.5
        out.append((label, _patients(found, keep), _distinct(found, keep), mdpe, mdape, crps, base, coverage, *sds))
    columns = (
        "earlier_samples", "patients", "predictions", "mdpe", "mdape", "crps", "baseline_crps", "coverage_90",
        "total_sd", "epistemic_sd", "aleatory_sd",
    )  # fmt: skip
    units = ("1", "1", "1", "%", "%", unit, unit, "%", unit, unit, unit)
    return Table("By number of earlier samples of the patient", columns, units, tuple(out))


def _coverage(values: dict[str, Quantity]) -> Table:
    rows = []
    for level in LEVELS:
        own, base = values[f"coverage_{100 * level:.0f}"], values[f"baseline_coverage_{100 * level:.0f}"]
        rows.append((100.0 * level, own.value, own.low, own.high, base.value))
    return Table(
        "Share of measurements inside the central forecast interval",
        ("nominal", "observed", "low", "high", "baseline"), ("%", "%", "%", "%", "%"), tuple(rows),
    )  # fmt: skip


def _by_group(found: Sequence[Rows], groups: Sequence[Group], unit: str, rng: np.random.Generator) -> Table:
    out: list[tuple[Cell, ...]] = []
    for group in groups:
        name, limit = group["covariate"], group["below"]
        for label, below in ((f"{name} < {limit:g}", True), (f"{name} >= {limit:g}", False)):
            part = [r for r in found if (dict(r.patient.covariates)[name] < limit) == below]
            if below and not part:
                raise NotEvaluable(f"the group {label} of the plan selects no patient")
            rows = _stack(part)[_stack(part)[:, COLUMN["earlier"]] >= 1] if part else np.empty((0, len(COLUMNS)))
            if len(rows):
                mdape, crps, _, coverage = _summary(rows)
                keep = _stack(part)[:, COLUMN["earlier"]] >= 1
                out.append(
                    (label, _patients(part, keep), _distinct(part, keep), mdape, *_range(part, rng), crps, coverage)
                )
            else:
                out.append((label, 0, 0, None, None, None, None, None))
    columns = ("group", "patients", "predictions", "mdape", "low", "high", "crps", "coverage_90")
    units = ("", "1", "1", "%", "%", "%", unit, "%")
    return Table("By group, one earlier sample or more (95 % interval over patients)", columns, units, tuple(out))


def _range(part: Sequence[Rows], rng: np.random.Generator) -> tuple[float | None, float | None]:
    """95 % patient-level bootstrap interval of mdape; none for fewer than 5 patients."""
    groups = [g[g[:, COLUMN["earlier"]] >= 1.0] for g in pooled(part)]
    groups = [g for g in groups if len(g)]
    if len(groups) < 5:
        return None, None
    _, repeated = patient_bootstrap(groups, lambda rows: np.array([_summary(rows)[0]]), rng, 1000)
    low, high = np.quantile(repeated[:, 0], [0.025, 0.975])
    return float(low), float(high)


def _predictions(found: Sequence[Rows], time: str, unit: str) -> Table:
    columns = (
        "time", "earlier", "observed", "median", "low90", "high90", "epistemic_low90", "epistemic_high90",
        "baseline_median", "baseline_low90", "baseline_high90",
    )  # fmt: skip
    names = ("patient", *("earlier_samples" if c == "earlier" else c for c in columns))
    rows = tuple(
        (r.patient.id, *(float(row[COLUMN[c]]) if c != "earlier" else int(row[COLUMN[c]]) for c in columns))
        for r in found
        for row in r.values
    )
    units = ("", time, "1", *(unit for _ in columns[2:]))
    return Table("Every forecast beside its measurement", names, units, rows, individual=True)


def _worst(found: Sequence[Rows]) -> Table:
    scored = []
    for r in found:
        rows = r.values[r.values[:, COLUMN["earlier"]] >= 1]
        if len(rows):
            scored.append((r.patient.id, len(rows), _summary(rows)[0]))
    worst = tuple(sorted(scored, key=lambda row: (-row[2], row[0]))[:10])
    title, columns = "The worst patients (ten at most)", ("patient", "predictions", "mdape")
    return Table(title, columns, ("", "1", "%"), worst, individual=True)


def negative_of(twin: Twin, values: dict[str, Quantity], who: str) -> tuple[str, ...]:
    """Sentences for whatever speaks against the twin in these values."""
    out = learning.negative_learning(twin, values, who)
    skill = values["crps_skill"]
    if skill.lower95 is not None and skill.lower95 <= 0.0:
        out.append(
            f"On {who} the gain over the population-only forecast is not certain: CRPS skill {skill.value:.2f}, "
            f"one-sided 95 % bound {skill.lower95:.2f}."
        )
    for level in LEVELS:
        c = values[f"coverage_{100 * level:.0f}"]
        if c.low is not None and c.high is not None and not c.low <= 100.0 * level <= c.high:
            side = "narrow" if c.value < 100.0 * level else "wide"
            out.append(f"On {who} the {100 * level:.0f} % forecast interval is too {side}: it holds {c.value:.0f} %.")
    return tuple(out)


def agreement(found: Evidence) -> Finding:
    """The rung of agreement: b where the error is at most 30 % and 90 % forecasts hold 85 to 95 % (wide bands mislead,
    too), c where the gain over the population-only forecast is certain besides."""
    v = found.values
    error, coverage, skill = v["mdape"].upper95, v["coverage_90"], v["crps_skill"].lower95
    sound = error is not None and error <= 30.0
    honest = 85.0 <= coverage.value <= 95.0
    better = skill is not None and skill > 0.0
    rung = "c" if sound and honest and better else "b" if sound and honest else "a"
    reason = (
        f"median absolute error {v['mdape'].value:.1f} % (upper bound {_or_nan(error):.1f} %), "
        f"90 % interval holds {coverage.value:.0f} % (85 to 95 % asked), "
        f"skill over the population {v['crps_skill'].value:.2f} (lower bound {_or_nan(skill):.2f})"
    )
    return Finding("validation.assessment.output_comparison.agreement", rung, reason)


def _or_nan(bound: float | None) -> float:
    return float("nan") if bound is None else bound
