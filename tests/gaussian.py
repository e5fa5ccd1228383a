"""Random linear systems of four states with normal errors, and their exact filter and smoother in 40 digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import mpmath
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vvuq.assimilation.system import Observation, System, gaussian, process_sd
from vvuq.models import Additive, Bolus, LogNormal, Model, Observable, Parameter, Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats

D = 4
STEP, DOSE, DIGITS = 0.25, 7.0, 40
Exactly = NDArray[np.object_]
UNUSED = Draws(0, "unused")
SCHEDULE = Schedule(boluses=(Bolus(0.0, "x0", DOSE),))


def dense_rhs(t, x, u, theta, dx):
    for i in range(D):
        dx[i] = theta[D * i] * x[0]
        for j in range(1, D):
            dx[i] = dx[i] + theta[D * i + j] * x[j]


def head(t, x, u, theta, y):
    y[0] = x[0]


@lru_cache(maxsize=1)
def dense() -> Model:
    """Four states, each driven by all: x' = M x, the rows of M one after the other in theta."""
    rates = tuple(Parameter(f"m{i}{j}", "1/h", LogNormal(0.1, 0.5), source="test") for i in range(D) for j in range(D))
    return Model(
        name="dense",
        states={f"x{i}": "mg" for i in range(D)},
        inputs={},
        parameters=rates,
        observables=(Observable("head", "mg", head, Additive(0.5)),),
        rhs=dense_rhs,
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A system with its prior and observations, and the same in matrices: M of x' = M x, H, R."""

    system: System
    prior: Belief
    observations: tuple[Observation, ...]
    rates: Floats
    seen: Floats
    error: Floats

    def covariance(self) -> Floats:
        """The prior's."""
        return self.prior.root @ self.prior.root.T

    def transition(self, start: float, end: float) -> Floats:
        """What RK4 in steps of at most STEP does to x' = M x: its stability polynomial, step by step."""
        steps = max(1, int(np.ceil((end - start) / STEP - 1e-9)))
        z = self.rates * (end - start) / steps
        one = np.eye(D) + z + z @ z / 2 + z @ z @ z / 6 + z @ z @ z @ z / 24
        return np.asarray(np.linalg.matrix_power(one, steps))

    def given(self, k: int) -> Floats:
        """The dose before observation k."""
        return DOSE * np.eye(D)[0] * (k == 0)

    def noise(self, start: float, end: float) -> Exactly:
        """The covariance of the random walk's noise."""
        return precise(np.diag(process_sd(self.system, start, end))) ** 2


def case(
    seed: int, *, q: int = 3, rank: int = D, correlated: bool = True, missing: float = 0.3, count: int = 5
) -> Case:
    """A random system with growing and decaying modes, irregular times, and components missing at random."""
    rng = np.random.default_rng(seed)
    rates, seen = 0.3 * rng.normal(size=(D, D)), rng.normal(size=(q, D))
    mixture = rng.normal(size=(q, q)) + 2.0 * np.eye(q)
    error = mixture @ mixture.T * np.outer(*[10.0 ** rng.uniform(-2, 1, q)] * 2)
    sd = np.sqrt(np.diag(error))
    noise = tuple(Additive(float(v)) for v in sd)
    correlation = error / np.outer(sd, sd) if correlated else None
    error = error if correlated else np.diag(sd**2)
    drift = rng.uniform(0.1, 1.0, D) * (rng.random(D) < 0.7)
    system = System(dense(), rates.ravel(), (), noise, drift, STEP, correlation=correlation, operator=csr_array(seen))
    root = rng.normal(size=(D, rank))
    prior = gaussian(system, 0.0, rng.normal(3.0, 3.0, D), root @ root.T)
    times = np.cumsum(rng.exponential(1.0, count) + 0.01)
    values = np.where(rng.random((count, q)) < missing, np.nan, rng.normal(3.0, 5.0, (count, q)))
    observations = tuple(Observation(float(t), y) for t, y in zip(times, values, strict=True))
    return Case(system, prior, observations, rates, seen, error)


def precise(array) -> Exactly:
    """The same numbers with DIGITS digits: sums and products of such arrays carry them on."""
    with mpmath.workdps(DIGITS):
        return np.vectorize(mpmath.mpf, otypes=[object])(array)


def rounded(mean: Exactly, covariance: Exactly) -> tuple[Floats, Floats]:
    return mean.astype(float), covariance.astype(float)


def conditioned(
    of: Case, mean: Exactly, covariance: Exactly, rows: Exactly, y: Floats
) -> tuple[Exactly, Exactly, float]:
    """Mean, covariance and log-density given y = rows x + e, e ~ N(0, R), taken one by one once R is whitened."""
    kept = np.flatnonzero(~np.isnan(y))
    if kept.size == 0:
        return mean, covariance, 0.0
    lower = mpmath.cholesky(mpmath.matrix(of.error[np.ix_(kept, kept)].tolist()))
    white = np.array(lower**-1).reshape(kept.size, kept.size)
    likelihood = mpmath.log(abs(mpmath.det(lower**-1)))
    for h, value in zip(white @ rows[kept], white @ precise(y[kept]), strict=True):
        moved = covariance @ h
        spread, innovation = h @ moved + 1, value - h @ mean
        likelihood -= (mpmath.log(2 * mpmath.pi * spread) + innovation**2 / spread) / 2
        mean, covariance = mean + moved * (innovation / spread), covariance - np.outer(moved, moved) / spread
    return mean, covariance, float(likelihood)


def exact(of: Case) -> tuple[list[tuple[Floats, Floats]], float]:
    """Filtered means and covariances, the prior's first, and the log-likelihood, by the covariance form."""
    with mpmath.workdps(DIGITS):
        root = precise(of.prior.root)
        mean, covariance, time, total = precise(of.prior.mean), root @ root.T, 0.0, 0.0
        found = [rounded(mean, covariance)]
        for k, one in enumerate(of.observations):
            step, noise = precise(of.transition(time, one.time)), of.noise(time, one.time)
            mean, covariance = step @ (mean + precise(of.given(k))), step @ covariance @ step.T + noise
            mean, covariance, gained = conditioned(of, mean, covariance, precise(of.seen), one.values)
            found.append(rounded(mean, covariance))
            time, total = one.time, total + gained
    return found, total


def filtered(of: Case, method) -> list[Belief]:
    """The beliefs of a filter, the prior's first."""
    beliefs = [method.init(of.prior, UNUSED)]
    for one in of.observations:
        belief, seen = method.step(of.system, SCHEDULE, beliefs[-1], one, UNUSED)
        assert seen.code == 0
        beliefs.append(belief)
    return beliefs


def jointly(of: Case) -> list[tuple[Floats, Floats]]:
    """Smoothed means and covariances at the prior's time and the observations', from one joint normal of all times."""
    blocks = [slice(k * D, (k + 1) * D) for k in range(len(of.observations) + 1)]
    with mpmath.workdps(DIGITS):
        mean, covariance = precise(np.zeros(len(blocks) * D)), precise(np.zeros((len(blocks) * D,) * 2))
        root, time = precise(of.prior.root), 0.0
        mean[:D], covariance[:D, :D] = precise(of.prior.mean), root @ root.T
        for k, one in enumerate(of.observations):
            old, now, past = blocks[k], blocks[k + 1], slice(0, (k + 1) * D)
            step = precise(of.transition(time, one.time))
            mean[now] = step @ (mean[old] + precise(of.given(k)))
            covariance[now, past] = step @ covariance[old, past]
            covariance[past, now] = covariance[now, past].T
            covariance[now, now] = step @ covariance[old, old] @ step.T + of.noise(time, one.time)
            time = one.time
        for block, one in zip(blocks[1:], of.observations, strict=True):
            rows = precise(np.zeros((len(of.seen), mean.size)))
            rows[:, block] = precise(of.seen)
            mean, covariance, _ = conditioned(of, mean, covariance, rows, one.values)
        return [rounded(mean[block], covariance[block, block]) for block in blocks]


def difference(belief: Belief, mean: Floats, covariance: Floats) -> float:
    """The largest difference of mean and covariance, relative to the largest entry of each.

    A sigma point is rounded by its own size: a variance counts as at least that of an SD of 1e-4 of the mean."""
    own, size = belief.root @ belief.root.T, np.abs(mean).max()
    by_mean = np.abs(belief.mean - mean).max() / max(size, np.sqrt(np.abs(covariance).max()))
    return float(max(by_mean, np.abs(own - covariance).max() / max(np.abs(covariance).max(), (1e-4 * size) ** 2)))
