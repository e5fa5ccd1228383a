"""How well does a state-space twin forecast the next slot of persons that its fit has not seen, against persistence?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from vvuq.analyses import analysis, evidence
from vvuq.analyses.calibration.state_space_fit import fitted_units
from vvuq.analyses.settings import Count, Whole
from vvuq.analyses.slotted import build_records, person_folds, persons
from vvuq.calibration.slots import Slots, persisted
from vvuq.calibration.state_space import Fit, Walks, first_belief, fit_state_space, follow_slots, system_of
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Context, Evidence, Floats, Quantity, Table

HALF90 = float(ndtri(0.95))
SUMS = 6  # columns of a person's sums for one channel
MEASURES = ("rmse", "persistence_rmse", "gain", "bias", "spread_factor", "coverage90")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    fitted_units(twin)
    out = dict.fromkeys(("n_persons", "n_records", "n_folds", "n_not_converged", "n_records_failed"), "1")
    for one in twin.model.observables:
        units = (one.unit, one.unit, "%", one.unit, "1", "%")
        out |= {f"{measure}_{one.name}": unit for measure, unit in zip(MEASURES, units, strict=True)}
        out[f"n_{one.name}"] = "1"
    return out


@analysis(
    "How well does the twin forecast the next slot of persons that its fit has not seen, against persistence?",
    suite="validation",
    metrics=_metrics,
)
def slot_forecast(
    twin: Twin, context: Context, *, folds: Count = 5, iterations: Count = 60, most: Whole = 0
) -> Evidence:
    """One-slot-ahead forecasts of build patients, each person left out of the fit in one of `folds`.

    Scored is every slot with a value, from the second value of a channel on; persistence is the last value before.
    most: as in state_space_fit."""
    fitted_units(twin)
    records = build_records(twin, context, most)
    parts = person_folds(records, folds, "slot_forecast.folds")
    rows: dict[str, Floats] = {}
    fits, failed = [], 0
    for part in parts:
        fit = fit_state_space(twin, [one for one in records if one.group not in part], iterations=iterations, threads=2)
        fits.append(fit)
        scored, lost = _scored(twin, fit, [one for one in records if one.group in part])
        rows |= scored
        failed += lost
    table = np.array([rows[person] for person in persons(records)])
    values = {
        "n_persons": Quantity(float(len(table)), "1"),
        "n_records": Quantity(float(len(records)), "1"),
        "n_folds": Quantity(float(folds), "1"),
        "n_not_converged": Quantity(float(sum(not one.converged for one in fits)), "1"),
        "n_records_failed": Quantity(float(failed), "1"),
    }
    values |= _measured(twin, table)
    inputs: dict[str, object] = {
        "cohort": context.build().digest, "folds": folds, "iterations": iterations, "most": most
    }  # fmt: skip
    return evidence(
        slot_forecast, twin.name, inputs, values=values, tables={"channels": _table(twin, values)},
        findings=_findings(twin, values), negative=_negative(twin, values),
    )  # fmt: skip


def _scored(twin: Twin, fit: Fit, records: Sequence[Slots]) -> tuple[dict[str, Floats], int]:
    """{person: sums (channels * SUMS,)} over the slots, and how many records could not be filtered to the end."""
    system, prior, walks = system_of(twin, fit.candidate), first_belief(twin, fit.candidate), Walks()
    q, failed = len(twin.model.observables), 0
    out = {person: np.zeros((q, SUMS)) for person in persons(records)}
    for one in records:
        found, last = follow_slots(system, prior, one, walks=walks), persisted(one)
        failed += bool(found.codes.any())
        for channel in range(q):
            at = one.measured[:, channel] & np.isfinite(last[:, channel]) & np.isfinite(found.predicted[:, channel])
            error = found.predicted[at, channel] - one.values[at, channel]
            before = last[at, channel] - one.values[at, channel]
            scaled = error / found.spread[at, channel]
            within = float((np.abs(scaled) <= HALF90).sum())
            sums = (at.sum(), (error**2).sum(), (before**2).sum(), error.sum(), (scaled**2).sum(), within)
            out[one.group][channel] += np.array(sums, dtype=float)
    return {person: sums.ravel() for person, sums in out.items()}, failed


def _measured(twin: Twin, table: Floats) -> dict[str, Quantity]:
    """The measures of each channel with intervals from leaving out each person who has a value of it."""
    out: dict[str, Quantity] = {}
    for channel, one in enumerate(twin.model.observables):
        rows = table[:, channel * SUMS : (channel + 1) * SUMS]
        rows = rows[rows[:, 0] > 0.0]
        n = len(rows)
        out[f"n_{one.name}"] = Quantity(float(rows[:, 0].sum()), "1", n=n)
        units = (one.unit, one.unit, "%", one.unit, "1", "%")
        found, errors = jackknife(rows, _statistics) if n > 1 else (np.full((2, len(MEASURES)), np.nan))
        for measure, unit, value, error in zip(MEASURES, units, found, errors, strict=True):
            out[f"{measure}_{one.name}"] = t_quantity(float(value), float(error), unit, n)
    return out


def _statistics(rows: Floats) -> Floats:
    """MEASURES of sums by person."""
    n, error, before, bias, scaled, within = rows.sum(axis=0)
    rmse, persistence = np.sqrt(error / n), np.sqrt(before / n)
    return np.array([
        rmse, persistence, 100.0 * (1.0 - rmse / persistence), bias / n, np.sqrt(scaled / n), 100.0 * within / n,
    ])  # fmt: skip


def _table(twin: Twin, values: Mapping[str, Quantity]) -> Table:
    columns = ("channel", "unit", "values", *MEASURES)
    rows: list[tuple[Cell, ...]] = []
    for one in twin.model.observables:
        found = [values[f"{measure}_{one.name}"].value for measure in MEASURES]
        rows.append((one.name, one.unit, values[f"n_{one.name}"].value, *found))
    return Table(
        "Forecasts of the next slot, each person left out of the fit", columns, ("",) * len(columns), tuple(rows)
    )


def _findings(twin: Twin, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    return tuple(
        f"{one.name}: RMSE {values[f'rmse_{one.name}'].value:.3g} {one.unit}, of persistence "
        f"{values[f'persistence_rmse_{one.name}'].value:.3g} {one.unit}."
        for one in twin.model.observables
    )


def _negative(twin: Twin, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    out = []
    if values["n_not_converged"].value:
        count = values["n_not_converged"].value
        out.append(f"In {count:.0f} folds the search for the fit ended by its limit of iterations.")
    for one in twin.model.observables:
        gain, spread = values[f"gain_{one.name}"], values[f"spread_factor_{one.name}"]
        if not (gain.lower95 or 0.0) > 0.0:
            out.append(f"{one.name}: the twin is not shown to forecast better than the last value that was measured.")
        if spread.low is not None and spread.high is not None and not spread.low <= 1.0 <= spread.high:
            sure = "unsure" if spread.value < 1.0 else "sure"
            out.append(
                f"{one.name}: errors are {spread.value:.2f} times what the filter takes them for: it is too {sure}."
            )
    return tuple(out)
