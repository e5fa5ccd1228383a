"""Cohorts for tests: hypothesis strategies of valid ones, and simulated neonates whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from vvuq.data.cohort import make_cohort
from vvuq.record import Cohort, Dose, Measurement, Patient

UNITS = {"time": "h", "dose": "mg", "concentration": "mg/L", "weight": "kg", "apgar": "1"}
CLEARANCE, VOLUME, SPREAD, NOISE, APGAR_EFFECT = 0.005, 0.95, 0.18, 0.10, 0.15

times = st.floats(0.0, 500.0, allow_nan=False).map(lambda time: round(time, 2))
positive = st.floats(1e-3, 1e3, allow_nan=False)
ids = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)


@st.composite
def patients(draw: st.DrawFn, name: str = "1") -> Patient:
    """A valid patient with weight and apgar, up to five bolus doses or infusions and up to five concentrations."""
    given = sorted(draw(st.lists(times, max_size=5)))
    sampled = sorted(draw(st.lists(times, max_size=5, unique=True)))
    doses = tuple(Dose(time, draw(positive), draw(st.sampled_from((0.0, 0.5)))) for time in given)
    samples = tuple(Measurement(time, "concentration", draw(positive)) for time in sampled)
    covariates = (("weight", draw(st.floats(0.4, 5.0))), ("apgar", float(draw(st.integers(0, 10)))))
    return Patient(name, covariates, doses, samples)


@st.composite
def cohorts(draw: st.DrawFn, min_size: int = 1, max_size: int = 8) -> Cohort:
    """A valid cohort of `min_size` to `max_size` patients."""
    names = draw(st.lists(ids, min_size=min_size, max_size=max_size, unique=True))
    return make_cohort("drawn", [draw(patients(name)) for name in names], UNITS)


def synthetic_neonates(n: int, seed: int) -> Cohort:
    """`n` simulated neonates, ids "1" to str(n), that resemble the phenobarbital cohort; see `synthetic_truth`."""
    return synthetic_truth(n, seed)[0]


def synthetic_truth(n: int, seed: int) -> tuple[Cohort, dict[str, tuple[float, float]]]:
    """(cohort, {id: (clearance [L/h], volume [L])}).

    One compartment with bolus doses: CL = 0.005 L/h/kg and V = 0.95 L/kg, log-normal with SD 0.18 about the weight's
    value, V 15 % larger below an Apgar score of 5, proportional noise of 10 %. A loading dose of about 20 mg/kg,
    maintenance every 12 h, one to six samples between the doses. A neonate's numbers do not depend on `n`."""
    made, truth = [], {}
    for number in range(1, n + 1):
        rng = np.random.default_rng((seed, number))
        patient, parameters = _neonate(str(number), rng)
        made.append(patient)
        truth[patient.id] = parameters
    return make_cohort(f"synthetic neonates {seed}", made, UNITS), truth


def concentration(doses: tuple[Dose, ...], clearance: float, volume: float, time: float) -> float:
    """Closed form of the one-compartment model after bolus doses; a dose at `time` itself is not yet in."""
    return sum(
        dose.amount / volume * float(np.exp(-clearance / volume * (time - dose.time)))
        for dose in doses
        if dose.time < time
    )


def without(cohort: Cohort, what: str) -> tuple[Patient, ...]:
    """The cohort's patients with "doses" or "measurements" taken away."""
    return tuple(replace(patient, **{what: ()}) for patient in cohort.patients)


def _neonate(name: str, rng: np.random.Generator) -> tuple[Patient, tuple[float, float]]:
    weight = round(float(np.clip(1.5 * np.exp(0.45 * rng.standard_normal()), 0.6, 3.6)), 2)
    apgar = int(rng.integers(1, 11))
    clearance = CLEARANCE * weight * float(np.exp(SPREAD * rng.standard_normal()))
    volume = VOLUME * weight * (1.0 + APGAR_EFFECT * (apgar < 5)) * float(np.exp(SPREAD * rng.standard_normal()))
    maintenance = round(2.5 * weight, 1)
    doses = [Dose(0.0, round(float(rng.uniform(15.0, 25.0)) * weight, 1))]
    doses += [Dose(12.0 * (k + 1), maintenance) for k in range(int(rng.integers(0, 20)))]
    end = doses[-1].time + 60.0
    drawn = sorted({2.0, *(round(float(time), 1) for time in rng.uniform(1.0, end, size=int(rng.integers(0, 6))))})
    samples = []
    for time in drawn:
        noise = max(1.0 + NOISE * float(rng.standard_normal()), 0.1)
        value = concentration(tuple(doses), clearance, volume, time) * noise
        samples.append(Measurement(time, "concentration", value))
    covariates = (("weight", weight), ("apgar", float(apgar)))
    return Patient(name, covariates, tuple(doses), tuple(samples)), (clearance, volume)
