"""When is a sensor lost, for how long, and does that depend on what it showed?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Name, Positive, refused
from vvuq.data.missingness.gaps import Steps, steps_of
from vvuq.errors import NotEvaluable, near
from vvuq.methods.jackknife import errors_of, raised, ratio, t_quantity
from vvuq.methods.logistic import fit_logistic
from vvuq.methods.power import share_bounds, would_be_seen
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cell, Context, Evidence, Floats, Quantity, Table

FEWEST_GAPS, FEWEST_PATIENTS = 20, 3  # from which on what gaps depend on is asked
PRIOR = np.array([10.0, 2.5, 2.5])  # SDs of the coefficients: constant, level, slope, the latter two by their SDs
PERCENT = 100.0
LARGEST = 700.0  # logarithm of an odds ratio: it stays finite


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    out = dict.fromkeys(("n_patients", "n_readings", "n_gaps", "n_with_gaps", "n_lost_readings"), "1")
    out |= {"gap_begins": "%", "gap_ends": "%", "gaps_per_day": "1/day", "gap_length": twin.model.time_unit}
    out |= dict.fromkeys(("odds_level", "odds_slope", "would_be_seen_level", "would_be_seen_slope"), "1")
    return out | {"change_over_usual": "1"}


@dataclass(frozen=True, slots=True)
class Found:
    """The sensor's steps by patient; counts (n, 3) of readings, gaps and lost slots; day: slots in a day."""

    steps: tuple[Steps, ...]
    counts: Floats
    readings: int
    slot: float
    day: float
    unit: str

    @property
    def gaps(self) -> int:
        """Of all patients."""
        return int(self.counts[:, 1].sum())

    @property
    def enough(self) -> bool:
        """Are there gaps enough, in patients enough, to ask what they depend on?"""
        return self.gaps >= FEWEST_GAPS and int((self.counts[:, 1] > 0.0).sum()) >= FEWEST_PATIENTS


@analysis("When is a sensor lost, and does that depend on what it showed?", suite="missingness", metrics=_metrics)
def sensor_gaps(twin: Twin, context: Context, *, sensor: Name, slot: Positive, longest: Positive) -> Evidence:
    """Gaps of the observable `sensor`, which should report each `slot`, in build patients; after more than `longest`
    without a reading another record begins. Times in the twin's unit.

    A chain of two modes, fitted by likelihood; odds of a gap by the last reading and its slope; whether the reading
    after a gap has moved as far as it does elsewhere in as much time."""
    build = context.build()
    known = [one.name for one in twin.model.observables]
    if sensor not in known:
        raise refused("sensor_gaps.sensor", sensor, f"an observable of {twin.name}{near(sensor, known)}")
    scale = factor(dict(build.units)["time"], twin.model.time_unit, build.name)
    steps, readings = [], 0
    for patient in build.patients:
        seen = np.array([(m.time, m.value) for m in patient.measurements if m.observable == sensor]).reshape(-1, 2)
        readings += len(seen)
        if len(seen) > 1:
            steps.append(steps_of(scale * seen[:, 0], seen[:, 1], slot, longest))
    if not any(one.slots.size for one in steps):
        raise NotEvaluable(f"sensor_gaps: no two readings of {sensor} within {longest:g} {twin.model.time_unit}.")
    counts = np.array([one.counts for one in steps])
    day = factor("day", twin.model.time_unit, twin.name) / slot
    found = Found(tuple(steps), counts, readings, slot, day, twin.model.time_unit)
    values = _values(found)
    inputs: dict[str, object] = {"cohort": build.digest, "sensor": sensor, "slot": slot, "longest": longest}
    said, against = _sentences(found, values, sensor)
    return evidence(
        sensor_gaps, twin.name, inputs, values=values, tables={"lengths": _lengths(found, sensor)}, findings=said,
        negative=against,
    )  # fmt: skip


def _values(found: Found) -> dict[str, Quantity]:
    _, gaps, lost = found.counts.sum(axis=0).tolist()
    n = len(found.counts)
    with_gaps = int((found.counts[:, 1] > 0.0).sum())
    names = ("n_patients", "n_readings", "n_gaps", "n_with_gaps", "n_lost_readings")
    numbers = (n, found.readings, gaps, with_gaps, lost)
    values = {name: Quantity(float(v), "1") for name, v in zip(names, numbers, strict=True)}
    values["gap_begins"] = _chance(found, 1, 0)
    begins = values["gap_begins"]
    values["gaps_per_day"] = _times(begins, found.day / PERCENT, "1/day")
    if gaps:
        values["gap_ends"] = _chance(found, 1, 2)
        values["gap_length"] = Quantity(found.slot * lost / gaps, found.unit, n=with_gaps)
    return values | (_depends(found) if found.enough else {})


