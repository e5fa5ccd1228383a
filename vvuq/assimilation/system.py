"""A model as every filter sees it: a vector of states and learned parameters that is carried on, and observed.

Rows are the states, then the learned parameters on the whole line (transforms.py). Members are columns.
A sample at the time of a dose is taken before the dose. Times are irregular; what was not measured is not-a-number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from vvuq.assimilation.transforms import Log, Transform
from vvuq.errors import InputError
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.lanes import Lanes, lane_kernels
from vvuq.models.model import Model
from vvuq.models.parameter import Noise
from vvuq.models.schedule import Grid, Schedule, compile_grid, inputs_before
from vvuq.models.simulate import interval_steps, parameter_matrix
from vvuq.numerics.codes import Code
from vvuq.numerics.reset import reset_lanes
from vvuq.numerics.rk4 import observe_paths, rk4_paths
from vvuq.record import Belief, Floats

Codes = np.ndarray[tuple[int], np.dtype[np.int64]]
MUCH = 50_000  # states x members x steps from which on the compilation of lanes is worth it


@dataclass(frozen=True, eq=False)
class System:
    """What stays fixed over a patient's stay.

    theta (p,): all parameters; the entries of learned ones are ignored. learned: their names; transforms: one for each
    (default: logarithms). noise: one for each of the q observables; correlation (q, q) of their errors, None where they
    are independent. drift (d,): random-walk SD per square root of time of states and transformed parameters. step: of
    the integrator. operator (q, d): a linear observation in place of the model's observables, for large states."""

    model: Model
    theta: Floats
    learned: tuple[str, ...]
    noise: tuple[Noise, ...]
    drift: Floats
    step: float
    transforms: tuple[Transform, ...] = ()
    correlation: Floats | None = None
    operator: csr_array | None = None

    def __post_init__(self) -> None:
        parameter_matrix(self.model, self.theta)
        for name in self.learned:
            self.model.parameter_index(name)
        if len(set(self.learned)) != len(self.learned):
            raise InputError("filter", "learned", self.learned, "each parameter once")
        if not self.transforms:
            object.__setattr__(self, "transforms", tuple(Log() for _ in self.learned))
        if len(self.transforms) != len(self.learned):
            raise InputError("filter", "transforms", self.transforms, "one for each learned parameter")
        drift = np.asarray(self.drift, dtype=float)
        if drift.shape != (self.size,) or not np.all((drift >= 0.0) & (drift < np.inf)):
            raise InputError("filter", "drift", self.drift, f"{self.size} values >= 0")
        if not (self.step > 0.0 and np.isfinite(self.step)):
            raise InputError("filter", "step", self.step, "a positive step")
        q = len(self.model.observables) if self.operator is None else self.operator.shape[0]
        if len(self.noise) != q:
            raise InputError("filter", "noise", self.noise, f"one noise model for each of {q} observables")
        if not all(0.0 <= n.sd < np.inf and 0.0 <= n.cv < np.inf for n in self.noise):
            raise InputError("filter", "noise", self.noise, "finite sd >= 0 and cv >= 0")
        if self.operator is not None and self.operator.shape[1] != self.size:
            raise InputError("filter", "operator", self.operator.shape, f"({q}, {self.size})")
        if self.correlation is not None:
            _check_correlation(np.asarray(self.correlation, dtype=float), q)

    @property
    def states(self) -> int:
        """How many states the model has."""
        return len(self.model.states)

    @property
    def size(self) -> int:
        """How many rows a belief has: states and learned parameters."""
        return len(self.model.states) + len(self.learned)

    @cached_property
    def errors(self) -> Floats:
        """(2, q): SD of the additive part, and share of the proportional part, of each observable's error."""
        return np.array([[n.sd for n in self.noise], [n.cv for n in self.noise]])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rows of a belief."""
        pairs = zip(self.learned, self.transforms, strict=True)
        return (*self.model.states, *(transform.label(name) for name, transform in pairs))

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """The names of what is measured: the model's observables, or the rows of the operator, counted from 0."""
        if self.operator is not None:
            return tuple(str(i) for i in range(self.operator.shape[0]))
        return tuple(one.name for one in self.model.observables)


