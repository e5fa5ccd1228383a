"""Shapley effects: each input's share of the output's variance, also where inputs depend on one another.

What the inputs u leave open once all others are known, T(u) = E[Var(Y | X_-u)], is shared out by Shapley: an input has
its mean gain of T over all orders in which inputs may be added. Effects are not negative and sum to 1; for independent
inputs they lie between the first and total Sobol' indices.

T(u) is half the mean squared change of Y when X_u is drawn anew given X_-u. The dependence is a Gaussian copula, so
that this draw is exact: given the others, the germs of X_u are normal. Up to some 8 inputs all subsets are run; beyond,
subsets along random orders. Scrambled nets, intervals and refusals are those of `scrambles`.

Sources: Song, Nelson & Staum, SIAM/ASA J Uncertain Quantif 4 (2016) 1060 (T and random orders); Broto, Bachoc &
Depecker, SIAM/ASA J Uncertain Quantif 8 (2020) 693 (pick-freeze); Plischke, Rabitti & Borgonovo, SIAM/ASA J Uncertain
Quantif 9 (2021) 900 (sums over subsets); Goda, Reliab Eng Syst Saf 213 (2021) 107702 (a chain of changes a point)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from vvuq.errors import InputError
from vvuq.methods.scrambles import centred, checked_outputs, checked_sizes, net, refuse_failed, seeds_of, shares
from vvuq.record import Floats

Function = Callable[[Floats], Floats]
LEVEL = 0.95
LEAST_EIGENVALUE = 1e-10
MOST_SUBSETS = 2**12
LEAST_TAIL = 2.0**-53  # probabilities are kept this far from 0 and 1


@dataclass(frozen=True, eq=False, slots=True)
class Inputs:
    """Dependent inputs: a Gaussian copula by the correlation (d, d) of its germs, and each input's quantile function
    (probabilities (n,) -> values (n,)). Raises InputError unless the matrix is a correlation of full rank."""

    correlation: Floats
    quantiles: tuple[Callable[[Floats], Floats], ...]

    def __post_init__(self) -> None:
        c, d = np.asarray(self.correlation, dtype=float), len(self.quantiles)
        if d < 1 or c.shape != (d, d):
            raise InputError("Shapley effects", "correlation", c.shape, f"({d}, {d}) for {d} quantile functions")
        fits = np.all(np.isfinite(c)) and np.allclose(c, c.T, atol=1e-12) and np.allclose(np.diag(c), 1.0, atol=1e-12)
        if not fits:
            raise InputError("Shapley effects", "correlation", c.tolist(), "finite, symmetric, with 1 on the diagonal")
        least = float(np.linalg.eigvalsh(c)[0])
        if least < LEAST_EIGENVALUE:
            remedy = (
                f"a positive definite matrix; the least eigenvalue is {least:.3g}: leave out an input that others fix"
            )
            raise InputError("Shapley effects", "correlation", c.tolist(), remedy)


@dataclass(frozen=True, eq=False, slots=True)
class Effects:
    """Shapley effects with 95 % intervals, (d,) for one output or (k, d) for k; variance and mean of the output."""

    value: Floats
    low: Floats
    high: Floats
    variance: Floats
    mean: Floats
    runs: int
    scrambles: int
    base: int


def shapley_effects(
    function: Function, inputs: Inputs, base: int, scrambles: int, rng: np.random.Generator, *,
    orders: int | None = None,
) -> Effects:  # fmt: skip
    """Effects of function(inputs (d, n)) -> (n,) or (k, n), by `scrambles` nets of `base` rows (a power of 2) each.

    orders: None for all subsets, scrambles * base * 2^d runs; else that many pairs of random orders for each scramble,
    each pair an order and its reverse, over which the rows are dealt: scrambles * base * (d + 1) runs. More orders
    differ less from all, fewer rows each are less even; base / 16 is about right for 8 inputs. Raises InputError, and
    NotEvaluable where a run fails or an output does not vary."""
    d = len(inputs.quantiles)
    checked_sizes("Shapley effects", 2 * d, base, scrambles)
    if orders is None and 2**d > MOST_SUBSETS:
        raise InputError("Shapley effects", "orders", orders, f"a number of them: {d} inputs have 2^{d} subsets")
    if orders is not None and not 1 <= orders <= base // 2:
        raise InputError("Shapley effects", "orders", orders, f"from 1 to {base // 2}, half the rows of a net")
    root = np.linalg.cholesky(np.asarray(inputs.correlation, dtype=np.float64))
    nets = np.stack([ndtri(net(2 * d, base, seed)) for seed in seeds_of(scrambles, rng)], axis=1)
    germs, fresh = np.einsum("ij,jrn->irn", root, nets[:d]), nets[d:]
    drawn = None if orders is None else _orders(d, scrambles, orders, rng)
    redrawn = _by_subset(inputs, germs, fresh) if drawn is None else _by_order(inputs, germs, fresh, drawn)
    points = _values_of(inputs, redrawn.reshape(d, -1))
    given = function(points)
    outputs, at = checked_outputs("Shapley effects", given, points.shape[1]), slice(None) if np.ndim(given) > 1 else 0
    refuse_failed(outputs)
    cube = outputs.reshape(-1, *redrawn.shape[1:])
    apart, mean, size = centred(outputs, cube[:, :, [0, -1]].reshape(len(cube), -1))
    shaped = apart.reshape(cube.shape)
    above = _subset_gains(shaped, d) if drawn is None else _order_gains(shaped, drawn)
    whole = above.sum(axis=-1, keepdims=True)  # half the mean squared change where all inputs are drawn anew
    value, half = shares(above.swapaxes(0, 1), whole.swapaxes(0, 1), LEVEL)
    variance = (shaped[:, :, [0, -1]] ** 2).mean(axis=(1, 2, 3)) * size[:, 0] ** 2
    ends = ((value - half)[at], (value + half)[at])
    return Effects(value[at], *ends, variance[at], mean[:, 0][at], outputs.shape[1], scrambles, base)


def _values_of(inputs: Inputs, germs: Floats) -> Floats:
    """Inputs (d, n) of germs (d, n)."""
    shares_below = np.clip(ndtr(germs), LEAST_TAIL, 1.0 - LEAST_TAIL)
    points = np.empty_like(germs)
    for i, quantile in enumerate(inputs.quantiles):
        points[i] = quantile(shares_below[i])
        if not np.isfinite(points[i]).all():
            at = float(shares_below[i][~np.isfinite(points[i])][0])
            raise InputError("Shapley effects", f"quantiles[{i}]", at, "a function that is finite there")
    return points


def _redrawn(precision: NDArray[np.floating], germs: Floats, fresh: Floats, which: NDArray[np.bool_]) -> Floats:
    """Germs (d, ...) with those of `which` (d,) drawn anew, by fresh normals (d, ...), given the others."""
    u, v = np.flatnonzero(which), np.flatnonzero(~which)
    out = germs.copy()
    given = np.linalg.inv(precision[np.ix_(u, u)])  # their covariance given the others
    mean = -np.tensordot(given @ precision[np.ix_(u, v)], germs[v], 1)
    out[u] = mean + np.tensordot(np.linalg.cholesky(given), fresh[u], 1)
    return out


def _by_subset(inputs: Inputs, germs: Floats, fresh: Floats) -> Floats:
    """Germs (d, R, 2^d, rows): block m has those inputs drawn anew whose bits m holds."""
    d, precision = len(germs), np.linalg.inv(np.asarray(inputs.correlation, dtype=np.float64))
    out = np.empty((d, germs.shape[1], 2**d, germs.shape[2]))
    out[:, :, 0] = germs
    for m in range(1, 2**d):
        out[:, :, m] = _redrawn(precision, germs, fresh, _members(m, d))
    return out


def _members(m: int, d: int) -> NDArray[np.bool_]:
    return np.array([bool(m >> i & 1) for i in range(d)])


def _subset_gains(shaped: Floats, d: int) -> Floats:
    """Numerators (k, R, d) of the effects from outputs (k, R, 2^d, rows)."""
    left = 0.5 * ((shaped - shaped[:, :, :1]) ** 2).mean(axis=-1)  # T of each subset
    weights = np.zeros((d, 2**d))
    for m in range(2**d):
        inside = _members(m, d)
        size = int(inside.sum())
        for i in range(d):  # 1 / (d C(d - 1, s)): the share of orders in which s given inputs stand before i
            weights[i, m] = 1.0 / (d * comb(d - 1, size - 1)) if inside[i] else -1.0 / (d * comb(d - 1, size))
    return left @ weights.T


def _orders(d: int, scrambles: int, orders: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Orders (scrambles, 2 * orders, d), each followed by its reverse."""
    ahead = rng.permuted(np.broadcast_to(np.arange(d), (scrambles, orders, d)), axis=-1)
    return np.stack([ahead, ahead[..., ::-1]], axis=2).reshape(scrambles, 2 * orders, d)


