"""The local transform filter: with a taper of ones the global one, with a taper a filter of its own in every row."""

from dataclasses import replace

import ensembles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation import etkf, letkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.localization import Localization, SamplingError
from vvuq.errors import InputError
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

NOWHERE = np.zeros(0, dtype=np.int64)


def ones(d, m, placeless=NOWHERE, sampling=None):
    return Localization(np.ones((d, m)), np.ones((m, m)), placeless, sampling)


def random_taper(d, m, seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(size=(d, m)) * (rng.uniform(size=(d, m)) < 0.6)
    return Localization(weights, np.eye(m), NOWHERE)


def one_row(ahead, i, weights):
    """The global filter on one row, whose observables have error variances divided by their weights."""
    near = np.flatnonzero(weights)
    root = np.sqrt(weights[near])
    return etkf.update(
        replace(
            ahead,
            mean=ahead.mean[i : i + 1],
            deviations=ahead.deviations[i : i + 1],
            innovation=root * ahead.innovation[near],
            observed=root[:, None] * ahead.observed[near],
            kept=np.arange(near.size),
        )
    )


sizes = st.tuples(st.integers(1, 9), st.integers(1, 14), st.integers(2, 15))


@given(sizes=sizes, seed=st.integers(0, 10**6), size=st.sampled_from([0.01, 1.0, 30.0]))
def test_taper_of_ones_is_the_global_filter(sizes, seed, size):
    ahead = ensembles.random_ahead(*sizes, seed, size)
    one, other = letkf.update(ahead, ones(*sizes[:2])), etkf.update(ahead)
    scale = np.abs(ahead.deviations).max()
    np.testing.assert_allclose(one.deviations, other.deviations, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(one.mean, other.mean, rtol=0, atol=1e-12 * scale * np.abs(ahead.innovation).max())
    assert one.evidence.log_likelihood == pytest.approx(other.evidence.log_likelihood, rel=1e-11)


@given(sizes=sizes, seed=st.integers(0, 10**6))
def test_every_row_is_a_filter_of_its_own(sizes, seed):
    ahead = ensembles.random_ahead(*sizes, seed)
    by = random_taper(*sizes[:2], seed)
    new = letkf.update(ahead, by)
    for i in range(sizes[0]):
        if not np.any(by.state_taper[i]):
            np.testing.assert_array_equal(new.mean[i], ahead.mean[i])
            continue
        alone = one_row(ahead, i, by.state_taper[i])
        np.testing.assert_allclose(new.mean[i], alone.mean[0], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(new.deviations[i], alone.deviations[0], rtol=1e-11, atol=1e-11)


def test_many_far_observables_are_never_multiplied():
    """Where few pairs are near, products of deviations are computed for them alone: the same numbers."""
    d, m, count = 4, 300, 6
    ahead = ensembles.random_ahead(d, m, count, 2)
    taper = np.zeros((d, m))
    taper[np.arange(d), 7 * np.arange(d)] = 0.7
    taper[np.arange(d), 7 * np.arange(d) + 1] = 0.2
    new = letkf.update(ahead, Localization(taper, np.eye(m), NOWHERE))
    for i in range(d):
        alone = one_row(ahead, i, taper[i])
        np.testing.assert_allclose(new.deviations[i], alone.deviations[0], rtol=1e-12, atol=1e-12)


def test_a_missing_component_is_left_out_of_every_row():
    system = ensembles.system(5)
    by = random_taper(6, 5, 1)
    state, seen = ensembles.ensemble(system, 8), ensembles.missing(ensembles.observation(system), 2)
    after, said = Letkf(8, localization=by).step(system, Schedule(), state, seen, Draws(1, "test"))
    kept = [0, 1, 3, 4]
    less = replace(system, noise=tuple(system.noise[k] for k in kept), operator=system.operator[kept])
    other = Localization(by.state_taper[:, kept], np.eye(4), NOWHERE)
    seen = replace(seen, values=seen.values[kept])
    wanted, _ = Letkf(8, localization=other).step(less, Schedule(), state, seen, Draws(1, "test"))
    np.testing.assert_array_equal(after.members, wanted.members)
    assert said.n == 4


def test_rows_without_a_place_follow_their_sampled_weights():
    ahead = ensembles.random_ahead(4, 3, 12, 0)
    rows = np.array([1, 3])
    by = ones(4, 3, rows, SamplingError())
    new = letkf.update(ahead, by)
    weights = by.sampling_weights(ahead.deviations[rows], ahead.observed)
    assert np.any(weights < 0.9)
    for k, i in enumerate(rows):
        if np.any(weights[k]):
            np.testing.assert_allclose(new.deviations[i], one_row(ahead, i, weights[k]).deviations[0], rtol=1e-11)
        else:
            np.testing.assert_array_equal(new.mean[i], ahead.mean[i])
    np.testing.assert_allclose(new.deviations[0], etkf.update(ahead).deviations[0], rtol=1e-10)


@pytest.mark.parametrize(("m", "count"), [(3, 8), (8, 3), (20, 20)])
def test_nearly_exact_measurements(m, count):
    ahead = ensembles.random_ahead(6, m, count, 5, 1e12)
    new = letkf.update(ahead, ones(6, m))
    assert np.all(np.isfinite(new.deviations)) and np.all(np.isfinite(new.mean))
    assert np.linalg.norm(new.deviations) <= np.linalg.norm(ahead.deviations) * (1 + 1e-9)


@pytest.mark.parametrize("method", [Letkf, Eakf])
def test_localization_refuses_what_does_not_fit(method):
    system = ensembles.system(3, correlation=ensembles.correlation(3))
    state, seen = ensembles.ensemble(system, 8), ensembles.observation(system)
    with pytest.raises(InputError, match="independent errors"):
        method(8, localization=ones(6, 3)).step(system, Schedule(), state, seen, Draws(1, "test"))
    with pytest.raises(InputError, match=r"\(6, 3\)"):
        method(8, localization=ones(6, 2)).step(ensembles.system(3), Schedule(), state, seen, Draws(1, "test"))
