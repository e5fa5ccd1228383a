"""The unscented filter over a patient's whole record in one compiled call, equal to its steps one after another; aware
of what was measured and what not, if it is to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vvuq.assimilation.aware import Aware, Mechanism, facts_of, room_for
from vvuq.assimilation.filtered import Filtered, Integers, filter_steps
from vvuq.assimilation.straight import straight_record, suits
from vvuq.assimilation.system import Observation, Observations, System, check_times, check_values
from vvuq.assimilation.transforms import Log, Logit
from vvuq.assimilation.ukf import Unscented, weights
from vvuq.errors import InputError
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lanes import Lanes, lane_kernels
from vvuq.models.schedule import Grid, Schedule, compile_grid, event_times, inputs_before
from vvuq.numerics.abreast import IDENTITY, LOG, LOGIT, unused
from vvuq.numerics.jit import Pointer
from vvuq.numerics.streams import Draws
from vvuq.numerics.unscented import triangle
from vvuq.numerics.unscented_record import facts_part, parts, unscented_record
from vvuq.record import Belief, Floats

Tier = Literal["straight", "lanes", "pointer"]
_NONE, _EMPTY = np.zeros(0, dtype=np.int64), np.zeros((0, 0))
_NO_FACTS = (np.zeros((4, 0), dtype=np.int64), _NONE, np.zeros(0), _EMPTY), 0, _EMPTY


def filter_record(
    method: Unscented | Aware,
    system: System,
    schedule: Schedule,
    prior: Belief,
    observations: Sequence[Observation],
    *,
    roots: bool = False,
    tier: Tier = "lanes",
    walk: Walk | None = None,
) -> Filtered:
    """The belief after each observation, in order of time, and what each cycle saw.

    walk: walk_of() for this schedule, the prior's time and these times, where many parameters take the same one.

    roots: keeps the covariance root after each cycle. tier: "lanes" runs the sigma points side by side where the model
    has a wide form, else it is as "pointer", one run at a time; the results are the same. "straight" also writes the
    algebra out for the size at hand, up to 8 rows and 4 observables: seconds to compile, a third of the time to run,
    results equal to rounding. A cycle that fails leaves the belief as it was, and the next begins there. Raises
    InputError as the steps would."""
    plain, mechanisms = (method.method, method.mechanisms) if isinstance(method, Aware) else (method, ())
    if not isinstance(plain, Unscented):
        raise InputError("filter", "method", type(plain).__name__, "an unscented filter; filter_steps takes any")
    if plain.augmented:
        return filter_steps(method, system, schedule, prior, observations, Draws(0, "unused"), roots=roots)
    times, values, offsets = _measured(system, prior, observations)
    lanes = lane_kernels(system.model, weights(plain, system.size).mean.size) if tier != "pointer" else None
    walk = walk or walk_of(system, schedule, times)
    belief = prior.mean.astype(float), np.array(prior.root, dtype=float, order="C")
    found = _found(times.size - 1, system, roots)
    care = _care(plain, system, mechanisms, offsets, values.shape[0])
    work = _Work(plain, system, walk, values, belief, found, lanes, care)
    _run(work, straight=tier == "straight" and not mechanisms)
    mean, sd, kept, innovation, predicted, spread, numbers, codes = found
    good = codes == 0
    total = np.concatenate([[prior.log_likelihood], numbers[good, 1]]).cumsum()[-1]
    end = float(times[1:][good][-1]) if good.any() else prior.time
    return Filtered(
        times=times[1:],
        mean=mean,
        sd=sd,
        roots=kept if roots else None,
        innovation=innovation,
        predicted=predicted,
        spread=spread,
        nis=numbers[:, 0],
        n=np.where(good, values.shape[1] - np.isnan(values).sum(axis=1), 0),
        log_likelihood=numbers[:, 1],
        least_pivot=numbers[:, 2],
        ess=np.full(codes.size, np.nan),
        inflation=np.where(good, 1.0, np.nan),
        codes=codes,
        last=Belief(end, prior.names, *belief, float(total), prior.cycle + int(good.sum())),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Walk:
    """The way through a schedule, as the kernels take it: the grid of events and samples, the inputs that a sample at
    the very start sees, and where among the grid's boundaries the times stand."""

    grid: tuple[Any, ...]
    first: Floats
    rows: Integers


def walk_of(system: System, schedule: Schedule, times: Floats) -> Walk:
    """The way from times[0], where a belief stands, through the times of its observations; no parameter changes it."""
    grid, rows = _walk(system, schedule, times)
    first = _first_inputs(system, schedule, float(times[0]), rows)
    return Walk((grid.t, grid.u, grid.jump, grid.reset, _events(schedule, grid)), first, rows)


