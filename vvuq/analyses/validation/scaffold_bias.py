"""What do forecasters lose when the mechanism that they stand on is wrong?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Name, Positive, refused
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecasts import (
    COLUMN,
    HORIZONS,
    REFERENCES,
    Asked,
    Scored,
    checked,
    chosen,
    fitted,
    scored,
    seeded,
    slug,
    unit_of,
)
from vvuq.analyses.validation.scaffolds import RIGHT, WrongOnes, change_of, explored
from vvuq.data.split import Folds, same_folds, subset
from vvuq.interaction.forecaster import Forecaster, over
from vvuq.methods.jackknife import mean_quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Context, Evidence, Finding, Floats, Quantity, Table


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names, unit = list(chosen(twin, settings.get("forecasters"), "scaffold_bias.forecasters")), unit_of(twin)
    labels = [slug(RIGHT), *(slug(one["name"]) for one in settings["wrong"])]
    out = {f"{key}_{slug(n)}_{h}_{of}": unit for n in names for h in HORIZONS for of in labels
           for key in ("crps", "bias")}  # fmt: skip
    losses = {f"crps_loss_{slug(n)}_{h}_{of}": unit for n in names for h in HORIZONS for of in labels[1:]}
    return out | losses | {"n_patients": "1", "n_origins": "1"}


@analysis(
    "What do forecasters lose when the mechanism that they stand on is wrong?", suite="validation", metrics=_metrics
)
def scaffold_bias(
    twin: Twin,
    context: Context,
    *,
    wrong: WrongOnes,
    forecasters: list[Name] | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    members: Members = 100,
    stride: Stride = 60.0,
    threshold: Positive = 70.0,
    short: bool = False,
) -> Evidence:
    """Each forecaster with a scaffold fitted anew over each wrong one, patients left out in turn; what has no scaffold
    stays as it is. short, folds: as for forecast_comparison."""
    unit, build = unit_of(twin), context.build()
    cohort = checked(build, unit, "scaffold_bias")
    known = chosen(twin, forecasters, "scaffold_bias.forecasters", short=short)
    ids = [p.id for p in cohort.patients]
    if not 2 <= (folds or 2) <= len(ids):
        raise refused("scaffold_bias.folds", folds, f"2 to {len(ids)}: the cohort has so many build patients")
    changes = {one["name"]: change_of(twin, one, f"scaffold_bias.wrong.{i}") for i, one in enumerate(wrong)}
    asked = seeded(context, members, stride, threshold)
    parts = same_folds(ids, folds)
    right = _scored(known, cohort, parts, asked)
    found = {RIGHT: right}
    for name, change in changes.items():
        moved = {n: there for n, one in known.items() if (there := over(one, change)) is not None}
        again = _scored(moved, cohort, parts, asked).rows if moved else {}
        found[name] = replace(right, rows={**right.rows, **again})
    values = _values(found, unit)
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(known), "wrong": [dict(one) for one in wrong], "folds": len(parts),
        "members": members, "stride": stride, "threshold": threshold, "short": short,
    }  # fmt: skip
    return evidence(
        scaffold_bias, twin.name, inputs, values=values, tables={"by_scaffold": _table(found, known, values, unit)},
        findings=_findings(known, values, list(changes)), negative=_negative(known, values, list(changes)),
    )  # fmt: skip


def _scored(known: Mapping[str, Forecaster], cohort: Cohort, parts: Folds, asked: Asked) -> Scored:
    pairs = []
    for number, fold in enumerate(parts):
        rest = subset(cohort, [p.id for p in cohort.patients if p.id not in fold], "fitted")
        pairs.append((fitted(known, rest, asked, f"fold {number}"), subset(cohort, fold, "left out")))
    return scored(pairs, asked)


def _values(found: Mapping[str, Scored], unit: str) -> dict[str, Quantity]:
    values: dict[str, Quantity] = {}
    for label, one in found.items():
        for name in one.rows:
            values |= _of(label, name, _means(one, name), _means(found[RIGHT], name), unit)
    rows = found[RIGHT].pooled(REFERENCES[0])
    patients = len(found[RIGHT].rows[REFERENCES[0]])
    return values | {"n_patients": Quantity(float(patients), "1"), "n_origins": Quantity(float(len(rows)), "1")}


def _of(label: str, name: str, here: Floats, there: Floats, unit: str) -> dict[str, Quantity]:
    """Values of one forecaster over one scaffold, from means (patients, COLUMNS) here and over the right one."""
    out = {}
    for h in HORIZONS:
        key, crps = f"{slug(name)}_{h}_{slug(label)}", COLUMN[f"crps_{h}"]
        out[f"crps_{key}"] = mean_quantity(here[:, crps], unit)
        out[f"bias_{key}"] = mean_quantity(here[:, COLUMN[f"signed_{h}"]], unit)
        if label != RIGHT:
            out[f"crps_loss_{key}"] = mean_quantity(here[:, crps] - there[:, crps], unit)
    return out


def _means(found: Scored, name: str) -> Floats:
    return np.array([rows.mean(axis=0) for rows in found.rows[name].values()])


def _table(
    found: Mapping[str, Scored], known: Mapping[str, Forecaster], values: Mapping[str, Quantity], unit: str
) -> Table:
    out: list[tuple[Cell, ...]] = []
    for label, one in found.items():
        for name in one.rows:
            keys = [f"{slug(name)}_{h}_{slug(label)}" for h in HORIZONS]
            cells = (values[f"{score}_{key}"].value for score in ("crps", "bias") for key in keys)
            missed = _means(one, name)[:, [COLUMN["under_180"], COLUMN["over_180"]]].sum(axis=1).mean()
            out.append((label, name, known[name].kind, *cells, 100.0 * (1.0 - float(missed))))
    columns = ("scaffold", "forecaster", "kind", *(f"crps_{h}" for h in HORIZONS), *(f"bias_{h}" for h in HORIZONS),
               "coverage_90_180")  # fmt: skip
    title = "Error and bias (forecast less reading) over a right and a wrong scaffold"
    return Table(title, columns, ("", "", "", *(unit,) * 8, "%"), tuple(out))


def _findings(
    known: Mapping[str, Forecaster], values: Mapping[str, Quantity], labels: Sequence[str]
) -> tuple[str, ...]:
    """What each scaffold costs those that have one, at the longest horizon."""
    return tuple(
        f"Over the scaffold {label} the CRPS of {name} at 180 min changes by {q.value:+.1f} {q.unit}{_within(q)}."
        for label in labels for name, one in known.items() if one.kind in ("mechanistic", "hybrid")
        for q in [values[f"crps_loss_{slug(name)}_180_{slug(label)}"]]
    )  # fmt: skip


def _within(q: Quantity) -> str:
    return f" (95 % interval over patients {q.low:+.1f} to {q.high:+.1f})" if q.low is not None else ""


def _negative(
    known: Mapping[str, Forecaster], values: Mapping[str, Quantity], labels: Sequence[str]
) -> tuple[str, ...]:
    """Wrong scaffolds over which a mechanism is worse than the last reading."""
    out = []
    base = {h: values[f"crps_{slug(REFERENCES[0])}_{h}_{slug(RIGHT)}"].value for h in HORIZONS}
    for label in labels:
        for name, one in known.items():
            key = f"crps_{slug(name)}_{{}}_{slug(label)}"
            behind = [str(h) for h in HORIZONS if values[key.format(h)].value > base[h]]
            if behind and one.kind in ("mechanistic", "hybrid"):
                told = f"{name} is worse than {REFERENCES[0]} at {', '.join(behind)} min"
                out.append(f"Over the scaffold {label}, {told}.")
    return tuple(out)


@check("scaffold_bias")
def wrong_scaffolds_were_forecast_with(found: Evidence) -> tuple[Finding, ...]:
    """Model form: what wrong assumptions cost forecasts is known."""
    return explored(found, "crps_loss", "what they cost forecasts of patients left out is reported with its interval")
