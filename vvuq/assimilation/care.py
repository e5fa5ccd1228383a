"""The care process of a twin along a record: its slots, what drivers were in each of them, and orders drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from vvuq.errors import NotEvaluable
from vvuq.models.care import Care, Driver, Known
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

EXACT = 1e-6  # of a slot: times of a record that differ by less are one time
_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Course:
    """A record as a care process sees it, times ascending in the model's unit: slots (m,) by when they begin, each with
    the start (m,) of the stretch of readings that it lies in; readings of what is shown, times and values (n,); times
    of orders (k,) and of doses (g,)."""

    patient: str
    slots: Floats
    starts: Floats
    times: Floats
    values: Floats
    orders: Floats
    given: Floats


def care_of(twin: Twin) -> Care:
    """The twin's care process. Raises NotEvaluable where it declares none."""
    if twin.care is None:
        raise NotEvaluable(f"twin {twin.name} does not say when measurements are ordered: Twin(care=...)")
    return twin.care


def course_of(twin: Twin, cohort: Cohort, patient: Patient) -> Course:
    """The patient's record. Slots follow each other from the first reading of a stretch until its last.

    Raises NotEvaluable for a twin without a care process."""
    care, units = care_of(twin), dict(cohort.units)
    time = factor(units["time"], twin.model.time_unit, cohort.name)
    scale = 1.0
    if care.shows in units:
        unit = twin.model.observables[twin.model.observable_index(care.shows)].unit
        scale = factor(units[care.shows], unit, cohort.name)
    seen = np.array([(m.time, m.value) for m in patient.measurements if m.observable == care.shows]).reshape(-1, 2)
    orders = [m.time for m in patient.measurements if m.observable == care.orders]
    given = [d.time for d in patient.doses if d.what in care.given and d.duration == 0.0]
    slots, starts = _slots(seen[:, 0] * time, care)
    return Course(patient.id, slots, starts, seen[:, 0] * time, seen[:, 1] * scale, _sorted(orders) * time,
                  _sorted(given) * time)  # fmt: skip


def _sorted(times: list[float]) -> Floats:
    return np.sort(np.array(times, dtype=float))


def _slots(times: Floats, care: Care) -> tuple[Floats, Floats]:
    parts = np.split(times, np.flatnonzero(np.diff(times) > care.gap) + 1) if times.size else []
    slots = [part[0] + care.slot * np.arange(int((part[-1] - part[0]) / care.slot + EXACT) + 1) for part in parts]
    starts = [np.full(one.size, one[0]) for one in slots]
    return (np.concatenate(slots), np.concatenate(starts)) if slots else (_NONE, _NONE)


def ordered(care: Care, course: Course) -> Floats:
    """1 for each slot (m,) in which something was ordered, else 0."""
    return _within(course.orders, care, course).astype(float)


def given_in(care: Care, course: Course) -> Floats:
    """1 for each slot (m,) in which a dose was written down, else 0."""
    return _within(course.given, care, course).astype(float)


def _within(times: Floats, care: Care, course: Course) -> Floats:
    begin = course.slots - EXACT * care.slot
    return np.asarray(np.searchsorted(times, begin + care.slot) > np.searchsorted(times, begin))


def shown(care: Care, course: Course) -> Floats:
    """The first reading (m,) of each slot; not-a-number where it has none."""
    first = np.searchsorted(course.times, course.slots - EXACT * care.slot)
    values = np.append(course.values, np.nan)[first]
    return np.where(_within(course.times, care, course), values, np.nan)


def driven(care: Care, course: Course) -> Floats:
    """The drivers (m, d) in every slot; not-a-number where one is not known."""
    return np.stack([_column(driver, care, course) for driver in care.drivers], axis=1)


def _column(driver: Driver, care: Care, course: Course) -> Floats:
    seen = _only(driver, course)
    before = course.slots - EXACT * care.slot
    ends = [np.searchsorted(times, before) for times in (seen.orders, seen.times, seen.given)]
    out = np.empty(course.slots.size)
    for i, (time, start) in enumerate(zip(course.slots.tolist(), course.starts.tolist(), strict=True)):
        a, b, c = (int(end[i]) for end in ends)
        out[i] = driver.function(Known(time, start, seen.orders[:a], seen.times[:b], seen.values[:b], seen.given[:c]))
    return out


def _only(driver: Driver, course: Course) -> Course:
    """The course with the part alone that the driver says it uses."""
    bare = replace(course, times=_NONE, values=_NONE, orders=_NONE, given=_NONE)
    if driver.uses == "orders":
        return replace(bare, orders=course.orders)
    if driver.uses == "shown":
        return replace(bare, times=course.times, values=course.values)
    return replace(bare, given=course.given) if driver.uses == "given" else bare


def drawn(care: Care, course: Course, coefficients: Floats, draws: Draws, member: int) -> Floats:
    """Times (k,) of orders drawn slot after slot, each from what is known then: the course's readings and doses, and
    the orders drawn so far in place of its own; at the beginnings of slots. coefficients (1 + d,): the constant first.

    The draws are the patient's own, one a slot and `member`: other patients, another order of them, or what comes later
    in the record change nothing. In a slot of which a driver is not known nothing is drawn."""
    chance = draws_of(draws, course).uniform(member, "orders", course.slots.shape)
    bare = replace(course, orders=_NONE)
    moving = [j for j, driver in enumerate(care.drivers) if driver.uses == "orders"]
    still = [j for j in range(len(care.drivers)) if j not in moving]
    logits = np.full(course.slots.size, coefficients[0])
    for j in still:
        logits += coefficients[1 + j] * _column(care.drivers[j], care, bare)
    return _walk(course, logits, [(care.drivers[j], float(coefficients[1 + j])) for j in moving], chance)


def draws_of(draws: Draws, course: Course) -> Draws:
    """The patient's own draws."""
    return replace(draws, patient=course.patient)


def _walk(course: Course, logits: Floats, moving: list[tuple[Driver, float]], chance: Floats) -> Floats:
    orders, count = np.empty(course.slots.size), 0
    limits = logit(chance)  # an order comes where the log odds are above this
    rows = zip(course.slots.tolist(), course.starts.tolist(), logits.tolist(), limits.tolist(), strict=True)
    for time, start, base, limit in rows:
        known = Known(time, start, orders[:count], _NONE, _NONE, _NONE)
        total = base + sum(weight * driver.function(known) for driver, weight in moving)
        if total > limit:  # never, where it is not-a-number
            orders[count] = time
            count += 1
    return orders[:count].copy()


def probabilities(care: Care, course: Course, coefficients: Floats) -> Floats:
    """Of an order in each slot (m,), from what is on record before it; not-a-number where a driver is not known."""
    return np.asarray(expit(coefficients[0] + driven(care, course) @ coefficients[1:]))
