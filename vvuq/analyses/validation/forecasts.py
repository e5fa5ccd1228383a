"""Shared by the analyses of forecasters: which are compared, and the scores of each patient's forecasts.

A row is one origin; all forecasters are scored on the origins that every one of them could forecast. Patients weigh
alike: a score is the mean over patients of each patient's mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vvuq.analyses.settings import refused
from vvuq.data.split import overlap, same_folds, subset
from vvuq.errors import IntegrityError, NotEvaluable, near
from vvuq.interaction.baselines import baselines
from vvuq.interaction.empirical import current
from vvuq.interaction.forecaster import AHEAD, OBSERVABLE, Fitted, Forecaster, eligible, shortened, truths
from vvuq.methods.events import brier
from vvuq.methods.samples import central, crps_fair, interval_score, relative_difference
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Context, Floats, Patient

HORIZONS = (30, 60, 120, 180)
LEVEL = 0.9
REFERENCES = ("persistence", "climatology")  # are always there: gains are over the one, skill of events over the other
SCORES = ("squared", "relative", "crps", "under", "over", "width", "interval", "signed")
COLUMNS = (
    *(f"{score}_{h}" for h in HORIZONS for score in SCORES), *(f"last_{h}" for h in HORIZONS),
    *(f"given_{h}" for h in HORIZONS),
    "probability", "event", "brier", "low_now",
)  # fmt: skip
Part = tuple[Mapping[str, Fitted], Cohort]  # what was fitted, and the patients to be forecast by it
COLUMN = {name: i for i, name in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Scored:
    """By forecaster and patient the rows (origins, COLUMNS), the same origins for all; `dropped` origins by the
    forecaster that could not forecast them; `origins` by patient the times of the rows."""

    rows: Mapping[str, Mapping[str, Floats]]
    dropped: Mapping[str, int]
    origins: Mapping[str, Floats]

    def means(self) -> Floats:
        """(patients, forecasters, COLUMNS); `brier` over all origins, `low_now` of it over those not low already."""
        return np.array([[_mean(rows) for rows in patient] for patient in zip(*self._columns(), strict=True)])

    def pooled(self, forecaster: str) -> Floats:
        """All rows of one forecaster."""
        return np.concatenate(list(self.rows[forecaster].values()))

    def _columns(self) -> list[list[Floats]]:
        return [list(patients.values()) for patients in self.rows.values()]


def _mean(rows: Floats) -> Floats:
    means = rows.mean(axis=0)
    new = rows[:, COLUMN["low_now"]] == 0.0
    means[COLUMN["low_now"]] = rows[new, COLUMN["brier"]].mean() if new.any() else np.nan
    return means


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the forecasters: `members` paths at origins `stride` minutes apart; the event, any of the 12
    readings below `threshold`."""

    members: int
    stride: float
    threshold: float
    seed: int = 0
    history: float = 120.0

    def draws(self, what: str) -> Draws:
        """Random numbers of their own for what is fitted or forecast."""
        return Draws(self.seed, what)


def unit_of(twin: Twin) -> str:
    """The unit of the readings. Raises NotEvaluable where the twin has no such observable."""
    units = {o.name: o.unit for o in twin.model.observables}
    if OBSERVABLE not in units:
        raise NotEvaluable(f"twin {twin.name} has no observable {OBSERVABLE}, which forecasters forecast")
    return units[OBSERVABLE]


def chosen(twin: Twin, names: Sequence[str] | None, setting: str, *, short: bool = False) -> dict[str, Forecaster]:
    """The references, then the forecasters named, or all of the twin and the baselines. Raises InputError.

    short: each with the shorter fit that it knows of."""
    known: dict[str, Forecaster] = {**baselines(), **twin.forecasters}
    if short:
        known = {name: shortened(one) for name, one in known.items()}
    for name in names or ():
        if name not in known:
            raise refused(setting, name, f"a forecaster of {twin.name} or a baseline{near(name, known)}")
    kept = known if names is None else dict.fromkeys((*REFERENCES, *names))
    return {name: known[name] for name in kept}


def slug(name: str) -> str:
    """A forecaster's name as it stands in names of values."""
    return name.lower().replace(" ", "_")


def checked(cohort: Cohort, unit: str, setting: str) -> Cohort:
    """The cohort, where its readings and times are in the units that the analysis reports."""
    for name, wanted in ((OBSERVABLE, unit), ("time", "min")):
        found = dict(cohort.units).get(name)
        if found != wanted:
            raise refused(setting, f"{name} in {found}", f"a cohort with {name} in {wanted}")
    return cohort


