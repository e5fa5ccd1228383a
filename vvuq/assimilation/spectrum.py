"""The whitened forecast covariance of what is observed, in its eigenvectors: every solve, root and determinant of it.

With whitened deviations Y (m, N) by sqrt(N - 1), the innovations' covariance is I + Y Y'. It is taken apart in the
smaller of the observations' and the members' space; the small eigenvalues of a vast one come from Y itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.record import Floats

_VAST = 1e8  # eigenvalues of Y Y' above this drown the smallest in rounding; singular values of Y do not


@dataclass(frozen=True, slots=True)
class Spectrum:
    """I + Y Y' by its eigenvectors, or I + Y'Y by its own where `complete`: there are fewer members than observables.

    root (r,): the square roots of the eigenvalues, >= 1; r = min(m, N). left (N, r): (I + Y'Y)^f - I is left
    diag(g) left' for one function g or another of root; right = vectors' (r, m) where not complete."""

    observed: Floats
    vectors: Floats
    left: Floats
    root: Floats
    complete: bool


def spectrum(observed: Floats) -> Spectrum:
    """Of whitened deviations by sqrt(N - 1), (m, N)."""
    m, count = observed.shape
    complete = count <= m
    values, vectors = np.linalg.eigh(observed.T @ observed if complete else observed @ observed.T)
    if values.size and values[-1] > _VAST:
        u, singular, vt = np.linalg.svd(observed, full_matrices=False)
        values, vectors = singular**2, vt.T if complete else u
    root = np.sqrt(1.0 + np.maximum(values, 0.0))
    return Spectrum(observed, vectors, vectors if complete else observed.T @ vectors, root, complete)


def right(of: Spectrum, innovation: Floats) -> Floats:
    """Coordinates (r,) or (r, k) of innovations (m,) or (m, k): (I + Y'Y)^-1 Y' z = left diag(root^-2) right(z)."""
    return np.asarray(of.vectors.T @ (of.observed.T @ innovation if of.complete else innovation))


def gain(of: Spectrum, deviations: Floats) -> Floats:
    """The matrix (d, r) that takes such coordinates to what they add to rows with the given deviations (d, N)."""
    return np.asarray((deviations @ of.left) / of.root**2)


def shrunk(of: Spectrum, deviations: Floats) -> Floats:
    """deviations (d, N) times the symmetric square root (I + Y'Y)^-1/2."""
    if not of.complete:
        return np.asarray(deviations - ((deviations @ of.left) / (of.root**2 + of.root)) @ of.left.T)
    if deviations.shape[0] <= of.root.size:
        return np.asarray(((deviations @ of.left) / of.root) @ of.left.T)
    return np.asarray(deviations @ ((of.left / of.root) @ of.left.T))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What innovations say of a forecast: their square by its covariance (NIS), their log-density, the least root."""

    nis: float
    log_likelihood: float
    least_pivot: float


def evidence(of: Spectrum, innovation: Floats, log_scale: float) -> Evidence:
    """The normal log-density of innovations (m,) of covariance I + Y Y', less log_scale (see system.Whitened)."""
    coordinates = right(of, innovation)
    if of.complete:  # as a least-squares problem: nothing is subtracted from z'z
        chosen = of.left @ (coordinates / of.root**2)
        rest = innovation - of.observed @ chosen
        nis = float(rest @ rest + chosen @ chosen)
    else:
        nis = float(np.sum((coordinates / of.root) ** 2))
    density = -0.5 * (innovation.size * np.log(2.0 * np.pi) + nis) - float(np.log(of.root).sum()) - log_scale
    return Evidence(nis, float(density), float(of.root.min(initial=np.inf)))
