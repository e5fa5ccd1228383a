"""What of a cohort was measured when: counts by patient, slot of time and channel, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.association import odds_ratio, risk_difference
from vvuq.methods.jackknife import ratio
from vvuq.record import Cohort, Floats, Patient, Quantity

MOST = 20_000_000  # cells: more are a slot that is too short


@dataclass(frozen=True, slots=True)
class Presence:
    """counts (n, m, c): measurements of each of n patients in each of m slots of `width`, on each channel. on_record
    (n, m): slots of a patient, from the first to the one in which its record ends; starts (n,): time of the first."""

    channels: tuple[str, ...]
    width: float
    counts: Floats
    on_record: NDArray[np.bool_]
    starts: Floats

    @property
    def measured(self) -> Floats:
        """1 where a slot holds a measurement or more (n, m, c), else 0."""
        return (self.counts > 0.0).astype(float)


@dataclass(frozen=True, slots=True)
class Slots:
    """How time is cut, in a cohort's unit: slots of `width`.

    until: every patient is on record from time 0 until then, and what is outside, or just then, does not count.
    Without it, a record lasts from its first dose or measurement to its last, and slots begin with it; aligned: at the
    multiple of the width before it. pause: slots between two entries that are further apart are not on record."""

    width: float
    until: float | None = None
    pause: float | None = None
    aligned: bool = False


def presence(cohort: Cohort, channels: tuple[str, ...], slots: Slots) -> Presence:
    """The cohort in slots.

    Raises InputError for a width, end or pause that is no time, and slots so short that there are too many;
    NotEvaluable for patients without a record."""
    where, width = f"cohort {cohort.name}", slots.width
    for field in ("width", "until", "pause"):
        value = getattr(slots, field)
        if value is not None and not 0.0 < value < np.inf:
            raise InputError(where, field, value, "a finite time above 0")
    entries = [_entries(where, one, slots) for one in cohort.patients]
    spans = [(0.0, slots.until) if slots.until is not None else _span(times, slots) for times in entries]
    lengths = [_count(end - start, width, slots.until is None) for start, end in spans]
    n, m, c = len(spans), max(lengths), len(channels)
    if n * m * c > MOST:
        raise InputError(where, "width", width, f"a longer slot: there are {m} of them in the longest record")
    counts, on_record = np.zeros((n, m, c)), np.arange(m) < np.array(lengths)[:, None]
    for i, (one, (start, end)) in enumerate(zip(cohort.patients, spans, strict=True)):
        at = [(x.time, channels.index(x.observable)) for x in one.measurements if x.observable in channels]
        times, places = np.array([t for t, _ in at]), np.array([p for _, p in at], dtype=int)
        inside = (times >= start) & ((times < end) | (slots.until is None))
        np.add.at(counts[i], (_place(times[inside] - start, width), places[inside]), 1.0)
        on_record[i] &= ~_paused(_place(entries[i] - start, width), entries[i], slots.pause, m)
    return Presence(channels, width, counts, on_record, np.array([start for start, _ in spans]))


def _entries(where: str, patient: Patient, slots: Slots) -> Floats:
    """Times (k,) of doses and measurements, ascending."""
    times = [d.time for d in patient.doses] + [m.time for m in patient.measurements]
    if not times and slots.until is None:
        raise NotEvaluable(f"{where}: a patient has neither doses nor measurements, so that nothing says how long it "
                           "was on record; say `until`, or leave it out.")  # fmt: skip
    return np.sort(np.array(times, dtype=float))


def _span(times: Floats, slots: Slots) -> tuple[float, float]:
    start = float(times[0])
    return (slots.width * float(np.floor(start / slots.width)) if slots.aligned else start), float(times[-1])


def _place(times: Floats, width: float) -> NDArray[np.int64]:
    """The slot of each time since the first slot began."""
    return np.asarray(np.floor(times / width * (1.0 + 1e-12)), dtype=np.int64)


def _count(length: float, width: float, closed: bool) -> int:
    """Slots of a record; `closed`: its end itself lies in the last one."""
    return int(_place(np.array(length), width)) + 1 if closed else int(np.ceil(length / width - 1e-9))


def _paused(places: NDArray[np.int64], times: Floats, pause: float | None, m: int) -> NDArray[np.bool_]:
    """Slots (m,) between entries that are further apart than a pause."""
    out = np.zeros(m, dtype=bool)
    for k in np.flatnonzero(np.diff(times) > (np.inf if pause is None else pause)).tolist():
        out[max(0, places[k] + 1) : max(0, places[k + 1])] = True
    return out


@dataclass(frozen=True, slots=True)
class Together:
    """Slots in which just these channels were measured; `patients` with such a slot."""

    measured: tuple[bool, ...]
    slots: int
    patients: int


def pattern_table(there: Presence) -> tuple[Together, ...]:
    """Which channels were measured in the same slot, of slots on record; the most frequent first."""
    code = (there.measured @ (1 << np.arange(len(there.channels)))).astype(int)
    found = []
    for kind in np.unique(code[there.on_record]).tolist():
        at = (code == kind) & there.on_record
        bits = tuple(bool(kind >> j & 1) for j in range(len(there.channels)))
        found.append(Together(bits, int(at.sum()), int(at.any(axis=1).sum())))
    return tuple(sorted(found, key=lambda one: (-one.slots, one.measured)))


@dataclass(frozen=True, slots=True)
class OverTime:
    """By slot (m,) or hour, patients on record; by channel too (m, c), the share of them with a measurement, and events
    per unit of time, each with its standard error over patients."""

    patients: Floats
    share: Floats
    share_error: Floats
    rate: Floats
    rate_error: Floats


def over_time(there: Presence) -> OverTime:
    """Slot by slot since the beginning of the records."""
    on = np.repeat(there.on_record[:, :, None].astype(float), len(there.channels), axis=2)
    share, share_error = ratio(there.measured * on, on)
    rate, rate_error = ratio(there.counts * on, there.width * on)
    return OverTime(there.on_record.sum(axis=0).astype(float), share, share_error, rate, rate_error)


def by_time_of_day(there: Presence, parts: int) -> OverTime:
    """By slot of the day (parts,), where time 0 is midnight and `there` has slots aligned with it, `parts` in a day."""
    first = np.rint(there.starts / there.width).astype(int)
    part = (first[:, None] + np.arange(there.on_record.shape[1])) % parts
    here = [(part == k) & there.on_record for k in range(parts)]
    on = np.stack([one.sum(axis=1) for one in here], axis=1).astype(float)
    measured, counts = (
        np.stack([(cells * one[:, :, None]).sum(axis=1) for one in here], axis=1)
        for cells in (there.measured, there.counts)
    )
    wide = np.repeat(on[:, :, None], len(there.channels), axis=2)
    share, share_error = ratio(measured, wide)
    rate, rate_error = ratio(counts, there.width * wide)
    return OverTime((on > 0.0).sum(axis=0).astype(float), share, share_error, rate, rate_error)


def odds_of_slots(there: Presence, group: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, Floats]:
    """Share of slots with a measurement (c,) in the group (n,) and in the rest; the logarithm (c,) of the ratio of
    their odds, with its standard error over patients. Not finite where a group has all slots or none.
    """
    on = there.on_record.sum(axis=1).astype(float)
    measured = (there.measured * there.on_record[:, :, None]).sum(axis=1)
    shares, square, log = [], np.zeros(len(there.channels)), np.zeros(len(there.channels))
    for own, sign in ((group, 1.0), (~group, -1.0)):
        hits, slots = measured[own], np.repeat(on[own][:, None], len(there.channels), axis=1)
        shares.append(hits.sum(axis=0) / slots.sum(axis=0))
        with np.errstate(divide="ignore", invalid="ignore"):
            total, error = ratio(hits, slots - hits)
            log += sign * np.log(total)
            square += (error / total) ** 2
    return shares[0], shares[1], log, np.sqrt(square)


def outcome_by_measured(
    there: Presence, channel: int, outcome: NDArray[np.bool_]
) -> tuple[tuple[int, int], tuple[int, int], Quantity | None, Quantity | None]:
    """The outcome (n,) of patients in whom a channel was ever measured, and never: events in both, patients in both,
    difference of risks [%] and ratio of odds, None where one of them holds nobody."""
    ever = (there.counts[:, :, channel] * there.on_record).sum(axis=1) > 0.0
    events = (int((outcome & ever).sum()), int((outcome & ~ever).sum()))
    patients = (int(ever.sum()), int((~ever).sum()))
    if 0 in patients:
        return events, patients, None, None
    return events, patients, risk_difference(events, patients), odds_ratio(events, patients)
