"""The fit of a twin's care process: which drivers make an order likely, over all slots of all patients.

A slot is a trial of a logistic regression (a discrete-time intensity): given the record before it, orders are
independent. All patients share the coefficients, each slot weighs alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from vvuq.assimilation.care import Course, care_of, course_of, driven, given_in, ordered, shown
from vvuq.errors import IntegrityError, NotEvaluable
from vvuq.methods.logistic import Logistic, fit_logistic, separated
from vvuq.models.care import Care
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Floats, Patient

WIDE = 4.0  # SDs of a coefficient's prior that the constant's has


@dataclass(frozen=True, slots=True)
class Trials:
    """The slots of one patient in which every driver is known: when they begin (m,), drivers (m, d), whether something
    was ordered and a dose written down (m,), the reading of the slot itself (m,), which is not known when it begins.

    unknown: by driver, the slots (d,) in which it is not known; left_out: slots that so do not count."""

    patient: str
    course: Course
    times: Floats
    columns: Floats
    ordered: Floats
    given: Floats
    now: Floats
    unknown: Floats
    left_out: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class CareFit:
    """What was fitted: coefficients (1 + d,), the constant first; informed (1 + d,), the share of each prior variance
    that the slots removed; drivers whose coefficient the prior alone keeps finite; what it was fitted to."""

    care: Care
    found: Logistic
    informed: Floats
    separated: tuple[str, ...]
    patients: int
    slots: int
    orders: int

    @property
    def coefficients(self) -> Floats:
        """(1 + d,), the constant first."""
        return self.found.coefficients

    def probabilities(self, trials: Trials) -> Floats:
        """Of an order in each slot (m,)."""
        return np.asarray(expit(self.logits(trials)))

    def logits(self, trials: Trials) -> Floats:
        """Log odds of an order in each slot (m,)."""
        return np.asarray(self.coefficients[0] + trials.columns @ self.coefficients[1:])


def trials_of(twin: Twin, cohort: Cohort, patient: Patient) -> Trials:
    """The patient's slots. Raises NotEvaluable for a twin without a care process."""
    care = care_of(twin)
    course = course_of(twin, cohort, patient)
    columns = driven(care, course)
    bad = ~np.isfinite(columns)
    kept = ~bad.any(axis=1)
    parts = (course.slots, columns, ordered(care, course), given_in(care, course), shown(care, course))
    times, known, orders, given, now = (part[kept] for part in parts)
    unknown, left = bad.sum(axis=0).astype(float), int(bad.any(axis=1).sum())
    return Trials(patient.id, course, times, known, orders, given, now, unknown, left, patient.sealed)


def fit_care(twin: Twin, cohort: Cohort) -> CareFit:
    """The care process of all patients of `cohort`. Raises as fit_trials does, and for a twin without one."""
    return fit_trials(care_of(twin), [trials_of(twin, cohort, patient) for patient in cohort.patients])


def fit_trials(care: Care, patients: Sequence[Trials]) -> CareFit:
    """The fit to all slots. Raises IntegrityError for a held-out patient; NotEvaluable where a driver is known in no
    slot, where nothing or everywhere something was ordered, and where the fit does not converge."""
    check_trials(care, patients)
    columns = np.concatenate([one.columns for one in patients])
    events = np.concatenate([one.ordered for one in patients])
    prior = priors(care, columns.shape[1])
    found = fit_logistic(with_constant(columns), events, prior)
    apart = [driver.name for j, driver in enumerate(care.drivers) if separated(columns[:, j], events)]
    counts = (len(patients), events.size, int(events.sum()))
    return CareFit(care, found, found.informed(prior), tuple(apart), *counts)


def constant_rate(care: Care, patients: Sequence[Trials]) -> float:
    """The log odds of an order where all slots are alike: the fit with the constant alone. Raises as fit_trials."""
    check_trials(care, patients)
    events = np.concatenate([one.ordered for one in patients])
    return float(fit_logistic(np.ones((events.size, 1)), events, priors(care, 0)).coefficients[0])


def priors(care: Care, drivers: int) -> Floats:
    """SDs (1 + drivers,) of the normal priors, the constant's first."""
    return np.array([WIDE * care.prior, *([care.prior] * drivers)])


def with_constant(columns: Floats) -> Floats:
    """The columns (m, d) with a first one of ones."""
    return np.column_stack([np.ones(len(columns)), columns])


def check_trials(care: Care, patients: Sequence[Trials]) -> None:
    """Raises what fit_trials says."""
    if any(one.sealed for one in patients):
        raise IntegrityError("care process: a held-out patient was handed to a fit")
    slots, left = sum(one.times.size for one in patients), sum(one.left_out for one in patients)
    if not slots:
        raise NotEvaluable(f"care process: {_why_no_slots(care, patients, left)}")
    orders = int(sum(one.ordered.sum() for one in patients))
    if orders in (0, slots):
        said = (
            f"a {care.orders} in {orders} of {slots} slots" if orders else f"no {care.orders} in any of {slots} slots"
        )
        raise NotEvaluable(f"care process: {said}: there is nothing to tell apart. Use records that hold them.")


def _why_no_slots(care: Care, patients: Sequence[Trials], left: int) -> str:
    if not left:
        return f"no reading of {care.shows}, which slots are laid along. Use records that hold them."
    never = [driver.name for j, driver in enumerate(care.drivers) if sum(one.unknown[j] for one in patients) >= left]
    told = f"{', '.join(never)} known in none" if never else "no slot in which every driver is known"
    return f"of {left} slots {told}. Leave out a driver that these records cannot tell."
