"""Tapers and distances: what they are, what is not semidefinite and refused, and the gain that is no gain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.definite import certify, nearest_semidefinite, tapered_covariance
from vvuq.assimilation.distance import euclidean, graph, periodic
from vvuq.assimilation.localization import (
    Localization,
    SamplingError,
    check_gain,
    explained_share,
    exponential,
    gaspari_cohn,
    localization,
)
from vvuq.errors import InputError

scales = st.floats(0.05, 50.0)
seeds = st.integers(0, 2**32 - 1)


def binary_tree(levels):
    """Edges of the complete binary tree, from every node to its parent."""
    return [(i, (i - 1) // 2) for i in range(1, 2**levels - 1)]


def tree_distances(levels, rng):
    edges = binary_tree(levels)
    return graph(2**levels - 1, edges, rng.uniform(0.5, 2.0, len(edges)))


@given(distances=st.lists(st.floats(0.0, 200.0), min_size=1, max_size=20), scale=scales)
@pytest.mark.parametrize("taper", [gaspari_cohn, exponential])
def test_a_taper_is_bounded_and_never_rises(taper, distances, scale):
    weights = taper(np.sort(distances), scale)
    assert np.all((weights >= 0.0) & (weights <= 1.0))
    assert np.all(np.diff(weights) <= 1e-15)
    assert taper(np.zeros(1), scale)[0] == 1.0


@given(scale=scales, beyond=st.floats(0.0, 100.0))
def test_gaspari_cohn_is_zero_beyond_its_support(scale, beyond):
    assert gaspari_cohn(np.array([2.0 * scale * (1.0 + beyond)]), scale)[0] == 0.0
    assert gaspari_cohn(np.array([np.inf]), scale)[0] == 0.0
    assert gaspari_cohn(np.array([1.9 * scale]), scale)[0] > 0.0


@given(scale=scales, at=st.floats(0.0, 2.2), small=st.floats(1e-9, 1e-4))
def test_gaspari_cohn_is_smooth(scale, at, small):
    """Value and slope have no jump: the steepest slope is 1.06 per half-width."""
    one, two = gaspari_cohn(scale * np.array([at, at + small]), scale)
    assert abs(one - two) <= 1.06 * small + 1e-14
    slopes = [np.diff(gaspari_cohn(np.array([knot - 1e-6, knot, knot + 1e-6]), 1.0)) * 1e6 for knot in (1.0, 2.0)]
    np.testing.assert_allclose([left for left, _ in slopes], [right for _, right in slopes], atol=1e-4)


def test_gaspari_cohn_has_its_published_values():
    """By hand from the two branches: 5/24 at c, and 0.63 at r where c = 1.82 r."""
    assert gaspari_cohn(np.array([1.0]), 1.0)[0] == pytest.approx(5.0 / 24.0, abs=1e-15)
    assert gaspari_cohn(np.array([1.5]), 1.0)[0] == pytest.approx(0.016493055555555, abs=1e-12)
    assert gaspari_cohn(np.array([1.0]), 1.82)[0] == pytest.approx(0.63, abs=0.005)


@given(seed=seeds, dimensions=st.integers(1, 3), scale=st.floats(0.2, 5.0))
@pytest.mark.parametrize("taper", [gaspari_cohn, exponential])
def test_tapers_of_euclidean_distance_are_semidefinite(taper, seed, dimensions, scale):
    points = np.random.default_rng(seed).uniform(0.0, 5.0, (30, dimensions))
    assert certify(taper(euclidean(points, points), scale)) >= -1e-10


@given(n=st.integers(8, 40), share=st.floats(0.02, 0.25))
def test_tapers_on_a_ring_are_semidefinite(n, share):
    """Gaspari-Cohn as long as its support ends within half a turn."""
    distance = periodic(np.arange(n), np.arange(n), float(n))
    assert certify(gaspari_cohn(distance, share * n)) >= -1e-10
    assert certify(exponential(distance, share * n)) >= -1e-10


@given(seed=seeds, n=st.integers(2, 12), dimensions=st.integers(1, 3))
def test_distances_are_metrics(seed, n, dimensions):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-10.0, 10.0, (n, dimensions))
    chain = [(i, i + 1) for i in range(n - 1)] + [tuple(rng.integers(0, n, 2)) for _ in range(n)]
    way = graph(n, chain, rng.uniform(0.1, 3.0, len(chain)))
    for distance in (euclidean(points, points), periodic(points, points, rng.uniform(1.0, 20.0, dimensions)), way):
        np.testing.assert_allclose(distance, distance.T, atol=1e-12)
        np.testing.assert_allclose(np.diag(distance), 0.0, atol=1e-12)
        assert np.all(distance[:, :, None] + distance[None, :, :] >= distance[:, None, :] - 1e-9)


@given(seed=seeds, turns=st.integers(-3, 3))
def test_a_turn_changes_no_periodic_distance(seed, turns):
    rng = np.random.default_rng(seed)
    one, two, period = rng.normal(size=(4, 2)), rng.normal(size=(5, 2)), np.array([2.0, 3.0])
    distance = periodic(one, two, period)
    np.testing.assert_allclose(periodic(one + turns * period, two, period), distance, atol=1e-9)
    assert np.all(distance <= np.hypot(1.0, 1.5) + 1e-12)
    np.testing.assert_allclose(periodic(one, two, np.inf), euclidean(one, two), atol=1e-12)


def test_a_graph_is_walked_the_shortest_way():
    distance = graph(5, [(0, 1), (1, 2), (0, 2), (2, 1), (2, 3)], [1.0, 5.0, 3.0, 1.5, 1.0], targets=[0, 3])
    np.testing.assert_array_equal(distance, [[0, 3.5], [1, 2.5], [2.5, 1], [3.5, 0], [np.inf, np.inf]])
    np.testing.assert_array_equal(graph(2, [], []), [[0.0, np.inf], [np.inf, 0.0]])
    assert graph(2, [(0, 1)], [1.0], targets=[]).shape == (2, 0)
    tree = tree_distances(4, np.random.default_rng(0))
    assert tree[7, 8] == pytest.approx(tree[7, 3] + tree[3, 8])  # siblings meet at their parent


def test_gaspari_cohn_on_a_tree_is_no_covariance_and_refused():
    """A hub with 12 ends one apart: ends see the hub at 0.68 and one another at 0.21, which no joint normal can."""
    star = graph(13, [(0, i) for i in range(1, 13)], np.ones(12))
    for distance in (star, tree_distances(5, np.random.default_rng(1))):
        taper = gaspari_cohn(distance, 2.0)
        assert np.linalg.eigvalsh(taper)[0] < -0.05
        with pytest.raises(InputError, match=r"exponential of a tree distance, or nearest_semidefinite"):
            tapered_covariance(np.eye(len(distance)), taper)
        assert certify(exponential(distance, 2.0)) > 0.0


def test_a_ring_that_its_taper_goes_round_twice_is_refused():
    distance = periodic(np.arange(12), np.arange(12), 12.0)
    with pytest.raises(InputError, match="least eigenvalue"):
        certify(gaspari_cohn(distance, 9.0))


def test_a_certified_taper_keeps_a_covariance_one():
    rng = np.random.default_rng(2)
    distance, root = tree_distances(5, rng), rng.normal(size=(31, 5))
    product = tapered_covariance(root @ root.T, exponential(distance, 1.0))
    assert np.linalg.eigvalsh(product)[0] > 0.0  # of 5 members, and of full rank
    with pytest.raises(InputError, match="covariance"):
        tapered_covariance(np.eye(3), np.eye(4))


def test_the_nearest_semidefinite_taper():
    taper = gaspari_cohn(tree_distances(5, np.random.default_rng(1)), 2.0)
    found = nearest_semidefinite(taper)
    assert certify(found.taper, tolerance=1e-12) >= -1e-12
    np.testing.assert_array_equal(np.diag(found.taper), 1.0)
    assert found.least_before < -0.05
    assert found.largest_change == pytest.approx(np.max(np.abs(found.taper - taper)))
    values, vectors = np.linalg.eigh(taper)
    once = (vectors * np.clip(values, 0.0, None)) @ vectors.T
    once /= np.sqrt(np.outer(np.diag(once), np.diag(once)))
    assert 0.0 < found.distance < np.linalg.norm(once - taper)  # nearer than clipping once and scaling
    same = nearest_semidefinite(exponential(euclidean(np.arange(5), np.arange(5)), 2.0))
    assert same.largest_change < 1e-12


def test_nearest_semidefinite_of_three():
    """The published answer for [[1,1,0],[1,1,1],[0,1,1]] (Higham 2002, section 5): 0.7607 and 0.1573."""
    found = nearest_semidefinite(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])).taper
    np.testing.assert_allclose(found, [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]], atol=5e-5)


def test_a_localization_from_distances():
    to_rows = np.array([[0.0, 3.0], [1.0, 30.0], [np.nan, np.nan]])
    found = localization(to_rows, np.array([[0.0, 3.0], [3.0, 0.0]]), lambda d: exponential(d, 2.0))
    np.testing.assert_allclose(found.state_taper, [[1.0, np.exp(-1.5)], [np.exp(-0.5), 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(found.observed_taper, [[1.0, np.exp(-1.5)], [np.exp(-1.5), 1.0]])
    assert found.placeless.tolist() == [2]
    np.testing.assert_array_equal(found.sampling_weights(np.ones((1, 4)), np.ones((2, 4))), 1.0)


@pytest.mark.parametrize(
    ("to_rows", "between", "field"),
    [
        ([[0.0, np.nan]], [[0.0, 1.0], [1.0, 0.0]], "to_rows"),
        ([[0.0, 1.0]], [[0.0]], "distance"),
        ([[0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]], "distance"),
        ([[0.0, 1.0]], [[0.0, 1.0], [2.0, 0.0]], "observed_taper"),
        ([[0.0, 1.0]], [[0.5, 1.0], [1.0, 0.0]], "observed_taper"),
    ],
)
def test_distances_with_a_fault_are_refused(to_rows, between, field):
    with pytest.raises(InputError, match=f"localization: {field}"):
        localization(np.array(to_rows), np.array(between), lambda d: gaspari_cohn(d, 2.0))


@pytest.mark.parametrize(
    "broken",
    [
        lambda: gaspari_cohn(np.ones(1), 0.0),
        lambda: exponential(np.ones(1), np.inf),
        lambda: exponential(np.array([np.nan]), 1.0),
        lambda: SamplingError(least=0.0),
        lambda: SamplingError().weights(np.zeros(1), 2),
        lambda: Localization(np.full((1, 1), 2.0), np.ones((1, 1)), np.zeros(0, int)),
        lambda: Localization(np.ones((1, 1)), np.ones((1, 1)), np.array([1])),
        lambda: localization(np.zeros((1, 1)), np.zeros((1, 1)), lambda d: np.ones(3)),
        lambda: certify(np.ones((2, 3))),
        lambda: certify(np.array([[1.0, 0.5], [0.0, 1.0]])),
        lambda: euclidean(np.ones((2, 2)), np.ones((2, 3))),
        lambda: euclidean([np.nan], [0.0]),
        lambda: periodic([0.0], [1.0], 0.0),
        lambda: periodic([0.0], [1.0], [1.0, 2.0]),
        lambda: explained_share(np.ones((1, 2)), np.ones((2, 2)) - 1.0, np.ones(1)),
        lambda: graph(2, [(0, 2)], [1.0]),
        lambda: graph(2, [(0, 1)], [0.0]),
        lambda: graph(2, [(0, 1)], [1.0, 2.0]),
        lambda: graph(2, [(0, 1)], [1.0], targets=[-1]),
    ],
)
def test_faults_are_refused(broken):
    with pytest.raises(InputError):
        broken()


@given(r=st.floats(-1.0, 1.0), members=st.integers(3, 1000))
def test_sampling_weights_are_bounded_and_rise_with_the_correlation(r, members):
    one, more = SamplingError().weights(np.array([r, min(abs(r) * 1.1, 1.0)]), members)
    assert 0.0 <= one <= more <= 1.0
    assert one == 0.0 or abs(r) > 1.0 / np.sqrt(members - 1)
    if abs(r) > 0.01:
        assert SamplingError().weights(np.array([r]), 10**9)[0] == pytest.approx(1.0, abs=1e-4)


def pairs(correlation, members, count, rng):
    """Anomalies of `count` pairs of standard normals with a correlation: two arrays (count, members)."""
    x, e = rng.standard_normal((2, count, members))
    y = correlation * x + np.sqrt(1.0 - correlation**2) * e
    return x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("correlation", [0.9, 0.7])
def test_sampling_weights_take_the_sampling_error_out_of_squared_covariances(correlation):
    """Before the weights are held above 0, which at these correlations they hardly ever are."""
    members, count = 40, 40_000
    x, y = pairs(correlation, members, count, np.random.default_rng(3))
    r = np.sum(x * y, axis=1) / np.sqrt(np.sum(x * x, axis=1) * np.sum(y * y, axis=1))
    squares = (np.sum(x * y, axis=1) / (members - 1)) ** 2
    weighted = SamplingError().weights(r, members) * squares
    error = weighted.std() / np.sqrt(count)
    assert abs(weighted.mean() - correlation**2) < 4.0 * error
    assert squares.mean() - correlation**2 > 4.0 * squares.std() / np.sqrt(count)


def test_sampling_weights_silence_what_is_unrelated():
    x, y = pairs(0.0, 30, 4000, np.random.default_rng(4))
    tapers = Localization(np.ones((1, 1)), np.ones((1, 1)), np.array([0]), SamplingError())
    raw = np.sum(x * y, axis=1) / 29
    weights = np.array([tapers.sampling_weights(a[None], b[None])[0, 0] for a, b in zip(x, y, strict=True)])
    assert np.mean(weights == 0.0) > 0.6
    assert np.mean((weights * raw) ** 2) < 0.35 * np.mean(raw**2)
    assert tapers.sampling_weights(np.zeros((1, 5)), np.arange(-2.0, 3.0)[None])[0, 0] == 0.0


def blow_up(seed):
    """40 exact observables of a chain and one parameter, seen by 15 members: anomalies, and the tapers that matter."""
    rng, q, members = np.random.default_rng(seed), 40, 15
    place = np.arange(q, dtype=float)
    root = np.linalg.cholesky(exponential(euclidean(place, place), 8.0) + 1e-9 * np.eye(q))
    y = root @ rng.standard_normal((q, members))
    x = 0.5 * y[:1] + 0.5 * rng.standard_normal((1, members))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    n, error = members - 1, 1e-3 * np.eye(q)
    weights = Localization(np.ones((1, q)), np.ones((q, q)), np.array([0]), SamplingError()).sampling_weights(x, y)
    return x, y, weights, exponential(euclidean(place, place), 8.0), error, n


@pytest.mark.parametrize("seed", range(5))
def test_a_taper_of_the_gain_alone_blows_up_and_is_found_out(seed):
    """Tapering C_xy and not S_yy, a row's variance would fall below 0; untapered it would not."""
    x, y, weights, taper, error, n = blow_up(seed)
    cross, plain, variance = x @ y.T / n, y @ y.T / n + error, np.sum(x**2, axis=1) / n
    local = taper * (y @ y.T / n) + error
    assert explained_share(cross, plain, variance)[0] <= 1.0 + 1e-9
    blown = explained_share(weights * cross, plain, variance)[0]
    assert blown > 10.0
    assert explained_share(weights * cross, local, variance)[0] < 0.1 * blown  # S_yy tapered too
    with pytest.raises(InputError, match="explained share of variance"):
        check_gain(weights * cross, plain, variance)
    check_gain(cross, plain, variance)
    gain = weights * cross @ np.linalg.inv(plain)  # what such a step does to data that say nothing new
    moved = gain @ np.random.default_rng(seed).multivariate_normal(np.zeros(40), taper + error, 2000).T
    assert np.var(moved) > 10.0 * variance[0]


def test_explained_shares_of_rows_without_variance():
    cross, observed = np.array([[0.0, 0.0], [0.1, 0.0]]), np.eye(2)
    np.testing.assert_array_equal(explained_share(cross, observed, np.zeros(2)), [0.0, np.inf])
