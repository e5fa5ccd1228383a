"""Which population do build patients give a twin that follows patients, and what do readings say of each of them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.calibration.learned import Learned, days_table, learned_of, patients_table
from vvuq.analyses.settings import Count, Positive
from vvuq.analyses.tracked import tracked
from vvuq.calibration.numbers import numbers_of
from vvuq.calibration.tracking import Tracking, declared, followed
from vvuq.data.split import subset
from vvuq.errors import NotEvaluable
from vvuq.methods.jackknife import jackknife, raised, t_quantity
from vvuq.models.parameter import Parameter
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cell, Cohort, Context, Evidence, Floats, Quantity, Table

EDGE = (0.5, 99.5)  # percentiles of a prior between which a value is plausible
WIDE = 4.0  # an interval whose ends differ by more than this factor tells little


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    if twin.follow is None:
        raise NotEvaluable(f"twin {twin.name} follows nobody: Twin(follow=...)")
    out = dict.fromkeys(("n_patients", "evaluations", "score", "score_before"), "1") | fitted_units(twin)
    for name in (*twin.personal, *twin.follow.shared):
        out |= {f"prior_{name}": _parameter(twin, name).unit, f"percentile_{name}": "%"}
    for name in twin.personal:
        out |= {f"between_{name}": "1", f"own_{name}": "1", f"learned_{name}": "%", f"n_implausible_{name}": "1"}
    return out


def fitted_units(twin: Twin) -> dict[str, str]:
    """Name and unit of what the fit moves."""
    return {one.name: one.unit for one in numbers_of(twin, declared(twin))}


@analysis(
    "Which population do the build patients give the twin, and what do their readings say of each of them?",
    suite="calibration",
    metrics=_metrics,
)
def tracking_fit(
    twin: Twin, context: Context, *, every: Positive = 360.0, evaluations: Count = 150, leave_out: bool = True
) -> Evidence:
    """The fit of the twin's own forecaster to all build patients, and what it then learns from each one's readings.

    leave_out: intervals from fits that leave one patient out in turn; otherwise there are none."""
    build = context.build()
    found = tracked(twin, build, every=every, evaluations=evaluations)
    units, n = fitted_units(twin), len(found.patients)
    numbers, errors = _logs(twin, found), np.full(len(units), np.nan)
    if leave_out and n > 1:
        numbers, errors = jackknife(
            np.arange(float(n))[:, None],
            lambda rows: _logs(twin, tracked(twin, _of(build, rows), every=every, evaluations=evaluations)),
        )
    values = {
        "n_patients": Quantity(float(n), "1"),
        "evaluations": Quantity(float(found.evaluations), "1"),
        "score": Quantity(found.objective, "1", n=n),
        "score_before": Quantity(found.start_objective, "1", n=n),
    }
    for (key, unit), log, error in zip(units.items(), numbers, errors, strict=True):
        values[key] = raised(t_quantity(float(log), float(error), unit, n))
    for name in (*twin.personal, *followed(twin).shared):
        prior = _parameter(twin, name)
        values[f"prior_{name}"] = Quantity(float(prior.prior.quantile(0.5)), prior.unit)
        values[f"percentile_{name}"] = Quantity(_percentile(prior, values[name].value), "%", n=n)
    learned = learned_of(twin, found, build)
    for one in learned:
        values |= one.values()
    tables = {
        "estimates": _estimates(twin, values),
        "patients": patients_table(twin, learned),
        "days": days_table(twin, found, build),
    }
    inputs: dict[str, object] = {
        "cohort": build.digest, "every": every, "evaluations": evaluations, "leave_out": leave_out
    }  # fmt: skip
    return evidence(
        tracking_fit, twin.name, inputs, values=values, tables=tables, findings=_findings(values, learned),
        negative=_negative(twin, values, learned),
    )  # fmt: skip


def _of(cohort: Cohort, rows: Floats) -> Cohort:
    """The patients at these places; all of them are the cohort itself."""
    places = {int(row) for row in rows[:, 0]}
    if len(places) == len(cohort.patients):
        return cohort
    return subset(cohort, [p.id for i, p in enumerate(cohort.patients) if i in places], "fitted")


def _logs(twin: Twin, found: Tracking) -> Floats:
    """Logarithms of what `fitted_units` names."""
    return np.log([one.value for one in numbers_of(twin, found)])


def _parameter(twin: Twin, name: str) -> Parameter:
    return twin.model.parameters[twin.model.parameter_index(name)]


def _percentile(parameter: Parameter, value: float) -> float:
    """Where in its prior a value lies, by bisection of the quantile function."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = 0.0 < middle < 1.0 and parameter.prior.quantile(middle) < value
        low, high = (middle, high) if below else (low, middle)
    return 100.0 * low


def _estimates(twin: Twin, values: Mapping[str, Quantity]) -> Table:
    """What was fitted beside what was declared; percentile: in the prior, for parameters."""
    rows: list[tuple[Cell, ...]] = []
    for one in numbers_of(twin, declared(twin)):
        q, place = values[one.name], values.get(f"percentile_{one.name}")
        percentile = None if place is None else place.value
        rows.append((one.name, one.unit, one.value, q.value, q.low, q.high, percentile, one.meaning))
    columns = ("parameter", "unit", "declared", "estimate", "low", "high", "prior_percentile", "meaning")
    title = "The population from the build patients (95 % intervals: each patient left out in turn)"
    return Table(title, columns, ("", "", "", "", "", "", "%", ""), tuple(rows))


def _findings(values: Mapping[str, Quantity], learned: tuple[Learned, ...]) -> tuple[str, ...]:
    gain = 100.0 * (1.0 - values["score"].value / values["score_before"].value)
    best = max(learned, key=lambda one: one.removed)
    return (
        f"The fit makes the score of forecasts {gain:.0f} % smaller than the declared values do.",
        f"Readings say most of {best.name}: at the end of a record {best.removed:.0f} % of its prior variance is gone.",
    )


def _negative(twin: Twin, values: Mapping[str, Quantity], learned: tuple[Learned, ...]) -> tuple[str, ...]:
    out = []
    for name in (*twin.personal, *followed(twin).shared):
        q, place = values[name], values[f"percentile_{name}"].value
        if not EDGE[0] < place < EDGE[1]:
            out.append(f"The typical {name}, {q.value:.3g} {q.unit}, lies outside of the central 99 % of its prior.")
    for key in fitted_units(twin):
        q = values[key]
        if q.low is not None and q.high is not None and q.high > WIDE * q.low:
            ends = f"{q.low:.2g} to {q.high:.2g} {q.unit}"
            out.append(f"{key} is hardly known: its interval from leaving patients out is {ends}.")
    day = factor("day", twin.model.time_unit, twin.name) ** 0.5
    for one in learned:
        drift = values.get(f"drift_{one.name}")
        if drift is not None and drift.value * day > one.prior:
            sds = f"an SD of {drift.value * day:.2f} of its logarithm, patients differ by {one.prior:.2f}"
            out.append(f"In a day a patient's {one.name} moves at random by {sds}: it is no lasting property.")
    return (*out, *(sentence for one in learned for sentence in one.negative()))
