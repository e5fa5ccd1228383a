"""Population fit by maximum marginal likelihood, FOCE-I: typical values, variation between patients, residual error.

Personal parameters vary log-normally and independently; the others are shared. Standard errors come from the inverse
Hessian of the objective at the optimum (the R matrix), on the transformed scale, with intervals carried back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from vvuq.calibration.units import in_model_units
from vvuq.errors import NotEvaluable
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import interval_steps
from vvuq.models.twin import Twin
from vvuq.numerics.codes import Code
from vvuq.numerics.mixed_effects import population
from vvuq.record import Cohort, Floats, Patient

INNER_TOLERANCE = 1e-14  # Newton decrement: modes so tight that outer differences are smooth to 1e-7
INNER_LIMIT = 200
GRADIENT_STEP = 1e-4
HESSIAN_STEP = 2e-3
Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fitted quantity with its standard error and 95 % interval."""

    name: str
    unit: str
    meaning: str
    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Population:
    """What the fit found. theta (p,) typical parameters; omega (k,) SD of the log of each personal parameter between
    patients; noise_scale times the declared noise is the residual error; eta (patients, k) their modes."""

    theta: Floats
    omega: Floats
    noise_scale: float
    objective: float
    estimates: tuple[Estimate, ...]
    eta: Floats
    patients: tuple[str, ...]
    concentrations: int
    evaluations: int


@dataclass(frozen=True, slots=True)
class _Cases:
    """All patients as the kernel takes them, one behind the other (numerics/mixed_effects.py, `population`)."""

    boundaries: Integers
    t: Floats
    u: Floats
    jump: Floats
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


def fit_population(twin: Twin, cohort: Cohort, *, errors: bool = True) -> Population:
    """The FOCE-I fit of `twin` to all measurements of `cohort`; the same cohort is fitted once in a process.

    Without `errors` no standard errors are computed and `estimates` is empty.

    Raises NotEvaluable where there are too few patients or the fit does not converge."""
    return _fitted(_Key(twin, cohort), errors)


class _Key:
    """Hashes a twin by its identity and a cohort by its digest."""

    def __init__(self, twin: Twin, cohort: Cohort) -> None:
        self.twin, self.cohort = twin, cohort

    def __hash__(self) -> int:
        return hash((id(self.twin), self.cohort.digest))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.twin is self.twin and other.cohort.digest == self.cohort.digest