@dataclass(frozen=True, slots=True)
class Observation:
    """Measured values (q,) at one time, in the order of the observables; not-a-number where one was not measured.

    offsets (m,): what the record so far adds to the predictor of each mechanism of an aware filter (aware.py), and
    not-a-number where nothing was decided; None: 0 for all."""

    time: float
    values: Floats
    offsets: Floats | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Observations(Sequence[Observation]):
    """Many observations as arrays: times (T,), values (T, q), offsets (T, m) or None; for filters of whole records."""

    times: Floats
    values: Floats
    offsets: Floats | None = None

    def __post_init__(self) -> None:
        times, values = np.asarray(self.times, dtype=float), np.asarray(self.values, dtype=float)
        if times.ndim != 1 or values.ndim != 2 or times.size != values.shape[0]:
            raise InputError("observations", "values", (times.shape, values.shape), "(T,) times and (T, q) values")
        if self.offsets is not None and np.shape(self.offsets)[:1] != times.shape:
            raise InputError("observations", "offsets", np.shape(self.offsets), f"a row for each of {times.size} times")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return int(self.times.size)

    @overload
    def __getitem__(self, index: int) -> Observation: ...

    @overload
    def __getitem__(self, index: slice) -> Observations: ...

    def __getitem__(self, index: int | slice) -> Observation | Observations:
        offsets = None if self.offsets is None else self.offsets[index]
        if isinstance(index, slice):
            return Observations(self.times[index], self.values[index], offsets)
        return Observation(float(self.times[index]), self.values[index], offsets)


def observation(system: System, time: float, measured: Mapping[str, float]) -> Observation:
    """The observation that holds `measured` values by the name of their observable."""
    values = np.full(len(system.noise), np.nan)
    for name, value in measured.items():
        values[system.model.observable_index(name)] = value
    return Observation(time, values)


def gaussian(system: System, time: float, mean: Floats, covariance: Floats) -> Belief:
    """The belief before any observation, of given mean (d,) and covariance (d, d), which may be singular.

    Raises InputError for a wrong shape, what is not finite, a covariance that is not symmetric and semidefinite."""
    mean, covariance = np.array(mean, dtype=float), np.array(covariance, dtype=float)
    d = system.size
    if mean.shape != (d,) or not np.all(np.isfinite(mean)):
        raise InputError("belief", "mean", mean.tolist(), f"{d} finite values: {', '.join(system.names[:20])}")
    if covariance.shape != (d, d) or not np.all(np.isfinite(covariance)) or not np.allclose(covariance, covariance.T):
        raise InputError("belief", "covariance", covariance.shape, f"a finite symmetric {d} x {d} matrix")
    return Belief(time, system.names, mean, _lower_root(covariance))


def _lower_root(covariance: Floats) -> Floats:
    """The lower-triangular matrix with a diagonal >= 0 whose product root root' is the covariance, singular or not."""
    try:
        return np.asarray(np.linalg.cholesky(covariance), dtype=float)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-12 * max(values[-1], 1e-300):
        raise InputError("belief", "covariance", float(values[0]), "eigenvalues >= 0")
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    lower = np.asarray(np.linalg.qr(root.T, mode="r")).T
    return np.ascontiguousarray(lower * np.where(np.diag(lower) < 0.0, -1.0, 1.0))


def propagate(system: System, schedule: Schedule, members: Floats, start: float, end: float) -> tuple[Floats, Codes]:
    """Members (d, N) carried from start to end without process noise, and a code for each (numerics/codes.py).

    A dose at `start` is given, one at `end` is not yet. A member that failed holds not-a-number. Where there is much to
    compute, members run side by side (tier 2), to the same last bit."""
    check_times(start, end)
    n, count = system.states, members.shape[1]
    members, codes = np.asarray(members, dtype=float), np.zeros(count, dtype=np.int64)
    if end == start:
        return members.copy(order="C"), codes
    grid = grid_between(system.model, schedule, start, end)
    steps = interval_steps(grid.t, system.step)
    if n * count * steps.sum() >= MUCH and (of := lane_kernels(system.model, count)) is not None:
        return abreast(system, of, members, grid, steps)
    after, out = members.copy(order="C"), np.empty((1, n, count))
    record = np.full(grid.t.size, -1, dtype=np.int64)
    record[-1] = 0
    walk = grid.t, grid.u, grid.jump, grid.reset, record, steps
    rk4_paths(rhs_kernel(system.model), after[:n], parameters(system, after), *walk, out, codes)
    after[:n] = out[0]
    return after, codes


