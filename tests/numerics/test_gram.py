"""Moments and update by sums of products against numpy, on either side of every edge of a block, and their refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.numerics.gram import LEAST_PIVOT, LEAST_TILED, SHARPEST, means, moments_by_products, update_by_products

SIZES = [*range(1, 18), 19, 20, 23, 24, 27, 31, 32, 33, 36, 39, 40, 41, 45]
RNG = np.random.default_rng(6)
EMPTY = np.empty


def belief(d, centre=0, rng=RNG):
    """Mean, root, symmetric points (d, N), and their weights in a mean and, as square roots, in a covariance."""
    root, mean = np.tril(rng.normal(size=(d, d))) / np.sqrt(d) + 2.0 * np.eye(d), rng.normal(size=d)
    count = 2 * d + centre
    far = np.sqrt(d + centre / 2) * root
    points = mean[:, None] + np.hstack([np.zeros((d, centre)), far, -far])
    w = np.full(count, 1.0 / count)
    return mean, root, points, w, np.sqrt(w)


def moments(points, w, v, noise, room=EMPTY):
    """Whether it was done, mean, root; NaN stands in all that has to be written."""
    d, count = points.shape
    mean, root, work = np.full(d, np.nan), np.full((d, d), np.nan), (room((count, d)), room((d, d)), room(d))
    return moments_by_products(points, w, v, noise, mean, root, *work), mean, root


def update(mean, root, h, w, v, y, m=None):
    """Whether it was done, mean, root, squared innovation and log-likelihood; h may have more rows than m."""
    (q, count), d = h.shape, mean.size
    after, after_root, seen = np.full(d, np.nan), np.full((d, d), np.nan), np.full(2, np.nan)
    work = EMPTY(q), EMPTY(q), EMPTY((q, d)), EMPTY((count - d, q)), EMPTY((q, q)), EMPTY((d, d)), EMPTY(max(d, q))
    good = update_by_products(mean, root, q if m is None else m, h, w, v, y, after, after_root, seen, *work, EMPTY(d))
    return good, after, after_root, seen


def expected_update(mean, root, h, w, v, y):
    """The same by covariances."""
    d = mean.size
    first, middle = h.shape[1] - 2 * d, h[:, 0] + (h - h[:, :1]) @ w
    plus, minus, half = h[:, first : first + d], h[:, first + d :], v[first : first + d] * np.sqrt(0.5)
    common = np.hstack([v[:first] * (h[:, :first] - middle[:, None]), half * (plus + minus - 2.0 * middle[:, None])])
    observed, error = half * (plus - minus), np.eye(y.size) + common @ common.T
    spread, apart = observed @ observed.T + error, y - middle
    gain = root @ observed.T @ np.linalg.inv(spread)
    nis = apart @ np.linalg.solve(spread, apart)
    told = -0.5 * (y.size * np.log(2.0 * np.pi) + nis + np.linalg.slogdet(spread)[1])
    inner = np.linalg.inv(np.eye(d) + observed.T @ np.linalg.solve(error, observed))
    return mean + gain @ apart, root @ inner @ root.T, np.array([nis, told])


def near(one, other, tolerance=1e-13):
    """Equal to rounding at the scale of the largest entry."""
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max(initial=0)))


@pytest.mark.parametrize("centre", [0, 1])
@pytest.mark.parametrize("d", SIZES)
def test_moments_are_those_of_numpy(d, centre):
    _, _, points, w, v = belief(d, centre)
    points, noise = points + 0.3 * points**2, RNG.uniform(0.1, 1.0, d)
    good, mean, root = moments(points, w, v, noise)
    apart = (points - (points @ w)[:, None]) * v
    assert good
    near(mean, points @ w)
    near(root, np.linalg.cholesky(apart @ apart.T + np.diag(noise**2)), 1e-12)
    np.testing.assert_array_equal(root, np.tril(root))


@pytest.mark.parametrize("d", SIZES)
def test_update_is_that_by_covariances(d):
    for q in {1, 2, 3, 7, 8, 9, d, d + 5}:
        for centre, bent in ((0, 0.0), (1, 0.0), (0, 0.03), (1, 0.03)):
            mean, root, points, w, v = belief(d, centre)
            h = RNG.normal(size=(q, d)) @ points / np.sqrt(d)
            h, y = h + bent * h**2, RNG.normal(size=q)
            good, after, after_root, seen = update(mean, root, h, w, v, y)
            wanted, covariance, numbers = expected_update(mean, root, h, w, v, y)
            assert good
            near(after, wanted, 1e-11)
            near(after_root @ after_root.T, covariance, 1e-11)
            near(seen, numbers, 1e-11)
            np.testing.assert_array_equal(after_root, np.tril(after_root))
            np.testing.assert_array_equal(np.sign(np.diag(after_root)), np.sign(np.diag(root)))


@settings(max_examples=30, deadline=None)
@given(d=st.integers(1, 45), q=st.integers(1, 50), seed=st.integers(0, 2**32 - 1))
def test_rows_that_were_not_measured_and_where_arrays_lie_do_not_matter(d, q, seed):
    rng = np.random.default_rng(seed)
    mean, root, points, w, v = belief(d, seed % 2, rng)
    h, y = rng.normal(size=(q, d)) @ points / np.sqrt(d), rng.normal(size=q)
    m = rng.integers(1, q + 1)
    few, more = update(mean, root, h[:m], w, v, y[:m]), update(mean, root, h, w, v, y, m)
    moved = EMPTY(points.size + 1)[1:].reshape(points.shape)
    moved[:] = points
    one, other = (moments(p, w, v, np.ones(d)) for p in (points, moved))
    for a, b in zip((*few, *one), (*more, *other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", [2, 7, 8, 9, 40, 81])
def test_means_do_not_round_what_points_share(count):
    w, h = RNG.dirichlet(np.ones(count)), RNG.integers(-8, 9, size=(11, count)) * 2.0**-20
    mean, far = EMPTY(11), EMPTY(11)
    for m in (0, 1, 4, 7, 11):
        means(m, h, w, mean)
        means(m, h + 2.0**30, w, far)
        near(mean[:m], (h @ w)[:m], 1e-19)
        np.testing.assert_array_equal(far[:m], 2.0**30 + mean[:m])


@pytest.mark.parametrize("d", [2, 5, LEAST_TILED, 10, 13, 40])
def test_moments_refuse_a_state_that_the_others_determine_and_what_is_not_finite(d):
    _, _, points, w, v = belief(d)
    for k in range(1, d):
        known, noise = points.copy(), np.full(d, 1e-9)
        known[k] = known[:k].sum(axis=0)
        assert not moments(known, w, v, noise)[0]
        variance = ((v * (known[k] - known[k] @ w)) ** 2).sum()
        for share, enough in ((0.9, False), (1.2, True)):
            noise[k] = np.sqrt(share * LEAST_PIVOT * variance)
            assert moments(known, w, v, noise)[0] == enough, (k, share)
    for i in range(d):
        for value in (np.nan, np.inf):
            broken = points.copy()
            broken[i, i % 3] = value
            assert not moments(broken, w, v, np.ones(d))[0]


@pytest.mark.parametrize("d", [1, 5, LEAST_TILED, 10, 13, 40])
def test_update_refuses_what_is_sharp_bent_or_not_finite(d):
    mean, root, points, w, v = belief(d)
    h, y = points[:1] - points[:1].mean(), np.zeros(1)
    size = np.sqrt(SHARPEST / ((h * v) ** 2).sum())
    assert update(mean, root, 0.999 * size * h, w, v, y)[0]
    assert not update(mean, root, 1.001 * size * h, w, v, y)[0]
    bent = np.hstack([np.arange(d), np.arange(d)])[None] * 1e3
    assert update(mean, root, bent, w, v, y)[0] == (d == 1)
    for i in range(d):
        broken = points.copy()
        broken[i, -1] = np.nan
        assert not update(mean, root, broken, w, v, np.zeros(d))[0]
    assert not update(mean, root, h, w, v, np.full(1, np.nan))[0]
    assert not update(mean, root, h, w, v, np.full(1, np.inf))[0]
