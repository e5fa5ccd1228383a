"""Orthonormal polynomials of any continuous marginal, and the sets of products of them that an expansion may use.

Recurrence coefficients are chaospy's where it knows them in closed form and they are found orthonormal, else those of
the discretized Stieltjes procedure. A log-normal input is expanded in its logarithm: polynomials in the input itself
are not dense, as its moments do not determine it (Ernst et al., ESAIM M2AN 46 (2012) 317).

Sources: Gautschi, Orthogonal Polynomials (2004), sections 1.3, 2.2; Blatman & Sudret, J Comput Phys 230 (2011) 2345
(hyperbolic sets)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import chaospy
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from vvuq.errors import InputError
from vvuq.record import Floats

Integers = NDArray[np.int64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_DEEPEST = 60  # bisections of a piece of a density that is not smooth
_MOST_TERMS = 1_000_000
_CHUNK = 4096  # points whose polynomials are held at once


@dataclass(frozen=True, slots=True)
class Germ:
    """An input: its name, chaospy distribution and the recurrence (2, degree + 1) of its orthonormal polynomials.

    Polynomials are in t = x, or in t = log(x - shift) where `shift` is not None."""

    name: str
    distribution: chaospy.Distribution
    recurrence: Floats
    shift: float | None

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the distribution lives."""
        return float(self.distribution.lower[0]), float(self.distribution.upper[0])


@dataclass(frozen=True, slots=True)
class Basis:
    """Independent germs, with polynomials up to `degree` in each."""

    germs: tuple[Germ, ...]
    degree: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(g.name for g in self.germs)


def basis_of(distributions: Sequence[chaospy.Distribution], degree: int, names: Sequence[str] = ()) -> Basis:
    """The basis of independent inputs (chaospy distributions of one dimension), called x1, x2 ... without `names`.

    Raises InputError for a distribution that is dependent, discrete or lacks the moments that `degree` asks for."""
    if not distributions:
        raise InputError("polynomial chaos", "germs", distributions, "give a distribution for each input")
    if names and len(names) != len(distributions):
        raise InputError("polynomial chaos", "names", tuple(names), f"give {len(distributions)}, one for each germ")
    called = tuple(names) or tuple(f"x{i + 1}" for i in range(len(distributions)))
    return Basis(tuple(_germ(n, f, degree) for n, f in zip(called, distributions, strict=True)), degree)


def _germ(name: str, distribution: chaospy.Distribution, degree: int) -> Germ:
    where, known = f"germ {name}", isinstance(distribution, chaospy.Distribution)
    if not known or len(distribution) != 1 or distribution.stochastic_dependent:
        raise InputError(where, "distribution", distribution, "give a chaospy distribution of one independent input")
    if distribution.interpret_as_integer:
        raise InputError(where, "distribution", distribution, "give a continuous one: whole numbers are not expanded")
    normal = _normal_of_logarithm(distribution)
    if normal is None:
        return Germ(name, distribution, recurrence(distribution, degree, where), None)
    return Germ(name, distribution, recurrence(normal, degree, where), float(distribution.lower[0]))


def _normal_of_logarithm(distribution: chaospy.Distribution) -> chaospy.Distribution | None:
    """The normal distribution of log(x - lower bound), where it is one: its quantiles lie on a line."""
    z = np.linspace(-2.0, 2.0, 9)
    above = np.asarray(distribution.inv(ndtr(z))) - distribution.lower[0]
    if not np.all(above > 0.0):
        return None
    logs = np.log(above)
    slope, middle = float(logs[-1] - logs[0]) / 4.0, float(logs[4])
    straight = np.allclose(logs, middle + slope * z, rtol=0.0, atol=1e-9 * slope)
    return chaospy.Normal(middle, slope) if straight else None


def recurrence(distribution: chaospy.Distribution, degree: int, where: str = "germ") -> Floats:
    """Coefficients a_k and sqrt(b_k), k = 0 ... degree, as (2, degree + 1), of the orthonormal polynomials
    sqrt(b_{k+1}) P_{k+1} = (x - a_k) P_k - sqrt(b_k) P_{k-1}.

    Raises InputError where a density does not integrate to 1 or moments of the order 2 x degree do not exist."""
    if degree < 1:
        raise InputError(where, "degree", degree, "give at least 1")
    nodes, weights = _quadrature(distribution, where)
    try:
        pairs = np.asarray(distribution.ttr(np.arange(degree + 1)), dtype=float).reshape(2, degree + 1)
    except chaospy.UnsupportedFeature:
        return _stieltjes(nodes, weights, degree, where)
    if np.any(pairs[1, 1:] <= 0.0) or not np.all(np.isfinite(pairs)):
        raise InputError(where, "degree", degree, f"give a lower one: {distribution} lacks the moments it asks for")
    found = np.array([pairs[0], np.sqrt(np.maximum(pairs[1], 0.0))])
    found[1, 0] = 0.0  # multiplies no polynomial
    few = _polynomials(found[:, : min(degree, 4) + 1], nodes)
    orthonormal = np.allclose((few * weights) @ few.T, np.eye(len(few)), atol=1e-6)
    return found if orthonormal else _stieltjes(nodes, weights, degree, where)


def _stieltjes(nodes: Floats, weights: Floats, degree: int, where: str) -> Floats:
    a, root_b = np.zeros(degree + 1), np.zeros(degree + 1)
    before, now = np.zeros_like(nodes), np.ones_like(nodes)
    for k in range(degree + 1):
        a[k] = weights @ (nodes * now**2)
        if k == degree:
            break
        after = (nodes - a[k]) * now - root_b[k] * before
        root_b[k + 1] = np.sqrt(weights @ after**2)
        if not root_b[k + 1] > 0.0:
            raise InputError(where, "degree", degree, f"give at most {k}: the distribution has no further polynomial")
        before, now = now, after / root_b[k + 1]
    return np.array([a, root_b])


