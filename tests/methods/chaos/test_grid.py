"""Expansions by quadrature, on full and sparse grids."""

import chaospy
import numpy as np
import pytest

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos import first_order, multi_indices, project, total_order

GERMS = [
    chaospy.Uniform(0.0, 2.0),
    chaospy.Triangle(-1.0, 0.0, 2.0),
    chaospy.LogNormal(0.2, 0.3),
    chaospy.Beta(2.0, 3.0),
]


def smooth(x):
    return np.exp(0.3 * x[0] + 0.2 * x[1]) / (1.0 + 0.1 * x[2]) + x[3] * x[0]


@pytest.mark.parametrize("sparse", [False, True])
def test_a_polynomial_is_recovered_by_either_grid(sparse):
    def polynomial(x):
        return 1.0 + x[0] ** 3 - x[0] * x[1] * np.log(x[2]) + 2.0 * x[3] ** 2 * x[1]

    found = project(polynomial, GERMS, 3, 100, np.random.default_rng(0), sparse=sparse)
    assert found.error.reported < 1e-24 and len(found.terms) == len(multi_indices(4, 3))


def test_a_sparse_grid_takes_fewer_runs_for_as_many_terms():
    full, sparse = (project(smooth, GERMS, 5, 200, np.random.default_rng(0), sparse=s) for s in (False, True))
    assert full.error.reported < 1e-9 and sparse.error.reported < 1e-8
    assert full.runs == 7**4 + 200 and sparse.runs < 0.6 * full.runs
    np.testing.assert_allclose(first_order(sparse), first_order(full), atol=1e-4)
    np.testing.assert_allclose(total_order(sparse), total_order(full), atol=1e-4)
    assert sparse.mean == pytest.approx(full.mean, rel=1e-6)


def test_what_cannot_be_projected_is_said():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"degree: 30.*sparse grid"):
        project(smooth, GERMS * 2, 30, 50, rng)
    with pytest.raises(InputError, match="fresh: 5"):
        project(smooth, GERMS, 2, 5, rng)
    with pytest.raises(NotEvaluable, match="constant"):
        project(lambda x: 0.0 * x[0] + 3.0, GERMS, 2, 50, rng)
    with pytest.raises(NotEvaluable, match="50 of 306 model runs failed"):
        project(lambda x: np.where(len(x[0]) == 50, np.nan, x[0]), GERMS, 2, 50, rng)
