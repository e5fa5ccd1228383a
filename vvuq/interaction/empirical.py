"""Forecasts that are a point and what remained of it in other patients: whole paths of residuals, so that horizons
keep the dependence that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.errors import NotEvaluable
from vvuq.interaction.forecaster import STEPS, check_units, cycle_of, eligible, own, readings, truths
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

Point = Callable[[Patient, Floats], Floats]  # (patient, origins (k,)) -> point forecasts (k, 12)
SHARE, FEW = 0.2, 50  # of a library is drawn from: this share, but so many where there are


@dataclass(frozen=True, slots=True)
class Library:
    """Paths (n, 12) in ascending order of a `key` (n,) that was known at their origins; `width` are drawn from."""

    key: Floats
    paths: Floats
    width: int

    def draw(self, key: float, members: int, rng: np.random.Generator) -> Floats:
        """Paths (12, members), drawn with replacement from the `width` whose keys are next in rank."""
        begin = int(np.searchsorted(self.key, key)) - self.width // 2
        begin = min(max(begin, 0), self.key.size - self.width)
        return self.paths[rng.integers(begin, begin + self.width, members)].T


def library(keys: Sequence[Floats], paths: Sequence[Floats]) -> Library:
    """The library of all patients' paths, a SHARE of it to be drawn from. Raises NotEvaluable where there is none."""
    key, path = np.concatenate(keys), np.concatenate(paths)
    good = np.isfinite(key) & np.isfinite(path).all(axis=1)
    if not np.any(good):
        raise NotEvaluable("no stretch of three hours of readings to learn a forecast's errors from")
    order = np.argsort(key[good], kind="stable")
    count = order.size
    return Library(key[good][order], path[good][order], max(int(SHARE * count), min(count, FEW)))


@dataclass(frozen=True, slots=True)
class Empirical:
    """A fitted forecaster: point + residual path, within the readings' range in the patients it was fitted to.

    key(patient, origins) (k,) says which residuals are near."""

    point: Point
    residuals: Library
    range: tuple[float, float]
    key: Callable[[Patient, Floats], Floats]
    units: tuple[tuple[str, str], ...]

    def paths(self, cohort: Cohort, patient: Patient, origins: Floats, members: int, draws: Draws) -> Floats:
        """Paths (k, 12, members) of readings. Raises InputError for a cohort in other units."""
        check_units(self.units, cohort)
        points, keys, mine = self.point(patient, origins), self.key(patient, origins), own(draws, patient)
        out = np.full((origins.size, STEPS, members), np.nan)
        for row in np.flatnonzero(np.isfinite(points).all(axis=1) & np.isfinite(keys)):
            rng = mine.generator(cycle_of(float(origins[row])), "residuals")
            path = points[row][:, None] + self.residuals.draw(float(keys[row]), members, rng)
            out[row] = np.clip(path, *self.range)
        return out


def current(patient: Patient, origins: Floats) -> Floats:
    """The reading (k,) at each origin; not-a-number where there is none."""
    seen = readings(patient)
    if not seen.times.size:
        return np.full(origins.shape, np.nan)
    found = np.minimum(np.searchsorted(seen.times, origins), seen.times.size - 1)
    return np.where(seen.times[found] == origins, seen.values[found], np.nan)


def span(cohort: Cohort) -> tuple[float, float]:
    """The lowest and the highest reading of the cohort's patients."""
    every = np.concatenate([readings(p).values for p in cohort.patients])
    if not every.size:
        raise NotEvaluable(f"cohort {cohort.name} has no readings to learn from")
    return float(every.min()), float(every.max())


def with_residuals(point: Point, cohort: Cohort, key: Callable[[Patient, Floats], Floats] = current) -> Empirical:
    """The point forecast with the residual paths that it has in `cohort`."""
    keys, paths = [], []
    for patient in cohort.patients:
        origins = eligible(patient)
        keys.append(key(patient, origins))
        paths.append(truths(patient, origins) - point(patient, origins))
    return Empirical(point, library(keys, paths), span(cohort), key, cohort.units)
