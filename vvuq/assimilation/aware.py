"""Filters that also learn from whether something was measured: missing data as evidence.

A filter alone conditions on the values that there are. Where the care that orders them looks at the patient, that a
value is there, or is not, speaks of the state too; a filter that is deaf to it is biased. `Aware` wraps a filter: after
each step its belief is conditioned on the facts, one for each mechanism, by matched moments (normal beliefs; members
in two steps, which can be localized) or by weights (particles). With a slope of 0 the belief is the filter's own.

At every observation each mechanism's decision is taken: a value that is not-a-number was decided against. Where nothing
was decided, the observation's offset for the mechanism is not-a-number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from vvuq.assimilation import seen
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.method import Method
from vvuq.assimilation.neighbours import Indices, Lists, lists
from vvuq.assimilation.particle import Auxiliary, Bootstrap
from vvuq.assimilation.reduced import ReducedUnscented
from vvuq.assimilation.resampling import effective_number, log_sum, uniform_log_weights
from vvuq.assimilation.system import Observation, System, error_sd, observe
from vvuq.assimilation.ukf import Unscented, drawn
from vvuq.data.missingness.intensity import Intensity
from vvuq.data.missingness.links import log_expected, log_probability
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError, near
from vvuq.models.schedule import Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.facts import STATE, VALUE, condition_on_facts, move_members, needs_points
from vvuq.numerics.streams import Draws
from vvuq.numerics.tilted import INTENSITY, LOGIT, PROBIT
from vvuq.record import Belief, Diagnostics, Ensemble, Floats

Mechanism = SharedParameter | Selection | Intensity
Rows = np.ndarray[tuple[int, int], np.dtype[np.int64]]
LINKS = {"probit": PROBIT, "logit": LOGIT}


@dataclass(frozen=True, slots=True)
class Aware:
    """A filter, and how what it is given came to be measured; the same options, beliefs and random numbers.

    Every filter here but the reduced-order one. Raises InputError for that one, without a mechanism, and, at a step,
    where a mechanism names what the system does not have."""

    method: Method
    mechanisms: tuple[Mechanism, ...]

    def __post_init__(self) -> None:
        if isinstance(self.method, ReducedUnscented | Aware):
            raise InputError("aware filter", "method", type(self.method).__name__, "a filter with a root of full rank")
        if not self.mechanisms:
            raise InputError("aware filter", "mechanisms", (), "one or more; without any, the filter itself")

    def init(self, prior: Belief, draws: Draws) -> Any:
        """As the filter's own."""
        return self.method.init(prior, draws)

    def step(
        self, system: System, schedule: Schedule, state: Any, observation: Observation, draws: Draws
    ) -> tuple[Any, Diagnostics]:
        """The filter's own step, conditioned on the facts; the gain in log-likelihood is of values and facts."""
        after, found = self.method.step(system, schedule, state, observation, draws)
        if found.code != 0:
            return state, found
        values = np.ascontiguousarray(observation.values, dtype=float)
        at = Moment(system, schedule, values, observation.offsets, observation.time - state.time)
        new: Belief | Ensemble
        if isinstance(after, Belief):
            new, code = _normal(self, at, after)
        elif isinstance(self.method, Bootstrap | Auxiliary):
            new, code = _weighed(self, at, after)
        else:
            new, code = _members(self, at, after)
        if code != 0:
            return state, seen.failed(observation.time, values, code)
        told = new.log_likelihood - after.log_likelihood
        ess = found.ess if isinstance(new, Belief) or new.log_weights is None else effective_number(new.log_weights)
        pivot = found.least_pivot
        if isinstance(new, Belief):
            pivot = min(pivot, float(new.root.diagonal().min()))
        return new, replace(found, log_likelihood=found.log_likelihood + told, ess=ess, least_pivot=pivot)


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """Where a step has arrived, with what was measured (q,) and decided (m,) there, and how long it took."""

    system: System
    schedule: Schedule
    values: Floats
    offsets: Floats | None
    exposure: float

    def facts(self, mechanisms: tuple[Mechanism, ...]) -> tuple[Facts, tuple[Any, ...]]:
        """The mechanisms, and the same with what the record so far adds now."""
        facts = facts_of(self.system, mechanisms)
        return facts, facts.given(None if self.offsets is None else np.reshape(self.offsets, (1, -1)), 1)


@dataclass(frozen=True, eq=False, slots=True)
class Facts:
    """m mechanisms as kernels take them (numerics/facts.py), with intercepts (m,) and the channels they are about.
    pointed: predictors need what members would measure."""

    heads: Rows
    index: Indices
    weight: Floats
    intercept: Floats
    channels: tuple[int, ...]
    pointed: bool

    def given(self, offsets: Floats | None, cycles: int) -> tuple[Any, ...]:
        """With what the record so far adds, (cycles, m), 0 where nothing is said. Raises InputError for another shape
        or infinity."""
        shape = cycles, len(self.channels)
        added = np.zeros(shape) if offsets is None else np.asarray(offsets, dtype=float)
        if added.shape != shape or np.isinf(added).any():
            remedy = f"finite numbers {shape}, not-a-number where nothing was decided"
            raise InputError("observation", "offsets", added.shape, remedy)
        return self.heads, self.index, self.weight, self.intercept + added


