"""A forecast does not see the future: whatever is altered after the origin, it stays the same bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vvuq.interaction.forecaster import AHEAD, STEP, Fitted
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Dose, Floats, Measurement, Patient


def altered_after(patient: Patient, origin: float, rng: np.random.Generator) -> Patient:
    """The patient with another future: other readings and doses after `origin`, some of them gone, some new.

    An infusion that lasts beyond the origin ends later than it did; its rate stays, since that is known."""
    doses = [_another(dose, origin, rng) for dose in patient.doses if dose.time <= origin or rng.random() < 0.5]
    later = [d for d in patient.doses if d.time > origin]
    doses += [replace(d, time=origin + float(rng.uniform(0.01, AHEAD[-1])), duration=0.0) for d in later[:3]]
    taken = [m for m in patient.measurements if m.time <= origin]
    kinds = sorted({(m.observable, m.value) for m in patient.measurements})
    for time in origin + STEP * np.arange(1, 40):
        if rng.random() < 0.8:
            name, value = kinds[int(rng.integers(len(kinds)))]
            taken.append(Measurement(float(time), name, value * float(rng.uniform(0.5, 2.0))))
    return replace(patient, doses=tuple(sorted(doses, key=lambda d: d.time)), measurements=tuple(taken))


def _another(dose: Dose, origin: float, rng: np.random.Generator) -> Dose:
    """Twice as long at the same rate where it lasts beyond the origin (a power of 2 keeps the rate's last bit)."""
    if dose.time > origin:
        return replace(dose, amount=dose.amount * float(rng.uniform(0.2, 5.0)))
    if dose.time + dose.duration > origin:
        return replace(dose, amount=2.0 * dose.amount, duration=2.0 * dose.duration)
    return dose


def sees_the_future(
    fitted: Fitted, cohort: Cohort, origins: Floats, draws: Draws, rng: np.random.Generator, members: int = 8
) -> str | None:
    """What a forecast for the cohort's first patient took from after one of `origins`; None where it took nothing."""
    patient, others = cohort.patients[0], cohort.patients[1:]
    known = fitted.paths(cohort, patient, origins, members, draws)
    for row, origin in enumerate(origins):
        changed = altered_after(patient, float(origin), rng)
        other = replace(cohort, patients=(changed, *others))
        again = fitted.paths(other, changed, origins[row : row + 1], members, draws)[0]
        if again.tobytes() != known[row].tobytes():
            far = float(np.nanmax(np.abs(again - known[row]), initial=0.0))
            return f"the forecast at {origin:g} moves by {far:g} when what is recorded after it is altered"
    return None
