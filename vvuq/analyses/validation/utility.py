"""Is it worth while to be prompted by the probability of a low reading, and how early do the prompts come?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Name, Positive
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecasts import checked, chosen, left_out, scored, seeded, unit_of
from vvuq.analyses.validation.utility_report import findings, negative, tables_of, units, values_of
from vvuq.analyses.validation.utility_rows import Rule, counted
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names = list(chosen(twin, settings.get("forecasters"), "utility.forecasters"))
    return units(names) | {"n_leaked": "1"}


@analysis(
    "Is it worth while to be prompted by the probability of a low reading, and how early do prompts come?",
    suite="validation",
    metrics=_metrics,
)
def utility(
    twin: Twin,
    context: Context,
    *,
    operating: Share,
    forecasters: list[Name] | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    members: Members = 100,
    stride: Stride = 15.0,
    threshold: Positive = 70.0,
    quiet: Positive = 60.0,
    short: bool = False,
) -> Evidence:
    """Decision curves of forecasters on build patients, each forecast by what was fitted to others, against a prompt at
    every moment and none at any; only moments at which the reading is not below `threshold` already.

    operating: the probability from which the plan would have it prompt; quiet: minutes in which a prompt silences the
    next. folds, members, stride, short: as for forecast_comparison."""
    cohort = checked(context.build(), unit_of(twin), "utility")
    known = chosen(twin, forecasters, "utility.forecasters", short=short)
    asked = seeded(context, members, stride, threshold)
    pairs, leaked = left_out(known, cohort, folds, asked, "utility.folds")
    found = scored(pairs, asked)
    seen = counted(found, cohort, Rule(operating, threshold, stride, quiet))
    values = values_of(seen) | {"n_leaked": Quantity(float(leaked), "1")}
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(known), "folds": len(pairs), "members": members, "stride": stride,
        "threshold": threshold, "operating": operating, "quiet": quiet, "short": short,
    }  # fmt: skip
    return evidence(
        utility, twin.name, inputs, values=values, tables=tables_of(seen, known, values),
        findings=findings(seen, values), negative=negative(seen, known, values),
    )  # fmt: skip