@dataclass(frozen=True, eq=False, slots=True)
class _Work:
    """What the kernels are given: values (T, q), the belief, which is carried on, and what is found."""

    method: Unscented
    system: System
    walk: Walk
    values: Floats
    belief: tuple[Floats, Floats]
    found: tuple[Any, ...]
    lanes: Lanes | None
    care: tuple[Any, ...]


def _care(
    method: Unscented, system: System, mechanisms: tuple[Mechanism, ...], offsets: Floats | None, cycles: int
) -> tuple[Any, ...]:
    """The facts as the kernel takes them: how a belief is conditioned on them, and what they are."""
    if not mechanisms:
        return facts_part(False), _NO_FACTS
    facts = facts_of(system, mechanisms)
    room = room_for(system, facts, weights(method, system.size).mean.size)
    return facts_part(True), (facts.given(offsets, cycles), int(facts.pointed), room)


def _run(work: _Work, *, straight: bool) -> None:
    """All cycles. What the kernel without loops leaves, the general one takes: one cycle first, then twice as many."""
    system, cycles = work.system, work.values.shape[0]
    walk, first, rows = work.walk.grid, work.walk.first, work.walk.rows
    drift, error, at = np.array(system.drift, dtype=float), _errors(system), rows[:1].copy()
    of = weights(work.method, system.size)
    side = lanes_for(system, of.mean.size, work.lanes)
    takes = [
        *parts(), *work.care, *_model(system, work.lanes), walk, first, rows, system.step, how_learned(system),
        _operator(system),
        (of.scale, of.mean, of.root), drift, error, work.values, *_correlated(system, work.values), work.belief,
        *_room(system, of.mean.size, side), work.found,
    ]  # fmt: skip
    if not (straight and work.lanes is not None and suits(system)):
        unscented_record(*takes, 0, cycles, at)
        return
    kernel, wide = _straight(system, of.mean.size, side[1].shape[1]), side[1].shape[1]
    padded = np.zeros((2, wide))
    padded[:, : of.mean.size] = of.mean, of.root
    room = np.zeros(system.size * wide), np.empty(len(system.learned) * wide), np.empty(len(system.noise) * wide)
    given = walk, first, rows, system.step, of.scale, padded.reshape(-1), drift, error, work.values, work.belief
    done, chunk = 0, 1
    while done < cycles:
        done = kernel(work.lanes.carry, work.lanes.observe, *given, *side[1:], *room, work.found, done, at)
        if done < cycles:
            unscented_record(*takes, done, min(done + chunk, cycles), at)
            done, chunk = min(done + chunk, cycles), 2 * chunk


def _straight(system: System, count: int, wide: int) -> Any:
    learned = [system.model.parameter_index(name) for name in system.learned]
    shares = tuple(noise.cv > 0.0 for noise in system.noise)
    sizes = system.states, len(system.noise), count, wide
    return straight_record(sizes, tuple(zip(learned, system.transforms, strict=True)), shares)


def _measured(
    system: System, prior: Belief, observations: Sequence[Observation]
) -> tuple[Floats, Floats, Floats | None]:
    """Times (T + 1,) from the prior's on, values (T, q), offsets (T, m) if any. Raises InputError as a step would."""
    q = len(system.noise)
    if not isinstance(observations, Observations):
        arrays = [check_values(system, one.values) for one in observations]
        times = np.array([one.time for one in observations], dtype=float)
        observations = Observations(
            times, np.array(arrays, dtype=float).reshape(len(arrays), q), _offsets(observations)
        )
    times, values = np.append(prior.time, observations.times), np.ascontiguousarray(observations.values)
    if values.shape[1] != q or np.isinf(values).any():
        for one in values:
            check_values(system, one)
    if not ((times[1:] >= times[:-1]).all() and times[-1] < np.inf):
        for start, end in zip(times, times[1:], strict=False):
            check_times(float(start), float(end))
    return times, values, observations.offsets


def _offsets(observations: Sequence[Observation]) -> Floats | None:
    """Of all observations, where one of them has some."""
    some = [one.offsets for one in observations if one.offsets is not None]
    if not some:
        return None
    none = np.zeros(np.size(some[0]))
    return np.array([none if one.offsets is None else one.offsets for one in observations], dtype=float)


def _walk(system: System, schedule: Schedule, times: Floats) -> tuple[Grid, Integers]:
    """The grid of events and samples, and where among its boundaries the times stand."""
    model = system.model
    if model.inputs or model.covariates or schedule != Schedule(schedule.start):
        grid = compile_grid(model, schedule, times, float(times[0]))
        return grid, np.flatnonzero(grid.record >= 0)[grid.rows]
    t, rows = np.unique(times, return_inverse=True)  # nothing ever happens
    none = np.zeros((max(t.size - 1, 1), 0)), np.zeros((t.size, system.states))
    return Grid(t, *none, np.arange(t.size), rows), rows.astype(np.int64)


