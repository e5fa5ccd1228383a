"""Tables and sentences of the analysis of a care process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vvuq.analyses.missingness.care_seen import Redrawn, Scored, difference, middle
from vvuq.calibration.care import CareFit, Trials
from vvuq.methods.events import calibration
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.models.care import Care
from vvuq.record import Cell, Floats, Quantity, Table

EDGES: Floats = np.array([0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])  # of predicted probabilities: most are small
FEWEST = 3  # patients, from which on a group has an interval
INFORMED = 0.9  # share of a prior variance: where slots remove less, the prior has a say
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found. day: slots in a day; unit: of what is shown."""

    care: Care
    unit: str
    day: float
    fit: CareFit
    patients: tuple[Trials, ...]
    scored: Scored
    again: Redrawn

    @property
    def per_day(self) -> Floats:
        """Orders a day (patients,)."""
        return self.day * np.array([one.ordered.mean() for one in self.patients])


def tables_of(seen: Seen, values: Mapping[str, Quantity]) -> dict[str, Table]:
    """By driver; by predicted probability; what orders say of the state; patient by patient."""
    return {
        "drivers": _drivers(seen, values),
        "calibration": _calibration(seen),
        "informative": _informative(seen, values),
        "patients": _patients(seen),
    }


def _drivers(seen: Seen, values: Mapping[str, Quantity]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for driver, informed in zip(seen.care.drivers, seen.fit.informed[1:], strict=True):
        q = values[f"odds_{driver.name}"]
        alone = driver.name in seen.fit.separated
        rows.append((driver.name, q.value, q.low, q.high, PERCENT * float(informed), alone, driver.meaning))
    columns = ("driver", "odds", "low", "high", "removed_of_prior", "separated", "meaning")
    title = f"Odds of a {seen.care.orders} in a slot, by one more of each driver (95 % intervals over patients)"
    return Table(title, columns, ("", "1", "1", "1", "%", "", ""), tuple(rows))


def _calibration(seen: Seen) -> Table:
    """Of patients left out."""
    chance = np.concatenate(seen.scored.chances)
    events = np.concatenate([one.ordered for one in seen.patients])
    bins = calibration(chance, events, EDGES)
    rows: list[tuple[Cell, ...]] = []
    for i in range(bins.count.size):
        ends = (float(bins.low[i]), float(bins.high[i]))
        mean, share = (PERCENT * float(part[i]) for part in (bins.forecast, bins.observed))
        percent = tuple(PERCENT * end for end in ends)
        rows.append((*percent, int(bins.count[i]), int(bins.events[i]), mean, share, *_observed(seen, *ends)))
    columns = ("from", "to", "slots", "orders", "predicted", "observed", "low", "high")
    title = f"Slots with a {seen.care.orders} by predicted probability, each patient left out of the fit"
    return Table(title, columns, ("%", "%", "1", "1", *("%",) * 4), tuple(rows))


def _observed(seen: Seen, low: float, high: float) -> tuple[float | None, float | None]:
    counts = []
    for one, chance in zip(seen.patients, seen.scored.chances, strict=True):
        inside = (chance >= low) & ((chance < high) | (high == EDGES[-1]))
        if inside.any():
            counts.append([float(one.ordered[inside].sum()), float(inside.sum())])
    if len(counts) < FEWEST:
        return None, None
    value, error = jackknife(np.array(counts), lambda rows: np.array([rows[:, 0].sum() / rows[:, 1].sum()]))
    q = t_quantity(PERCENT * value[0], PERCENT * error[0], "%", len(counts), low=0.0, high=PERCENT)
    return q.low, q.high


def _informative(seen: Seen, values: Mapping[str, Quantity]) -> Table:
    step = f"odds by {seen.care.step:g} {seen.unit} more in the slot itself"
    told = (
        (f"mean reading at a {seen.care.orders} less that of all slots", "reading_difference", ""),
        (f"{step}, beside all drivers", "odds_now", "would_be_seen_now"),
        (f"{step}, beside those that see no reading", "odds_now_blind", "would_be_seen_now_blind"),
    )
    rows: list[tuple[Cell, ...]] = []
    for what, key, least in told:
        q = values[key]
        rows.append((what, q.unit, q.value, q.low, q.high, values[least].value if least else None, q.n))
    columns = ("what", "unit", "value", "low", "high", "would_be_seen", "patients")
    title = "Do orders depend on what they would find? (95 % intervals over patients)"
    return Table(title, columns, ("", "", "", "", "", "", "1"), tuple(rows))


def _patients(seen: Seen) -> Table:
    rows: list[tuple[Cell, ...]] = []
    gains = seen.scored.by_drivers - seen.scored.by_rate
    for i, one in enumerate(seen.patients):
        drawn = middle(seen.day * seen.again.per_slot[i])
        moved = (difference(one.ordered, one.now), *middle(seen.again.difference[i]))
        counts = (one.times.size, int(one.ordered.sum()), float(gains[i]), float(seen.per_day[i]))
        rows.append((one.patient, *counts, *drawn, *(v if np.isfinite(v) else None for v in moved)))
    columns = ("patient", "slots", "orders", "gain", "per_day", "drawn_low", "drawn_high", "difference",
               "difference_low", "difference_high")  # fmt: skip
    units = ("", "1", "1", "1", *("1/day",) * 3, *(seen.unit,) * 3)
    title = f"Each patient's {seen.care.orders}s, and 90 % of those drawn from what was fitted to the others"
    return Table(title, columns, units, tuple(rows), individual=True)


def findings(seen: Seen, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What a reader must not miss."""
    gain = values["log_score_gain"]
    at, every = values["with_dose"].value, values["with_dose_all"].value
    beside = (
        f"{at:.0f} % of slots with a {seen.care.orders} have a dose too, {every:.0f} % of all slots; drivers do not "
        "know of it, since the record does not say which of them came first."
    )
    return (
        _which(seen, values),
        f"In patients left out drivers gain {gain.value:.3f} nats a slot over a constant rate{_ends(gain, '.3f')}.",
        beside,
        *(said for key in ("now", "now_blind") if not _apart(values[f"odds_{key}"], 1.0)
          for said in [_not_shown(seen, values, key)]),
    )  # fmt: skip


def _which(seen: Seen, values: Mapping[str, Quantity]) -> str:
    names = [driver.name for driver in seen.care.drivers]
    clear = [name for name in names if _apart(values[f"odds_{name}"], 1.0)]
    if not clear:
        return f"No driver is shown to matter for a {seen.care.orders}: every interval of its odds holds 1."
    others = ": the intervals of the other odds hold 1" if len(clear) < len(names) else ""
    return f"Whether a {seen.care.orders} is taken depends on {', '.join(clear)}{others}."


def _not_shown(seen: Seen, values: Mapping[str, Quantity], key: str) -> str:
    factor, odds = values[f"would_be_seen_{key}"].value, values[f"odds_{key}"]
    beside = "what is on record" if key == "now" else "a record without the readings"
    return (
        f"That orders depend on the state beyond {beside} is not shown: by {seen.care.step:g} {seen.unit} more "
        f"odds change by a factor of {odds.value:.2f}{_ends(odds, '.2f')}; one of {factor:.2f} or {1.0 / factor:.2f} "
        "would have been seen with a probability of 80 %."
    )


def negative(seen: Seen, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What speaks against the care process, or against whoever ignores it."""
    out, orders, n = [], seen.care.orders, len(seen.patients)
    without = int(values["n_without"].value)
    if without:
        told = f"{without} of {n} patients {'has' if without == 1 else 'have'} no {orders} on record"
        out.append(f"{told}: whether none was taken or none was written down is not known.")
    gain = values["log_score_gain"]
    if not (gain.low is not None and gain.low > 0.0):
        out.append("That the drivers predict orders of a patient left out better than a constant rate is not shown.")
    out += [f"The driver {name} parts slots with a {orders} from all others: its prior alone keeps its odds finite."
            for name in seen.fit.separated]  # fmt: skip
    weak = [d.name for d, v in zip(seen.care.drivers, seen.fit.informed[1:], strict=True) if v < INFORMED]
    if weak:
        out.append(f"Slots say little of {', '.join(weak)}: the prior has a say in these odds.")
    moved = values["reading_difference"]
    if _apart(moved, 0.0):
        told = f"{abs(moved.value):.0f} {seen.unit} {'higher' if moved.value > 0.0 else 'lower'}"
        out.append(f"Readings at a {orders} are {told} than all{_ends(moved, '.0f')}: who reads those alone is misled.")
    for key, beside in (("now", "what is on record"), ("now_blind", "a record without the readings")):
        if _apart(values[f"odds_{key}"], 1.0):
            q = values[f"odds_{key}"]
            out.append(f"Orders depend on the state beyond {beside}: by {seen.care.step:g} {seen.unit} more their odds "
                       f"change by a factor of {q.value:.2f}{_ends(q, '.2f')}. What is missing by that record is not "
                       "missing at random.")  # fmt: skip
    return (*out, *_unlike(seen, values))


def _unlike(seen: Seen, values: Mapping[str, Quantity]) -> list[str]:
    """Where orders drawn anew are unlike those that there were."""
    n, inside, out = len(seen.patients), int(values["n_within_per_day"].value), []
    if inside < n:
        drawn, there = values["drawn_per_day"].value, values["per_day"].value
        out.append(f"Drawn anew, {seen.care.orders}s are as many as there were in {inside} of {n} patients only: "
                   f"{drawn:.1f} a day are drawn on average, {there:.1f} were taken.")  # fmt: skip
    held = values["n_within_reading"]
    if held.n is not None and held.value < held.n:
        out.append(
            f"Drawn anew, they meet readings as high as they did in {int(held.value)} of {held.n} patients only."
        )
    return out


def _apart(q: Quantity, value: float) -> bool:
    """Does the interval leave the value out?"""
    return q.low is not None and q.high is not None and not q.low <= value <= q.high


def _ends(q: Quantity, form: str) -> str:
    if q.low is None or q.high is None:
        return ""
    return f" (95 % interval over patients {q.low:{form}} to {q.high:{form}})"
