"""A patient's record step by step, as regressions and networks take it: readings every 15 minutes, and what was given.

A step is known at its time: it holds what was recorded up to then and nothing later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vvuq.interaction.forecaster import OBSERVABLE, STEP, TOLERANCE, readings
from vvuq.record import Dose, Floats, Patient

LONGEST = 360.0  # minutes without a reading that are bridged; after more a new stretch begins
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Input:
    """What was given of some `kinds` of doses, as one number a step.

    Boluses: the amount since the step before; with a half-life (minutes) what is left of all of them. flow: the rate
    an hour of what is infused. lags: how many steps of it a regression looks back on."""

    name: str
    kinds: tuple[str, ...]
    lags: int = 1
    half_life: float = 0.0
    flow: bool = False

    @property
    def keep(self) -> float:
        """The share of a step's value that the next step has where nothing new is given."""
        return 1.0 if self.flow else 0.5 ** (STEP / self.half_life) if self.half_life else 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """times (n,), values (n,; not-a-number without a reading), given (n, inputs), and the number of each step's stretch
    (n,): readings STEP apart, shorter gaps bridged, `lead` steps before the first one."""

    times: Floats
    values: Floats
    given: Floats
    stretch: Places

    def places(self, origins: Floats) -> Places:
        """The step (k,) that has its reading at each of `origins`; -1 where none has."""
        if not self.times.size:
            return np.full(origins.shape, -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.times, origins), self.times.size - 1)
        there = (self.times[found] == origins) & np.isfinite(self.values[found])
        return np.where(there, found, -1).astype(np.int64)

    def held(self) -> Floats:
        """The last reading at each step (n,), not-a-number before the first of its stretch."""
        last = np.where(np.isfinite(self.values), np.arange(self.values.size), -1)
        last = np.maximum.accumulate(last)
        same = (last >= 0) & (self.stretch[last] == self.stretch)
        return np.where(same, self.values[last], np.nan)


def course(patient: Patient, inputs: Sequence[Input], *, lead: int = 0, observable: str = OBSERVABLE) -> Course:
    """The patient's steps. A reading less than STEP after the last step (less the tolerance) is passed over."""
    seen = readings(patient, observable)
    times: list[float] = []
    values: list[float] = []
    stretch: list[int] = []
    for time, value in zip(seen.times, seen.values, strict=True):
        last = times[-1] if times else -math.inf
        if time - last < STEP - TOLERANCE:
            continue
        new = time - last > LONGEST
        count = lead if new else round((time - last) / STEP) - 1
        first = time - STEP * count if new else last + STEP
        between = [t for t in (first + STEP * j for j in range(count)) if t > last]
        times += [*between, float(time)]
        values += [math.nan] * len(between) + [float(value)]
        stretch += [stretch[-1] + new if stretch else 0] * (len(between) + 1)
    at = np.array(times)
    given = np.array([_given(patient.doses, one, at) for one in inputs]).reshape(len(inputs), at.size).T
    return Course(at, np.array(values), np.ascontiguousarray(given), np.array(stretch, dtype=np.int64))


def _given(doses: Sequence[Dose], one: Input, times: Floats) -> Floats:
    """One input at each step."""
    out = np.zeros(times.size)
    chosen = [d for d in doses if d.what in one.kinds and (d.duration > 0.0) == one.flow]
    for dose in chosen:
        first = int(np.searchsorted(times, dose.time))
        if one.flow:
            out[first : np.searchsorted(times, dose.time + dose.duration)] += 60.0 * dose.amount / dose.duration
        elif one.half_life:
            out[first:] += dose.amount * 0.5 ** ((times[first:] - dose.time) / one.half_life)
        elif first < times.size and times[first] - dose.time < STEP + TOLERANCE:
            out[first] += dose.amount
    return out
