"""Several mechanisms at once: a value is seen only where each of them lets it through.

`thin` draws what is seen of a complete record; `log_likelihood` is that of what was seen and what not, with the hidden
modes summed over (forward recursion). Source: Rabiner, Proc IEEE 77 (1989) 257."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vvuq.data.missingness.record import Chances, Complete, Mechanism
from vvuq.errors import InputError
from vvuq.numerics.streams import Draws
from vvuq.record import Floats


def thin(record: Complete, mechanisms: Sequence[Mechanism], draws: Draws) -> Floats:
    """1 where a value of the record is seen, else 0 (T, q); a channel that no mechanism speaks of is seen throughout.

    The draws are keyed by patient, mechanism and channel, one a decision: other patients, other mechanisms, other
    channels and what comes later change none. Raises InputError where a mechanism speaks of what the record lacks."""
    own, seen = replace(draws, patient=record.patient), np.ones(record.values.shape)
    walks = [_walk_of(one, record, own, name) for one, name in zip(mechanisms, _names(mechanisms), strict=True)]
    for walk in walks:
        if not walk.mechanism.looks_back:
            _pass(walk, record, seen, slice(0, len(record.times)), None)
    late = [walk for walk in walks if walk.mechanism.looks_back]
    modes: list[int | None] = [None] * len(late)
    for at in range(len(record.times) if late else 0):
        modes = [_pass(walk, record, seen, slice(at, at + 1), mode) for walk, mode in zip(late, modes, strict=True)]
    return seen


@dataclass(frozen=True, slots=True)
class _Walk:
    """A mechanism with its draws along a record: which columns it may take out of, one draw a decision for its mode
    (T,) and for each of its channels (T, c)."""

    mechanism: Mechanism
    columns: tuple[int, ...]
    moves: Floats
    coins: Floats


def _walk_of(mechanism: Mechanism, record: Complete, draws: Draws, name: str) -> _Walk:
    shape = (len(record.times),)
    columns = tuple(record.channel(channel) for channel in mechanism.channels)
    coins = [draws.uniform(0, f"{name}, {channel}", shape) for channel in mechanism.channels]
    return _Walk(mechanism, columns, draws.uniform(0, f"{name}, mode", shape), np.stack(coins, axis=1))


def _pass(walk: _Walk, record: Complete, seen: Floats, rows: slice, mode: int | None) -> int | None:
    """Takes out of `seen` what does not pass in these rows, which follow those after which the mode was `mode`. Returns
    the mode at the last of them."""
    chances = walk.mechanism.chances(record, seen, rows)
    modes = _modes(chances, walk.moves[rows], mode)
    passes = chances.passes[np.arange(len(modes)), modes]
    seen[rows, walk.columns] *= walk.coins[rows] < passes
    return int(modes[-1]) if len(modes) else mode


def _modes(chances: Chances, draws: Floats, mode: int | None) -> NDArray[np.int64]:
    """The modes (n,) that one draw a decision leads to. Each decision maps modes to modes; maps are chained over twice
    as many decisions in each round, until all reach back to the first."""
    if len(chances.begin) == 1 or not len(draws):
        return np.zeros(len(draws), dtype=np.int64)
    at = (np.cumsum(chances.moves, axis=2)[..., :-1] <= draws[:, None, None]).sum(axis=2)
    at[0] = (np.cumsum(chances.begin)[:-1] <= draws[0]).sum() if mode is None else at[0, mode]
    reach = 1
    while reach < len(at):
        at[reach:] = np.take_along_axis(at[reach:], at[:-reach], axis=1)
        reach *= 2
    return np.asarray(at[:, 0])


def _names(mechanisms: Sequence[Mechanism]) -> list[str]:
    """Each mechanism's name in the draws; one of the same kind on the same channels is counted."""
    names = [f"{type(one).__name__} {', '.join(one.channels)}" for one in mechanisms]
    return [f"{name} {names[:i].count(name)}" for i, name in enumerate(names)]


def log_likelihood(record: Complete, seen: Floats, mechanisms: Sequence[Mechanism]) -> float:
    """Of what was seen (1) and what not (0), (T, q), in the channels that the mechanisms speak of, given the complete
    record. Minus infinity where it cannot be. Raises InputError for another shape, and as thin does."""
    if np.shape(seen) != record.values.shape:
        raise InputError(f"record of {record.patient}", "seen", np.shape(seen), f"shape {record.values.shape}")
    return sum(_of_group(record, seen, group) for group in _groups(mechanisms))


def _groups(mechanisms: Sequence[Mechanism]) -> list[list[Mechanism]]:
    """Mechanisms that share a channel, directly or by others, stand together; groups are independent."""
    groups: list[list[Mechanism]] = []
    for one in mechanisms:
        apart = [g for g in groups if not any(set(one.channels) & set(other.channels) for other in g)]
        joined = [other for g in groups if g not in apart for other in g]
        groups = [*apart, [*joined, one]]
    return groups


def _of_group(record: Complete, seen: Floats, group: Sequence[Mechanism]) -> float:
    channels = list(dict.fromkeys(name for one in group for name in one.channels))
    every = slice(0, len(record.times))
    chances = [_spread(one.chances(record, seen, every), one.channels, channels) for one in group]
    joint = chances[0]
    for other in chances[1:]:
        joint = product(joint, other)
    there = seen[:, None, [record.channel(name) for name in channels]] > 0.0
    happened = np.where(there, joint.passes, 1.0 - joint.passes)
    if len(joint.begin) == 1:
        with np.errstate(divide="ignore"):
            return float(np.log(happened).sum())
    return _forward(joint, happened.prod(axis=2))


def _spread(chances: Chances, own: Sequence[str], channels: Sequence[str]) -> Chances:
    """The same on more channels: what a mechanism does not speak of passes."""
    passes = np.ones((*chances.passes.shape[:2], len(channels)))
    passes[:, :, [channels.index(name) for name in own]] = chances.passes
    return replace(chances, passes=passes)


def product(one: Chances, other: Chances) -> Chances:
    """Two mechanisms on the same channels as one, whose modes are the pairs of theirs."""
    n, c, m = len(one.passes), one.passes.shape[2], len(one.begin) * len(other.begin)
    moves = np.einsum("nij,nkl->nikjl", one.moves, other.moves).reshape(n, m, m)
    passes = np.einsum("nic,nkc->nikc", one.passes, other.passes).reshape(n, m, c)
    return Chances(np.outer(one.begin, other.begin).ravel(), moves, passes)


def _forward(chances: Chances, happened: Floats) -> float:
    """log of begin' E_0 M_1 E_1 M_2 E_2 ... 1 with happened (n, m) on the diagonals E: neighbours are multiplied in
    pairs, all at once, until one matrix is left. In logarithms: what is all but impossible may turn out to be true."""
    if not len(happened):
        return 0.0
    with np.errstate(divide="ignore"):
        begin, steps = np.log(chances.begin), np.log(chances.moves * happened[:, None, :])
        steps[0] = np.log(np.diag(happened[0]))
    while len(steps) > 1:
        odd = steps[len(steps) // 2 * 2 :]
        left, right = steps[0 : len(steps) - len(odd) : 2], steps[1::2]
        steps = np.concatenate([np.logaddexp.reduce(left[:, :, :, None] + right[:, None, :, :], axis=2), odd])
    return float(np.logaddexp.reduce((begin[:, None] + steps[0]).ravel()))