@lru_cache(maxsize=32)
def facts_of(system: System, mechanisms: tuple[Mechanism, ...]) -> Facts:
    """Raises InputError for names that are neither rows of a belief nor observables, and for a selection by values
    whose errors are correlated."""
    heads: list[tuple[int, int, int, int]] = []
    terms: list[tuple[int, float]] = []
    for one in mechanisms:
        link = INTENSITY if isinstance(one, Intensity) else LINKS[one.link]
        kind = VALUE if isinstance(one, Selection) else STATE
        heads.append((link, kind, _channel(system, one), len(terms)))
        terms += _terms(system, one)
        if kind == VALUE and system.correlation is not None:
            raise InputError("aware filter", "correlation", "correlated errors", "independent ones, with a Selection")
    table = np.ascontiguousarray(np.array(heads, dtype=np.int64).T)
    intercept, channels = np.array([one.intercept for one in mechanisms]), tuple(int(c) for c in table[2])
    index, weight = np.array([at for at, _ in terms], dtype=np.int64), np.array([value for _, value in terms])
    return Facts(table, index, weight, intercept, channels, bool(index.max() >= system.size))


def _terms(system: System, one: Mechanism) -> list[tuple[int, float]]:
    """Where each slope stands: a row of a belief, or the size of one and the index of an observable."""
    if isinstance(one, Selection):
        return [(system.size + _channel(system, one), one.slope)]
    places = _places(system)
    for name, _ in one.slopes:
        _check_known(one, "slopes", name, tuple(places))
    return [(places[name], slope) for name, slope in one.slopes]


@lru_cache(maxsize=32)
def _places(system: System) -> dict[str, int]:
    """{row of a belief: its index}, {what is measured: the size of a belief + its index}; a row's name goes first."""
    rows = {name: i for i, name in enumerate(system.names)}
    return {name: system.size + i for i, name in enumerate(system.channels)} | rows


def _channel(system: System, one: Mechanism) -> int:
    _check_known(one, "observable", one.observable, system.channels)
    return system.channels.index(one.observable)