def abreast(system: System, of: Lanes, members: Floats, grid: Grid, steps: Codes) -> tuple[Floats, Codes]:
    """propagate() by the kernels of lanes, over a grid of events."""
    n, count, wide = system.states, members.shape[1], of.count(members.shape[1])
    source = np.ascontiguousarray(members)
    if wide != count:  # the last lanes repeat the last member
        source = np.concatenate([source, np.repeat(source[:, -1:], wide - count, axis=1)], axis=1)
    after = np.empty_like(source)
    after[n:] = source[n:]
    few = of.width if not system.learned else wide
    theta = np.ascontiguousarray(parameters(system, source[:, :few])).reshape(-1)
    x, work, finite = after[:n].reshape(-1), np.empty(6 * n * of.width), np.empty(wide)
    for s, taken in enumerate(steps):
        if grid.jump[s].any() or s in grid.reset[:, 0]:
            source = source.copy() if s == 0 else after
            reset_lanes(source[:n], grid.reset, s)
            source[:n] += grid.jump[s][:, None]
        begin = source[:n].reshape(-1) if s == 0 else x
        of.carry.kernel(grid.t[s], grid.t[s + 1], taken, grid.u[s], begin, x, theta, few, wide, wide, work, finite)
    codes = np.where(np.isfinite(finite[:count]), 0, int(Code.NOT_FINITE))
    after = after[:, :count] if wide == count else after[:, :count].copy()
    after[:n, codes != 0] = np.nan
    return after, codes


def observe(system: System, schedule: Schedule, members: Floats, time: float) -> Floats:
    """What each member (d, N) would measure at `time` without error: (q, N)."""
    if system.operator is not None:
        return np.ascontiguousarray(system.operator @ members)
    model, n = system.model, system.states
    u = inputs_before(model, schedule, time) if _has_events(model, schedule) else np.zeros(0)
    out = np.empty((1, len(model.observables), members.shape[1]))
    work = np.empty(n), np.empty(len(model.parameters)), np.empty(len(model.observables))
    states = np.ascontiguousarray(members[None, :n])
    one = np.zeros(1, dtype=np.int64)
    kernel, times = observe_kernel(model), np.array([float(time)])
    observe_paths(kernel, times, u[None, :], one, parameters(system, members), states, out, *work)
    return out[0]


def parameters(system: System, members: Floats) -> Floats:
    """All parameters of each member (p, N), the learned ones transformed back."""
    theta = np.repeat(np.asarray(system.theta, dtype=float)[:, None], members.shape[1], axis=1)
    for j, (name, transform) in enumerate(zip(system.learned, system.transforms, strict=True)):
        theta[system.model.parameter_index(name)] = transform.back(members[system.states + j])
    return theta


def process_sd(system: System, start: float, end: float) -> Floats:
    """The SD (d,) of what the random walk adds to each row from start to end."""
    return np.asarray(system.drift, dtype=float) * np.sqrt(end - start)


def error_sd(system: System, predicted: Floats) -> Floats:
    """The SD (q,) of each observable's measurement error, given what members would measure, (q, N).

    A proportional error takes the mean square over the members: its variance is sd^2 + cv^2 E[h^2]."""
    return error_sd_by(system, np.mean(predicted**2, axis=1))


def error_sd_by(system: System, mean_square: Floats) -> Floats:
    """error_sd() by the mean squares E[h^2] (q,)."""
    sd, cv = system.errors
    return np.sqrt(sd**2 + cv**2 * mean_square)


