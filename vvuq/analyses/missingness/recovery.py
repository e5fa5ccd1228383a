"""Where orders depend on the state, does a filter that knows it find the truth, and what does a wrong slope cost?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.missingness.recovered import (
    AWARE,
    DOUBLE,
    HALF,
    NAIVE,
    PERCENT,
    Tried,
    informative,
    metrics,
    rows_of,
    situation,
    tried,
    values_of,
)
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Cell, Context, Evidence, Finding, Quantity, Table

ARMS = (NAIVE, AWARE, HALF, DOUBLE)
Patients = Annotated[int, Field(ge=2)]
RIGHT = (93.0, 97.0)  # % of truths inside 95 % of a belief that may be called right
AGES = (0, 1, 2, 4, 8, 16, 32, 64, 128)  # decisions since the last measurement, ends of groups


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    of = situation(twin, settings["use"], "recovery.use")
    return metrics(of, list(informative(of)), ARMS)


@analysis(
    "Where orders depend on the state, does a filter that knows it find the truth, and what does a wrong slope cost?",
    suite="missingness",
    metrics=_metrics,
)
def recovery(twin: Twin, context: Context, *, use: dict[str, Any], patients: Patients = 200) -> Evidence:
    """Patients drawn from the twin in the situation `use`; for each mechanism the filter of values alone, the one that
    knows the mechanism, and two that have half and twice its slope."""
    of = situation(twin, use, "recovery.use")
    mechanisms = informative(of)
    if not mechanisms:
        raise NotEvaluable(f"recovery: no mechanism of {of.name} depends on the state or on the value")
    seed = int(context.stream("orders").integers(0, 2**62))
    found = tried(of, mechanisms, ARMS, patients, seed)
    values = values_of(found)
    return evidence(
        recovery, twin.name, {"use": use, "patients": patients}, values=values,
        tables={"filters": rows_of(found, values), "course": _course(found), "silence": _silence(found)},
        findings=_findings(found, values), negative=_negative(found, values),
    )  # fmt: skip


def _course(found: Tried) -> Table:
    """The patient in the middle of all by the mean error of values alone, by the first mechanism: a typical one."""
    why, row = next(iter(found.shown)), found.of.row
    naive, aware = (_arm(found, why, name).found for name in (NAIVE, AWARE))
    one = int(np.argsort(naive.bias, kind="stable")[(naive.bias.size - 1) // 2])
    measured = found.measured(why)[one]
    values = found.shown[why][one][:, found.of.system.channels.index(found.of.channel)]
    rows: list[tuple[Cell, ...]] = []
    for k, time in enumerate(found.of.times.tolist()):
        told = [float(part[one, k]) for part in (naive.mean, naive.sd, aware.mean, aware.sd)]
        rows.append((time, float(found.truth.states[one, k, row]), float(values[k]) if measured[k] else None, *told))
    columns = ("time", "truth", "measured", "naive", "naive_sd", "aware", "aware_sd")
    unit = found.unit
    title = f"A typical simulated patient: {found.of.meaning}, as two filters see it"
    return Table(title, columns, (found.of.system.model.time_unit, *(unit,) * 6), tuple(rows))


def _silence(found: Tried) -> Table:
    """Errors by how many decisions ago the last measurement was, by the first mechanism."""
    why = next(iter(found.shown))
    measured, truth = found.measured(why), found.truth.states[:, :, found.of.row]
    place = np.arange(measured.shape[1])
    last = np.maximum.accumulate(np.where(measured, place, -1), axis=1)
    age = place - last  # before the first measurement: since the beginning
    rows: list[tuple[Cell, ...]] = []
    for low, high in zip(AGES, AGES[1:], strict=False):
        inside = (age >= low) & (age < high)
        if inside.any():
            errors = [(_arm(found, why, name).found.mean - truth)[inside] for name in (NAIVE, AWARE)]
            means = [float(e.mean()) for e in errors]
            roots = [float(np.sqrt((e**2).mean())) for e in errors]
            rows.append((low, high - 1, int(inside.sum()), *means, *roots))
    columns = ("from", "to", "decisions", "naive_bias", "aware_bias", "naive_rmse", "aware_rmse")
    title = f"Mean and root mean square error by how many decisions ago the last {found.of.channel} was"
    return Table(title, columns, ("1", "1", "1", *(found.unit,) * 4), tuple(rows))


def _arm(found: Tried, why: str, name: str) -> Any:
    return next(arm for arm in found.arms if (arm.why, arm.name) == (why, name))


def _findings(found: Tried, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    unit = found.after
    out = []
    for why in found.shown:
        naive, aware = (_told(values[f"bias_{why}_{name}"], unit) for name in (NAIVE, AWARE))
        silent = [f"{values[f'silent_{why}_{name}'].value:+.3g}{unit}" for name in (NAIVE, AWARE)]
        out.append(
            f"Orders by {why}: the filter of values alone errs by {naive} on average, and by {silent[0]} where nothing "
            f"was measured; the one that knows why by {aware} and {silent[1]}."
        )
    return tuple(out)


def _told(q: Quantity, unit: str) -> str:
    if q.low is None or q.high is None:
        return f"{q.value:+.3g}{unit}"
    return f"{q.value:+.3g}{unit} (95 % interval {q.low:+.3g} to {q.high:+.3g})"


def _negative(found: Tried, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    out, unit = [], found.after
    for why in found.shown:
        aware = values[f"bias_{why}_{AWARE}"]
        if aware.low is not None and aware.high is not None and not aware.low <= 0.0 <= aware.high:
            out.append(f"Orders by {why}: the filter that knows why is biased too, by {_told(aware, unit)}.")
        covered = values[f"coverage_{why}_{AWARE}"]
        if not RIGHT[0] <= covered.value <= RIGHT[1]:
            out.append(f"Orders by {why}: 95 % of its beliefs hold {covered.value:.1f} % of the truths.")
        for name, factor in ((HALF, "half"), (DOUBLE, "twice")):
            wrong = values[f"rmse_{why}_{name}"].value
            if wrong > values[f"rmse_{why}_{NAIVE}"].value:
                told = f"Orders by {why}: with {factor} the slope a filter errs more than one of values alone"
                out.append(f"{told}, {wrong:.3g} against {values[f'rmse_{why}_{NAIVE}'].value:.3g}{unit}.")
    if values["n_failed"].value:
        out.append(f"{values['n_failed'].value:.0f} records had a cycle in which a filter failed.")
    return tuple(out)


@check("recovery")
def recovers_what_is_known(found: Evidence) -> tuple[Finding, ...]:
    """Code verification of the aware filter against truths that were drawn: rung b where, by every mechanism, 95 % of
    its beliefs hold between 93 and 97 % of the truths, and its error is not larger than that of values alone."""
    whys = [key.removeprefix("measured_") for key in found.values if key.startswith("measured_")]
    covered = {why: found.values[f"coverage_{why}_{AWARE}"].value for why in whys}
    errors = {
        why: (found.values[f"rmse_{why}_{AWARE}"].value, found.values[f"rmse_{why}_{NAIVE}"].value) for why in whys
    }
    right = all(RIGHT[0] <= share <= RIGHT[1] for share in covered.values())
    better = all(aware <= naive for aware, naive in errors.values())
    whole = found.values["n_failed"].value == 0.0
    told = ", ".join(f"{why} {share:.1f} %" for why, share in covered.items())
    reason = f"truths inside {0.95 * PERCENT:.0f} % of the aware filter's beliefs, by mechanism: {told}"
    return (
        Finding("verification.code.numerical_code_verification", "b" if right and better and whole else "a", reason),
    )
