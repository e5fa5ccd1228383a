"""A linear model with normal errors, and its exact posterior by conditioning one joint normal of all times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.assimilation.system import Observation, System, gaussian, process_sd, propagate
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter, Schedule
from vvuq.record import Belief, Floats


def rhs(t, x, u, theta, dx):
    a, b = x
    (k,) = theta
    dx[0] = -k * a + 0.3 * k * b
    dx[1] = k * a - 2 * k * b


def first(t, x, u, theta, y):
    y[0] = x[0]


def total(t, x, u, theta, y):
    y[0] = x[0] + x[1]


LINEAR = Model(
    name="linear",
    states={"a": "mg", "b": "mg"},
    inputs={},
    parameters=(Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test"),),
    observables=(Observable("first", "mg", first, Additive(0.5)), Observable("total", "mg", total, Additive(0.2))),
    rhs=rhs,
)
SEEN = np.array([[1.0, 0.0], [1.0, 1.0]])
MEAN, COVARIANCE = np.array([3.0, 1.0]), np.array([[1.0, 0.3], [0.3, 0.5]])


def linear(
    drift: tuple[float, float] = (0.3, 0.2), sd: tuple[float, float] = (0.5, 0.4), rho: float | None = None
) -> System:
    noise, correlation = tuple(Additive(v) for v in sd), None if rho is None else np.array([[1.0, rho], [rho, 1.0]])
    return System(LINEAR, np.array([0.3]), (), noise, np.array(drift), 0.25, (), correlation)


def prior(system: System) -> Belief:
    return gaussian(system, 0.0, MEAN, COVARIANCE)


def simulated(system: System, times: list[float], seed: int, missing: float = 0.0) -> tuple[Observation, ...]:
    """Observations of one draw from the system, each component missing with a given probability."""
    rng, before, found = np.random.default_rng(seed), 0.0, []
    x = rng.multivariate_normal(MEAN, COVARIANCE)
    errors = np.linalg.cholesky(error_covariance(system))
    for time in times:
        x = propagate(system, Schedule(), x[:, None], before, time)[0][:, 0]
        x, before = x + process_sd(system, before, time) * rng.standard_normal(2), time
        values = SEEN @ x + errors @ rng.standard_normal(2)
        found.append(Observation(time, np.where(rng.random(2) < missing, np.nan, values)))
    return tuple(found)


def error_covariance(system: System) -> Floats:
    sd = np.array([n.sd for n in system.noise])
    return np.outer(sd, sd) * (np.eye(2) if system.correlation is None else system.correlation)


@dataclass(frozen=True, eq=False)
class Exact:
    """Means (times, d) and covariances (times, d, d) at the prior's time and the observations'; the log-likelihood."""

    means: Floats
    covariances: Floats
    log_likelihood: float


def exact(system: System, observations: tuple[Observation, ...], seen: int | None = None) -> Exact:
    """Given the first `seen` observations (default: all), the posterior at every time: smoothed, filtered, forecast."""
    count, d = len(observations) + 1, 2
    mean, covariance = np.zeros(count * d), np.zeros((count * d, count * d))
    mean[:d], covariance[:d, :d] = MEAN, COVARIANCE
    before = 0.0
    for k, one in enumerate(observations, start=1):
        step, _ = propagate(system, Schedule(), np.eye(d), before, one.time)
        now, old, past = slice(k * d, (k + 1) * d), slice((k - 1) * d, k * d), slice(0, k * d)
        mean[now] = step @ mean[old]
        covariance[now, past] = step @ covariance[old, past]
        covariance[past, now] = covariance[now, past].T
        covariance[now, now] = step @ covariance[old, old] @ step.T + np.diag(process_sd(system, before, one.time) ** 2)
        before = one.time
    used = observations[: len(observations) if seen is None else seen]
    h = np.zeros((2 * len(used), count * d))
    for k in range(len(used)):
        h[2 * k : 2 * k + 2, (k + 1) * d : (k + 2) * d] = SEEN
    y = np.concatenate([np.zeros(0), *(one.values for one in used)])
    kept = ~np.isnan(y)
    h, y = h[kept], y[kept]
    spread = h @ covariance @ h.T + np.kron(np.eye(len(used)), error_covariance(system))[np.ix_(kept, kept)]
    gain, innovation = np.linalg.solve(spread, h @ covariance).T, y - h @ mean
    after, rest = mean + gain @ innovation, covariance - gain @ h @ covariance
    nis = innovation @ np.linalg.solve(spread, innovation)
    gained = -0.5 * (y.size * np.log(2 * np.pi) + np.linalg.slogdet(spread)[1] + nis)
    blocks = [rest[k * d : (k + 1) * d, k * d : (k + 1) * d] for k in range(count)]
    return Exact(after.reshape(count, d), np.array(blocks), float(gained))
