"""Forecasters of a sensor: what they promise, what they may know, and which moments they are asked about.

A forecaster is fitted to patients and then gives, for another patient and any moment of its record (an origin, the time
of a reading), sampled paths of the next readings. It may use what is on record at the origin and nothing later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np

from vvuq.errors import InputError
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

Kind = Literal["mechanistic", "hybrid", "data-driven", "baseline"]
STEP, STEPS = 15.0, 12  # minutes between forecast readings, and how many: 3 h
AHEAD: Floats = STEP * np.arange(1.0, STEPS + 1.0)
TOLERANCE = 3.0  # minutes that a reading may lie from where it is looked for
OBSERVABLE = "cgm"


class Fitted(Protocol):
    """A forecaster that has seen its patients."""

    def paths(self, cohort: Cohort, patient: Patient, origins: Floats, members: int, draws: Draws) -> Floats:
        """Paths (k, 12, members) of readings, sensor error included, AHEAD of each of `origins` (k,); no meal and no
        bolus comes after an origin, continuous insulin goes on. Not-a-number where there is no forecast."""


class Forecaster(Protocol):
    """A way to forecast: its name in tables, and what kind it is."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def fit(self, cohort: Cohort, draws: Draws) -> Fitted:
        """Learns from all patients of `cohort`."""


def shortened(one: Forecaster) -> Forecaster:
    """The forecaster with a shorter fit, where it knows of one (a method `short`)."""
    short = getattr(one, "short", None)
    return one if short is None else short()


def over(one: Forecaster, change: Callable[[Any], Any]) -> Forecaster | None:
    """The forecaster over another scaffold, change(twin) in place of its twin; None where it has none (no method
    `over`)."""
    method = getattr(one, "over", None)
    return None if method is None else method(change)


@dataclass(frozen=True, slots=True)
class Readings:
    """One observable of one patient: times (n,) ascending, in minutes, and values (n,)."""

    times: Floats
    values: Floats


def readings(patient: Patient, observable: str = OBSERVABLE) -> Readings:
    """The patient's readings of the observable."""
    found = [(m.time, m.value) for m in patient.measurements if m.observable == observable]
    table = np.array(found, dtype=float).reshape(-1, 2)
    return Readings(table[:, 0].copy(), table[:, 1].copy())


def around(seen: Readings, origins: Floats, steps: Floats) -> Floats:
    """Readings (k, len(steps)) at `steps` minutes from each of `origins` (k,): the nearest within TOLERANCE, else NaN.

    A step that is not after 0 never takes a reading after its origin."""
    wanted = origins[:, None] + steps[None, :]
    if not seen.times.size:
        return np.full(wanted.shape, np.nan)
    right = np.clip(np.searchsorted(seen.times, wanted), 1, max(seen.times.size - 1, 1))
    right = np.minimum(right, seen.times.size - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(wanted - seen.times[left] <= seen.times[right] - wanted, left, right)
    late = (steps[None, :] <= 0.0) & (seen.times[nearest] > origins[:, None])
    nearest = np.where(late, np.searchsorted(seen.times, origins, side="right")[:, None] - 1, nearest)
    there = (nearest >= 0) & (np.abs(seen.times[nearest] - wanted) <= TOLERANCE)
    return np.where(there, seen.values[nearest], np.nan)


def truths(patient: Patient, origins: Floats, observable: str = OBSERVABLE) -> Floats:
    """The readings (k, 12) that were taken AHEAD of each of `origins`; not-a-number where there was none."""
    return around(readings(patient, observable), origins, AHEAD)


def eligible(patient: Patient, *, stride: float = STEP, history: float = 120.0, observable: str = OBSERVABLE) -> Floats:
    """Origins (k,), `stride` minutes apart or more: a reading there, one every STEP of the `history` minutes before,
    and all 12 readings after, so that every horizon and every forecaster is scored on the same moments."""
    if not (stride >= STEP and history >= 0.0):
        remedy = f"a stride of {STEP:g} or more, a history from 0"
        raise InputError("origins", "stride, history", (stride, history), remedy)
    seen = readings(patient, observable)
    before = around(seen, seen.times, -STEP * np.arange(1.0, history // STEP + 1.0))
    after = around(seen, seen.times, AHEAD)
    can = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    kept: list[float] = []
    for time in seen.times[can]:
        if not kept or time >= kept[-1] + stride - TOLERANCE:
            kept.append(float(time))
    return np.array(kept)


def own(draws: Draws, patient: Patient) -> Draws:
    """The patient's own draws: another patient, or another order of patients, changes nothing."""
    return replace(draws, patient=patient.id)


def cycle_of(origin: float) -> int:
    """The cycle of `Draws` for an origin (its second, from 0): other origins change nothing."""
    return max(round(60.0 * origin), 0)


def check_units(fitted: tuple[tuple[str, str], ...], cohort: Cohort) -> None:
    """Raises InputError where a field has another unit in `cohort` than in the patients that were fitted."""
    known = dict(fitted)
    for field, unit in cohort.units:
        if known.get(field, unit) != unit:
            raise InputError(f"cohort {cohort.name}", f"units: {field}", unit, f"{known[field]}, as it was fitted")
