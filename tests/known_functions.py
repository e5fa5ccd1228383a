"""Functions of the unit cube whose variance and Sobol' indices are known in closed form.

Sources: Ishigami & Homma, Proc ISUMA (1990) 398; Saltelli & Sobol', Reliab Eng Syst Saf 50 (1995) 225 (G-function)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

A, B = 7.0, 0.1


class Known(NamedTuple):
    """A function of points (d, ...) -> (...), with its mean, variance, first, total and second (pairs) indices."""

    name: str
    function: Callable
    d: int
    mean: float
    variance: float
    first: np.ndarray
    total: np.ndarray
    second: np.ndarray

    @property
    def indices(self):
        return np.concatenate([self.first, self.total])


def ishigami(points):
    x = 2.0 * np.pi * points - np.pi
    return np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])


def _ishigami() -> Known:
    variance = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
    first = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0]) / variance
    both = B**2 * np.pi**8 * 8 / 225 / variance
    total = first + np.array([both, 0.0, both])
    return Known("ishigami", ishigami, 3, A / 2, variance, first, total, np.array([0.0, both, 0.0]))


def g_function(weights) -> Known:
    """prod (|4 x_i - 2| + a_i) / (1 + a_i)."""
    a = np.asarray(weights, dtype=float)

    def function(points):
        at = a.reshape(-1, *[1] * (points.ndim - 1))
        return np.prod((np.abs(4.0 * points - 2.0) + at) / (1.0 + at), axis=0)

    v = 1.0 / (3.0 * (1.0 + a) ** 2)
    variance = np.prod(1.0 + v) - 1.0
    total = v * np.prod(1.0 + v) / (1.0 + v) / variance
    second = np.array([v[i] * v[j] for i, j in combinations(range(len(a)), 2)]) / variance
    return Known(f"g{len(a)}", function, len(a), 1.0, variance, v / variance, total, second)


ISHIGAMI = _ishigami()
G4 = g_function((0.0, 1.0, 4.5, 9.0))
G8 = g_function((0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0))
