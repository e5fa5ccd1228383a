"""An autoregression of the readings with what was given as inputs (ARX), iterated to the forecast times.

The next change is linear in the last readings and in lags of the inputs; after the origin nothing more is given, what
is infused goes on, what is left of earlier doses wanes. Coefficients by ridge least squares on standardized columns;
residual paths are those of patients that the coefficients had not seen.

Source: Ljung, System Identification (1999), 4.2 (the model); Hoerl & Kennard, Technometrics 12 (1970) 55 (ridge)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vvuq.errors import NotEvaluable
from vvuq.interaction.course import Course, Input, Places, course
from vvuq.interaction.empirical import Empirical, current, library, span
from vvuq.interaction.forecaster import STEPS, Kind, eligible, truths
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient


@dataclass(frozen=True, slots=True)
class Linear:
    """The fitted recursion: change = constant + weights (columns,) times lagged readings, then each input's lags."""

    inputs: tuple[Input, ...]
    readings: int
    constant: float
    weights: Floats

    @property
    def reach(self) -> int:
        """Steps that it looks back on."""
        return max(self.readings, *(one.lags for one in self.inputs), 1)

    def point(self, patient: Patient, origins: Floats) -> Floats:
        """Forecasts (k, 12); not-a-number for an origin that is no step with all lags in its stretch."""
        steps = course(patient, self.inputs, lead=self.reach)
        places = steps.places(origins)
        out = np.full((origins.size, STEPS), np.nan)
        can = np.flatnonzero(places >= 0)
        seen, given = _history(steps, places[can], self)
        for step in range(STEPS):
            columns = np.concatenate([seen, *given], axis=1)
            change = self.constant + (columns * self.weights).sum(axis=1)  # each row by itself, to the last bit
            out[can, step] = seen[:, 0] + change
            seen = np.concatenate([out[can, step : step + 1], seen[:, :-1]], axis=1)
            given = [_next(lags, one.keep) for lags, one in zip(given, self.inputs, strict=True)]
        return out


def _next(columns: Floats, keep: float) -> Floats:
    """The lags (k, lags) of an input one step on, nothing new given."""
    return np.concatenate([keep * columns[:, :1], columns[:, :-1]], axis=1)


def _history(steps: Course, places: Places, of: Linear) -> tuple[Floats, list[Floats]]:
    """Lagged readings (k, lags), the newest first, and lagged inputs, at `places` (k,); readings before the first of
    a stretch are taken to be as that one."""
    held = steps.held()
    back = places[:, None] - np.arange(of.readings)
    seen = held[np.maximum(back, 0)]
    outside = (back < 0) | ~np.isfinite(seen) | (steps.stretch[np.maximum(back, 0)] != steps.stretch[places][:, None])
    for lag in range(1, of.readings):
        seen[:, lag] = np.where(outside[:, lag], seen[:, lag - 1], seen[:, lag])
    given = [steps.given[np.maximum(places[:, None] - np.arange(one.lags), 0), j] for j, one in enumerate(of.inputs)]
    return seen, given


@dataclass(frozen=True, slots=True)
class ARX:
    """`readings`: how many are looked back on. ridge: the penalty on standardized weights, for each row."""

    inputs: tuple[Input, ...]
    readings: int = 6
    ridge: float = 1e-3
    name: str = "ARX"
    kind: Kind = "baseline"

    def fit(self, cohort: Cohort, draws: Draws) -> Empirical:
        """The coefficients of all patients; each patient's residuals by those of the others, where there are others."""
        rows = {patient.id: _rows(patient, self) for patient in cohort.patients}
        keys, paths = [], []
        for patient in cohort.patients:
            others = [rows[i] for i in rows if i != patient.id] or [rows[patient.id]]
            origins = eligible(patient)
            keys.append(current(patient, origins))
            paths.append(truths(patient, origins) - _solved(self, others).point(patient, origins))
        whole = _solved(self, list(rows.values())).point
        return Empirical(whole, library(keys, paths), span(cohort), current, cohort.units)


def _empty(of: ARX) -> Linear:
    return Linear(of.inputs, of.readings, 0.0, np.zeros(of.readings + sum(one.lags for one in of.inputs)))


def _rows(patient: Patient, of: ARX) -> tuple[Floats, Floats]:
    """Columns (n, d) at each reading that another one follows, and the change to that one (n,)."""
    blank = _empty(of)
    steps = course(patient, of.inputs, lead=blank.reach)
    known = np.isfinite(steps.values)
    follows = known[:-1] & known[1:] & (steps.stretch[:-1] == steps.stretch[1:])
    places = np.flatnonzero(follows)
    seen, given = _history(steps, places, blank)
    return np.concatenate([seen, *given], axis=1), steps.values[places + 1] - steps.values[places]


def _solved(of: ARX, rows: list[tuple[Floats, Floats]]) -> Linear:
    x, y = np.concatenate([r[0] for r in rows]), np.concatenate([r[1] for r in rows])
    if x.shape[0] <= x.shape[1]:
        raise NotEvaluable(f"{of.name}: {x.shape[0]} readings for {x.shape[1]} coefficients")
    middle, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    z = (x - middle) / scale
    gram = z.T @ z + of.ridge * len(y) * np.eye(z.shape[1])
    weights = np.linalg.solve(gram, z.T @ (y - y.mean())) / scale
    return replace(_empty(of), constant=float(y.mean() - middle @ weights), weights=weights)
