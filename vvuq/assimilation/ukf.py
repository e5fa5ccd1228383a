"""The unscented Kalman filter over joint states and log parameters: init and step over frozen beliefs.

Times are irregular; scalar observations are taken one by one. A sample at the time of a dose is taken before the dose.
Learned parameters are positive by their logarithm, never by clipping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.models.kernels import observe_kernel, rhs_kernel
from vvuq.models.model import Model
from vvuq.models.parameter import Noise
from vvuq.models.schedule import Schedule, compile_grid, inputs_before
from vvuq.models.simulate import interval_steps, parameter_matrix
from vvuq.numerics import unscented
from vvuq.record import Belief, Diagnostics, Floats


@dataclass(frozen=True, slots=True)
class Filter:
    """What stays fixed over a patient's stay.

    theta (p,): all parameters, the learned ones' entries are ignored; learned: their names; noise: one for each
    observable; drift (d,): random-walk SD per square root of time for states and log parameters; step: of the
    integrator; kappa >= 0 (0: the centre has no weight)."""

    model: Model
    theta: Floats
    learned: tuple[str, ...]
    noise: tuple[Noise, ...]
    drift: Floats
    step: float
    kappa: float = 0.0

    def __post_init__(self) -> None:
        size = len(self.model.states) + len(self.learned)
        parameter_matrix(self.model, self.theta)
        if np.shape(self.drift) != (size,) or not np.all(np.asarray(self.drift) >= 0.0):
            raise InputError("filter", "drift", self.drift, f"{size} values >= 0")
        if len(self.noise) != len(self.model.observables):
            raise InputError("filter", "noise", self.noise, "one noise model for each observable")
        if not self.kappa >= 0.0:
            raise InputError("filter", "kappa", self.kappa, "a value >= 0, so that no weight is negative")


def init(
    filter_: Filter,
    start: float,
    log_mean: Mapping[str, float],
    log_covariance: Floats,
    x0: Floats | None = None,
    x0_root: Floats | None = None,
) -> Belief:
    """The belief before any observation: state x0 (default 0, known), log parameters normal with the given moments.

    log_covariance (k, k) is in the order of filter_.learned; InputError where it is not positive semidefinite."""
    n, k = len(filter_.model.states), len(filter_.learned)
    covariance = np.asarray(log_covariance, dtype=float)
    if covariance.shape != (k, k) or not np.allclose(covariance, covariance.T) or not np.all(np.isfinite(covariance)):
        raise InputError("belief", "log_covariance", covariance.tolist(), f"a symmetric {k} x {k} matrix")
    values, vectors = np.linalg.eigh(covariance)
    if k and values[0] < -1e-12 * max(values[-1], 1e-300):
        raise InputError("belief", "log_covariance", values.tolist(), "eigenvalues >= 0")
    root = np.zeros((n + k, n + k))
    root[:n, :n] = 0.0 if x0_root is None else x0_root
    root[n:, n:] = _lower_root(vectors * np.sqrt(np.clip(values, 0.0, None))) if k else 0.0
    mean = np.concatenate([np.zeros(n) if x0 is None else x0, [log_mean[name] for name in filter_.learned]])
    names = (*filter_.model.states, *(f"log {name}" for name in filter_.learned))
    return Belief(start, names, mean, root)


def _lower_root(root: Floats) -> Floats:
    """A lower-triangular matrix with the same product root root'."""
    return np.asarray(np.linalg.qr(root.T, mode="r")).T


def forecast(filter_: Filter, belief: Belief, schedule: Schedule, time: float) -> tuple[Belief, int]:
    """The belief carried to `time`, before any dose given then, and a code (numerics/codes.py)."""
    if time < belief.time:
        raise InputError("filter", "time", time, f"a time from the belief's, {belief.time}, on")
    if time == belief.time:
        return belief, 0
    model = filter_.model
    grid = compile_grid(model, schedule, [time], belief.time)
    mean, root = belief.mean.copy(), belief.root.copy()
    noise = np.diag(np.asarray(filter_.drift, dtype=float) * np.sqrt(time - belief.time))
    steps = interval_steps(grid.t, filter_.step)
    code = unscented.predict(
        rhs_kernel(model), mean, root, len(model.states), _learned(filter_), np.asarray(filter_.theta, dtype=float),
        grid.t, grid.u, grid.jump, steps, noise, filter_.kappa,
    )  # fmt: skip
    return Belief(time, belief.names, mean, root, belief.log_likelihood), int(code)


def update(
    filter_: Filter, belief: Belief, schedule: Schedule, observable: str, value: float
) -> tuple[Belief, Diagnostics]:
    """The belief conditioned on one measured value at its own time; not-a-number (missing) changes nothing."""
    model = filter_.model
    channel = model.observable_index(observable)
    noise = filter_.noise[channel]
    u = inputs_before(model, schedule, belief.time)
    mean, root, seen = belief.mean.copy(), belief.root.copy(), np.full(6, np.nan)
    code = unscented.update(
        observe_kernel(model), mean, root, len(model.states), _learned(filter_), np.asarray(filter_.theta, dtype=float),
        belief.time, u, channel, len(model.observables), value, noise.sd, noise.cv, filter_.kappa, seen,
    )  # fmt: skip
    gained = seen[4] if code == 0 and np.isfinite(value) else 0.0
    after = Belief(belief.time, belief.names, mean, root, belief.log_likelihood + gained)
    innovation, predicted, spread, nis, likelihood, least = (float(v) for v in seen)
    return after, Diagnostics(innovation, predicted, spread, nis, likelihood, least, int(code))


def step(
    filter_: Filter, belief: Belief, schedule: Schedule, time: float, observable: str, value: float
) -> tuple[Belief, Diagnostics]:
    """Forecast to `time`, then update. A failed forecast ends in its code with the belief as it was."""
    ahead, code = forecast(filter_, belief, schedule, time)
    if code != 0:
        nothing = float("nan")
        return belief, Diagnostics(nothing, nothing, nothing, nothing, nothing, nothing, code)
    return update(filter_, ahead, schedule, observable, value)


def _learned(filter_: Filter) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([filter_.model.parameter_index(name) for name in filter_.learned], dtype=np.int64)
