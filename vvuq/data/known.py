"""A patient's record as it stood at some moment: what a forecast made then may use."""

from __future__ import annotations

from dataclasses import replace

from vvuq.record import Dose, Patient


def known_at(patient: Patient, origin: float, until: float, memory: float = float("inf")) -> Patient:
    """The patient as on record at `origin`: nothing later, and what is being infused goes on as it was.

    An infusion that has begun and not ended is given until `until`, at its rate. Doses that ended more than `memory`
    before the origin are left out. All times in the cohort's unit."""
    recent = origin - memory
    doses = tuple(
        _going_on(dose, origin, until)
        for dose in patient.doses
        if dose.time <= origin and dose.time + dose.duration >= recent
    )
    return replace(patient, doses=doses, measurements=tuple(m for m in patient.measurements if m.time <= origin))


def _going_on(dose: Dose, origin: float, until: float) -> Dose:
    if dose.duration == 0.0 or dose.time + dose.duration <= origin:
        return dose
    return replace(dose, amount=dose.amount * (until - dose.time) / dose.duration, duration=until - dose.time)