def fitted(chosen_: Mapping[str, Forecaster], cohort: Cohort, asked: Asked, what: str) -> dict[str, Fitted]:
    """Every forecaster fitted to the cohort. Raises IntegrityError where it holds a held-out patient."""
    leaked = sum(patient.sealed for patient in cohort.patients)
    if leaked:
        raise IntegrityError(f"cohort {cohort.name} holds {leaked} held-out patients: no forecaster is fitted to them")
    return {name: one.fit(cohort, asked.draws(f"fit {name} {what}")) for name, one in chosen_.items()}


def left_out(
    chosen_: Mapping[str, Forecaster], cohort: Cohort, folds: int | None, asked: Asked, setting: str
) -> tuple[list[Part], int]:
    """Each part of the patients with what was fitted to the others, and how many of it are among those; folds None: one
    patient at a time. Raises InputError where there are not so many patients."""
    ids = [p.id for p in cohort.patients]
    if not 2 <= (folds or 2) <= len(ids):
        raise refused(setting, folds, f"2 to {len(ids)}: the cohort has so many build patients")
    parts = same_folds(ids, folds)
    pairs: list[Part] = []
    leaked = 0
    for number, fold in enumerate(parts):
        rest, left = subset(cohort, [i for i in ids if i not in fold], "fitted"), subset(cohort, fold, "left out")
        leaked += len(overlap(left, rest))
        pairs.append((fitted(chosen_, rest, asked, f"fold {number}"), left))
    return pairs, leaked


def scored(parts: Sequence[Part], asked: Asked) -> Scored:
    """Scores on the patients of each part by the forecasters fitted for it. Raises NotEvaluable with fewer than 2."""
    names = list(parts[0][0])
    rows: dict[str, dict[str, Floats]] = {name: {} for name in names}
    dropped, begins = dict.fromkeys(names, 0), {}
    for fits, cohort in parts:
        for patient in cohort.patients:
            origins = eligible(patient, stride=asked.stride, history=asked.history)
            if not origins.size:
                continue
            truth, now, given = truths(patient, origins), current(patient, origins), given_after(patient, origins)
            found = {}
            for name in names:
                paths = fits[name].paths(cohort, patient, origins, asked.members, asked.draws("paths"))
                found[name] = score(truth, paths, now, asked.threshold, given)
                dropped[name] += int((~np.isfinite(found[name]).all(axis=1)).sum())
            every = np.all([np.isfinite(one).all(axis=1) for one in found.values()], axis=0)
            for name in names if every.any() else ():
                rows[name][patient.id] = found[name][every]
                begins[patient.id] = origins[every]
    if len(rows[names[0]]) < 2:
        raise NotEvaluable(f"{len(rows[names[0]])} patients with three hours to forecast: a comparison needs 2")
    return Scored(rows, dropped, begins)


def given_after(patient: Patient, origins: Floats) -> Floats:
    """1 where a meal or another bolus is on record between an origin and a horizon after it, else 0: (k, horizons).

    No forecaster may know it; it tells afterwards which forecasts had to miss."""
    times = np.array(sorted(d.time for d in patient.doses if d.duration == 0.0))
    ends = origins[:, None] + np.array(HORIZONS)[None, :]
    count = np.searchsorted(times, ends, side="right") - np.searchsorted(times, origins, side="right")[:, None]
    return np.where(count > 0, 1.0, 0.0)


def score(truth: Floats, paths: Floats, now: Floats, threshold: float, given: Floats) -> Floats:
    """COLUMNS of each origin, from what came (k, 12), paths (k, 12, members), readings now (k,) and `given_after`.

    Not-a-number where there is no forecast. The squared error is that of the members' mean, the relative one that of
    their median: each score asks for its own (Gneiting, JASA 106 (2011) 746). `last`: if the reading had stayed."""
    there = np.where(np.isfinite(paths), 0.0, np.nan).sum(axis=(1, 2))
    columns: list[NDArray[np.floating[Any]]] = []
    steps = [AHEAD.tolist().index(horizon) for horizon in HORIZONS]
    for step in steps:
        y, x = truth[:, step], paths[:, step]
        low, high = central(x, LEVEL)
        columns += [(x.mean(axis=1) - y) ** 2, relative_difference(y, np.median(x, axis=1)), crps_fair(y, x)]
        columns += [(y < low) * 1.0, (y > high) * 1.0, high - low, interval_score(y, low, high, LEVEL)]
        columns.append(x.mean(axis=1) - y)
    columns += [*((truth[:, step] - now) ** 2 for step in steps), *given.T]
    probability = (paths < threshold).any(axis=1).mean(axis=1)
    event = (truth < threshold).any(axis=1).astype(float)
    columns += [probability, event, brier(probability, event), (now < threshold).astype(float)]
    return np.column_stack(columns) + there[:, None]


def seeded(context: Context, members: int, stride: float, threshold: float) -> Asked:
    """What is asked, with the seed of the context."""
    seed = int(context.stream("forecasts").integers(0, 2**62))
    return Asked(members, stride, threshold, seed)