@lru_cache(maxsize=256)
def _fitted(key: _Key, errors: bool) -> Population:
    problem = _problem(key.twin, key.cohort)
    eta = np.zeros((problem.cases.samples.size - 1, problem.personal.size))
    counter = [0]

    def objective(point: Floats) -> float:
        counter[0] += 1
        return marginal(problem, point, eta)

    start = _start(problem)
    fit = minimize(objective, start, jac=partial(_gradient, objective), method="BFGS", options={"gtol": 1e-3})
    slope = float(np.abs(fit.jac).max())
    if not (np.isfinite(fit.fun) and slope < 0.05):
        raise NotEvaluable(f"the population fit of {key.twin.name} did not converge: {fit.message} (slope {slope:.2g})")
    estimates = _estimates(problem, fit.x, _hessian(objective, fit.x)) if errors else ()
    marginal(problem, fit.x, eta)
    theta, omega, scale = unpack(problem, fit.x)
    count = problem.cases.y.size
    ids = tuple(p.id for p in key.cohort.patients if p.measurements)
    return Population(theta, omega, scale, float(fit.fun), estimates, eta, ids, count, counter[0])


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
    samples = [m for ms in taken for m in ms]

    def ends(sizes: Sequence[int]) -> Integers:
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def padded(values: Floats, size: int) -> Floats:
        return np.concatenate([values, values[-1:]])[:size]

    steps = [np.append(interval_steps(g.t, twin.method.step), 1) for g in grids]
    return _Cases(
        ends([g.t.size for g in grids]),
        np.concatenate([g.t for g in grids]),
        np.concatenate([padded(g.u, g.t.size) for g in grids]),
        np.concatenate([g.jump for g in grids]),
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


def unpack(problem: _Problem, point: Floats) -> tuple[Floats, Floats, float]:
    """theta (p,), omega (k,) and the noise scale of an unconstrained point."""
    k, s = problem.personal.size, problem.shared.size
    theta = np.empty(k + s)
    theta[problem.personal] = np.exp(point[:k])
    theta[problem.shared] = point[k : k + s]
    return theta, np.exp(point[k + s : 2 * k + s]), float(np.exp(point[-1]))


def marginal(problem: _Problem, point: Floats, eta: Floats) -> float:
    """-2 log marginal likelihood without n log 2 pi; infinite outside the bounds or where a patient fails.

    eta (patients, k) holds the modes: taken as start, left at the new modes."""
    model = problem.twin.model
    theta, omega, scale = unpack(problem, point)
    if any(not p.bounds[0] < value < p.bounds[1] for p, value in zip(model.parameters, theta, strict=True)):
        return np.inf
    sd = np.array([o.noise.sd * scale for o in model.observables])
    cv = np.array([o.noise.cv * scale for o in model.observables])
    rhs, observe = rhs_kernel(model, complex_numbers=True), observe_kernel(model, complex_numbers=True)
    c, result = problem.cases, np.empty(len(eta))
    code = population(
        rhs, observe, c.boundaries, c.t, c.u, c.jump, c.record, c.steps, c.samples, c.rows, c.channels, c.y,
        len(model.states), len(model.observables), theta, problem.personal, sd, cv, omega,
        INNER_TOLERANCE, INNER_LIMIT, eta, result,
    )  # fmt: skip
    if code != Code.OK:
        eta[:] = 0.0
        return np.inf
    return float(result.sum())


def _gradient(objective: Callable[[Floats], float], point: Floats) -> Floats:
    out = np.empty(point.size)
    for i in range(point.size):
        step = np.zeros(point.size)
        step[i] = GRADIENT_STEP
        out[i] = (objective(point + step) - objective(point - step)) / (2.0 * GRADIENT_STEP)
    return out


def _hessian(objective: Callable[[Floats], float], point: Floats) -> Floats:
    out = np.empty((point.size, point.size))
    steps = HESSIAN_STEP * np.eye(point.size)
    for i in range(point.size):
        for j in range(i + 1):
            a, b = steps[i], steps[j]
            corners = objective(point + a + b) - objective(point + a - b) - objective(point - a + b)
            out[i, j] = out[j, i] = (corners + objective(point - a - b)) / (4.0 * HESSIAN_STEP**2)
    return out


def _estimates(problem: _Problem, point: Floats, hessian: Floats) -> tuple[Estimate, ...]:
    values = np.linalg.eigvalsh(hessian)
    if not values[0] > 0.0:
        raise NotEvaluable(f"the population fit of {problem.twin.name} has no curvature in one direction: {values}")
    errors = np.sqrt(np.diag(np.linalg.inv(hessian / 2.0)))
    z = float(ndtri(0.975))
    model = problem.twin.model
    personal = [model.parameters[i] for i in problem.personal]
    shared = [model.parameters[i] for i in problem.shared]
    rows = [(p.name, p.unit, p.meaning, True) for p in personal] + [(p.name, p.unit, p.meaning, False) for p in shared]
    rows += [(f"omega_{p.name}", "1", f"SD between patients of log {p.name}", True) for p in personal]
    noise = model.observables[0].noise
    rows += [("sigma", "1", "SD of the residual error, relative to the concentration", True)]
    out = []
    for (name, unit, meaning, logarithmic), x, e in zip(rows, point, errors, strict=True):
        base = (noise.cv or noise.sd) if name == "sigma" else 1.0
        to = (lambda v, b=base: b * float(np.exp(v))) if logarithmic else float
        se = to(x) * e if logarithmic else e
        out.append(Estimate(name, unit, meaning, to(x), float(se), to(x - z * e), to(x + z * e)))
    return tuple(out)
