"""The unscented filter over a patient's whole record in one compiled call, equal to its steps one after another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from vvuq.assimilation.filtered import Filtered, Integers, filter_steps
from vvuq.assimilation.system import Observation, System, check_times, check_values
from vvuq.assimilation.transforms import Log, Logit
from vvuq.assimilation.ukf import Unscented, weights
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lanes import Lanes, lane_kernels, lane_width
from vvuq.models.schedule import Grid, Schedule, compile_grid, inputs_before
from vvuq.numerics.abreast import IDENTITY, LOG, LOGIT, unused
from vvuq.numerics.jit import Pointer
from vvuq.numerics.streams import Draws
from vvuq.numerics.unscented_record import unscented_record
from vvuq.record import Belief, Floats

Tier = Literal["lanes", "pointer"]


def filter_record(
    method: Unscented,
    system: System,
    schedule: Schedule,
    prior: Belief,
    observations: Sequence[Observation],
    *,
    roots: bool = False,
    tier: Tier = "lanes",
) -> Filtered:
    """The belief after each observation, in order of time, and what each cycle saw.

    roots: keeps the covariance root after each cycle. tier: "lanes" runs all sigma points side by side where the model
    has a straight-line form, else it is as "pointer", one run at a time; the results are the same. A cycle that fails
    leaves the belief as it was, and the next begins there. Raises InputError as the steps would."""
    if method.augmented:
        return filter_steps(method, system, schedule, prior, observations, Draws(0, "unused"), roots=roots)
    times, values = _measured(system, prior, observations)
    grid = compile_grid(system.model, schedule, times, prior.time)
    rows = np.flatnonzero(grid.record >= 0)[grid.rows]
    of = weights(method, system.size)
    lanes = lane_kernels(system.model, lane_width(of.mean.size)) if tier == "lanes" else None
    mean, root = prior.mean.astype(float), np.array(prior.root, dtype=float, order="C")
    cycles, q, d = len(observations), len(system.noise), system.size
    means, sds, kept = np.empty((cycles, d)), np.empty((cycles, d)), np.empty((cycles if roots else 0, d, d))
    seen, scalars, codes = np.empty((3, cycles, q)), np.empty((cycles, 3)), np.zeros(cycles, dtype=np.int64)
    unscented_record(
        *_model(system, lanes), grid.t, grid.u, grid.jump, _events(schedule, grid), rows,
        _first_inputs(system, schedule, prior.time, rows), system.step, *_parameters(system), *_operator(system),
        values, *_correlated(system, values), of.scale, of.mean, of.root, mean, root,
        means, sds, kept, seen, scalars, codes,
    )  # fmt: skip
    good = codes == 0
    total = np.cumsum([prior.log_likelihood, *scalars[good, 1]])[-1]
    end = float(times[1:][good][-1]) if good.any() else prior.time
    last = Belief(end, prior.names, mean, root, float(total), prior.cycle + int(good.sum()))
    return Filtered(
        times=times[1:],
        mean=means,
        sd=sds,
        roots=kept if roots else None,
        innovation=seen[0],
        predicted=seen[1],
        spread=seen[2],
        nis=scalars[:, 0],
        n=np.where(good, np.isfinite(values).sum(axis=1), 0),
        log_likelihood=scalars[:, 1],
        least_pivot=scalars[:, 2],
        ess=np.full(cycles, np.nan),
        inflation=np.where(good, 1.0, np.nan),
        codes=codes,
        last=last,
    )


def _measured(system: System, prior: Belief, observations: Sequence[Observation]) -> tuple[Floats, Floats]:
    """The times (T + 1,) from the prior's on, and the values (T, q)."""
    cycles, q = len(observations), len(system.noise)
    times = np.array([prior.time, *(one.time for one in observations)], dtype=float)
    if not (np.all(times[1:] >= times[:-1]) and np.all(times < np.inf)):
        for start, end in itertools.pairwise(times):
            check_times(float(start), float(end))
    arrays = [np.asarray(one.values, dtype=float) for one in observations]
    values = np.concatenate([np.zeros(0), *arrays]) if {array.shape for array in arrays} <= {(q,)} else np.zeros(0)
    if values.size != cycles * q or np.any(np.isinf(values)):
        for array in arrays:
            check_values(system, array)
    return times, values.reshape(cycles, q)


def _events(schedule: Schedule, grid: Grid) -> Integers:
    """1 at the boundaries where the schedule itself has an event: there an interval ends, sample or not."""
    of = [b.time for b in schedule.boluses] + [v for i in schedule.infusions for v in (i.start, i.stop)]
    return np.isin(grid.t, of + [level.time for level in schedule.levels]).astype(np.int64)


def _first_inputs(system: System, schedule: Schedule, time: float, rows: Integers) -> Floats:
    """The inputs that a sample at the very start sees, if there is one."""
    model = system.model
    if rows.size > 1 and rows[1] == 0:
        return inputs_before(model, schedule, time)
    return np.zeros(len(model.inputs) + len(model.covariates))


def _model(system: System, lanes: Lanes | None) -> tuple[Pointer, Pointer, Pointer, Pointer, int]:
    carry, see, field = unused()
    if lanes is None:
        return rhs_kernel(system.model), observe_kernel(system.model), carry, see, 0
    return field, field, lanes.carry, lanes.observe, lanes.width


def _parameters(system: System) -> tuple[Floats, Integers, Integers, Floats, Floats, Floats]:
    """Parameters, which of them are learned and how, the random walk, and the errors: as the kernel takes them."""
    learned = np.array([system.model.parameter_index(name) for name in system.learned], dtype=np.int64)
    kinds, bounds = np.full(learned.size, IDENTITY), np.zeros((learned.size, 2))
    for j, transform in enumerate(system.transforms):
        if isinstance(transform, Log):
            kinds[j] = LOG
        elif isinstance(transform, Logit):
            kinds[j], bounds[j] = LOGIT, (transform.low, transform.high)
    error = np.array([[noise.sd for noise in system.noise], [noise.cv for noise in system.noise]], dtype=float)
    theta, drift = np.array(system.theta, dtype=float), np.array(system.drift, dtype=float)
    return theta, learned, kinds, bounds, drift, error


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
