"""Gaps of a sensor that should report at even times: how many, how long, what came before and after them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Steps:
    """From each reading of a sensor to the next of the same stretch (k,): slots between them, 1 where none is lost;
    the reading before, its change [unit a slot] since the one before it (not-a-number where that one is not there), the
    reading after. around (k,): mean squared change of the sensor over as many slots where nothing was lost."""

    slots: Floats
    before: Floats
    slope: Floats
    after: Floats
    around: Floats

    @property
    def lost(self) -> Floats:
        """1 where a gap begins (k,), else 0."""
        return (self.slots > 1.0).astype(float)

    @property
    def counts(self) -> Floats:
        """Of a chain of two modes (3,): readings that a reading or a gap follows, gaps, slots in gaps."""
        return np.array([float(self.slots.size), self.lost.sum(), (self.slots - 1.0).sum()])


def steps_of(times: Floats, values: Floats, slot: float, longest: float) -> Steps:
    """Of readings (n,) at ascending times; after more than `longest` without one a new stretch begins, which is no gap.

    Raises InputError for a slot that is no time, and a longest gap shorter than two slots."""
    if not 0.0 < slot < np.inf:
        raise InputError("gaps", "slot", slot, "a finite time above 0, from one reading to the next")
    if not longest >= 2.0 * slot:
        raise InputError("gaps", "longest", longest, f"{2.0 * slot:g} or more: a gap of one reading is two slots long")
    waits = np.diff(times)
    inside = waits <= longest
    slots = np.maximum(np.rint(waits / slot), 1.0)
    change = np.diff(values)
    slope = np.full(waits.size, np.nan)
    ready = slots[:-1] == 1.0
    slope[1:][ready] = change[:-1][ready]
    around = np.full(waits.size, np.nan)
    for size in np.unique(slots[inside]).astype(int).tolist():
        around[slots == size] = _usual(values, slots == 1.0, size)
    kept = np.flatnonzero(inside)
    return Steps(slots[kept], values[:-1][kept], slope[kept], values[1:][kept], around[kept])


def _usual(values: Floats, whole: Floats, size: int) -> float:
    """Mean squared change over `size` slots, none of them lost; not-a-number without any. whole (n - 1,): is the step
    from each reading to the next one of a single slot?"""
    if values.size <= size:
        return float("nan")
    so_far = np.concatenate([[0.0], np.cumsum(whole)])
    through = so_far[size:] - so_far[:-size] == size
    moved = (values[size:] - values[:-size])[through]
    return float((moved**2).mean()) if moved.size else float("nan")
