"""What any forecaster answers to a what-if: its forecasts with a dose on record at the origin, less those without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vvuq.analyses.validation.forecasts import HORIZONS, Asked
from vvuq.interaction.forecaster import AHEAD, Fitted, eligible
from vvuq.record import Cohort, Dose, Floats, Patient

STEPS = [AHEAD.tolist().index(horizon) for horizon in HORIZONS]


def asked_at(patient: Patient, stride: float, count: int) -> Floats:
    """`count` moments, evenly among the patient's origins."""
    origins = eligible(patient, stride=stride)
    return origins[np.unique(np.linspace(0, origins.size - 1, min(count, origins.size)).round().astype(int))]


def until(patient: Patient, origin: float, *doses: Dose) -> Patient:
    """The record up to `origin`, with more doses at that moment."""
    given = [d for d in patient.doses if d.time <= origin] + [replace(d, time=origin) for d in doses]
    seen = tuple(m for m in patient.measurements if m.time <= origin)
    return replace(patient, doses=tuple(sorted(given, key=lambda d: d.time)), measurements=seen)


def answers(fit: Fitted, cohort: Cohort, moments: Mapping[str, Floats], dose: Dose, asked: Asked) -> Floats:
    """(patients, horizons) mean over moments of what the dose changes; a forecaster draws both with the same numbers.

    Patients are those of `moments`, in the cohort's order."""
    there = [patient for patient in cohort.patients if patient.id in moments]
    return np.array([each_answer(fit, cohort, p, moments[p.id], dose, asked).mean(axis=0) for p in there])


def each_answer(fit: Fitted, cohort: Cohort, patient: Patient, moments: Floats, dose: Dose, asked: Asked) -> Floats:
    """(moments, horizons) what the dose changes for one patient, mean over members."""
    return np.array([_answer(fit, cohort, patient, float(at), dose, asked) for at in moments])


def _answer(fit: Fitted, cohort: Cohort, patient: Patient, origin: float, dose: Dose, asked: Asked) -> Floats:
    at, draws = np.array([origin]), asked.draws("paths")
    with_it, without = (
        fit.paths(cohort, until(patient, origin, *doses), at, asked.members, draws)[0] for doses in ((dose,), ())
    )
    return np.asarray((with_it - without).mean(axis=1)[STEPS])
