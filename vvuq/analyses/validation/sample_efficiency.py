"""How much do forecasters gain from more days of the patients that they are fitted to?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Name, Positive, refused
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecast_report import PERSISTENCE, values_of
from vvuq.analyses.validation.forecasts import (
    HORIZONS,
    Scored,
    checked,
    chosen,
    fitted,
    scored,
    seeded,
    slug,
    unit_of,
)
from vvuq.data.cohort import digest
from vvuq.data.split import same_folds, subset
from vvuq.interaction.forecaster import readings
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Context, Dose, Evidence, Patient, Quantity, Table

DAY = 1440.0
ALL = "all"
Days = Annotated[list[Positive], Field(min_length=1)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names, unit = chosen(twin, settings.get("forecasters"), "sample_efficiency.forecasters"), unit_of(twin)
    labels = [label(d) for d in settings.get("days", (1.0, 2.0, 4.0))] + [ALL]
    crps = {f"crps_{slug(n)}_{h}_{of}": unit for n in names for h in HORIZONS for of in labels}
    brier = {f"brier_{slug(n)}_{of}": "1" for n in names for of in labels}
    return crps | brier | {"n_patients": "1", "n_origins": "1"}


def label(days: float) -> str:
    """Days as they stand in names of values."""
    return f"{days:g}_days"


@analysis(
    "How much do forecasters gain from more days of the patients that they are fitted to?",
    suite="validation",
    metrics=_metrics,
)
def sample_efficiency(
    twin: Twin,
    context: Context,
    *,
    forecasters: list[Name] | None = None,
    days: Days | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    members: Members = 100,
    stride: Stride = 60.0,
    threshold: Positive = 70.0,
    short: bool = False,
) -> Evidence:
    """Each forecaster fitted to the first `days` of every patient but those left out, then to all that there is.

    Those left out are forecast over the whole of their records, at the same origins throughout. folds: as for
    forecast_comparison. short: with the shorter fits."""
    unit, build = unit_of(twin), context.build()
    cohort, known = (
        checked(build, unit, "sample_efficiency"),
        chosen(twin, forecasters, "sample_efficiency.forecasters", short=short),
    )
    ids = [p.id for p in cohort.patients]
    if not 2 <= (folds or 2) <= len(ids):
        raise refused("sample_efficiency.folds", folds, f"2 to {len(ids)}: the cohort has so many build patients")
    asked = seeded(context, members, stride, threshold)
    parts = same_folds(ids, folds)
    steps = {**{label(d): d for d in sorted(days or (1.0, 2.0, 4.0))}, ALL: float("inf")}
    values: dict[str, Quantity] = {}
    rows: list[tuple[Cell, ...]] = []
    for name, length in steps.items():
        pairs = []
        for number, fold in enumerate(parts):
            rest = first_days(subset(cohort, [i for i in ids if i not in fold], "fitted"), length)
            pairs.append((fitted(known, rest, asked, f"fold {number}"), subset(cohort, fold, "left out")))
        found = scored(pairs, asked)
        here = values_of(found, unit)
        values |= {f"{key}_{name}": here[key] for key in _kept(known)}
        values |= {key: here[key] for key in ("n_patients", "n_origins")}
        rows += _rows(found, here, ALL if name == ALL else f"{length:g}")
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(known), "days": [s for s in steps.values() if s < float("inf")],
        "folds": len(parts), "members": members, "stride": stride, "threshold": threshold,
        "short": short,
    }  # fmt: skip
    units = ("day", "", "1", *(unit for _ in HORIZONS), *(unit for _ in HORIZONS), "1")
    columns = ("days", "forecaster", "patients", *(f"crps_{h}" for h in HORIZONS),
               *(f"gain_{h}" for h in HORIZONS), "brier")  # fmt: skip
    title = "Error against days of each fitted patient"
    return evidence(
        sample_efficiency, twin.name, inputs, values=values,
        tables={"by_days": Table(title, columns, units, tuple(rows))}, negative=_negative(known, values, list(steps)),
    )  # fmt: skip


def first_days(cohort: Cohort, days: float) -> Cohort:
    """Every patient's record up to `days` after its first reading; an infusion that lasts longer ends there."""
    if days == float("inf"):
        return cohort
    patients = tuple(_first(patient, days) for patient in cohort.patients)
    return replace(cohort, patients=patients, digest=digest(patients, cohort.units))


def _first(patient: Patient, days: float) -> Patient:
    times = readings(patient).times
    end = (float(times[0]) if times.size else 0.0) + days * DAY
    doses = tuple(_cut(dose, end) for dose in patient.doses if dose.time < end)
    return replace(patient, doses=doses, measurements=tuple(m for m in patient.measurements if m.time < end))


def _cut(dose: Dose, end: float) -> Dose:
    if dose.time + dose.duration <= end:
        return dose
    return replace(dose, amount=dose.amount * (end - dose.time) / dose.duration, duration=end - dose.time)


def _kept(names: Mapping[str, object]) -> list[str]:
    return [f"crps_{slug(n)}_{h}" for n in names for h in HORIZONS] + [f"brier_{slug(n)}" for n in names]


def _rows(found: Scored, values: Mapping[str, Quantity], days: str) -> list[tuple[Cell, ...]]:
    out: list[tuple[Cell, ...]] = []
    for name in found.rows:
        crps = [values[f"crps_{slug(name)}_{h}"].value for h in HORIZONS]
        gains = [values[f"crps_{PERSISTENCE}_{h}"].value - c for h, c in zip(HORIZONS, crps, strict=True)]
        patients = int(values["n_patients"].value)
        out.append((days, name, patients, *crps, *gains, values[f"brier_{slug(name)}"].value))
    return out


def _negative(known: Mapping[str, Any], values: Mapping[str, Quantity], labels: Sequence[str]) -> tuple[str, ...]:
    """Forecasters that the least data leave behind persistence fitted to the same."""
    out = []
    least = labels[0]
    for name, one in known.items():
        if one.kind == "baseline":
            continue
        behind = [
            str(h) for h in HORIZONS
            if values[f"crps_{slug(name)}_{h}_{least}"].value > values[f"crps_{PERSISTENCE}_{h}_{least}"].value
        ]  # fmt: skip
        if behind:
            told = f"{name} forecasts worse than {PERSISTENCE} at {', '.join(behind)} min"
            out.append(f"Fitted to {_said(least)} of each patient, {told}.")
    return tuple(out)


def _said(name: str) -> str:
    return "1 day" if name == "1_days" else name.replace("_", " ")
