"""The large systems are what they say: their compiled models equal matrices and plain numpy."""

import large
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from vvuq.assimilation.system import observe, propagate
from vvuq.models import Schedule

DRAWS = np.random.default_rng(11)


def test_the_tree_is_its_matrix():
    experiment, matrices = large.tree(), large.tree_matrices()
    members = DRAWS.standard_normal((1000, 4))
    ahead, codes = propagate(experiment.system, Schedule(), members, 0.0, experiment.interval)
    assert not codes.any()
    assert ahead == pytest.approx(matrices.F @ members, rel=1e-12, abs=1e-13)
    assert observe(experiment.system, Schedule(), members, 0.0) == pytest.approx(matrices.H @ members, rel=1e-14)


def test_the_tree_is_stable_and_its_prior_definite():
    matrices = large.tree_matrices()
    assert np.max(np.abs(np.linalg.eigvalsh(matrices.F))) < 0.95
    assert np.linalg.eigvalsh(matrices.P)[0] > 0.01


def test_the_trees_distances_are_those_of_its_graph():
    child = np.arange(1, 1000)
    edges = csr_array((np.ones(999), (child, [large.parent_of(c) for c in child])), shape=(1000, 1000))
    exact = shortest_path(edges, directed=False, unweighted=True)
    to_observed, between = large.tree().distances
    assert np.array_equal(to_observed, exact[:, ::10])
    assert np.array_equal(between, exact[::10, ::10])


def test_a_step_of_the_ring_equals_plain_numpy():
    experiment = large.ring()
    members = 8.0 + 3.0 * DRAWS.standard_normal((1000, 5))
    ahead, codes = propagate(experiment.system, Schedule(), members, 0.0, 0.05)
    assert not codes.any()
    assert ahead == pytest.approx(large.ring_step(members), rel=1e-12, abs=1e-12)
    assert np.array_equal(observe(experiment.system, Schedule(), members, 0.0), members[::2])
