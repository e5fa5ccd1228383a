"""Patients whose measurements are ordered by a mechanism that is known: drawn from a twin, thinned, and followed.

What a filter makes of them can be held against the truth, whatever it believes of the mechanism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vvuq.assimilation.aware import Aware, Mechanism
from vvuq.assimilation.filtered import Filtered, filter_steps
from vvuq.assimilation.method import Method
from vvuq.assimilation.system import Observation, Observations, System, error_sd_by, observe, process_sd, propagate
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record, walk_of
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.record import Complete
from vvuq.data.missingness.record import Mechanism as Generative
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.data.missingness.together import thin
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats


@dataclass(frozen=True, eq=False)
class Ordered:
    """A situation of a twin: what is given, what is known at the start (each truth is a draw from it), and when it is
    decided whether to measure.

    times (T,): of decisions. channel: the observable that is measured or not; others are measured each time, the rest
    never. mechanisms: {name: what may decide}, tried in turn. believed: what a filter takes for the reason where orders
    have none in the state. watched: the row of a belief that is judged, with its meaning."""

    name: str
    system: System
    schedule: Schedule
    prior: Belief
    times: Floats
    channel: str
    watched: str
    meaning: str
    mechanisms: Mapping[str, Generative]
    believed: SharedParameter
    others: Sequence[str] = ()

    @property
    def row(self) -> int:
        """Of the watched one. Raises InputError where a belief has none of that name."""
        if self.watched not in self.system.names:
            raise InputError(
                f"situation {self.name}", "watched", self.watched, f"one of {', '.join(self.system.names)}"
            )
        return self.system.names.index(self.watched)


@dataclass(frozen=True, eq=False, slots=True)
class Truths:
    """What happened to N patients: rows of beliefs (N, T, d), and what would have been measured (N, T, q)."""

    states: Floats
    values: Floats


def truths(of: Ordered, count: int, draws: Draws) -> Truths:
    """Patients drawn from the situation, with process noise and errors of measurement; keyed by patient.

    Raises InputError where one of them cannot be simulated."""
    own = [Draws(draws.seed, draws.stream, str(i)) for i in range(count)]
    system, d, q = of.system, of.system.size, len(of.system.noise)
    members = np.stack([of.prior.mean + of.prior.root @ one.normal(0, "first", (d,)) for one in own], axis=1)
    states, values, now = np.empty((count, of.times.size, d)), np.empty((count, of.times.size, q)), of.prior.time
    for k, time in enumerate(of.times.tolist()):
        members, codes = propagate(system, of.schedule, members, now, time)
        if codes.any():
            raise InputError(f"situation {of.name}", "truth", int(codes.max()), "patients that can be simulated")
        walk = np.stack([one.normal(k, "walk", (d,)) for one in own], axis=1)
        members = members + process_sd(system, now, time)[:, None] * walk
        seen = observe(system, of.schedule, members, time)
        error = np.stack([one.normal(k, "error", (q,)) for one in own], axis=1)
        states[:, k], values[:, k] = members.T, (seen + error_sd_by(system, seen.T**2).T * error).T
        now = time
    return Truths(states, values)


def shown(of: Ordered, mechanism: Generative, found: Truths, draws: Draws) -> Floats:
    """What is measured of each patient (N, T, q), the rest not-a-number."""
    system, names = of.system, of.system.channels
    kept = np.array([name == of.channel or name in of.others for name in names])
    out = np.where(kept, found.values, np.nan)
    for i, values in enumerate(found.values):
        record = Complete(str(i), of.times, names, values, system.names, found.states[i])
        out[i, thin(record, (mechanism,), draws) == 0.0] = np.nan
    return out


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """How a filter fared with each patient (N,), of the watched row: mean error, root mean square error, share of the
    truth within 95 % of the belief, and the error squared by the belief's variance (1 on average where it is right);
    log_likelihood of values and facts. failed: patients with a cycle that failed; mean, sd (N, T): its beliefs."""

    bias: Floats
    rmse: Floats
    coverage: Floats
    nees: Floats
    log_likelihood: Floats
    failed: int
    mean: Floats
    sd: Floats


def belief_of(mechanism: Generative) -> Mechanism | None:
    """What an aware filter takes for it; None for one that has nothing to say of the state."""
    if isinstance(mechanism, CareProcess):
        return mechanism.shared
    return mechanism if isinstance(mechanism, SharedParameter | Selection) else None


def steeper(mechanism: Mechanism, factor: float) -> Mechanism:
    """The same with its slopes times a factor, around where they have no effect."""
    if isinstance(mechanism, Selection):
        return replace(mechanism, slope=factor * mechanism.slope)
    return replace(mechanism, slopes=tuple((name, factor * slope) for name, slope in mechanism.slopes))


def judged(
    of: Ordered, method: Method, found: Truths, values: Floats, draws: Draws, offsets: Floats | None = None
) -> Judged:
    """Every patient by a filter, aware or not. values (N, T, q): what was measured; offsets (N, T, 1): offsets_of()."""
    courses = [
        followed(of, method, one, Draws(draws.seed, draws.stream, str(i)), None if offsets is None else offsets[i])
        for i, one in enumerate(values)
    ]
    row = of.row
    middle, sd = np.array([c.mean[:, row] for c in courses]), np.array([c.sd[:, row] for c in courses])
    error = middle - found.states[:, :, row]
    inside = np.abs(error) <= 1.959963984540054 * sd
    return Judged(
        error.mean(axis=1), np.sqrt((error**2).mean(axis=1)), inside.mean(axis=1), ((error / sd) ** 2).mean(axis=1),
        np.array([c.log_likelihood.sum() for c in courses]), sum(bool(c.codes.any()) for c in courses), middle, sd,
    )  # fmt: skip


def offsets_of(of: Ordered, why: Generative, values: Floats) -> Floats | None:
    """What the record before each decision adds to the predictor (N, T, 1), where a care process decides."""
    if not isinstance(why, CareProcess):
        return None
    every, out = slice(0, of.times.size), []
    for i, one in enumerate(values):
        record = Complete(str(i), of.times, of.system.channels, np.nan_to_num(one))
        out.append(why.routine.offsets(record, (~np.isnan(one)).astype(float), every))
    return np.array(out)[:, :, None]


def followed(of: Ordered, method: Method, values: Floats, draws: Draws, offsets: Floats | None = None) -> Filtered:
    """One patient's beliefs at each decision, by values (T, q) and, for an aware filter, offsets (T, 1)."""
    plain = method.method if isinstance(method, Aware) else method
    if isinstance(plain, Unscented) and isinstance(method, Unscented | Aware):
        walk = walk_of(of.system, of.schedule, np.append(of.prior.time, of.times))
        seen = Observations(of.times, values, offsets if isinstance(method, Aware) else None)
        return filter_record(method, of.system, of.schedule, of.prior, seen, walk=walk)
    added: Sequence[Floats | None] = [None] * of.times.size if offsets is None else list(offsets)
    each = [Observation(float(t), one, more) for t, one, more in zip(of.times, values, added, strict=True)]
    return filter_steps(method, of.system, of.schedule, of.prior, each, draws)
