"""How well does the one forecaster that the plan names forecast held-out patients, and those of other cohorts?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Name, Positive
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecast_report import tables_of, units, values_of
from vvuq.analyses.validation.forecast_words import SOUND, findings, negative
from vvuq.analyses.validation.forecasts import HORIZONS, checked, chosen, fitted, scored, seeded, slug, unit_of
from vvuq.data.split import overlap
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Context, Evidence, Finding, Quantity, Table


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names, unit = list(_chosen(twin, settings["forecaster"])), unit_of(twin)
    parts = ["", *(f"_{name}" for name in settings.get("external") or ())]
    leaks = {f"n_leaked{suffix}": "1" for suffix in parts}
    return leaks | {key: of for suffix in parts for key, of in units(names, unit, suffix).items()}


def _chosen(twin: Twin, name: str, *, short: bool = False) -> dict[str, Any]:
    return chosen(twin, [name], "forecast_holdout.forecaster", short=short)


@analysis(
    "How well does the forecaster that the plan names forecast patients it has never seen?",
    suite="validation",
    metrics=_metrics,
)
def forecast_holdout(
    twin: Twin,
    context: Context,
    *,
    forecaster: Name,
    external: list[Name] | None = None,
    members: Members = 200,
    stride: Stride = 60.0,
    threshold: Positive = 70.0,
    short: bool = False,
) -> Evidence:
    """Fitted to all build patients, then the held-out ones once, and those of each cohort named in `external`, whose
    values end in its name; persistence and climatology stand beside the one forecaster. short: with the shorter fit."""
    unit = unit_of(twin)
    build, known = checked(context.build(), unit, "forecast_holdout"), _chosen(twin, forecaster, short=short)
    asked = seeded(context, members, stride, threshold)
    fits = fitted(known, build, asked, "build")
    values: dict[str, Quantity] = {}
    tables: dict[str, Table] = {}
    told: list[str] = []
    against: list[str] = []
    inputs: dict[str, object] = {
        "build": build.digest, "forecaster": forecaster, "members": members, "stride": stride, "threshold": threshold,
        "external": external or [], "short": short,
    }  # fmt: skip
    for name in ("", *(external or ())):
        part, suffix = _opened(context, name, forecaster), f"_{name}" if name else ""
        who = f"patients of {name}" if name else "held-out patients"
        found = scored([(fits, checked(part, unit, "forecast_holdout"))], asked)
        inputs[name or "sealed"] = part.digest
        values |= values_of(found, unit, suffix)
        values[f"n_leaked{suffix}"] = Quantity(float(len(overlap(part, build))), "1")
        tables |= tables_of(found, known, values, unit, suffix)
        told += findings(known, values, who, suffix)
        against += negative(found, known, values, who, suffix)
    return evidence(
        forecast_holdout, twin.name, inputs, values=values, tables=tables, findings=tuple(told),
        negative=tuple(against),
    )  # fmt: skip


def _opened(context: Context, name: str, forecaster: str) -> Cohort:
    """The held-out patients, or those of an external cohort."""
    reason = f"forecasts by {forecaster}, the one forecaster that the plan names"
    return context.external(name, reason) if name else context.open_sealed(reason)


@check("forecast_holdout")
def forecasts_of_held_out_patients_agree(found: Evidence) -> tuple[Finding, ...]:
    """What forecasts of held-out patients substantiate; nothing where one of them was among the fitted."""
    if found.values["n_leaked"].value != 0:
        return ()
    v, name = found.values, slug(str(found.inputs["forecaster"]))
    covered = [v[f"coverage90_{name}_{h}"].value for h in HORIZONS]
    gains = [v[f"crps_gain_{name}_{h}"].lower95 for h in HORIZONS if f"crps_gain_{name}_{h}" in v]
    skill = v.get(f"brier_skill_{name}")
    skilled = skill is not None and skill.lower95 is not None and skill.lower95 > 0.0
    sound = skilled and all(SOUND[0] <= share <= SOUND[1] for share in covered)
    better = bool(gains) and all(gain is not None and gain > 0.0 for gain in gains)
    reason = (
        f"90 % intervals hold {min(covered):.0f} to {max(covered):.0f} % over the horizons (85 to 95 % asked); the "
        f"skill of the event's probability {'is' if skilled else 'is not'} certain; the gain over persistence at every "
        f"horizon {'is' if better else 'is not'}"
    )
    output = "validation.assessment.output_comparison"
    n, threshold = v["n_patients"].value, found.inputs["threshold"]
    return (
        Finding(f"{output}.agreement", ("c" if better else "b") if sound else "a", reason),
        Finding(f"{output}.rigor", "c", "each comparison carries the forecast's uncertainty, the sensor's with it"),
        Finding(f"{output}.quantity", "b", f"readings at four horizons and the event of one below {threshold:g}"),
        Finding(f"{output}.equivalency", "b", "readings of the sensor are compared with readings, not with blood"),
        Finding(
            "validation.comparator.samples.quantity", "b" if n >= 2 else "a", f"{n:.0f} held-out patients are compared"
        ),
        Finding(
            "applicability.validation_activities", "b",
            "held-out patients of the cohort that the forecaster was fitted to"
            + (f", and patients of {', '.join(found.inputs['external'])}" if found.inputs["external"] else ""),
        ),
    )  # fmt: skip
