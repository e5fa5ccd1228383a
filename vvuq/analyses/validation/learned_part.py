"""Shared by interpretability: what the learned part of a hybrid adds to the slopes of its core, along records of
patients that it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vvuq.analyses.validation.forecasts import Part, slug
from vvuq.interaction.forecaster import Fitted
from vvuq.interaction.inside import Correction, correction
from vvuq.methods.jackknife import mean_quantity
from vvuq.models.units import factor
from vvuq.record import Cell, Cohort, Floats, Quantity, Table

DAY, QUARTERS = 1440.0, ("0 to 6 h", "6 to 12 h", "12 to 18 h", "18 to 24 h")


@dataclass(frozen=True, slots=True)
class Along:
    """One patient's course: minutes since midnight (k,), readings (k,), the slope of the core (k,), what is added to it
    (k,), and what the fit to all patients adds there (k,)."""

    clock: Floats
    seen: Floats
    slope: Floats
    added: Floats
    by_all: Floats


@dataclass(frozen=True, slots=True)
class Learned:
    """The state whose slope the learned part of a forecaster changes most, and the patients' courses."""

    forecaster: str
    state: str
    unit: str
    patients: tuple[Along, ...]


def learned_of(name: str, whole: Fitted, pairs: Sequence[Part], cohort: Cohort) -> Learned | None:
    """None for a forecaster without a learned part. whole: the fit to all patients; each is followed by the other."""
    found = []
    for fits, part in pairs:
        for patient in part.patients:
            own, other = (correction(fit, cohort, patient) for fit in (fits[name], whole))
            if own is not None and other is not None:
                found.append((own, other))
    if not found:
        return None
    most = int(np.argmax(np.mean([(own.added**2).mean(axis=1) for own, _ in found], axis=0)))
    state, unit = found[0][0].units[most]
    return Learned(name, state, unit, tuple(_along(own, other, most) for own, other in found))


def _along(own: Correction, other: Correction, row: int) -> Along:
    clock = np.mod(own.times * factor(own.time_unit, "min", "learned part"), DAY)
    return Along(clock, own.seen, own.slope[row], own.added[row], other.added[row])


def learned_values(learned: Sequence[Learned]) -> dict[str, Quantity]:
    """How large it is beside the core's slope, and whether fits to other patients learn the same: patients' means."""
    values = {}
    for one in learned:
        shares = [100.0 * np.sqrt(np.mean(p.added**2) / np.mean(p.slope**2)) for p in one.patients]
        alike = [float(np.corrcoef(p.added, p.by_all)[0, 1]) for p in one.patients]
        values[f"learned_share_{slug(one.forecaster)}"] = mean_quantity(np.array(shares), "%", low=0.0)
        values[f"learned_alike_{slug(one.forecaster)}"] = mean_quantity(np.array(alike), "1", low=-1.0, high=1.0)
    return values


def learned_table(learned: Sequence[Learned], bands: Sequence[float], unit: str) -> Table:
    """What is added by the reading at that moment and by the time of day, mean over patients with such moments."""
    rows: list[tuple[Cell, ...]] = []
    low, high = bands
    for one in learned:
        groups = {
            f"below {low:g} {unit}": [p.seen < low for p in one.patients],
            f"{low:g} to {high:g} {unit}": [(p.seen >= low) & (p.seen <= high) for p in one.patients],
            f"above {high:g} {unit}": [p.seen > high for p in one.patients],
        } | {
            label: [(p.clock >= 360.0 * k) & (p.clock < 360.0 * (k + 1)) for p in one.patients]
            for k, label in enumerate(QUARTERS)
        }  # fmt: skip
        rows += [_row(one, label, inside) for label, inside in groups.items()]
    columns = ("forecaster", "state", "moments", "readings", "patients", "core", "added", "low", "high", "unit")
    title = "What the learned part adds to a slope, and the RMS of the core's own (95 % intervals over patients)"
    return Table(title, columns, ("", "", "", "1", "1", "", "", "", "", ""), tuple(rows))


def _row(one: Learned, label: str, inside: Sequence[NDArray[np.bool_]]) -> tuple[Cell, ...]:
    there = [(p, rows) for p, rows in zip(one.patients, inside, strict=True) if rows.any()]
    if not there:
        return (one.forecaster, one.state, label, 0, 0, None, None, None, None, one.unit)
    core = float(np.mean([np.sqrt(np.mean(p.slope[rows] ** 2)) for p, rows in there]))
    added = mean_quantity(np.array([p.added[rows].mean() for p, rows in there]), one.unit)
    count = int(sum(rows.sum() for _, rows in there))
    return (one.forecaster, one.state, label, count, len(there), core, added.value, added.low, added.high, one.unit)
