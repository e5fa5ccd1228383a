"""Orders in which terms enter an expansion, with the least-squares error of each length on rows that were left out.

Many subsets of the rows (folds) are walked at once: the only product of the size terms x rows in a step is one matrix
product for all of them. Rows outside a subset are carried along the orthogonalization with weight 0, so that
predictions there cost nothing more.

Sources: Efron et al., Ann Stat 32 (2004) 407 (LARS); Blatman & Sudret, J Comput Phys 230 (2011) 2345 (LARS for the
order, least squares for the values); Chen, Billings & Luo, Int J Control 50 (1989) 1873 (orthogonal least squares)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vvuq.methods.chaos.basis import Integers
from vvuq.record import Floats

Rule = Literal["lars", "ols"]
ROUNDING = (64.0 * np.finfo(float).eps) ** 2  # no squared error is told from 0 below this share of the mean square
_DEPENDENT = 1e-7  # a column of which this share or less is new counts as spanned by those before


@dataclass(frozen=True, slots=True)
class Paths:
    """order (steps, subsets): columns as they enter, -1 where none could; fewer than asked for where all residuals are
    rounding.

    squares (steps + 1, subsets, groups): weighted squares of the residual, summed over each group of rows, after
    0, 1 ... terms besides the constant. apart (steps + 1, couples): squared distances of the coefficients of two
    subsets, which for orthonormal polynomials are those of the expansions over the germs. leave_one_out (steps + 1,):
    that of the first path, summed over its rows."""

    order: Integers
    squares: Floats
    apart: Floats
    leave_one_out: Floats


def walk(
    columns: Floats, values: Floats, weights: Floats, groups: Floats, steps: int, rule: Rule,
    couples: Sequence[tuple[int, int]] = (),
) -> Paths:  # fmt: skip
    """Walk `steps` terms along columns (terms, n), without the constant, for values (n,) and weights (subsets, n).

    groups (n, groups): weights with which the squared residuals are summed up. couples: subsets to be compared."""
    subsets, n = weights.shape
    sums = weights.sum(axis=1)
    residual = values - ((weights @ values) / sums)[:, None]
    q = np.zeros((subsets, steps + 1, n))
    q[:, 0] = 1.0 / np.sqrt(sums)[:, None]
    fits = _Fits(np.zeros((subsets, steps + 1, steps + 1)), np.zeros((1 + len(columns), subsets)), couples)
    fits.inverse[:, 0, 0], fits.coefficients[0] = q[:, 0, 0], (weights @ values) / sums
    apart = [_apart(fits)]
    state = _start(columns, residual, weights, rule)
    leverage = weights[0] * q[0, 0] ** 2
    floor = ROUNDING * float(np.mean(values**2))
    entered = np.zeros((steps + 1, subsets), dtype=np.int64)
    squares, alone = [residual**2 @ groups], [_alone(residual[0], weights[0], leverage)]
    for m in range(steps):
        j = _best(state, rule)
        state.free[j, state.every] = False
        new, r, rho = _orthogonal(columns[j], q[:, : m + 1], weights)
        usable = rho > _DEPENDENT * state.norms[j, state.every]
        scale = np.where(usable, 1.0 / np.where(usable, rho, 1.0), 0.0)
        q[:, m + 1] = scale[:, None] * new
        weighted = q[:, m + 1] * weights
        step = (weighted * residual).sum(axis=1)
        entered[m + 1] = np.where(usable, 1 + j, 0)
        _refit(fits, entered[: m + 2], r, scale, step)
        apart.append(_apart(fits))
        residual = residual - step[:, None] * q[:, m + 1]
        inner = columns @ weighted.T
        if rule == "lars":
            _turn(state, j, r, rho, usable, inner, m)
        else:
            state.c[:] -= step * inner
            state.left[:] -= inner**2
            state.free[:] &= state.left > (_DEPENDENT * state.norms) ** 2
        leverage = leverage + weighted[0] * q[0, m + 1]
        squares.append(residual**2 @ groups)
        alone.append(_alone(residual[0], weights[0], leverage))
        if np.all((weights * residual**2).sum(axis=1) <= floor * sums):
            break
    return Paths(entered[1 : len(squares)] - 1, np.array(squares), np.array(apart), np.array(alone))


@dataclass(frozen=True, slots=True)
class _State:
    """Arrays (terms, subsets) that a walk changes in place: correlations with the residual, norms of the centred
    columns, what of their squares is not yet spanned, which are free; of LARS the inner products with the direction,
    and its coordinates z (subsets, steps + 1)."""

    c: Floats
    norms: Floats
    left: Floats
    free: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    inner: Floats
    z: Floats
    every: Integers


def _start(columns: Floats, residual: Floats, weights: Floats, rule: Rule) -> _State:
    squares = columns**2 @ weights.T
    left = squares - (columns @ weights.T) ** 2 / weights.sum(axis=1)
    free = left > 1e-12 * squares
    norms = np.sqrt(np.where(free, left, 1.0))
    c = columns @ (residual * weights).T
    subsets, most = len(weights), weights.shape[1] + 1
    if rule == "lars":
        c /= norms
    return _State(c, norms, left, free, np.zeros_like(c), np.zeros((subsets, most)), np.arange(subsets))


@dataclass(frozen=True, slots=True)
class _Fits:
    """The inverse triangular factors (subsets, steps + 1, steps + 1), and the coefficients (1 + terms, subsets) of the
    least-squares fits, changed in place; the couples of subsets that are compared."""

    inverse: Floats
    coefficients: Floats
    couples: Sequence[tuple[int, int]]


def _refit(fits: _Fits, entered: Integers, r: Floats, scale: Floats, step: Floats) -> None:
    """Coefficients after a step along a new orthonormal column: (v - Q r) scale, in terms of the columns themselves."""
    m = len(entered) - 1
    fits.inverse[:, :m, m] = -scale[:, None] * (fits.inverse[:, :m, :m] @ r[:, :, None])[:, :, 0]
    fits.inverse[:, m, m] = scale
    fits.coefficients[entered, np.arange(step.size)] += step * fits.inverse[:, : m + 1, m].T


def _apart(fits: _Fits) -> Floats:
    one, other = (fits.coefficients[:, [couple[k] for couple in fits.couples]] for k in (0, 1))
    return np.asarray(((one - other) ** 2).sum(axis=0))


def _best(state: _State, rule: Rule) -> Integers:
    """The next column of each subset: the most correlated, or the one that lowers the residual's square the most."""
    gain = np.abs(state.c) if rule == "lars" else state.c**2 / np.where(state.free, state.left, 1.0)
    return np.asarray(np.where(state.free, gain, -1.0).argmax(axis=0))


