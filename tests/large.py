"""The large systems of the twin `lorenz`, and what they are in plain numpy: matrices of the tree, a step of the ring.

The tree is linear with normal noise: a Kalman filter on its matrices gives the exact answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from vvuq.assimilation.experiment import Experiment
from vvuq.models import Twin
from vvuq.models.twin import load_twin
from vvuq.record import Floats

ROOT = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def lorenz() -> Twin:
    """The twin whose experiments hold the large systems, loaded by path."""
    return load_twin(ROOT / "twins" / "lorenz")


@lru_cache(maxsize=4)
def ring(count: int = 1000, every: int = 2) -> Experiment:
    """Lorenz-96 with `count` variables, every second one observed with variance 1."""
    experiment: Experiment = lorenz().experiments["lorenz96"](count=count, every=every)
    return experiment


@lru_cache(maxsize=1)
def tree() -> Experiment:
    """The linear tree of 1,000 nodes."""
    experiment: Experiment = lorenz().experiments["tree"]()
    return experiment


@dataclass(frozen=True, eq=False)
class Linear:
    """x <- F x + noise of covariance Q over one interval; y = H x + error of covariance R; at the start, mean and P."""

    F: Floats
    Q: Floats
    H: Floats
    R: Floats
    mean: Floats
    P: Floats


@lru_cache(maxsize=1)
def tree_matrices() -> Linear:
    """The tree as its integrator carries it, for the exact filter."""
    experiment = tree()
    system, interval = experiment.system, experiment.interval
    assert experiment.distances is not None
    assert system.operator is not None
    observed = np.flatnonzero(np.asarray(system.operator.sum(axis=0)).ravel())
    neighbours = np.zeros((system.size, system.size))
    for child in range(1, system.size):  # the parent is the one neighbour with a lower number
        neighbours[child, parent_of(child)] = neighbours[parent_of(child), child] = 1.0
    leak, rate = system.theta
    A = rate * (neighbours - np.diag(neighbours.sum(axis=1))) - leak * np.eye(system.size)
    F = np.linalg.matrix_power(rk4_map(A, system.step), round(interval / system.step))
    sd = np.array([noise.sd for noise in system.noise])
    Q, P = np.diag(np.asarray(system.drift) ** 2 * interval), experiment.prior.root @ experiment.prior.root.T
    H = np.zeros((observed.size, system.size))
    H[np.arange(observed.size), observed] = 1.0
    return Linear(F, Q, H, np.diag(sd**2), experiment.prior.mean, P)


def parent_of(node: int, vessel: int = 5) -> int:
    """The parent of a node, worked out anew: vessels of five nodes, numbered from the root on, branching in two."""
    number, place = divmod(node, vessel)
    return node - 1 if place else ((number - 1) // 2) * vessel + vessel - 1


def rk4_map(A: Floats, h: float) -> Floats:
    """What one RK4 step of x' = A x multiplies x by: the exponential series up to its fourth power."""
    z, one = A * h, np.eye(len(A))
    return one + z @ (one + z / 2 @ (one + z / 3 @ (one + z / 4)))


def ring_step(x: Floats, h: float = 0.05, forcing: float = 8.0) -> Floats:
    """One RK4 step of Lorenz-96; x (n,) or (n, members)."""

    def slope(x: Floats) -> Floats:
        return (np.roll(x, -1, 0) - np.roll(x, 2, 0)) * np.roll(x, 1, 0) - x + forcing

    k1 = slope(x)
    k2 = slope(x + h / 2 * k1)
    k3 = slope(x + h / 2 * k2)
    k4 = slope(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
