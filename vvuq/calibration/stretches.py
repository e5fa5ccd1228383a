"""A patient's readings of one observable, cut where the record falls silent: what a filter tracks in one go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.calibration.units import in_model_units
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Floats, Patient


@dataclass(frozen=True, slots=True)
class Stretch:
    """Readings without a long gap: times (T,) in the model's time unit and values (T,) in the observable's."""

    patient: str
    schedule: Schedule
    times: Floats
    values: Floats


def stretches(twin: Twin, cohort: Cohort, patient: Patient) -> tuple[Stretch, ...]:
    """The patient's record, in order of time. Raises InputError for a twin that follows nobody."""
    follow = twin.follow
    if follow is None:
        raise InputError(f"twin {twin.name}", "follow", None, "a Follow: how its patients are tracked")
    mine = [m for m in patient.measurements if m.observable == follow.observable]
    seen = in_model_units(twin, cohort, mine)
    if not seen:
        return ()
    schedule = twin.schedule(cohort, patient)
    times, values = np.array([m.time for m in seen]), np.array([m.value for m in seen])
    cuts = np.flatnonzero(np.diff(times) > follow.gap) + 1
    parts = zip(np.split(times, cuts), np.split(values, cuts), strict=True)
    return tuple(Stretch(patient.id, schedule, t, v) for t, v in parts)