def _events(schedule: Schedule, grid: Grid) -> Integers:
    """1 at the boundaries where the schedule itself has an event: there an interval ends, sample or not."""
    return np.isin(grid.t, event_times(schedule)).astype(np.int64)


def _first_inputs(system: System, schedule: Schedule, time: float, rows: Integers) -> Floats:
    """The inputs that a sample at the very start sees, if there is one."""
    count = len(system.model.inputs) + len(system.model.covariates)
    if count > 0 and rows.size > 1 and rows[1] == 0:
        return inputs_before(system.model, schedule, time)
    return np.zeros(count)


def _model(system: System, lanes: Lanes | None) -> tuple[Pointer, Pointer, Pointer, Pointer, int]:
    carry, see, field = unused()
    if lanes is None:
        return rhs_kernel(system.model), observe_kernel(system.model), carry, see, 0
    return field, field, lanes.carry, lanes.observe, lanes.width


def how_learned(system: System) -> tuple[Integers, Integers, Floats]:
    """Which parameters are learned, by which transform, and within which bounds."""
    learned = np.array([system.model.parameter_index(name) for name in system.learned], dtype=np.int64)
    kinds, bounds = np.full(learned.size, IDENTITY), np.zeros((learned.size, 2))
    for j, transform in enumerate(system.transforms):
        if isinstance(transform, Log):
            kinds[j] = LOG
        elif isinstance(transform, Logit):
            kinds[j], bounds[j] = LOGIT, (transform.low, transform.high)
    return learned, kinds, bounds


def _errors(system: System) -> Floats:
    """Additive SD and proportional share of each observable's error, and a row for the SD that they come to."""
    return np.array([[n.sd for n in system.noise], [n.cv for n in system.noise], [0.0 for _ in system.noise]])


def lanes_for(system: System, count: int, of: Lanes | None) -> tuple[Floats, Floats, tuple[Floats, ...]]:
    """Points (d, N), lanes (n + p, W), which hold the parameters, and these as kernels take them."""
    n, theta, empty = system.states, np.asarray(system.theta, dtype=float), np.empty
    width = count if of is None else of.count(count)
    lanes = empty((n + theta.size, width))
    lanes[n:] = theta[:, None]
    work = empty(0 if of is None else 6 * n * of.width)
    return empty((system.size, count)), lanes, (lanes[:n].reshape(-1), lanes[n:].reshape(-1), work, empty(width))


def _room(system: System, count: int, side: tuple[Floats, Floats, Any]) -> tuple[tuple[Any, ...], ...]:
    """What the kernel works in, laid out as numerics/unscented_record.py says: all of it, it allocates nothing."""
    n, d, q, empty = system.states, system.size, len(system.noise), np.empty
    theta, width = np.asarray(system.theta, dtype=float), side[1].shape[1]
    seen = empty((q, count if system.operator is not None else width))
    run = empty(n), theta.copy(), empty((5, n))
    sums = empty((count, d)), empty((d, d)), empty(max(d, q)), empty(d)
    looked = seen, seen.reshape(-1), empty(q)
    update = (
        empty((q, count)),
        empty(q),
        empty(q),
        empty(q),
        empty((q, d)),
        empty((count - d, q)),
        empty((q, q)),
        empty(d),
    )
    exact = triangle(count - d, d + q)
    return (empty(d), empty((d, d))), (empty(d), empty((d, d))), side, run, sums, looked, update, exact


def _found(cycles: int, system: System, roots: bool) -> tuple[Any, ...]:
    """Room for what is found, cycle by cycle."""
    d, q, empty = system.size, len(system.noise), np.empty
    kept = empty((cycles if roots else 0, d, d))
    three = empty((cycles, q)), empty((cycles, q)), empty((cycles, q))
    return empty((cycles, d)), empty((cycles, d)), kept, *three, empty((cycles, 3)), np.zeros(cycles, dtype=np.int64)


def _operator(system: System) -> tuple[Integers, Integers, Floats]:
    """The linear operator that observes in the model's place, in compressed rows; empty without one."""
    if system.operator is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    rows = system.operator
    return rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data.astype(float)


def _correlated(system: System, values: Floats) -> tuple[Integers, Floats]:
    """For each cycle which pattern of components it measured, and for each pattern the root of the correlation."""
    if system.correlation is None:
        return np.zeros(values.shape[0], dtype=np.int64), np.zeros((0, 0, 0))
    patterns, index = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    lowers = np.zeros((patterns.shape[0], values.shape[1], values.shape[1]))
    for one, measured in zip(lowers, patterns, strict=True):
        kept = np.flatnonzero(measured)
        correlation = np.asarray(system.correlation, dtype=float)[np.ix_(kept, kept)]
        one[: kept.size, : kept.size] = np.linalg.cholesky(correlation)
    return index.reshape(-1).astype(np.int64), lowers