@dataclass(frozen=True, slots=True)
class Whitened:
    """The measured components, scaled so that their errors are independent with variance 1.

    values (m,) and predicted (m, N) are y and h after the scaling; log_scale is what a log-density in whitened units
    must be lowered by to be one in the units of the data; kept (m,) are the indices of the measured observables."""

    values: Floats
    predicted: Floats
    log_scale: float
    kept: np.ndarray[tuple[int], np.dtype[np.intp]]


def whiten(system: System, predicted: Floats, sd: Floats, values: Floats, *, out: Floats | None = None) -> Whitened:
    """Leaves out what was not measured, and whitens the errors of the rest: predicted (q, N), sd and values (q,).

    out (m, N): where the whitened predicted are to be written, if anywhere. With correlated errors the
    whitened components are mixtures of observables, without a place of their own.
    Raises InputError for an infinite value or a measured component without error."""
    if np.any(np.isinf(values)):
        raise InputError("observation", "values", values.tolist(), "finite values, not-a-number where not measured")
    kept = np.flatnonzero(~np.isnan(values))
    if not np.all(sd[kept] > 0.0):
        raise InputError("filter", "noise", sd[kept].tolist(), "an error SD above 0 for what was measured")
    rows = predicted if kept.size == values.size else predicted[kept]
    y, h, scale = values[kept] / sd[kept], np.divide(rows, sd[kept, None], out=out), float(np.log(sd[kept]).sum())
    if system.correlation is None or kept.size == 0:
        return Whitened(y, h, scale, kept)
    lower = np.linalg.cholesky(np.asarray(system.correlation, dtype=float)[np.ix_(kept, kept)])
    scale += float(np.log(np.diag(lower)).sum())
    mixed = _solved(lower, h)
    if out is not None:
        out[:] = mixed
    return Whitened(_solved(lower, y), mixed if out is None else out, scale, kept)


def _solved(lower: Floats, right: Floats) -> Floats:
    return np.ascontiguousarray(solve_triangular(lower, right, lower=True), dtype=float)


def check_times(start: float, end: float) -> None:
    """InputError where `end` is not a time from `start` on."""
    if not (start <= end < np.inf):
        raise InputError("filter", "time", end, f"a finite time from the belief's, {start}, on")


def check_values(system: System, values: Floats) -> Floats:
    """Measured values as floats (q,), or InputError."""
    values = np.asarray(values, dtype=float)
    if values.shape != (len(system.noise),):
        raise InputError("observation", "values", values.shape, f"({len(system.noise)},): one for each observable")
    if np.any(np.isinf(values)):
        raise InputError("observation", "values", values.tolist(), "finite values, not-a-number where not measured")
    return values


def grid_between(model: Model, schedule: Schedule, start: float, end: float) -> Grid:
    """The grid of events from start to end; at once where nothing ever happens."""
    if _has_events(model, schedule):
        return compile_grid(model, schedule, [end], start)
    last = np.array([-1, 0], dtype=np.int64)
    none, zero = np.zeros((1, 0)), np.zeros(1, dtype=np.int64)
    return Grid(np.array([start, end], dtype=float), none, np.zeros((2, len(model.states))), last, zero)


def _has_events(model: Model, schedule: Schedule) -> bool:
    return bool(model.inputs or model.covariates or schedule != Schedule(schedule.start))


def with_parameters(system: System, theta: Floats) -> System:
    """The same system with other values of its fixed parameters."""
    return replace(system, theta=theta)


def _check_correlation(matrix: Floats, q: int) -> None:
    shaped = matrix.shape == (q, q) and bool(np.all(np.isfinite(matrix)))
    if not (shaped and np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)):
        raise InputError(
            "filter", "correlation", matrix.shape, f"a symmetric {q} x {q} matrix with ones on the diagonal"
        )
    if np.linalg.eigvalsh(matrix)[0] <= 0.0:
        raise InputError("filter", "correlation", float(np.linalg.eigvalsh(matrix)[0]), "a positive definite matrix")
