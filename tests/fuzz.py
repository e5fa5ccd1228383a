"""Hard cases for Gaussian filters, many at once: linear maps with growth, almost singular priors, almost exact data.

A batch holds sequences of one size: priors whose covariance spans up to 14 orders of magnitude or lacks rank, errors of
variance 1e-12 to 100, observables that repeat one another, values missing, outliers. `run` filters a batch by the
kernels of the unscented filter in one compiled loop; `reference` is the exact filter in 60 digits."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
import numpy as np
from numba import njit

from vvuq.numerics.unscented import deviations, lower_root, paired, sigma_points, update_linear, weighted_mean
from vvuq.record import Floats

CYCLES = 10


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of CYCLES: maps F (count, d, d) and H (count, m, d), SDs of noise (count, d) and of errors (count, m),
    prior mean (count, d) and root (count, d, d), values (count, CYCLES, m), not-a-number where missing."""

    step: Floats
    seen: Floats
    noise: Floats
    error: Floats
    mean: Floats
    root: Floats
    values: Floats


def batch(rng: np.random.Generator, d: int, m: int, count: int) -> Batch:
    """Random hard sequences of d states and m observables."""
    turn, other = (np.linalg.qr(rng.normal(size=(count, d, d)))[0] for _ in range(2))
    step = (turn * 10.0 ** rng.uniform(-0.5, 0.5, (count, 1, d))) @ other
    spread = 10.0 ** (rng.uniform(0.0, 7.0, (count, 1)) * rng.random((count, d)) + rng.uniform(-3, 3, (count, 1)))
    spread[:, 0] *= rng.random(count) > 0.1
    root = np.linalg.qr((np.linalg.qr(rng.normal(size=(count, d, d)))[0] * spread[:, None]).transpose(0, 2, 1))[1]
    root = np.ascontiguousarray(root.transpose(0, 2, 1))
    root *= np.where(np.einsum("cii->ci", root) < 0.0, -1.0, 1.0)[:, None]
    seen = rng.normal(size=(count, m, d))
    again = rng.random(count) < 0.2
    seen[again, m - 1] = seen[again, 0]
    error = 10.0 ** rng.uniform(-6.0, 1.0, (count, m))
    noise = 10.0 ** rng.uniform(-6.0, 0.0, (count, d)) * (rng.random((count, 1)) < 0.5)
    mean = rng.normal(size=(count, d)) * 10.0 ** rng.uniform(-3, 3, (count, 1))
    return Batch(step, seen, noise, error, mean, root, _values(rng, step, seen, noise, error, mean, root))


def _values(rng, step, seen, noise, error, mean, root) -> Floats:
    """What a draw from each prior would measure; a third missing, one in fifty wrong by 1,000 standard errors."""
    count, m, d = seen.shape
    state, found = mean + np.einsum("cij,cj->ci", root, rng.normal(size=(count, d))), np.empty((count, CYCLES, m))
    for k in range(CYCLES):
        state = np.einsum("cij,cj->ci", step, state) + noise * rng.normal(size=(count, d))
        wrong = 1.0 + 1e3 * (rng.random((count, m)) < 0.02)
        found[:, k] = np.einsum("cij,cj->ci", seen, state) + wrong * error * rng.normal(size=(count, m))
    found[rng.random(found.shape) < 0.3] = np.nan
    return found


@njit(cache=True, error_model="numpy")
def product(a, b, out):
    """out = a b."""
    for i in range(a.shape[0]):
        for k in range(b.shape[1]):
            out[i, k] = 0.0
            for j in range(a.shape[1]):
                out[i, k] += a[i, j] * b[j, k]


@njit(cache=True, error_model="numpy")
def run(step, seen, noise, error, mean, root, values, failures):
    """Filters all sequences in place of mean and root; counts failures (3,): codes, silent not-a-numbers, negative
    diagonals. Goes on after a failure from the belief as it was."""
    count, cycles, m = values.shape
    d = mean.shape[1]
    points, ahead = np.empty((d, 2 * d)), np.empty((d, 2 * d))
    rows, at = np.empty((2 * d, d)), np.empty(m)
    looked, h = np.empty((m, 2 * d)), np.empty((m, 2 * d))
    w, v, y = np.full(2 * d, 0.5 / d), np.full(2 * d, np.sqrt(0.5 / d)), np.empty(m)
    next_mean, next_root, evidence = np.empty(d), np.empty((d, d)), np.empty(2)
    whole = d + m
    work = np.empty((whole, whole)), np.empty((2 * d, whole)), np.empty(whole), np.empty(whole)
    for c in range(count):
        for k in range(cycles):
            sigma_points(mean[c], root[c], np.sqrt(d), points)
            product(step[c], points, ahead)
            deviations(ahead, w, v, mean[c], rows)
            code = lower_root(rows, noise[c], root[c], work)
            size = 0
            sigma_points(mean[c], root[c], np.sqrt(d), points)
            product(seen[c], points, looked)
            for q in range(m):
                if not np.isnan(values[c, k, q]):
                    y[size] = values[c, k, q] / error[c, q]
                    for p in range(2 * d):
                        h[size, p] = looked[q, p] / error[c, q]
                    size += 1
            if size > 0 and code == 0:
                weighted_mean(h[:size], w, at[:size])
                extra, observed = np.empty((size, size)), np.empty((size, d))
                paired(h[:size], at[:size], v, extra, observed, work)
                code = update_linear(
                    mean[c], root[c], observed, extra, y[:size], at[:size], next_mean, next_root, evidence, work
                )
                if code == 0:
                    mean[c], root[c] = next_mean, next_root
            failures[0] += code != 0
            good, least = np.isfinite(mean[c].sum()) and np.isfinite(root[c].sum()), 0.0
            for i in range(d):
                least = min(least, root[c, i, i])
            failures[1] += code == 0 and not good
            failures[2] += least < 0.0


def reference(of: Batch, c: int) -> tuple[mpmath.matrix, mpmath.matrix]:
    """Mean and covariance after sequence c, by the covariance form in 60 digits."""
    with mpmath.workdps(60):
        step, seen, root = (mpmath.matrix(a[c].tolist()) for a in (of.step, of.seen, of.root))
        mean, covariance = mpmath.matrix(of.mean[c].tolist()), root * root.T
        noise = mpmath.diag([mpmath.mpf(float(v)) ** 2 for v in of.noise[c]])
        for y in of.values[c]:
            mean, covariance = step * mean, step * covariance * step.T + noise
            for q in np.flatnonzero(~np.isnan(y)):
                h = seen[int(q), :]
                moved = covariance * h.T
                spread = (h * moved)[0] + mpmath.mpf(float(of.error[c, q])) ** 2
                mean += moved * ((mpmath.mpf(float(y[q])) - (h * mean)[0]) / spread)
                covariance -= moved * moved.T / spread
        return mean, covariance


def size(of: Batch, c: int) -> float:
    """How large the numbers get that are added up in sequence c, which rounds them by that times the unit."""
    spread, mean = np.abs(of.root[c]).sum(axis=1), np.abs(of.mean[c])
    largest = 0.0
    for _ in range(CYCLES + 1):
        largest = max(largest, float((mean + spread).max()))
        mean, spread = np.abs(of.step[c]) @ mean, np.abs(of.step[c]) @ spread + of.noise[c]
    return largest