def _quadrature(distribution: chaospy.Distribution, where: str) -> tuple[Floats, Floats]:
    """Nodes and weights of the density: Gauss-Legendre pieces, bisected where a kink or a pole spoils them."""
    low, high = float(distribution.lower[0]), float(distribution.upper[0])
    cuts = np.unique([low, *np.asarray(distribution.inv([0.01, 0.25, 0.5, 0.75, 0.99])).ravel(), high])
    pieces, nodes, weights = [(a, b, 0) for a, b in zip(cuts, cuts[1:], strict=False)], [], []
    while pieces:
        a, b, depth = pieces.pop()
        middle = 0.5 * (a + b)
        (_, whole), (x, left), (y, right) = (_piece(distribution, *ends) for ends in ((a, b), (a, middle), (middle, b)))
        if depth < _DEEPEST and abs(whole.sum() - left.sum() - right.sum()) > 1e-15:
            pieces += [(a, middle, depth + 1), (middle, b, depth + 1)]
        else:
            nodes += [x, y]
            weights += [left, right]
    w = np.concatenate(weights)
    if not abs(w.sum() - 1.0) < 1e-8:
        raise InputError(where, "distribution", distribution, f"its density integrates to {w.sum():.9g}, not 1")
    return np.concatenate(nodes), w / w.sum()


def _piece(distribution: chaospy.Distribution, low: float, high: float) -> tuple[Floats, Floats]:
    x = 0.5 * (low + high) + 0.5 * (high - low) * _NODES
    return x, 0.5 * (high - low) * _WEIGHTS * np.asarray(distribution.pdf(x)).ravel()


def _polynomials(coefficients: Floats, t: Floats) -> Floats:
    """Orthonormal polynomials (degree + 1, n) at t (n,), by the three-term recurrence."""
    a, root_b = coefficients
    out = np.ones((a.size, t.size))
    for k in range(a.size - 1):
        before = root_b[k] * out[k - 1] if k else 0.0
        out[k + 1] = ((t - a[k]) * out[k] - before) / root_b[k + 1]
    return out


def _slopes(coefficients: Floats, t: Floats, values: Floats) -> Floats:
    """Derivatives (degree + 1, n) of the orthonormal polynomials whose values are known."""
    a, root_b = coefficients
    out = np.zeros_like(values)
    for k in range(a.size - 1):
        before = root_b[k] * out[k - 1] if k else 0.0
        out[k + 1] = (values[k] + (t - a[k]) * out[k] - before) / root_b[k + 1]
    return out


def tables(basis: Basis, points: Floats) -> Floats:
    """The polynomials of each input alone, (d, degree + 1, n), at points (d, n)."""
    return np.array([_polynomials(g.recurrence, _inner(g, x)) for g, x in zip(basis.germs, points, strict=True)])


def slopes(basis: Basis, points: Floats, values: Floats) -> Floats:
    """Derivatives of `tables` by the input, (d, degree + 1, n)."""
    out = np.empty_like(values)
    for i, (g, x) in enumerate(zip(basis.germs, points, strict=True)):
        out[i] = _slopes(g.recurrence, _inner(g, x), values[i])
        if g.shift is not None:
            out[i] /= x - g.shift
    return out


def _inner(germ: Germ, x: Floats) -> Floats:
    return x if germ.shift is None else np.asarray(np.log(x - germ.shift))


def outer_points(basis: Basis, inner: Floats) -> Floats:
    """Points (d, n) of the inputs at values (d, n) of what the polynomials are in."""
    pairs = zip(basis.germs, inner, strict=True)
    return np.array([t if g.shift is None else g.shift + np.exp(t) for g, t in pairs])


def products(values: Floats, terms: Integers) -> Floats:
    """Polynomials of several inputs (terms, n): products of `tables` (d, degree + 1, n) by multi-indices (terms, d)."""
    out = np.ones((len(terms), values.shape[2]))
    for i, column in enumerate(terms.T):
        there = column > 0
        out[there] *= values[i][column[there]]
    return out


def chunks(n: int) -> list[slice]:
    """Slices of n points that are evaluated at once."""
    return [slice(k, min(k + _CHUNK, n)) for k in range(0, n, _CHUNK)]


def multi_indices(d: int, degree: int, norm: float = 1.0) -> Integers:
    """Multi-indices (terms, d) with (sum of k_i^norm)^(1/norm) at most `degree`: total degree where `norm` is 1, few
    interactions where it is less. The constant stands first. Raises InputError for more than 1,000,000 terms."""
    found = few_indices(d, degree, norm, _MOST_TERMS)
    if found is None:
        raise InputError("polynomial chaos", "degree", degree, f"give a lower one: more than {_MOST_TERMS} terms")
    return found


@lru_cache(maxsize=512)
def few_indices(d: int, degree: int, norm: float, limit: int) -> Integers | None:
    """The same, or None where there are more than `limit`."""
    if d < 1 or degree < 0 or not 0.0 < norm <= 1.0:
        raise InputError("polynomial chaos", "d, degree, norm", (d, degree, norm), "d >= 1, degree >= 0, 0 < norm <= 1")
    powers = np.arange(degree + 1) ** norm
    found, used = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    for _ in range(d):
        sums = used[:, None] + powers
        rows, k = np.nonzero(sums <= degree**norm * (1.0 + 1e-12))
        if rows.size > limit:
            return None
        found, used = np.column_stack([found[rows], k]), sums[rows, k]
    found = found[np.lexsort((*found.T[::-1], found.sum(axis=1)))]
    found.setflags(write=False)
    return found