def _orthogonal(v: Floats, q: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """What of v (subsets, n) is orthogonal to q (subsets, m, n): itself, the coordinates taken away, and its norm."""
    r = (q @ (v * weights)[:, :, None])[:, :, 0]
    left = v - (r[:, None, :] @ q)[:, 0]
    rho = np.sqrt((weights * left**2).sum(axis=1))
    if np.all(rho > 0.1 * np.sqrt((weights * v**2).sum(axis=1))):  # at most a digit is lost
        return left, r, rho
    again = (q @ (left * weights)[:, :, None])[:, :, 0]  # twice is enough
    left = left - (again[:, None, :] @ q)[:, 0]
    return left, r + again, np.sqrt((weights * left**2).sum(axis=1))


def _turn(
    state: _State, j: Integers, r: Floats, rho: Floats, usable: np.ndarray[tuple[int], np.dtype[np.bool_]],
    inner: Floats, m: int,
) -> None:  # fmt: skip
    """LARS: the new direction of equal angles, and the step along it until another column is as correlated.

    The direction is the sum of z_i q_i with R'z = signs, and R' is lower triangular: each step adds one z."""
    highest = np.abs(state.c[j, state.every])
    along = (r[:, 1:] * state.z[:, 1 : m + 1]).sum(axis=1)
    z = (np.sign(state.c[j, state.every]) * state.norms[j, state.every] - along) / np.where(usable, rho, 1.0)
    z = np.where(usable, z, 0.0)
    state.z[:, m + 1] = z
    state.inner[:] += z * inner / state.norms
    until = np.full(highest.shape, np.inf)
    for sign in (1.0, -1.0):
        gap, closing = highest - sign * state.c, 1.0 - sign * state.inner
        ahead = state.free & (closing > 1e-12) & (gap > 0.0)
        until = np.minimum(until, np.where(ahead, gap / np.where(ahead, closing, 1.0), np.inf).min(axis=0))
    state.c[:] -= np.minimum(until, highest) * state.inner


def _alone(residual: Floats, weights: Floats, leverage: Floats) -> float:
    """The sum of squared leave-one-out residuals of a least-squares fit."""
    return float(weights @ (residual / np.maximum(1.0 - leverage, 1e-12)) ** 2)