def _dealt(p: int, count: int, rows: int) -> slice:
    """The rows of order p: successive ones, which are spread over the cube. Every count-th row would not be: the last
    bits of a row's number are the first of its point's coordinates."""
    return slice(p * rows // count, (p + 1) * rows // count)


def _by_order(inputs: Inputs, germs: Floats, fresh: Floats, orders: NDArray[np.int64]) -> Floats:
    """Germs (d, R, d + 1, rows): block j has the first j inputs of the row's order drawn anew."""
    d, precision = len(germs), np.linalg.inv(np.asarray(inputs.correlation, dtype=np.float64))
    out = np.empty((d, germs.shape[1], d + 1, germs.shape[2]))
    out[:, :, 0] = germs
    for r, p in np.ndindex(*orders.shape[:2]):
        rows, which = _dealt(p, orders.shape[1], germs.shape[2]), np.zeros(d, dtype=bool)
        for j, i in enumerate(orders[r, p]):
            which[i] = True
            out[:, r, j + 1, rows] = _redrawn(precision, germs[:, r, rows], fresh[:, r, rows], which)
    return out


def _order_gains(shaped: Floats, orders: NDArray[np.int64]) -> Floats:
    """Numerators (k, R, d) of the effects from outputs (k, R, d + 1, rows)."""
    left = 0.5 * (shaped - shaped[:, :, :1]) ** 2
    gains = np.diff(left, axis=2)  # (k, R, d, rows), by place in the order
    out, count = np.zeros(gains.shape[:3]), orders.shape[1]
    for r, p in np.ndindex(*orders.shape[:2]):
        out[:, r, orders[r, p]] += gains[:, r, :, _dealt(p, count, gains.shape[-1])].sum(axis=-1)
    return out / gains.shape[-1]
