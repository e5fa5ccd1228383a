"""A small linear system and random ensembles, for the tests of the ensemble filters, and what they are held against."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

from vvuq.assimilation.ensemble import Ahead
from vvuq.assimilation.system import Observation, System
from vvuq.models import Additive, LogNormal, Model, Noise, Observable, Parameter
from vvuq.record import Ensemble, Floats

D = 6
TAIL = D - 1


def chain_rhs(t, x, u, theta, dx):
    k = theta[0]
    dx[0] = k * (x[TAIL] - 2 * x[0])
    for i in range(1, D):
        dx[i] = k * (x[i - 1] - 2 * x[i])


def head(t, x, u, theta, y):
    y[0] = x[0]


@lru_cache(maxsize=1)
def chain() -> Model:
    """Six amounts on a ring, linear: x_i' = k (x_(i - 1) - 2 x_i)."""
    return Model(
        name="chain",
        states={f"x{i}": "mg" for i in range(D)},
        inputs={},
        parameters=(Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test"),),
        observables=(Observable("head", "mg", head, Additive(0.5)),),
        rhs=chain_rhs,
    )


def system(
    q: int = 4, *, sd: float = 0.5, correlation: Floats | None = None, drift: float = 0.0, seed: int = 0
) -> System:
    """The chain observed by q random mixtures of its states."""
    operator = csr_array(np.random.default_rng(seed).normal(size=(q, D)))
    noise = tuple(Noise(sd * (1 + 0.1 * j)) for j in range(q))
    return System(
        chain(), np.array([0.3]), (), noise, np.full(D, drift), 0.25, correlation=correlation, operator=operator
    )


def ensemble(of: System, count: int, seed: int = 0) -> Ensemble:
    """Correlated random members around 3."""
    rng = np.random.default_rng((seed, 1))
    return Ensemble(0.0, of.names, 3.0 + rng.normal(size=(of.size, of.size)) @ rng.normal(size=(of.size, count)))


def observation(of: System, time: float = 0.0, seed: int = 0) -> Observation:
    return Observation(time, np.random.default_rng((seed, 2)).normal(3.0, 2.0, len(of.noise)))


def correlation(q: int) -> Floats:
    """Neighbouring errors correlate by 0.6."""
    return np.asarray(0.6 ** np.abs(np.subtract.outer(np.arange(q), np.arange(q))), dtype=float)


def random_ahead(d: int, m: int, count: int, seed: int = 0, scale: float = 1.0) -> Ahead:
    """A forecast of d rows and m observables that are random mixtures of them, in whitened units."""
    rng = np.random.default_rng((seed, 3))
    deviations = rng.normal(size=(d, count))
    deviations -= deviations.mean(axis=1, keepdims=True)
    operator = scale * rng.normal(size=(m, d)) / np.sqrt(max(d, 1))
    deviations /= np.sqrt(count - 1)
    observed = operator @ deviations
    return Ahead(rng.normal(size=d), deviations, 2.0 * rng.normal(size=m), observed, 0.0, np.arange(m))


def moments(state: Ensemble) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) of the members."""
    return state.members.mean(axis=1), np.atleast_2d(np.cov(state.members))


def kalman(of: System, mean: Floats, covariance: Floats, seen: Observation) -> tuple[Floats, Floats, float, float]:
    """Mean, covariance, log-likelihood and NIS by the formulas for normal beliefs, missing components left out."""
    kept = ~np.isnan(seen.values)
    H = of.operator.toarray()[kept]
    sd = np.array([noise.sd for noise in of.noise])
    R = np.outer(sd, sd) * (np.eye(sd.size) if of.correlation is None else of.correlation)
    S = H @ covariance @ H.T + R[np.ix_(kept, kept)]
    gain = np.linalg.solve(S, H @ covariance).T
    z = seen.values[kept] - H @ mean
    nis = float(z @ np.linalg.solve(S, z))
    density = -0.5 * (z.size * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + nis)
    return mean + gain @ z, covariance - gain @ H @ covariance, float(density), nis


def missing(seen: Observation, *gone: int) -> Observation:
    """The observation without some components."""
    values = seen.values.copy()
    values[list(gone)] = np.nan
    return replace(seen, values=values)
