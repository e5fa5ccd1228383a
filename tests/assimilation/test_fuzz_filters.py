"""No failure, no silent not-a-number, no negative variance in hard cases; and how far from 60 digits.

The kernels take sequences in a compiled loop; the public filters take fewer of them, with correlated errors too. What
filterpy does with the same sequences stands beside, in a table of the tests' output."""

import warnings
from dataclasses import replace

import fuzz
import gaussian
import mpmath
import numpy as np
import pytest
from gaussian import SCHEDULE, UNUSED
from tables import report

from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.reduced import ReducedUnscented
from vvuq.assimilation.system import Observation
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Additive

SIZES = [(d, m) for d in range(2, 7) for m in range(1, 4)]
COLUMNS = ("filter", "sequences", "cycles", "stopped by an error", "not a number", "negative variance")
TITLE = "Hard cases: sequences that failed"
EPS = np.finfo(float).eps


def ours(of: fuzz.Batch):
    """Mean and root after all sequences, and the failures."""
    mean, root, failures = of.mean.copy(), of.root.copy(), np.zeros(3, dtype=np.int64)
    fuzz.run(of.step, of.seen, of.noise, of.error, mean, root, of.values, failures)
    return mean, root, failures


def fuzzed(sequences: int, seed: int) -> None:
    """Filters `sequences` of each size, and compares two of each size with 60 digits."""
    total = np.zeros(3, dtype=np.int64)
    for d, m in SIZES:
        of = fuzz.batch(np.random.default_rng((seed, d, m)), d, m, sequences)
        mean, root, failures = ours(of)
        total += failures
        assert np.all(np.isfinite(mean)) and np.all(np.isfinite(root))
        assert np.all(np.einsum("cii->ci", root) >= 0.0) and np.all(np.triu(root, 1) == 0.0)
        for c in range(2):
            check(of, c, mean[c], root[c])
    cells = "unscented, square-root form", len(SIZES) * sequences, len(SIZES) * sequences * fuzz.CYCLES
    report(TITLE, COLUMNS, (*cells, *(int(v) for v in total)))
    assert not np.any(total)


def errors(of: fuzz.Batch, c: int, mean, root):
    """Of the mean by its size; of the covariance by SDs, in units of what sigma points of that size are rounded to."""
    exact, covariance = fuzz.reference(of, c)
    with mpmath.workdps(60):
        off = [abs(float(mpmath.mpf(float(v)) - e)) for v, e in zip(mean, exact, strict=True)]
    covariance, size = np.array(covariance.tolist(), dtype=float), fuzz.size(of, c)
    sd = np.sqrt(np.diag(covariance))
    by_sd = np.abs((root @ root.T - covariance) / np.outer(sd, sd)).max()
    return max(off) / size, by_sd / (EPS * size / sd.min())


def check(of: fuzz.Batch, c: int, mean, root) -> None:
    by_mean, by_sd = errors(of, c, mean, root)
    assert by_mean <= 1e-10
    assert by_sd <= 1000.0


def test_a_thousand_cycles():
    fuzzed(7, 1)


@pytest.mark.slow
def test_twenty_thousand_cycles():
    fuzzed(135, 1)


@pytest.mark.slow
def test_a_million_cycles():
    fuzzed(6700, 2)


def test_a_wrong_root_is_noticed():
    of = fuzz.batch(np.random.default_rng(3), 4, 2, 1)
    mean, root, _ = ours(of)
    check(of, 0, mean[0], root[0])
    with pytest.raises(AssertionError):
        check(of, 0, mean[0], 1.1 * root[0])
    with pytest.raises(AssertionError):
        check(of, 0, mean[0] + 1e-9 * fuzz.size(of, 0), root[0])


