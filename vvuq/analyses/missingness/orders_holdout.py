"""In held-out patients, does a twin that is aware of orders foresee the next value and the next order better?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.orders_comparison import findings, negative, table_of
from vvuq.analyses.missingness.orders_seen import (
    comparison_table,
    fit_both,
    fit_table,
    metrics,
    own_state,
    process_of,
    quantities,
    scores,
)
from vvuq.analyses.settings import Count, Name, Whole
from vvuq.analyses.slotted import build_records, persons
from vvuq.calibration.slots import all_slots
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Quantity


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    process_of(twin, settings["channel"], "orders_holdout.channel")
    return metrics(twin, settings["channel"]) | {"n_not_converged": "1", "n_leaked": "1", "n_fitted": "1"}


@analysis(
    "In held-out patients, does a twin that is aware of orders foresee the next value and the next order better?",
    suite="missingness",
    metrics=_metrics,
)
def orders_holdout(twin: Twin, context: Context, *, channel: Name, iterations: Count = 60, most: Whole = 0) -> Evidence:
    """Twin and care process are fitted to build patients (`most` as in state_space_fit), and asked of all held-out ones
    as in orders_comparison. The held-out patients are opened after the fit."""
    process = process_of(twin, channel, "orders_holdout.channel")
    records = build_records(twin, context, most)
    fitted = fit_both(twin, records, process, iterations)
    sealed = context.open_sealed("orders_holdout: the next value and the next order, by two twins")
    left = all_slots(twin, sealed)
    if not left:
        raise NotEvaluable("orders_holdout: no held-out patient has a value of one of the twin's channels")
    values = quantities(twin, channel, table_of(scores(twin, fitted, left, process), persons(left)))
    values |= {
        "n_not_converged": Quantity(float((not fitted.naive.converged) + (not fitted.aware.converged)), "1"),
        "n_leaked": Quantity(float(len(set(persons(records)) & set(persons(left)))), "1"),
        "n_fitted": Quantity(float(len(persons(records))), "1"),
    }
    inputs: dict[str, object] = {
        "cohort": context.build().digest, "held_out": sealed.digest, "channel": channel, "iterations": iterations,
        "most": most,
    }  # fmt: skip
    return evidence(
        orders_holdout, twin.name, inputs, values=values,
        tables={"comparison": comparison_table(values, values["crps_naive"].unit), "fit": fit_table(fitted)},
        findings=findings(values, own_state(twin, process)), negative=negative(values),
    )  # fmt: skip
