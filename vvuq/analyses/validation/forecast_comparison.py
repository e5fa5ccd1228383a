"""Which forecaster of the next three hours is best on build patients, each forecast by what was fitted to others?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Name, Positive
from vvuq.analyses.validation.forecast_report import tables_of, units, values_of
from vvuq.analyses.validation.forecast_words import findings, negative
from vvuq.analyses.validation.forecasts import checked, chosen, left_out, scored, seeded, unit_of
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity

Stride = Annotated[float, Field(ge=15.0, allow_inf_nan=False)]
Members = Annotated[int, Field(ge=20)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names = list(chosen(twin, settings.get("forecasters"), "forecast_comparison.forecasters"))
    return units(names, unit_of(twin)) | {"n_leaked": "1"}


@analysis(
    "Which forecaster of the next three hours is best on build patients, each left out of the fit?",
    suite="validation",
    metrics=_metrics,
)
def forecast_comparison(
    twin: Twin,
    context: Context,
    *,
    forecasters: list[Name] | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    members: Members = 100,
    stride: Stride = 60.0,
    threshold: Positive = 70.0,
    short: bool = False,
) -> Evidence:
    """All forecasters on the same origins, `stride` minutes apart; persistence and climatology are always among them.

    folds: parts of the patients, left out in turn; None: one patient at a time. threshold: a reading below it within
    three hours is the event, in the unit of the readings. short: with the shorter fits, for a first look."""
    unit, build = unit_of(twin), context.build()
    cohort = checked(build, unit, "forecast_comparison")
    known = chosen(twin, forecasters, "forecast_comparison.forecasters", short=short)
    asked = seeded(context, members, stride, threshold)
    pairs, leaked = left_out(known, cohort, folds, asked, "forecast_comparison.folds")
    found = scored(pairs, asked)
    values = values_of(found, unit) | {"n_leaked": Quantity(float(leaked), "1")}
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(known), "folds": len(pairs), "members": members, "stride": stride,
        "threshold": threshold, "short": short,
    }  # fmt: skip
    who = "build patients"
    return evidence(
        forecast_comparison, twin.name, inputs, values=values, tables=tables_of(found, known, values, unit),
        findings=findings(known, values, who), negative=negative(found, known, values, who),
    )  # fmt: skip