def peer(of: fuzz.Batch, c: int, kalman) -> int | None:
    """How filterpy's unscented filter fails in sequence c: the column of COLUMNS, or None."""
    m, d = of.seen[c].shape
    points = kalman.JulierSigmaPoints(d, kappa=0.0)
    other = kalman.UnscentedKalmanFilter(d, m, 1.0, lambda x: of.seen[c] @ x, lambda x, dt: of.step[c] @ x, points)
    other.x, other.P, other.Q = of.mean[c].copy(), of.root[c] @ of.root[c].T, np.diag(of.noise[c] ** 2)
    for y in of.values[c]:
        kept = np.flatnonzero(~np.isnan(y))
        try:
            other.predict()
            if kept.size:
                other.sigmas_f = points.sigma_points(other.x, other.P)
                h = of.seen[c][kept]
                other.update(y[kept], R=np.diag(of.error[c, kept] ** 2), hx=lambda x, h=h: h @ x)
        except np.linalg.LinAlgError:
            return 3
        if not (np.all(np.isfinite(other.x)) and np.all(np.isfinite(other.P))):
            return 4
        if np.any(np.diag(other.P) < 0.0):
            return 5
    return None


def peers_failures(first: int, sequences: int, seed: int) -> list[int]:
    """Of filterpy in the `first` of the sequences of each size that `fuzzed` takes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kalman = pytest.importorskip("filterpy.kalman")
        found = []
        for d, m in SIZES:
            of = fuzz.batch(np.random.default_rng((seed, d, m)), d, m, sequences)
            found += [peer(of, c, kalman) for c in range(first)]
    failures = [found.count(column) for column in (3, 4, 5)]
    cells = "filterpy, covariance form", len(SIZES) * first, len(SIZES) * first * fuzz.CYCLES
    report(TITLE, COLUMNS, (*cells, *failures))
    return failures


def test_filterpy_fails_where_this_filter_does_not():
    assert sum(peers_failures(10, 135, 1)) > 0


@pytest.mark.slow
def test_filterpy_on_more_of_them():
    assert sum(peers_failures(200, 6700, 2)) > 0


def hard(seed: int) -> gaussian.Case:
    """A random system with almost exact data, errors that are almost the same, and an almost singular prior."""
    rng = np.random.default_rng((seed, 9))
    of = gaussian.case(seed, count=10, rank=int(rng.integers(1, 5)))
    sd, near = 10.0 ** rng.uniform(-6.0, 0.0, 3), 1.0 - 10.0 ** rng.uniform(-10.0, -1.0)
    noise, correlation = tuple(Additive(float(v)) for v in sd), np.full((3, 3), near) + (1.0 - near) * np.eye(3)
    scale = 10.0 ** rng.uniform(-7.0, 0.0, gaussian.D)
    scale[rng.integers(gaussian.D)] = 1.0
    system = replace(of.system, noise=noise, correlation=correlation, drift=np.asarray(of.system.drift) * scale)
    root = np.linalg.qr((of.prior.root * scale).T, mode="r").T
    prior = replace(of.prior, root=np.ascontiguousarray(root * np.where(np.diag(root) < 0.0, -1.0, 1.0)))
    return replace(of, system=system, prior=prior)


def stepped(sequences: range) -> None:
    """Every filter by its public step."""
    for seed in sequences:
        of = hard(seed)
        for method in (Unscented(), Unscented(kappa=1.0, augmented=True), Kalman(), ReducedUnscented(3)):
            belief = method.init(of.prior, UNUSED)
            for one in of.observations:
                belief, seen = method.step(of.system, SCHEDULE, belief, one, UNUSED)
                assert seen.code == 0 and np.isfinite(belief.log_likelihood)
            assert np.all(np.isfinite(belief.mean)) and np.all(np.isfinite(belief.root))


def test_public_steps():
    stepped(range(12))


@pytest.mark.slow
def test_more_public_steps():
    stepped(range(100, 700))


@pytest.mark.parametrize("method", [Unscented(), Unscented(augmented=True), Kalman(), ReducedUnscented(4)], ids=repr)
@pytest.mark.parametrize("size", [1e155, 1e308, -1e308])
def test_a_value_beyond_all_measure_is_a_code(method, size):
    of = gaussian.case(0, missing=0.0)
    belief = method.init(of.prior, UNUSED)
    after, seen = method.step(of.system, SCHEDULE, belief, Observation(1.0, np.full(3, size)), UNUSED)
    assert seen.code == 1 and after is belief
    assert np.isnan(seen.log_likelihood) and np.all(np.isnan(seen.innovation)) and seen.n == 0
