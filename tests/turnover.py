"""A nonlinear model of five states for comparisons with other programs, written twice: as a Model, and as `slope`,
which is plain arithmetic, so that Python, numba and jax each run the same text.

A drug is absorbed, distributed, and eliminated by a saturable enzyme; through an effect compartment it raises the loss
of a response (indirect response, Dayneka et al., J. Pharmacokinet. Biopharm. 21 (1993) 457). Values are made up."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter
from vvuq.record import Belief

RATE, KA, K12, K21, VMAX, KM = 60.0, 0.9, 0.35, 0.25, 90.0, 120.0
KE0, KIN, KOUT, EC50, TOP, HALF = 0.5, 40.0, 0.2, 80.0, 400.0, 100.0
THETA = np.array([RATE, KA, K12, K21, VMAX, KM, KE0, KIN, KOUT, EC50, TOP, HALF])


def slope(gut, central, peripheral, effect, response):
    """dx/dt (5,) as a tuple."""
    exchange = K12 * central - K21 * peripheral
    loss = KOUT * (1.0 + effect / (EC50 + effect))
    return (
        RATE - KA * gut,
        KA * gut - exchange - VMAX * central / (KM + central),
        exchange,
        KE0 * (central - effect),
        KIN - loss * response,
    )


def turnover_rhs(t, x, u, theta, dx):
    gut, central, peripheral, effect, response = x
    rate, ka, k12, k21, vmax, km, ke0, kin, kout, ec50, _, _ = theta
    exchange = k12 * central - k21 * peripheral
    loss = kout * (1.0 + effect / (ec50 + effect))
    dx[0] = rate - ka * gut
    dx[1] = ka * gut - exchange - vmax * central / (km + central)
    dx[2] = exchange
    dx[3] = ke0 * (central - effect)
    dx[4] = kin - loss * response


def seen(gut, central, peripheral, effect, response):
    """What is measured, as a tuple: the central amount, and a quantity that saturates in the response."""
    return central, TOP * response / (HALF + response)


def central_seen(t, x, u, theta, y):
    y[0] = x[1]


def response_seen(t, x, u, theta, y):
    y[0] = theta[10] * x[4] / (theta[11] + x[4])


INTERVAL, SUBSTEPS = 1.0, 10
ERROR_SD = np.array([20.0, 10.0])
DRIFT = np.array([3.0, 4.0, 4.0, 2.0, 3.0])  # SD of the process noise over one interval of 1 h
MEAN = np.array([60.0, 110.0, 150.0, 100.0, 130.0])
ROOT = np.diag([15.0, 30.0, 30.0, 20.0, 25.0]) @ np.linalg.cholesky(0.6 * np.eye(5) + 0.4)
COVARIANCE = ROOT @ ROOT.T


@lru_cache(maxsize=1)
def model() -> Model:
    """The five states in mg; the measured values in mg."""
    names = ("rate", "ka", "k12", "k21", "vmax", "km", "ke0", "kin", "kout", "ec50", "top", "half")
    units = ("mg/h", "1/h", "1/h", "1/h", "mg/h", "mg", "1/h", "mg/h", "1/h", "mg", "mg", "mg")
    parameters = tuple(
        Parameter(name, unit, LogNormal(float(value), 0.1), source="made up for tests")
        for name, unit, value in zip(names, units, THETA, strict=True)
    )
    return Model(
        name="turnover",
        states=dict.fromkeys(("gut", "central", "peripheral", "effect", "response"), "mg"),
        inputs={},
        parameters=parameters,
        observables=(
            Observable("central_seen", "mg", central_seen, Additive(ERROR_SD[0])),
            Observable("response_seen", "mg", response_seen, Additive(ERROR_SD[1])),
        ),
        rhs=turnover_rhs,
    )


def system() -> System:
    """The model with its process noise and measurement errors, nothing learned."""
    m = model()
    noise = tuple(o.noise for o in m.observables)
    return System(m, THETA, (), noise, DRIFT / np.sqrt(INTERVAL), INTERVAL / SUBSTEPS)


def prior() -> Belief:
    """The belief at the first measurement, before it."""
    return gaussian(system(), 0.0, MEAN, COVARIANCE)


def advance(x: tuple[float, ...]) -> tuple[float, ...]:
    """One interval of `SUBSTEPS` RK4 steps in plain Python."""
    h = INTERVAL / SUBSTEPS
    for _ in range(SUBSTEPS):
        k1 = slope(*x)
        k2 = slope(*(a + 0.5 * h * k for a, k in zip(x, k1, strict=True)))
        k3 = slope(*(a + 0.5 * h * k for a, k in zip(x, k2, strict=True)))
        k4 = slope(*(a + h * k for a, k in zip(x, k3, strict=True)))
        x = tuple(a + h / 6.0 * (p + 2.0 * q + 2.0 * r + s) for a, p, q, r, s in zip(x, k1, k2, k3, k4, strict=True))
    return x


def measured(count: int, seed: int = 4) -> tuple[Observation, ...]:
    """Made-up measurements at 0, 1, .. count - 1 intervals, from a path with process noise."""
    draws = np.random.default_rng(seed)
    x, found = MEAN + ROOT @ draws.standard_normal(5), []
    for k in range(count):
        values = np.array(seen(*x)) + ERROR_SD * draws.standard_normal(2)
        found.append(Observation(k * INTERVAL, values))
        x = np.array(advance(tuple(x))) + DRIFT * draws.standard_normal(5)
    return tuple(found)
