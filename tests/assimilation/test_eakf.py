"""The localized serial filter against the same in plain numpy, and as the global one where its taper is ones."""

from dataclasses import replace

import ensembles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation import eakf, etkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.localization import Localization, SamplingError
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

NOWHERE = np.zeros(0, dtype=np.int64)
sizes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(2, 20))


def tapers(d, m, seed, placeless=NOWHERE, sampling=None):
    """Random weights, of which about a third are 0; symmetric between observables."""
    rng = np.random.default_rng(seed)
    states, seen = (rng.uniform(size=shape) * (rng.uniform(size=shape) < 0.7) for shape in ((d, m), (m, m)))
    between = np.triu(seen, 1)
    return Localization(states, between + between.T + np.eye(m), placeless, sampling)


def plain(ahead, by, weights):
    """One observable after the other, in the variables of Anderson (2003): increments of its members, regressed."""
    d, m = ahead.mean.size, ahead.innovation.size
    scale = np.sqrt(ahead.deviations.shape[1] - 1)
    x, h = ahead.mean[:, None] + scale * ahead.deviations, scale * ahead.observed
    density = 0.0
    for j in range(m):
        mean, variance = h[j].mean(), h[j].var(ddof=1)
        density += -0.5 * (np.log(2 * np.pi * (variance + 1)) + (ahead.innovation[j] - mean) ** 2 / (variance + 1))
        after = 1 / (1 / variance + 1)
        new = after * (mean / variance + ahead.innovation[j]) + np.sqrt(after / variance) * (h[j] - mean)
        increments = new - h[j]
        rows = np.vstack([x, h])
        slopes = (rows - rows.mean(axis=1, keepdims=True)) @ (h[j] - mean) / (len(h[j]) - 1) / variance
        taper = np.concatenate([weights[:, j], by.observed_taper[j]])
        rows = rows + (taper * slopes)[:, None] * increments
        x, h = rows[:d], rows[d:]
    return x, density


@given(sizes=sizes, seed=st.integers(0, 10**6))
def test_equals_anderson_in_numpy(sizes, seed):
    ahead, by = ensembles.random_ahead(*sizes, seed), tapers(*sizes[:2], seed)
    new = eakf.update(ahead, by)
    x, density = plain(ahead, by, by.state_taper)
    found = new.mean[:, None] + np.sqrt(sizes[2] - 1) * new.deviations
    np.testing.assert_allclose(found, x, rtol=0, atol=1e-11 * np.abs(x).max())
    assert new.evidence.log_likelihood == pytest.approx(density, rel=1e-10)


@given(sizes=sizes, seed=st.integers(0, 10**6))
def test_taper_of_ones_is_the_global_filter(sizes, seed):
    d, m, _ = sizes
    ahead = ensembles.random_ahead(*sizes, seed)
    one = eakf.update(ahead, Localization(np.ones((d, m)), np.ones((m, m)), NOWHERE))
    other = etkf.update(ahead)
    np.testing.assert_allclose(one.mean, other.mean, rtol=0, atol=1e-12 * np.abs(ahead.mean).max() * 10)
    np.testing.assert_allclose(one.deviations @ one.deviations.T, other.deviations @ other.deviations.T, atol=1e-12)


def test_rows_without_a_place_follow_their_sampled_weights():
    rows = np.array([0, 3])
    ahead, by = ensembles.random_ahead(5, 4, 12, 1), tapers(5, 4, 1, rows, SamplingError())
    weights = by.state_taper.copy()
    weights[rows] = by.sampling_weights(ahead.deviations[rows], ahead.observed)
    x, _ = plain(ahead, by, weights)
    new = eakf.update(ahead, by)
    np.testing.assert_allclose(new.mean[:, None] + np.sqrt(11) * new.deviations, x, rtol=1e-11, atol=1e-12)


def test_a_missing_component_moves_nothing():
    system = ensembles.system(5)
    by = tapers(6, 5, 1)
    state, seen = ensembles.ensemble(system, 8), ensembles.missing(ensembles.observation(system), 1, 4)
    after, said = Eakf(8, localization=by).step(system, Schedule(), state, seen, Draws(1, "test"))
    kept = [0, 2, 3]
    less = replace(system, noise=tuple(system.noise[k] for k in kept), operator=system.operator[kept])
    other = Localization(by.state_taper[:, kept], by.observed_taper[np.ix_(kept, kept)], NOWHERE)
    seen = replace(seen, values=seen.values[kept])
    wanted, saw = Eakf(8, localization=other).step(less, Schedule(), state, seen, Draws(1, "test"))
    np.testing.assert_array_equal(after.members, wanted.members)
    assert (said.n, said.nis, said.log_likelihood) == (3, saw.nis, saw.log_likelihood)
