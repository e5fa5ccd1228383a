"""Does a twin that is aware of orders foresee the next value and the next order better, in persons left out?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.orders_seen import (
    SUMS,
    comparison_table,
    fit_both,
    metrics,
    own_state,
    process_of,
    quantities,
    scores,
)
from vvuq.analyses.missingness.units import after
from vvuq.analyses.settings import Count, Name, Whole
from vvuq.analyses.slotted import build_records, person_folds, persons
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Floats, Quantity


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    process_of(twin, settings["channel"], "orders_comparison.channel")
    return metrics(twin, settings["channel"]) | {"n_not_converged": "1"}


@analysis(
    "Does a twin that is aware of orders foresee the next value and the next order better, in persons left out?",
    suite="missingness",
    metrics=_metrics,
)
def orders_comparison(
    twin: Twin, context: Context, *, channel: Name, folds: Count = 2, iterations: Count = 60, most: Whole = 0
) -> Evidence:
    """Build patients in folds of persons; twin and care process are fitted to the others. most: as in state_space_fit.

    Two twins forecast each slot from the slots before it: one for which orders depend on the record alone, and whose
    state knows nothing of them; and one for which they depend on the state too."""
    process = process_of(twin, channel, "orders_comparison.channel")
    records = build_records(twin, context, most)
    order = persons(records)
    sums: dict[str, Floats] = {}
    early, late, lost = dict(sums), dict(sums), 0
    for part in person_folds(records, folds, "orders_comparison.folds"):
        fitted = fit_both(twin, [one for one in records if one.group not in part], process, iterations)
        left = [one for one in records if one.group in part]
        lost += (not fitted.naive.converged) + (not fitted.aware.converged)
        sums |= scores(twin, fitted, left, process)
        early |= scores(twin, fitted, left, process, first=True)
        late |= scores(twin, fitted, left, process, first=False)
    values = quantities(twin, channel, table_of(sums, order))
    values["n_not_converged"] = Quantity(float(lost), "1")
    inputs: dict[str, object] = {
        "cohort": context.build().digest, "channel": channel, "folds": folds, "iterations": iterations, "most": most,
    }  # fmt: skip
    unit = values["crps_naive"].unit
    return evidence(
        orders_comparison, twin.name, inputs, values=values,
        tables={"comparison": comparison_table(values, unit)} | {
            name: replace(comparison_table(quantities(twin, channel, table_of(part, order)), unit), title=title)
            for name, title, part in (
                ("first_orders", "The same, of slots up to the first order of each record", early),
                ("later_orders", "The same, of slots after it", late),
            )
        },
        findings=findings(values, own_state(twin, process)), negative=negative(values),
    )  # fmt: skip


def table_of(sums: Mapping[str, Floats], order: Sequence[str]) -> Floats:
    """(persons, SUMS) of persons with a slot."""
    table = np.array([sums[person] for person in order])
    return table[table[:, SUMS.index("slots")] > 0.0]


def findings(values: Mapping[str, Quantity], state: str) -> tuple[str, ...]:
    """What a reader must not miss."""
    gain, better = values["order_gain"], values["crps_gain"]
    of_rate = values["order_log_score_naive"].value - values["order_log_score_rate"].value
    orders = (
        f"That orders depend on {state} beside the record is worth {gain.value:.2g} nats a slot{_ends(gain)} in "
        f"foreseeing them; the record and the patient's own constant are worth {of_rate:.2g} over one rate for all."
    )
    ahead = (
        f"The next value: CRPS {values['crps_naive'].value:.3g}{after(better.unit)} by the twin deaf to orders, "
        f"{values['crps_aware'].value:.3g} by the one that is aware, a gain of {better.value:.2g}{_ends(better)}."
    )
    return orders, ahead


def negative(values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What speaks against the aware twin."""
    out = []
    if not (values["order_gain"].low or 0.0) > 0.0:
        out.append("That the state says when the next order comes, beyond the record, is not shown.")
    gain = values["crps_gain"]
    if gain.high is not None and gain.high < 0.0:
        worse = f"{-gain.value:.2g}{after(gain.unit)}"
        out.append(f"The aware twin forecasts the next value worse: CRPS higher by {worse}.")
    elif not (gain.low or 0.0) > 0.0:
        out.append("That the aware twin forecasts the next value better is not shown.")
    for who, told in (("naive", "deaf to orders"), ("aware", "aware of orders")):
        share = values[f"coverage90_{who}"]
        if share.low is not None and share.high is not None and not share.low <= 90.0 <= share.high:
            out.append(f"Of the twin that is {told}, 90 % of the forecast hold {share.value:.1f} % of the next values.")
    if values["n_not_converged"].value:
        out.append(f"{values['n_not_converged'].value:.0f} fits ended by their limit of iterations.")
    return tuple(out)


def _ends(q: Quantity) -> str:
    return "" if q.low is None or q.high is None else f" (95 % interval over persons {q.low:.2g} to {q.high:.2g})"
