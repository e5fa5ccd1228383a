"""In which patients a channel is measured more often, and what became of those in whom it never was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vvuq.analyses.settings import refused
from vvuq.data.missingness.patterns import Presence, odds_of_slots, outcome_by_measured
from vvuq.methods.jackknife import raised, t_quantity
from vvuq.record import Cohort, Floats, Quantity

FEWEST = 5  # patients of a group: fewer are told of by no public table


@dataclass(frozen=True, slots=True)
class Groups:
    """Slots with a measurement of a channel by a covariate: patients above `limit` and the rest; shares in both, the
    ratio of their odds."""

    channel: str
    covariate: str
    limit: float
    patients: tuple[int, int]
    shares: tuple[float, float]
    odds: Quantity

    @property
    def apart(self) -> bool:
        """Does the interval leave 1 out?"""
        return self.odds.low is not None and self.odds.high is not None and not self.odds.low <= 1.0 <= self.odds.high


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of patients in whom a channel was ever measured, and never: events, patients, and their comparison,
    None where one group holds fewer than FEWEST."""

    channel: str
    events: tuple[int, int]
    patients: tuple[int, int]
    difference: Quantity | None
    odds: Quantity | None


def covariate(cohort: Cohort, name: str) -> Floats:
    """Of each patient (n,)."""
    return np.array([dict(patient.covariates)[name] for patient in cohort.patients])


def by_groups(cohort: Cohort, there: Presence) -> tuple[Groups, ...]:
    """Each channel by each covariate, parted at the median, one of two values between them. Without those that do not
    part FEWEST patients from FEWEST others, and where a group has all slots measured or none."""
    found = []
    for name, _ in cohort.patients[0].covariates:
        values = covariate(cohort, name)
        limit = _limit(values)
        high = values > limit
        if min(high.sum(), (~high).sum()) < FEWEST:
            continue
        mine, rest, log, error = odds_of_slots(there, high)
        for j, channel in enumerate(there.channels):
            if np.isfinite(log[j]) and np.isfinite(error[j]):
                odds = raised(t_quantity(float(log[j]), float(error[j]), "1", len(values)))
                sizes = (int(high.sum()), int((~high).sum()))
                found.append(Groups(channel, name, limit, sizes, (float(mine[j]), float(rest[j])), odds))
    return tuple(found)


def _limit(values: Floats) -> float:
    """The median, where patients lie above it; else the greatest value below the largest."""
    middle = float(np.median(values))
    return middle if (values > middle).any() else float(np.max(values[values < middle], initial=values.min()))


def by_outcome(cohort: Cohort, there: Presence, name: str) -> tuple[Outcome, ...]:
    """Each channel. Raises InputError where the covariate holds other values than 0 and 1."""
    values = covariate(cohort, name)
    if not np.isin(values, (0.0, 1.0)).all():
        raise refused("missingness_patterns.outcome", name, "a covariate that is 0 or 1 in each patient")
    event: NDArray[np.bool_] = values > 0.5
    found = []
    for j, channel in enumerate(there.channels):
        events, patients, difference, odds = outcome_by_measured(there, j, event)
        told = min(patients) >= FEWEST
        found.append(Outcome(channel, events, patients, difference if told else None, odds if told else None))
    return tuple(found)