def _check_known(one: Mechanism, field: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        remedy = f"one of {', '.join(known[:40])}{near(name, known)}"
        raise InputError(f"missingness of {one.observable}", field, name, remedy)


def room_for(system: System, facts: Facts, points: int) -> Floats:
    """Where the kernel works."""
    m = len(facts.channels)
    return np.empty((3 * m + 3, max(points, system.size, m)))


def on_grid(times: Floats, values: Floats, step: float, end: float, start: float) -> tuple[Floats, Floats]:
    """Times (T,) and values (T, q) of events with further cycles between them, at most `step` apart, from `start` to
    `end`, at which nothing was measured: how an Intensity learns from silence.

    Raises InputError for a step that is not above 0 and times that do not ascend between start and end."""
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    if not 0.0 < step < np.inf:
        raise InputError("observations", "step", step, "a finite time above 0")
    marks = np.concatenate([[start], times, [end]])
    if not (np.all(np.isfinite(marks)) and np.all(np.diff(marks) >= 0.0) and np.all(np.diff(times) > 0.0)):
        raise InputError("observations", "times", times.tolist()[:8], f"ascending times from {start:g} to {end:g}")
    parts = [_between(a, b, step) for a, b in zip(marks, marks[1:], strict=False)]
    silent = np.unique(np.concatenate([*parts, [end]]))
    silent = silent[~np.isin(silent, times)]
    where = np.concatenate([times, silent])
    order = np.argsort(where, kind="stable")
    both = np.concatenate([values, np.full((silent.size, values.shape[1]), np.nan)])
    return where[order], both[order]


def _between(start: float, end: float, step: float) -> Floats:
    pieces = int(np.ceil((end - start) / step * (1.0 - 1e-12)))
    return start + (end - start) * np.arange(1, pieces) / max(pieces, 1)


def _normal(aware: Aware, at: Moment, belief: Belief) -> tuple[Belief, int]:
    (facts, given), system = at.facts(aware.mechanisms), at.system
    mean, root, numbers = belief.mean.copy(), np.array(belief.root, dtype=float, order="C"), np.zeros(2)
    points = np.empty((0, 0)), np.empty((0, 0)), np.empty(0), np.empty(0), 1.0
    pointed = facts.pointed and bool(needs_points(given, 0, mean.size, at.values))
    if pointed:
        at_points, of = drawn(aware.method if isinstance(aware.method, Unscented) else Unscented(), belief)
        with np.errstate(all="ignore"):
            predicted = observe(system, at.schedule, at_points, belief.time)
        points = np.ascontiguousarray(at_points), np.ascontiguousarray(predicted), of.mean, of.root, of.scale
    room = room_for(system, facts, points[2].size)
    code = condition_on_facts(
        given, 0, at.exposure, int(pointed), at.values, system.errors, points, (mean, root), room, numbers
    )
    if code != 0:
        return belief, int(code)
    return replace(belief, mean=mean, root=root, log_likelihood=belief.log_likelihood + float(numbers[1])), 0


def _measured(at: Moment, facts: Facts, given: tuple[Any, ...], members: Floats, time: float) -> Floats:
    """What members would measure without error (q, N); (0, N) where no fact asks for it."""
    if not (facts.pointed and needs_points(given, 0, at.system.size, at.values)):
        return members[:0]
    return observe(at.system, at.schedule, members, time)


def _predictors(facts: Facts, system: System, members: Floats, predicted: Floats) -> Floats:
    """(m, N): without what a cycle adds; of facts that ask for what was not predicted, of no use."""
    ends = np.append(facts.heads[3], facts.index.size)
    d, out = system.size, np.zeros((len(facts.channels), members.shape[1]))
    for j, row in enumerate(out):
        for e in range(ends[j], ends[j + 1]):
            at = facts.index[e]
            if at < d or len(predicted):
                row += facts.weight[e] * (members[at] if at < d else predicted[at - d])
    return out


def _members(aware: Aware, at: Moment, state: Ensemble) -> tuple[Ensemble, int]:
    (facts, given), system, members = at.facts(aware.mechanisms), at.system, state.members
    d, count = members.shape
    with np.errstate(all="ignore"):
        predicted = _measured(at, facts, given, members, state.time)
        rows = np.concatenate([members, _predictors(facts, system, members, predicted)])
        error = error_sd(system, predicted) ** 2 if len(predicted) else np.zeros(len(system.noise))
    localization: Localization | None = getattr(aware.method, "localization", None)
    states, among = _near(localization, facts.channels, d)
    placeless, extra = np.zeros(0, dtype=np.int64), np.zeros((0, len(facts.channels)))
    if localization is not None and localization.sampling is not None:
        placeless = np.asarray(localization.placeless, dtype=np.int64)
        centred = rows - rows.mean(axis=1, keepdims=True)
        extra = np.ascontiguousarray(localization.sampling_weights(centred[placeless], centred[d:]))
    told = move_members(
        rows, d, given, 0, at.exposure, at.values, error, states.first, states.index, states.weight,
        among.first, among.index, among.weight, extra, placeless, np.empty(count),
    )  # fmt: skip
    if not (np.isfinite(told) and np.isfinite(rows[:d].sum())):
        return state, int(Code.NOT_FINITE)
    moved = np.ascontiguousarray(rows[:d])
    return replace(state, members=moved, log_likelihood=state.log_likelihood + float(told)), 0


@lru_cache(maxsize=8)
def _near(localization: Localization | None, channels: tuple[int, ...], states: int) -> tuple[Lists, Lists]:
    """For each mechanism the states, and the mechanisms, that its fact moves: those near the channel it is about."""
    if localization is None:
        return lists(np.ones((len(channels), states))), lists(np.ones((len(channels),) * 2))
    at: Indices = np.array(channels, dtype=np.int64)
    to_states = localization.state_taper.T[at].copy()
    if localization.sampling is not None:
        to_states[:, localization.placeless] = 0.0
    return lists(to_states), lists(localization.observed_taper[np.ix_(at, at)])


def _weighed(aware: Aware, at: Moment, state: Ensemble) -> tuple[Ensemble, int]:
    (facts, given), system, members = at.facts(aware.mechanisms), at.system, state.members
    with np.errstate(all="ignore"):
        predicted = _measured(at, facts, given, members, state.time)
        z = _predictors(facts, system, members, predicted)
        weight = np.zeros(members.shape[1])
        for j, one in enumerate(aware.mechanisms):
            y, added = at.values[facts.channels[j]], float(given[3][0, j])
            if not np.isnan(added):
                weight += log_likelihoods(system, one, added + z[j], added, y, predicted, at.exposure)
        before = uniform_log_weights(members.shape[1]) if state.log_weights is None else state.log_weights
        total = log_sum(before + weight)
    if not np.isfinite(total):
        return state, int(Code.DEGENERATE)
    after = before + weight - total
    equal = bool(np.all(after == after[0]))
    gain = state.log_likelihood + float(total)
    return replace(state, log_weights=None if equal else after, log_likelihood=gain), 0


def log_likelihoods(
    system: System, one: Mechanism, z: Floats, added: float, y: float, predicted: Floats, exposure: float
) -> Floats:
    """The log-probability (N,) of one fact for each member: z (N,) its predictor, `added` what it holds beside slopes,
    y the value, not-a-number where not measured, predicted (q, N) what members would measure without error."""
    measured = not np.isnan(y)
    if isinstance(one, Intensity):
        return -np.exp(z) * exposure + (z if measured else 0.0)
    if isinstance(one, SharedParameter):
        return log_probability(one.link, z, np.array(float(measured)))
    if measured:
        return np.full(z.shape, float(log_probability(one.link, np.array(added + one.slope * y), np.array(1.0))))
    channel = system.channels.index(one.observable)
    sd, cv = system.errors[:, channel]
    noise = one.slope**2 * (sd**2 + cv**2 * predicted[channel] ** 2)
    return log_expected(one.link, z, noise, np.array(0.0))
