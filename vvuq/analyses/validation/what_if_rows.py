"""Shared by `what_if` and its report: paired forecasts of one patient, as recorded and under another action."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vvuq.errors import NotEvaluable
from vvuq.interaction.empirical import current
from vvuq.interaction.forecast import Forecast, Mask
from vvuq.interaction.forecaster import AHEAD, eligible, readings, truths
from vvuq.interaction.patient import AS_RECORDED, Actions, Followed, WhatIf, forecast, probability_below, readings_of
from vvuq.methods.samples import central, crps_fair
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Floats, Patient

SHOWN = (60, 120, 180)  # minutes at which a change is told
SCORED = (30, 60, 120, 180)
LEVEL = 0.9
NOTED = 1.0  # a fall of more is counted; the free-living model has some with steps of 5 min, none with 1 min
CHANGES = (
    *(f"{what}_{h}" for h in SHOWN for what in ("change", "low", "high", "paired", "unpaired")),
    "before", "after", "paired_event", "unpaired_event", "raised", "wrong", "below_zero",
)  # fmt: skip
GAINS = tuple(f"{what}_{h}" for h in SCORED for what in ("knowing", "ignoring", "bias_knowing", "bias_ignoring"))
_STEPS = [AHEAD.tolist().index(h) for h in SHOWN]
_SCORED = [AHEAD.tolist().index(h) for h in SCORED]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `grams` of `food` now where a reading below `threshold` is as probable as `prompted` or more, and
    boluses of the kinds `boluses` withheld; `members` of each forecast, origins `stride` minutes apart."""

    food: str
    grams: float
    boluses: tuple[str, ...]
    prompted: float
    threshold: float
    members: int
    stride: float


@dataclass
class Rows:
    """Of one patient: origins looked at, CHANGES of food where prompted, of boluses withheld, GAINS of knowing each;
    `prompts` at boluses, and forecasts that could not be made."""

    looked: int = 0
    food: list[Floats] = field(default_factory=list)
    bolus: list[Floats] = field(default_factory=list)
    knows_food: list[Floats] = field(default_factory=list)
    knows_bolus: list[Floats] = field(default_factory=list)
    prompts: int = 0
    failed: int = 0


def rows_of(follow: Followed, asked: Question, draws: Draws) -> Rows:
    """All rows of a patient whose record the twin has followed. Times are minutes."""
    patient, out = follow.patient, Rows()
    origins = eligible(patient, stride=asked.stride)
    origins = origins[current(patient, origins) >= asked.threshold]
    out.looked = origins.size
    for origin in origins.tolist():
        dose = Dose(origin, asked.grams, what=asked.food)
        row = _changed(follow, origin, Actions(give=(dose,)), asked, draws, out, least=asked.prompted)
        if row is not None:
            out.food.append(row)
    for origin in _recorded(patient, asked.boluses):
        kinds = _kinds_at(patient, asked.boluses, origin)
        row = _changed(follow, origin, Actions(withhold=kinds), asked, draws, out)
        if row is not None:
            out.bolus.append(row)
            out.prompts += bool(row[CHANGES.index("before")] >= 100.0 * asked.prompted)
        out.knows_bolus += _gained(follow, origin, Actions(withhold=kinds), asked, draws)
    for origin in _recorded(patient, (asked.food,)):
        out.knows_food += _gained(follow, origin, Actions(withhold=(asked.food,)), asked, draws)
    return out


def _recorded(patient: Patient, kinds: Sequence[str]) -> list[float]:
    """Times of readings at which a dose of one of the kinds is on record, given at once."""
    times = {d.time for d in patient.doses if d.what in kinds and d.duration == 0.0}
    return [t for t in readings(patient).times.tolist() if t in times]


def _kinds_at(patient: Patient, kinds: Sequence[str], origin: float) -> tuple[str, ...]:
    there = {d.what for d in patient.doses if d.time == origin and d.duration == 0.0}
    return tuple(kind for kind in kinds if kind in there)


