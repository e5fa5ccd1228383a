"""A complete record, as it would be if nothing were missing, and what a mechanism says of each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vvuq.errors import InputError, near
from vvuq.record import Floats, Measurement

_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Complete:
    """One patient's decisions, T of them at ascending times (T,), and what each would find: values (T, q) of the
    observables. states (T, d) by their names, where a mechanism asks for them; given: times of doses.

    Raises InputError for shapes that do not agree, times that do not rise, numbers that are not finite."""

    patient: str
    times: Floats
    observables: tuple[str, ...]
    values: Floats
    names: tuple[str, ...] = ()
    states: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    given: Floats = field(default_factory=lambda: _NONE)

    def __post_init__(self) -> None:
        where, n = f"complete record of {self.patient}", len(self.times)
        wanted = {"values": (n, len(self.observables)), "states": (n, len(self.names)), "times": (n,)}
        if not self.names:
            del wanted["states"]
        for name, shape in wanted.items():
            if np.shape(getattr(self, name)) != shape:
                raise InputError(where, name, np.shape(getattr(self, name)), f"an array of shape {shape}")
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(where, name, "not finite", "finite numbers: nothing is missing in a complete record")
        if (np.diff(self.times) <= 0.0).any():
            raise InputError(where, "times", "not ascending", "decisions in the order of time, one at a time")
        for known in (self.observables, self.names):
            if len(set(known)) != len(known):
                raise InputError(where, "names", known, "each name once")

    @property
    def lengths(self) -> Floats:
        """From each time until the next (T,); the last is as long as the one before it, a single one 1."""
        between = np.diff(self.times)
        return np.append(between, between[-1:] if between.size else 1.0)

    def channel(self, observable: str) -> int:
        """The column of values. Raises InputError where there is none of that name."""
        return _place(f"complete record of {self.patient}", "observable", observable, self.observables)

    def state(self, name: str) -> Floats:
        """The course (T,) of a state. Raises InputError where there is none of that name."""
        place = _place(f"complete record of {self.patient}", "state", name, self.names)
        return np.asarray(self.states[:, place])

    def weighted(self, slopes: Sequence[tuple[str, float]], rows: slice) -> Floats:
        """The sum of states times their slopes, in some rows."""
        terms = [slope * self.state(name)[rows] for name, slope in slopes]
        return np.asarray(sum(terms, np.zeros(len(self.times[rows]))))


def _place(where: str, field: str, name: str, known: tuple[str, ...]) -> int:
    if name not in known:
        raise InputError(where, field, name, f"one that the record holds{near(name, known)}")
    return known.index(name)


@dataclass(frozen=True, slots=True)
class Chances:
    """What a mechanism with m hidden modes says of n decisions on c channels.

    begin (m,): probability of each mode at the first decision of the record; moves (n, m, m): from the mode at the
    decision before (row) to the one at this (column), not used at the first; passes (n, m, c): probability that a value
    is seen, in each mode."""

    begin: Floats
    moves: Floats
    passes: Floats


def memoryless(passes: Floats) -> Chances:
    """Chances of one channel with a single mode: passes (n,)."""
    return Chances(np.ones(1), np.ones((len(passes), 1, 1)), passes[:, None, None])


class Mechanism(Protocol):
    """Why values of some channels are seen or not, one decision after the other."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The observables that it may keep back."""

    @property
    def looks_back(self) -> bool:
        """Does a decision depend on what was seen before it?"""

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """In some rows of the record. seen (T, q) is 1 where a value was seen; of it, only rows before each decision
        count. Raises InputError where the record lacks what the mechanism speaks of."""


def measurements(record: Complete, seen: Floats) -> tuple[Measurement, ...]:
    """The values that were seen (T, q), in the order of time."""
    rows, columns = np.nonzero(seen)
    return tuple(
        Measurement(float(record.times[i]), record.observables[j], float(record.values[i, j]))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    )