def _chance(found: Found, above: int, below: int) -> Quantity:
    """A probability of the chain by maximum likelihood, in %: its interval is over patients where gaps are enough, else
    exact, each slot taken for an independent witness."""
    hits, n = found.counts[:, above], found.counts[:, below]
    if found.enough:
        value, error = ratio(hits, n)
        return t_quantity(PERCENT * float(value), PERCENT * float(error), "%", len(hits), low=0.0, high=PERCENT)
    (low, high), (lower, upper) = (share_bounds(int(hits.sum()), int(n.sum()), level) for level in (0.95, 0.9))
    ends = [PERCENT * end for end in (low, high, lower, upper)]
    share = PERCENT * float(hits.sum() / n.sum())
    return Quantity(share, "%", ends[0], ends[1], 0.95, ends[2], ends[3], "epistemic", len(hits))


def _times(q: Quantity, by: float, unit: str) -> Quantity:
    ends = [None if end is None else by * end for end in (q.low, q.high, q.lower95, q.upper95)]
    return Quantity(by * q.value, unit, ends[0], ends[1], q.level, ends[2], ends[3], q.kind, q.n)


def _depends(found: Found) -> dict[str, Quantity]:
    """Odds of a gap by the last reading and its slope, one SD more; the squared change over a gap by the usual one."""
    n, values = len(found.steps), {}
    coefficients = _fitted(found.steps)
    errors = errors_of(np.array([_fitted([*found.steps[:i], *found.steps[i + 1 :]]) for i in range(n)]))
    for place, name in ((1, "level"), (2, "slope")):
        error = float(errors[place])
        values[f"odds_{name}"] = raised(t_quantity(float(coefficients[place]), error, "1", n))
        values[f"would_be_seen_{name}"] = raised(Quantity(min(would_be_seen(error, n), LARGEST), "1", n=n))
    moved = np.array([_moved(one) for one in found.steps])
    if moved[:, 1].sum() > 0.0:
        value, error_of = ratio(moved[:, 0], moved[:, 1])
        values["change_over_usual"] = t_quantity(float(value), float(error_of), "1", n, low=0.0)
    return values


def _fitted(steps: Sequence[Steps]) -> Floats:
    """Coefficients (3,) of the log odds that a gap begins; level and slope by their SDs."""
    columns = np.concatenate([np.column_stack([one.before, one.slope]) for one in steps])
    events = np.concatenate([one.lost for one in steps])
    kept = np.isfinite(columns).all(axis=1)
    columns = (columns[kept] - columns[kept].mean(axis=0)) / columns[kept].std(axis=0)
    return fit_logistic(np.column_stack([np.ones(len(columns)), columns]), events[kept], PRIOR).coefficients


def _moved(one: Steps) -> Floats:
    """Sums (2,) over a patient's gaps: squared changes, and those that as much time brings elsewhere."""
    at = (one.slots > 1.0) & np.isfinite(one.around)
    return np.array([((one.after - one.before)[at] ** 2).sum(), one.around[at].sum()])


def _lengths(found: Found, sensor: str) -> Table:
    """Beside what a chain of two modes expects: lengths are geometric."""
    counts = Counter(int(k) - 1 for one in found.steps for k in one.slots[one.slots > 1.0].tolist())
    ends = found.gaps / max(float(found.counts[:, 2].sum()), 1.0)
    rows: list[tuple[Cell, ...]] = [
        (found.slot * length, count, found.gaps * ends * (1.0 - ends) ** (length - 1))
        for length, count in sorted(counts.items())
    ]
    rows = rows or [(None, 0, None)]
    title = f"Gaps of the {sensor} by how long they last, and what a chain of two modes expects"
    return Table(title, ("length", "gaps", "expected"), (found.unit, "1", "1"), tuple(rows))


def _sentences(found: Found, values: Mapping[str, Quantity], sensor: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Findings, and what speaks against."""
    rate, n = values["gaps_per_day"], found.gaps
    said = [f"Gaps of the {sensor}: {n}, in {found.readings} readings of {len(found.counts)} patients."]
    if not found.enough:
        upper = f"fewer than {rate.high:.2g} begin in a day (95 %)" if rate.high is not None else "few begin"
        wanted = f"{n} of the {FEWEST_GAPS} gaps in {FEWEST_PATIENTS} patients that are needed"
        nothing = (
            f"The records hold {wanted}: on what gaps depend, and how long they last, cannot be learned from them. If "
            f"slots are independent, {upper}; records that were published complete, or filled in, say nothing of a "
            "sensor in daily use."
        )
        return tuple(said), (nothing,)
    against: list[str] = []
    clear = [name for name in ("level", "slope") if _apart(values[f"odds_{name}"])]
    if clear:
        told = " and ".join(clear)
        against.append(f"Gaps of the {sensor} depend on its last {told}: they are not missing completely at random.")
    else:
        least = ", ".join(f"{values[f'would_be_seen_{name}'].value:.2g} by the {name}" for name in ("level", "slope"))
        said.append(
            f"That a gap begins is not shown to depend on the last reading or its slope; odds of {least} would be seen."
        )
    change = values.get("change_over_usual")
    if change is not None and _apart(change):
        against.append(
            f"Over a gap the squared change of the {sensor} is {change.value:.2g} times what as much time brings "
            "elsewhere: that nothing happened meanwhile is no fair guess."
        )
    return tuple(said), tuple(against)


def _apart(q: Quantity) -> bool:
    """Does the interval leave 1 out?"""
    return q.low is not None and q.high is not None and not q.low <= 1.0 <= q.high
