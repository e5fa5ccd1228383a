"""A polynomial chaos expansion as a value: its coefficients, its error, and where it may serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos.basis import Basis, Integers, chunks, products, slopes, tables
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Error:
    """Mean squared errors, relative to the variance of the output.

    reported: the largest of outer, apart and fresh; upper: of their one-sided 95 % bounds.
    outer: of folds left out of the whole selection; apart: mean squared distance over the germs from the expansions
    that were selected without a fold; fresh: of a validation sample, where there is one.
    selected (cross-validation of the chosen one) and leave_one_out are shown for comparison: both are optimistic, as
    the choice was made by them or on the same points."""

    reported: float
    upper: float
    outer: float | None
    apart: float | None
    fresh: float | None
    selected: float | None
    leave_one_out: float | None


@dataclass(frozen=True, slots=True)
class Expansion:
    """Sum of coefficients (terms,) times orthonormal polynomials of multi-indices terms (terms, d), the constant first.

    domain (d, 2): the box of the points it was fitted to, inside which it serves. runs: model runs behind it, with
    those of the validation. chosen: how the terms were selected, in words."""

    basis: Basis
    terms: Integers
    coefficients: Floats
    error: Error
    domain: Floats
    runs: int
    chosen: str

    @property
    def mean(self) -> float:
        """Mean of the output over the germs."""
        return float(self.coefficients[0])

    @property
    def variance(self) -> float:
        """Variance of the output over the germs."""
        return float(np.sum(self.coefficients[1:] ** 2))

    def predict(self, points: Floats) -> Floats:
        """The expansion at points (d, n) -> (n,), wherever they are."""
        points = checked_points(self.basis, points)
        out = np.empty(points.shape[1])
        for part in chunks(points.shape[1]):
            out[part] = self.coefficients @ products(tables(self.basis, points[:, part]), self.terms)
        return out

    def gradient(self, points: Floats) -> Floats:
        """Derivatives (d, n) by the inputs at points (d, n)."""
        points = checked_points(self.basis, points)
        out = np.empty(points.shape)
        for part in chunks(points.shape[1]):
            values = tables(self.basis, points[:, part])
            steep = slopes(self.basis, points[:, part], values)
            for i in range(len(points)):
                mixed = values.copy()
                mixed[i] = steep[i]
                out[i, part] = self.coefficients @ _derived(mixed, self.terms, i)
        return out

    def serve(self, points: Floats, tolerance: float) -> Floats:
        """`predict` for decisions: raises NotEvaluable where the error's bound is above `tolerance` (a share of the
        variance), or a point (d, n) lies outside the box of the design."""
        if not self.error.upper <= tolerance:
            text = f"error at most {self.error.upper:.3g} of the variance, tolerated {tolerance:.3g}"
            raise NotEvaluable(f"the expansion is too inexact to serve: {text}")
        points = checked_points(self.basis, points)
        outside = (points < self.domain[:, :1]) | (points > self.domain[:, 1:])
        if np.any(outside):
            i, k = (int(v) for v in np.argwhere(outside)[0])
            low, high = self.domain[i]
            text = f"{self.basis.names[i]} = {points[i, k]:.6g} is outside [{low:.6g}, {high:.6g}]"
            raise NotEvaluable(f"{text}, where the expansion was fitted ({int(outside.any(axis=0).sum())} such points)")
        return self.predict(points)


def _derived(values: Floats, terms: Integers, i: int) -> Floats:
    """Products with the derivative by input i: terms without it vanish, as the derivative of the constant is 0."""
    out = products(values, terms)
    out[terms[:, i] == 0] = 0.0
    return out


def checked_points(basis: Basis, points: Floats, field: str = "points") -> Floats:
    """The points as floats (d, n); raises InputError for another shape, not-a-number, or what the germs cannot take."""
    points, d = np.asarray(points, dtype=float), len(basis.germs)
    if points.ndim != 2 or points.shape[0] != d:
        raise InputError("polynomial chaos", field, points.shape, f"give an array of shape ({d}, n), an input a row")
    if not np.all(np.isfinite(points)):
        i, k = (int(v) for v in np.argwhere(~np.isfinite(points))[0])
        raise InputError("polynomial chaos", f"{field}, {basis.names[i]}", float(points[i, k]), "give finite numbers")
    for germ, x in zip(basis.germs, points, strict=True):
        if germ.shift is not None and x.size and not x.min() > germ.shift:
            remedy = f"stay above {germ.shift:g}, where the log-normal input ends"
            raise InputError("polynomial chaos", f"{field}, {germ.name}", float(x.min()), remedy)
    return points
