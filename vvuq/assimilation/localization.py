"""Which observables may move which rows of a state, and by how much: tapers of a distance, or of sampling error.

A taper is a weight between 0 and 1 on a sample covariance: what few members show of far or unrelated rows is noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vvuq.errors import InputError
from vvuq.record import Floats

LEAST_WEIGHT = 1e-3  # lower weights are 0: what they would move is not worth its cost
Taper = Callable[[Floats], Floats]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


def gaspari_cohn(distance: ArrayLike, half_width: float) -> Floats:
    """The fifth-order piecewise rational function of a distance >= 0: 1 at 0, exactly 0 from 2 half_width on.

    Published localization radii are often r with half_width = 1.82 r, where the weight is 0.63 at r.
    Semidefinite for Euclidean distances in up to three dimensions, not along the edges of a graph (definite.py).
    Raises InputError for a half_width that is not positive. Source: Gaspari & Cohn, QJRMS 125 (1999) 723, eq. 4.10."""
    z = _ratio(distance, half_width, "half_width")
    near, far = np.minimum(z, 1.0), np.clip(z, 1.0, 2.0)
    inner = (((-0.25 * near + 0.5) * near + 0.625) * near - 5.0 / 3.0) * near**2 + 1.0
    outer = ((((far / 12.0 - 0.5) * far + 0.625) * far + 5.0 / 3.0) * far - 5.0) * far + 4.0 - 2.0 / (3.0 * far)
    return np.where(z >= 2.0, 0.0, np.clip(np.where(z <= 1.0, inner, outer), 0.0, 1.0))


def exponential(distance: ArrayLike, length: float) -> Floats:
    """exp(-distance / length): semidefinite for Euclidean distances, and for those along the edges of a tree.

    Raises InputError for a length that is not positive. Source: Schoenberg, Trans. AMS 44 (1938) 522."""
    return np.exp(-_ratio(distance, length, "length"))


def _ratio(distance: ArrayLike, scale: float, field: str) -> Floats:
    apart = np.asarray(distance, dtype=float)
    if not (scale > 0.0 and np.isfinite(scale)):
        raise InputError("localization", field, scale, "a finite value > 0")
    if not np.all(apart >= 0.0):
        raise InputError("localization", "distance", apart.shape, "distances >= 0")
    return apart / scale


@dataclass(frozen=True, slots=True)
class SamplingError:
    """Weights for rows without a place, such as parameters, from how well N members show a correlation.

    The weight of a pair with sample correlation r is n (n - 1 / r^2) / ((n + 2) (n - 1)), n = N - 1: on average the
    weighted squared covariance of normal members is the squared true one. Weights below `least` are 0: so are those
    of any |r| under 1 / sqrt(n). Source: Menetrier, Montmerle, Michel & Berre, MWR 143 (2015) 1622 (normal case)."""

    least: float = LEAST_WEIGHT

    def __post_init__(self) -> None:
        if not 0.0 < self.least < 1.0:
            raise InputError("localization", "least", self.least, "a weight between 0 and 1")

    def weights(self, correlation: Floats, members: int) -> Floats:
        """The weight of each sample correlation, same shape, in [0, 1]. Raises InputError for fewer than 3 members."""
        if members < 3:
            raise InputError("localization", "members", members, "at least 3 for a sampling-error taper")
        n, square = members - 1, np.square(correlation)
        floor = np.maximum(square, 1.0 / n)  # there the weight is 0
        weight = n * (n - 1.0 / floor) / ((n + 2.0) * (n - 1.0))
        return np.where(weight < self.least, 0.0, np.minimum(weight, 1.0))


@dataclass(frozen=True, eq=False)
class Localization:
    """The tapers of one system: between its d rows and q observables, and between the observables.

    state_taper (d, q), observed_taper (q, q), all in [0, 1]. placeless: the rows without a place, whose weights are 1
    and, where `sampling` is given, those of the members' correlations besides.
    Raises InputError for wrong shapes, weights out of range, an observed_taper not symmetric with diagonal 1."""

    state_taper: Floats
    observed_taper: Floats
    placeless: Indices
    sampling: SamplingError | None = None

    def __post_init__(self) -> None:
        state, seen = self.state_taper, self.observed_taper
        if state.ndim != 2 or seen.shape != (state.shape[1], state.shape[1]):
            raise InputError("localization", "taper", (state.shape, seen.shape), "shapes (d, q) and (q, q)")
        for field, taper in (("state_taper", state), ("observed_taper", seen)):
            if not np.all((taper >= 0.0) & (taper <= 1.0)):
                raise InputError("localization", field, taper.shape, "weights between 0 and 1")
        if not (np.allclose(seen, seen.T) and np.all(np.diag(seen) == 1.0)):
            raise InputError("localization", "observed_taper", seen.shape, "a symmetric matrix with diagonal 1")
        if np.any((self.placeless < 0) | (self.placeless >= state.shape[0])):
            raise InputError("localization", "placeless", self.placeless.tolist(), f"rows below {state.shape[0]}")

    def sampling_weights(self, anomalies_x: Floats, anomalies_y: Floats) -> Floats:
        """The sampling-error weights (k, m) of rows (k, N) and observables (m, N), given as deviations from the mean.

        1 throughout where no sampling-error taper was chosen."""
        if self.sampling is None:
            return np.ones((anomalies_x.shape[0], anomalies_y.shape[0]))
        scale = np.outer(np.sqrt(np.sum(anomalies_x**2, axis=1)), np.sqrt(np.sum(anomalies_y**2, axis=1)))
        product = anomalies_x @ anomalies_y.T
        correlation = np.divide(product, scale, out=np.zeros_like(product), where=scale > 0.0)
        return self.sampling.weights(correlation, anomalies_x.shape[1])


def localization(to_rows: Floats, between: Floats, taper: Taper, sampling: SamplingError | None = None) -> Localization:
    """The localization that a taper of the distance gives.

    to_rows (d, q): from each row of a belief to each observable; a row of not-a-number has no place. between (q, q):
    between the observables. taper: distances to weights, such as `lambda d: gaspari_cohn(d, 3.0)`.
    Raises InputError for wrong shapes and a row of which a part is not a number."""
    to_rows, between = np.asarray(to_rows, dtype=float), np.asarray(between, dtype=float)
    if to_rows.ndim != 2 or between.shape != (to_rows.shape[1], to_rows.shape[1]):
        raise InputError("localization", "distance", (to_rows.shape, between.shape), "shapes (d, q) and (q, q)")
    missing = np.isnan(to_rows)
    nowhere = missing.all(axis=1)
    if np.any(missing[~nowhere]):
        raise InputError("localization", "to_rows", int(missing[~nowhere].sum()), "a row without a place: all of it")
    state = np.ones(to_rows.shape)
    state[~nowhere] = _weights(taper, to_rows[~nowhere])
    return Localization(state, _weights(taper, between), np.flatnonzero(nowhere), sampling)


def _weights(taper: Taper, distance: Floats) -> Floats:
    weights = np.asarray(taper(distance), dtype=float)
    if weights.shape != distance.shape:
        raise InputError("localization", "taper", weights.shape, f"one weight for each distance: {distance.shape}")
    return np.where(weights < LEAST_WEIGHT, 0.0, weights)


def explained_share(cross: Floats, observed: Floats, variance: Floats) -> Floats:
    """The share (k,) of each row's variance that a gain cross observed^-1 claims to explain.

    cross (k, m): tapered covariance of rows and observables; observed (m, m): covariance of the observables, errors
    included; variance (k,) of the rows. Above 1 the three belong to no joint distribution: the gain then takes out
    more than there is, and a filter that uses it diverges. So it goes where `cross` is tapered and `observed` is
    not: the inverse of `observed` magnifies what the taper has moved out of the span of the members.
    Raises InputError where `observed` is not positive definite.
    Source: Schur complement (Horn & Johnson, Matrix Analysis, 2nd ed., 2013, theorem 7.7.7)."""
    values, vectors = np.linalg.eigh(observed)
    if not np.all(values > 0.0):
        raise InputError("localization", "observed", values.min(initial=np.inf), "eigenvalues above 0")
    explained = np.sum((cross @ vectors) ** 2 / values, axis=1)
    return np.divide(explained, variance, out=np.where(explained > 0.0, np.inf, 0.0), where=variance > 0.0)


def check_gain(cross: Floats, observed: Floats, variance: Floats, tolerance: float = 1e-8) -> None:
    """Refuses a tapered gain that claims to explain more than there is (see `explained_share`), with InputError."""
    worst = float(np.max(explained_share(cross, observed, variance), initial=0.0))
    if not worst <= 1.0 + tolerance:
        remedy = "at most 1: taper the observables' own covariance too, or process them one by one"
        raise InputError("localization", "explained share of variance", worst, remedy)
