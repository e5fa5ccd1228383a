"""Population fit by maximum marginal likelihood, FOCE-I: typical values, variation between patients, residual error.

Personal parameters vary log-normally and independently; the others are shared. Errors: see estimates.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
from scipy.optimize import minimize

from vvuq.calibration.estimates import Estimate, estimates, gradient, named, noise_base
from vvuq.calibration.units import in_model_units
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import interval_steps
from vvuq.models.twin import Twin
from vvuq.models.variational import columns_for, observe_with_slopes, rhs_with_slopes, width_for, with_slopes
from vvuq.numerics.codes import Code
from vvuq.numerics.mixed_effects import population
from vvuq.record import Cohort, Floats, Patient

INNER_TOLERANCE = 1e-14  # Newton decrement: modes so tight that outer differences are smooth to 1e-7
INNER_LIMIT = 200
FARTHEST = 40.0  # a logarithm beyond this (1e17) is a search gone astray, where squares leave the range of numbers
Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Population:
    """What the fit found. theta (p,) typical parameters; omega (k,) SD of the log of each personal parameter between
    patients; noise_scale times the declared noise is the residual error; eta (patients, k) their modes.

    point (m,) and covariance (m, m) are on the unconstrained scale of the fit; empty without errors."""

    theta: Floats
    omega: Floats
    noise_scale: float
    objective: float
    start_objective: float
    estimates: tuple[Estimate, ...]
    eta: Floats
    patients: tuple[str, ...]
    concentrations: int
    evaluations: int
    cohort: Cohort | None = None  # what was handed to the fit, for whoever asks whom it has seen
    point: Floats = field(default_factory=lambda: np.zeros(0))
    covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True, slots=True)
class _Cases:
    """All patients as the kernel takes them, one behind the other (numerics/mixed_effects.py, `population`)."""

    boundaries: Integers
    t: Floats
    u: Floats
    jump: Floats
    resets: Integers
    reset: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    record: Integers
    steps: Integers
    samples: Integers
    rows: Integers
    channels: Integers
    y: Floats


@dataclass(frozen=True, slots=True)
class _Problem:
    twin: Twin
    cases: _Cases
    personal: Integers
    shared: Integers


def fit_population(
    twin: Twin,
    cohort: Cohort,
    *,
    errors: bool = True,
    start: Mapping[str, float] | None = None,
    sealed_allowed: bool = False,
) -> Population:
    """The FOCE-I fit of `twin` to all measurements of `cohort`; the same cohort is fitted once in a process.

    Without `errors` no standard errors are computed and `estimates` is empty. start: the estimates' names with the
    values to begin at (default: the priors' medians, 30 % variation, the declared noise).
    sealed_allowed: only for a comparison of codes whose estimates go nowhere else.

    Raises IntegrityError where a held-out patient would be fitted, NotEvaluable where there are too few patients or
    the fit does not converge, InputError for a start that does not name every estimate."""
    leaked = sum(patient.sealed for patient in cohort.patients)
    if leaked and not sealed_allowed:
        raise IntegrityError(f"leakage: {leaked} held-out patients of {cohort.name} reached a calibration")
    names = named(twin)
    if start is not None and set(start) != set(names):
        raise InputError(f"fit of {twin.name}", "start", sorted(start), f"a value for each of {', '.join(names)}")
    return _fitted(_Key(twin, cohort), errors, tuple(start[name] for name in names) if start else None)


class _Key:
    """Hashes a twin by its identity and a cohort by its digest."""

    def __init__(self, twin: Twin, cohort: Cohort) -> None:
        self.twin, self.cohort = twin, cohort

    def __hash__(self) -> int:
        return hash((id(self.twin), self.cohort.digest))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.twin is self.twin and other.cohort.digest == self.cohort.digest


@lru_cache(maxsize=256)
def _fitted(key: _Key, errors: bool, given: tuple[float, ...] | None) -> Population:
    problem = _problem(key.twin, key.cohort)
    eta = np.zeros((problem.cases.samples.size - 1, problem.personal.size))
    counter = [0]

    def by_patient(point: Floats) -> Floats:
        counter[0] += 1
        return contributions(problem, point, eta)

    def objective(point: Floats) -> float:
        return float(by_patient(point).sum())

    start = _start(problem) if given is None else _pack(problem, given)
    first = objective(start)
    fit = minimize(objective, start, jac=partial(gradient, objective), method="BFGS", options={"gtol": 1e-3})
    slope = float(np.abs(fit.jac).max())
    if not (np.isfinite(fit.fun) and slope < 0.05):
        raise NotEvaluable(f"the population fit of {key.twin.name} did not converge: {fit.message} (slope {slope:.2g})")
    found, covariance = estimates(key.twin, fit.x, by_patient) if errors else ((), np.zeros((0, 0)))
    contributions(problem, fit.x, eta)
    theta, omega, scale = unpack(problem, fit.x)
    count = problem.cases.y.size
    ids = tuple(p.id for p in key.cohort.patients if p.measurements)
    return Population(
        theta, omega, scale, float(fit.fun), first, found, eta, ids, count, counter[0], key.cohort,
        fit.x if errors else np.zeros(0), covariance,
    )  # fmt: skip


def _problem(twin: Twin, cohort: Cohort) -> _Problem:
    patients = [p for p in cohort.patients if p.measurements]
    personal = [twin.model.parameter_index(name) for name in twin.personal]
    if len(patients) < 2 * len(personal) + 1:
        raise NotEvaluable(
            f"{cohort.name}: {len(patients)} patients with measurements are too few for a population fit"
        )
    shared = [i for i in range(len(twin.model.parameters)) if i not in personal]
    cases = _cases(twin, cohort, patients)
    return _Problem(twin, cases, np.array(personal, dtype=np.int64), np.array(shared, dtype=np.int64))


def _cases(twin: Twin, cohort: Cohort, patients: Sequence[Patient]) -> _Cases:
    taken = [in_model_units(twin, cohort, p.measurements) for p in patients]
    schedules = [twin.schedule(cohort, p) for p in patients]
    grids = [compile_grid(twin.model, s, [m.time for m in ms]) for s, ms in zip(schedules, taken, strict=True)]
    samples, k = [m for ms in taken for m in ms], len(twin.personal)
    extended = [with_slopes(grid, columns_for(k), width_for(k)) for grid in grids]

    def ends(sizes: Sequence[int]) -> Integers:
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def padded(values: Floats, size: int) -> Floats:
        return np.concatenate([values, values[-1:]])[:size]

    steps = [np.append(interval_steps(g.t, twin.method.step, twin.method.least), 1) for g in grids]
    return _Cases(
        ends([g.t.size for g in grids]),
        np.concatenate([g.t for g in grids]),
        np.concatenate([padded(g.u, g.t.size) for g in grids]),
        np.concatenate([jump for jump, _ in extended]),
        ends([len(reset) for _, reset in extended]),
        np.concatenate([reset for _, reset in extended]),
        np.concatenate([g.record for g in grids]),
        np.concatenate(steps),
        ends([len(ms) for ms in taken]),
        np.concatenate([g.rows for g in grids]),
        np.array([twin.model.observable_index(m.observable) for m in samples], dtype=np.int64),
        np.array([m.value for m in samples]),
    )


def _start(problem: _Problem) -> Floats:
    """The priors' medians, 30 % variation between patients, the declared noise."""
    medians = np.array([p.prior.quantile(0.5) for p in problem.twin.model.parameters])
    return np.concatenate([
        np.log(medians[problem.personal]), medians[problem.shared],
        np.full(problem.personal.size, np.log(0.3)), [0.0],
    ])  # fmt: skip


def _pack(problem: _Problem, values: Sequence[float]) -> Floats:
    """The unconstrained point of values in the order of `named`. Raises InputError where one has to be positive."""
    point, kinds = np.array(values, dtype=float), _logarithmic(problem)
    if not (np.all(np.isfinite(point)) and np.all(point[kinds] > 0.0)):
        remedy = "finite values; personal parameters, their variation and the residual error above 0"
        raise InputError(f"fit of {problem.twin.name}", "start", list(values), remedy)
    point[-1] /= noise_base(problem.twin)
    point[kinds] = np.log(point[kinds])
    return point


def _logarithmic(problem: _Problem) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which entries of a point are logarithms: all but the shared parameters."""
    k, s = problem.personal.size, problem.shared.size
    return np.array([True] * k + [False] * s + [True] * (k + 1))


def unpack(problem: _Problem, point: Floats) -> tuple[Floats, Floats, float]:
    """theta (p,), omega (k,) and the noise scale of an unconstrained point."""
    return _unpack(problem.personal, problem.shared, point)


def _unpack(personal: Integers, shared: Integers, point: Floats) -> tuple[Floats, Floats, float]:
    k, s = personal.size, shared.size
    theta = np.empty(k + s)
    theta[personal] = np.exp(point[:k])
    theta[shared] = point[k : k + s]
    return theta, np.exp(point[k + s : 2 * k + s]), float(np.exp(point[-1]))


def drawn(twin: Twin, fit: Population, normals: Floats) -> tuple[Population, ...]:
    """Populations drawn from the fit's own errors, one for each column of the standard normals (m, draws): what else
    the cohort could have come from, by the normal approximation of the likelihood on the scale of the fit.

    Draws outside the bounds of a parameter are left out. Raises InputError for a fit without errors or normals of
    another size, NotEvaluable where no draw is left."""
    m = fit.point.size
    if m == 0 or normals.shape[0] != m:
        raise InputError(f"fit of {twin.name}", "normals", normals.shape, f"({m}, draws) for a fit with errors")
    personal = np.array([twin.model.parameter_index(name) for name in twin.personal], dtype=np.int64)
    shared = np.array([i for i in range(len(twin.model.parameters)) if i not in personal], dtype=np.int64)
    values, vectors = np.linalg.eigh(fit.covariance)
    root, out = vectors * np.sqrt(np.maximum(values, 0.0)), []
    for column in (fit.point[:, None] + root @ normals).T:
        theta, omega, scale = _unpack(personal, shared, column)
        if all(p.bounds[0] < value < p.bounds[1] for p, value in zip(twin.model.parameters, theta, strict=True)):
            out.append(replace(fit, theta=theta, omega=omega, noise_scale=scale))
    if not out:
        raise NotEvaluable(f"fit of {twin.name}: every draw from its errors leaves the bounds of a parameter")
    return tuple(out)


def marginal(problem: _Problem, point: Floats, eta: Floats) -> float:
    """-2 log marginal likelihood without n log 2 pi; infinite outside the bounds or where a patient fails.

    eta (patients, k) holds the modes: taken as start, left at the new modes."""
    return float(contributions(problem, point, eta).sum())


def contributions(problem: _Problem, point: Floats, eta: Floats) -> Floats:
    """`marginal`, patient by patient (patients,)."""
    model = problem.twin.model
    theta, omega, scale = unpack(problem, point)
    inside = all(p.bounds[0] < value < p.bounds[1] for p, value in zip(model.parameters, theta, strict=True))
    if not inside or np.abs(point[_logarithmic(problem)]).max() > FARTHEST:
        return np.full(len(eta), np.inf)
    sd = np.array([o.noise.sd * scale for o in model.observables])
    cv = np.array([o.noise.cv * scale for o in model.observables])
    width = width_for(problem.personal.size)
    rhs, observe = rhs_with_slopes(model, width), observe_with_slopes(model, width)
    c, result = problem.cases, np.empty(len(eta))
    code = population(
        rhs, observe, c.boundaries, c.t, c.u, c.jump, c.resets, c.reset, c.record, c.steps, c.samples, c.rows,
        c.channels, c.y, len(model.states), len(model.observables), width, theta, problem.personal, sd, cv, omega,
        INNER_TOLERANCE, INNER_LIMIT, eta, result,
    )  # fmt: skip
    if code != Code.OK:
        eta[:] = 0.0
        return np.full(len(eta), np.inf)
    return result
