"""Rotations of an ensemble: orthogonal, mean-preserving, and uniform among these."""

import ensembles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.rotation import mean_preserving
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws


def rotation(count, seed):
    return mean_preserving(Draws(seed, "test").normal(0, "rotation", (count - 1, count - 1)))


@given(count=st.integers(2, 40), seed=st.integers(0, 10**6))
def test_orthogonal_and_mean_preserving(count, seed):
    q = rotation(count, seed)
    np.testing.assert_allclose(q @ q.T, np.eye(count), atol=1e-13)
    np.testing.assert_allclose(q @ np.ones(count), 1.0, atol=1e-13)
    np.testing.assert_allclose(np.ones(count) @ q, 1.0, atol=1e-13)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_uniform(count):
    """Q = 11'/N + rest. A uniform rest has mean 0, and entries whose mean square is (N - 1) / N^2."""
    rests = np.array([rotation(count, seed) - 1.0 / count for seed in range(4000)])
    size = (count - 1) / count**2
    np.testing.assert_allclose(rests.mean(axis=0), 0.0, atol=5 * np.sqrt(size / 4000))
    np.testing.assert_allclose((rests**2).mean(axis=0), size, atol=5 * np.sqrt(3 * size**2 / 4000) + 1e-12)


def test_a_rotated_filter_keeps_moments_and_changes_members():
    system = ensembles.system(3)
    state, seen, draws = ensembles.ensemble(system, 7), ensembles.observation(system), Draws(1, "test")
    plain, _ = Etkf(7, 1.1).step(system, Schedule(), state, seen, draws)
    turned, _ = Etkf(7, 1.1, rotate=True).step(system, Schedule(), state, seen, draws)
    for one, other in zip(ensembles.moments(plain), ensembles.moments(turned), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)
    assert np.abs(plain.members - turned.members).max() > 0.1
