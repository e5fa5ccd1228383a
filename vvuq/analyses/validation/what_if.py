"""What would carbohydrate now, or a withheld bolus, change by the twin, and which part of that can be tested?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Name, Positive, refused
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecasts import Asked, checked, chosen, left_out, seeded, unit_of
from vvuq.analyses.validation.utility import Share
from vvuq.analyses.validation.what_if_report import findings, negative, tables_of, units, values_of
from vvuq.analyses.validation.what_if_rows import Question, Rows, rows_of
from vvuq.interaction.forecaster import own
from vvuq.interaction.patient import assimilate
from vvuq.interaction.personal import FittedPersonal
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Context, Evidence, Quantity

BOLUSES = ("rapid_insulin", "short_insulin")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    return units(unit_of(twin)) | {"n_leaked": "1"}


@analysis(
    "What would carbohydrate now, or a withheld bolus, change by the twin, and what of that can be tested?",
    suite="validation",
    metrics=_metrics,
)
def what_if(
    twin: Twin,
    context: Context,
    *,
    prompted: Share,
    forecaster: Name = "personal twin",
    food: Name = "carbohydrate",
    grams: Positive = 20.0,
    boluses: list[Name] | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    members: Members = 100,
    stride: Stride = 60.0,
    threshold: Positive = 70.0,
    short: bool = False,
) -> Evidence:
    """Forecasts of build patients on paired random numbers, by a population fitted to others: as recorded, with `grams`
    of `food` at moments when the reading is not below `threshold` and one within three hours is as probable as
    `prompted` or more, and with each recorded bolus of the kinds `boluses` withheld.

    What can be tested: is the forecast that knows of a recorded meal or bolus at its origin nearer to what came than
    the one that does not? forecaster: which follows patients by the twin. folds, short: as for forecast_comparison."""
    unit, build = unit_of(twin), context.build()
    cohort = checked(build, unit, "what_if")
    asked = seeded(context, members, stride, threshold)
    kinds = tuple(boluses or BOLUSES)
    question = Question(_given(cohort, food), grams, kinds, prompted, threshold, members, stride)
    known = chosen(twin, [forecaster], "what_if.forecaster", short=short)
    pairs, leaked = left_out({forecaster: known[forecaster]}, cohort, folds, asked, "what_if.folds")
    rows: dict[str, Rows] = {}
    for fits, left in pairs:
        rows |= _followed(fits[forecaster], left, question, asked)
    values = values_of(rows, unit) | {"n_leaked": Quantity(float(leaked), "1")}
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecaster": forecaster, "folds": len(pairs), "members": members, "stride": stride,
        "threshold": threshold, "prompted": prompted, "food": food, "grams": grams, "boluses": list(kinds),
        "short": short, "population": "fitted to the build patients of the other folds",
    }  # fmt: skip
    return evidence(
        what_if, twin.name, inputs, values=values, tables=tables_of(rows, values, unit),
        findings=findings(question, values), negative=negative(question, values),
    )  # fmt: skip


def _given(cohort: Cohort, food: str) -> str:
    if dict(cohort.units).get(food) != "g":
        raise refused("what_if.food", food, f"a kind of dose of {cohort.name} in g")
    return food


def _followed(fitted: object, left: Cohort, question: Question, asked: Asked) -> dict[str, Rows]:
    """The rows of each patient left out. Raises InputError for a forecaster that does not follow patients by a twin."""
    if not isinstance(fitted, FittedPersonal):
        raise refused("what_if.forecaster", type(fitted).__name__, "a forecaster that follows patients by the twin")
    draws = asked.draws("what if")
    return {
        patient.id: rows_of(assimilate(fitted.twin, fitted.known, left, patient), question, own(draws, patient))
        for patient in left.patients
    }
