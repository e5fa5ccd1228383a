"""Who is near whom, as lists that the localized kernels walk: of a taper, only what is above 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vvuq.assimilation.localization import Localization
from vvuq.assimilation.system import System
from vvuq.errors import InputError
from vvuq.record import Floats

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Lists:
    """Of item j, the entries first[j] .. first[j + 1] - 1 of index and weight."""

    first: Indices
    index: Indices
    weight: Floats


def lists(taper: Floats) -> Lists:
    """The entries above 0 of each row of a taper."""
    rows, index = np.nonzero(taper)
    first = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=taper.shape[0]))])
    return Lists(first.astype(np.int64), index.astype(np.int64), np.ascontiguousarray(taper[rows, index], dtype=float))


@lru_cache(maxsize=8)
def by_observable(localization: Localization) -> Lists:
    """For each observable the states that it moves, then (d + their index) the observables that it moves.

    Rows whose weights depend on the members are left out."""
    states = _placed(localization)
    return lists(np.hstack([states.T, localization.observed_taper]))


@lru_cache(maxsize=8)
def between_observables(localization: Localization) -> Lists:
    """For each observable the observables that it moves."""
    return lists(localization.observed_taper)


@lru_cache(maxsize=8)
def by_state(localization: Localization) -> Lists:
    """For each state the observables that move it. Rows whose weights depend on the members have none."""
    return lists(_placed(localization))


@lru_cache(maxsize=8)
def everyone(states: int, observables: int) -> Lists:
    """For each observable all states and all observables."""
    return lists(np.ones((observables, states + observables)))


def _placed(localization: Localization) -> Floats:
    states = localization.state_taper
    if localization.sampling is not None:
        states = states.copy()
        states[localization.placeless] = 0.0
    return states


def sampled_rows(localization: Localization | None) -> Indices:
    """The rows whose weights depend on the members."""
    if localization is None or localization.sampling is None:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(localization.placeless, dtype=np.int64)


def sampled_weights(localization: Localization | None, deviations: Floats, observed: Floats) -> Floats:
    """The weights (k, m) of those rows, given deviations (d, N) and those of the m measured observables (m, N)."""
    rows = sampled_rows(localization)
    if localization is None or rows.size == 0:
        return np.zeros((0, observed.shape[0]))
    return np.ascontiguousarray(localization.sampling_weights(deviations[rows], observed))


def check(localization: Localization | None, system: System) -> None:
    """InputError where a localization does not fit a system, or meets errors that have no place of their own."""
    if localization is None:
        return
    shape = (system.size, len(system.noise))
    if localization.state_taper.shape != shape:
        raise InputError("filter", "localization", localization.state_taper.shape, f"tapers of shape {shape}")
    if system.correlation is not None:
        raise InputError("filter", "localization", "correlated errors", "independent errors: whitened ones mix places")


def places(kept: np.ndarray[tuple[int], np.dtype[np.intp]], observables: int) -> Indices:
    """Where among the measured ones each observable stands (q,); -1 for one that was not measured."""
    place = np.full(observables, -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    return place
