"""A patient's record in slots of equal length: what was measured in each, and what not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.assimilation.system import Observations
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.models.state_space import StateSpace
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cohort, Floats, Patient

MOST = 100_000  # slots of a record: years of hours


@dataclass(frozen=True, eq=False, slots=True)
class Slots:
    """The record of one patient: `times` (T,) at which slots begin, from the record's beginning on, without a gap, and
    `values` (T, q) of the model's observables, the first in each slot; not-a-number where there was none.

    patient, group: ids; group is that of the person, or the patient's own."""

    patient: str
    group: str
    schedule: Schedule
    times: Floats
    values: Floats
    sealed: bool = False

    @property
    def measured(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """(T, q): whether there was a value."""
        return ~np.isnan(self.values)

    @property
    def observations(self) -> Observations:
        """As filters of whole records take them."""
        return Observations(self.times, self.values)


def space_of(twin: Twin) -> StateSpace:
    """How the twin is followed in slots. Raises InputError for a twin that does not say."""
    if twin.state_space is None:
        raise InputError(
            f"twin {twin.name}", "state_space", None, "a StateSpace: how its patients are followed in slots"
        )
    return twin.state_space


def all_slots(twin: Twin, cohort: Cohort) -> tuple[Slots, ...]:
    """Of every patient who has a value of one of the twin's channels."""
    return tuple(one for patient in cohort.patients if (one := slots_of(twin, cohort, patient)) is not None)


def slots_of(twin: Twin, cohort: Cohort, patient: Patient) -> Slots | None:
    """The patient's slots, the last one that with the last value; None without a value of any channel.

    The first value of a slot counts, so that its error is that of one reading, however many there are. Raises
    InputError for a unit that does not fit, and where a logarithm is asked of a value that is not above 0."""
    space, units, model = space_of(twin), dict(cohort.units), twin.model
    hours = factor(units["time"], model.time_unit, cohort.name)
    found: list[tuple[int, int, float]] = []
    start = twin.schedule(cohort, patient).start
    for at, channel in enumerate(space.channels):
        mine = [m for m in patient.measurements if m.observable == channel.record]
        if not mine:
            continue
        unit = channel.unit if channel.log else model.observables[at].unit
        values = np.array([m.value for m in mine]) * factor(units[channel.record], unit, cohort.name)
        if channel.log and not (values > 0.0).all():
            where = f"cohort {cohort.name}, patient {patient.id}"
            raise InputError(where, channel.record, float(values.min()), "a value above 0, whose logarithm is taken")
        times = np.array([m.time for m in mine]) * hours - start
        rows = np.floor(times / space.slot + 1e-9).astype(int)
        first = np.unique(rows, return_index=True)[1]
        taken = np.log(values[first]) if channel.log else values[first]
        found += zip(rows[first].tolist(), [at] * first.size, taken.tolist(), strict=True)
    return _filled(twin, cohort, patient, found) if found else None


def _filled(twin: Twin, cohort: Cohort, patient: Patient, found: Sequence[tuple[int, int, float]]) -> Slots:
    count = 1 + max(row for row, _, _ in found)
    if count > MOST or min(row for row, _, _ in found) < 0:
        where = f"cohort {cohort.name}, patient {patient.id}"
        raise InputError(where, "time", count, f"a record from its schedule's start on of at most {MOST} slots")
    values = np.full((count, len(twin.model.observables)), np.nan)
    for row, at, value in found:
        values[row, at] = value
    schedule = twin.schedule(cohort, patient)
    times = schedule.start + space_of(twin).slot * np.arange(count, dtype=float)
    return Slots(patient.id, patient.group or patient.id, schedule, times, values, patient.sealed)


def persisted(slots: Slots) -> Floats:
    """(T, q): the last value before each slot; not-a-number where there is none."""
    rows = np.where(slots.measured, np.arange(slots.times.size)[:, None], -1)
    last = np.vstack([np.full((1, rows.shape[1]), -1), np.maximum.accumulate(rows, axis=0)[:-1]])
    return np.where(last >= 0, np.take_along_axis(slots.values, np.maximum(last, 0), axis=0), np.nan)
