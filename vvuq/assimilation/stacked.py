"""Records of many patients in slots of equal length, filtered together: a linear system to which nothing is given.

The likelihood of a cohort is asked for hundreds of times by a fit: one call for all of them, on several threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from vvuq.assimilation.aware import LINKS, Mechanism, facts_of
from vvuq.assimilation.kalman import observation_matrix, transition
from vvuq.assimilation.system import System, process_sd
from vvuq.data.missingness.intensity import Intensity
from vvuq.data.missingness.selection import Selection
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.facts import STATE, VALUE
from vvuq.numerics.slots_record import slots_record
from vvuq.record import Belief, Floats

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
_NOTHING = Schedule()
WORTH = 20_000  # slots from which on threads are worth their start


@dataclass(frozen=True, eq=False, slots=True)
class Stack:
    """N records one after the other: values (S, q), record i from first[i] to first[i + 1] (N + 1,)."""

    values: Floats
    first: Indices


@dataclass(frozen=True, eq=False, slots=True)
class Beliefs:
    """Of every slot: the forecast before anything of the slot is known, mean (S, d) and covariance (S, d, d), and the
    belief after it; log_likelihood (N,) of each record, not-a-number where one failed."""

    ahead_mean: Floats
    ahead_covariance: Floats
    mean: Floats
    covariance: Floats
    log_likelihood: Floats


def stack(values: Sequence[Floats]) -> Stack:
    """Of records' values, (T, q) each."""
    ends = np.cumsum([len(one) for one in values])
    return Stack(np.ascontiguousarray(np.concatenate(values)), np.concatenate([[0], ends]).astype(np.int64))


def log_likelihoods(
    system: System, prior: Belief, slot: float, records: Stack, mechanisms: tuple[Mechanism, ...] = (),
    added: Floats | None = None, frailty: Sequence[float] = (), *, threads: int = 1,
) -> Floats:  # fmt: skip
    """(N,): of values, and of orders by the mechanisms, of each record; as filter_beliefs."""
    found = filter_beliefs(system, prior, slot, records, mechanisms, added, frailty, threads=threads, keep=False)
    return found.log_likelihood


def filter_beliefs(
    system: System, prior: Belief, slot: float, records: Stack, mechanisms: tuple[Mechanism, ...] = (),
    added: Floats | None = None, frailty: Sequence[float] = (), *, threads: int = 1, keep: bool = True,
) -> Beliefs:  # fmt: skip
    """The beliefs of all records, from the prior in the first slot of each. added (S, m): what the record before each
    decision adds to a mechanism's predictor; not-a-number where nothing was decided, None: 0.

    frailty: for each mechanism the SD between records of a constant in its predictor; beliefs then have a row more
    for each mechanism, after those of the system. keep: beliefs are kept, else they have no rows. Raises InputError
    for a system that is not linear, correlated errors, errors in proportion, an Intensity."""
    through, of = transition(system, _NOTHING, 0.0, slot), observation_matrix(system, _NOTHING, 0.0)
    if system.correlation is not None or system.errors[1].any():
        raise InputError("stacked records", "noise", system.noise, "independent errors without a share of the value")
    m, size, own = len(mechanisms), records.values.shape[0], np.array(frailty, dtype=float)
    if own.size not in (0, m) or not np.all((own >= 0.0) & (own < np.inf)):
        raise InputError("stacked records", "frailty", list(frailty), f"{m} SDs, or none")
    d = system.size + own.size
    told = np.zeros((size, m)) if added is None else np.asarray(added, dtype=float)
    if told.shape != (size, m):
        raise InputError("stacked records", "added", told.shape, f"({size}, {m}): a row for each slot")
    told = np.ascontiguousarray(told + np.array([one.intercept for one in mechanisms]).reshape(1, m))
    still = np.zeros(own.size)
    step = (
        _block(through.matrix, np.eye(own.size)), np.append(through.shift, still),
        np.append(process_sd(system, 0.0, slot) ** 2, still),
    )  # fmt: skip
    seen = np.hstack([of.matrix, np.zeros((of.matrix.shape[0], own.size))]), of.shift, system.errors[0] ** 2
    rows = size if keep else 0
    found = np.empty((rows, d)), np.empty((rows, d, d)), np.empty((rows, d)), np.empty((rows, d, d))
    count, out = records.first.size - 1, np.empty(records.first.size - 1)
    start = np.append(prior.mean, still), _block(prior.root @ prior.root.T, np.diag(own**2))
    given = step, seen, _orders(system, mechanisms, of.matrix, own.size), *start, records.values, told, records.first

    def run(ends: tuple[int, int]) -> None:
        work = np.empty(d), np.empty((d, d)), np.empty(d), np.empty((d, d))
        slots_record(*given, *ends, work, found, out)

    if threads <= 1 or size < WORTH:
        run((0, count))
        return Beliefs(*found, out)
    cuts = np.linspace(0, count, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, zip(cuts, cuts[1:], strict=False)))
    return Beliefs(*found, out)


def _block(one: Floats, other: Floats) -> Floats:
    """Both on the diagonal of a matrix."""
    out = np.zeros((len(one) + len(other),) * 2)
    out[: len(one), : len(one)], out[len(one) :, len(one) :] = one, other
    return out


def _orders(system: System, mechanisms: tuple[Mechanism, ...], seen: Floats, more: int) -> tuple[Any, Floats, Floats]:
    """heads, slopes and on_value as the kernel takes them; `more` rows for constants of the mechanisms."""
    m, d = len(mechanisms), system.size
    heads, slopes, on_value = np.zeros((3, m), dtype=np.int64), np.zeros((m, d + more)), np.zeros(m)
    if more:
        slopes[:, d:] = np.eye(m)
    facts = facts_of(system, mechanisms) if m else None
    for j, one in enumerate(mechanisms):
        assert facts is not None
        if isinstance(one, Intensity):
            raise InputError("stacked records", "mechanisms", "Intensity", "mechanisms that decide in each slot")
        heads[:, j] = LINKS[one.link], VALUE if isinstance(one, Selection) else STATE, facts.channels[j]
        if isinstance(one, Selection):
            on_value[j] = one.slope
            continue
        ends = np.append(facts.heads[3], facts.index.size)
        for e in range(ends[j], ends[j + 1]):
            at, weight = facts.index[e], facts.weight[e]
            slopes[j, :d] += weight * (np.eye(d)[at] if at < d else seen[at - d])
    return heads, slopes, on_value