def _changed(
    follow: Followed, origin: float, actions: Actions, asked: Question, draws: Draws, out: Rows, least: float = 0.0
) -> Floats | None:
    """CHANGES at an origin; None where the event is less probable than `least`, or there is no forecast."""
    try:
        recorded = forecast(follow, origin, AHEAD, members=asked.members, draws=draws)
        before = _probability(follow, origin, recorded, asked, draws)
        if before < least:
            return None
        changed = forecast(follow, origin, AHEAD, members=asked.members, draws=draws, actions=actions)
        apart = replace(draws, stream=f"{draws.stream} apart")
        alone = forecast(follow, origin, AHEAD, members=asked.members, draws=apart, actions=actions)
    except NotEvaluable:
        out.failed += 1
        return None
    one, other = in_common(WhatIf(recorded, changed))
    seen = [readings_of(follow, origin, found, by) for found, by in ((one, draws), (other, draws), (alone, apart))]
    low = [(r < asked.threshold).any(axis=0).astype(float) for r in seen]
    return np.array([*_moved(one, other, alone), 100.0 * low[0].mean(), 100.0 * low[1].mean(), *_blur(low),
                     *_direction(one, other)])  # fmt: skip


def in_common(pair: WhatIf) -> tuple[Forecast, Forecast]:
    """Both forecasts of the members that both could simulate, so that a column is one member in both."""
    one, other = pair.recorded, pair.changed
    if one.kept is None or other.kept is None:
        return one, other
    both = one.kept & other.kept
    return _only(one, both[one.kept]), _only(other, both[other.kept])


def _only(found: Forecast, which: Mask) -> Forecast:
    return replace(found, values=found.values[:, which], error_sd=found.error_sd[:, which], kept=None)


def _probability(follow: Followed, origin: float, found: Forecast, asked: Question, draws: Draws) -> float:
    return probability_below(readings_of(follow, origin, found, draws), asked.threshold)


def _moved(one: Forecast, other: Forecast, alone: Forecast) -> Iterable[float]:
    """Mean change, ends of the members' changes, and the variance of one member's, paired and not, by horizon."""
    count = min(one.values.shape[1], alone.values.shape[1])
    for step in _STEPS:
        difference = other.values[step] - one.values[step]
        low, high = central(difference, LEVEL)
        apart = alone.values[step, :count] - one.values[step, :count]
        yield from (difference.mean(), float(low), float(high), difference.var(), apart.var())


def _blur(low: Sequence[Floats]) -> tuple[float, float]:
    """The variance of one member's change of the event, paired and not."""
    count = min(low[0].size, low[2].size)
    return float((low[1] - low[0]).var()), float((low[2][:count] - low[0][:count]).var())


def _direction(one: Forecast, other: Forecast) -> tuple[float, float, float]:
    """Percent of members that are higher at all of SHOWN; how many fall by more than NOTED although they stay above 0;
    percent of members that do not, where a model of glucose has lost its meaning."""
    moved = other.values - one.values
    sound = (one.values > 0.0).all(axis=0) & (other.values > 0.0).all(axis=0)
    raised, falls = (moved[_STEPS] > 0.0).all(axis=0), (moved < -NOTED).any(axis=0)
    return 100.0 * float(raised.mean()), float((falls & sound).sum()), 100.0 * float((~sound).mean())


def _gained(follow: Followed, origin: float, without: Actions, asked: Question, draws: Draws) -> list[Floats]:
    """GAINS at an origin, where the readings after it are there and both forecasts can be made; else nothing."""
    truth = truths(follow.patient, np.array([origin]))[0, _SCORED]
    if not np.isfinite(truth).all():
        return []
    scores = []
    for actions in (AS_RECORDED, without):
        try:
            found = forecast(follow, origin, AHEAD, members=asked.members, draws=draws, actions=actions)
        except NotEvaluable:
            return []
        seen = readings_of(follow, origin, found, draws)[_SCORED]
        scores.append((crps_fair(truth, seen), seen.mean(axis=1) - truth))
    (knows, off), (ignores, astray) = scores
    return [np.column_stack([knows, ignores, off, astray]).ravel()]
