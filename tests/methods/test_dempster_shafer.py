"""Masses on intervals through a model: exact where it is monotone, extremes inside cells, belief and plausibility."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.dempster_shafer import belief, carried, mean_bounds, plausibility, product

ONE = np.array([[0.0, 1.0], [0.5, 2.0], [3.0, 3.0]])
OTHER = np.array([[1.0, 2.0], [2.0, 4.0]])
MASSES, WEIGHTS = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])


def test_cells_of_independent_inputs_are_products():
    cells, masses = product([ONE, OTHER], [MASSES, WEIGHTS])
    assert cells.shape == (6, 2, 2) and masses.sum() == pytest.approx(1.0)
    for cell, mass in zip(cells, masses, strict=True):
        i, j = (int(np.flatnonzero((of == part).all(axis=1))[0]) for of, part in ((ONE, cell[0]), (OTHER, cell[1])))
        assert mass == pytest.approx(MASSES[i] * WEIGHTS[j])


def test_a_monotone_model_is_exact():
    cells, masses = product([ONE, OTHER], [MASSES, WEIGHTS])
    found = carried(lambda x: np.exp(x[0]) - 3.0 * x[1], cells, masses)
    low = np.exp(cells[:, 0, 0]) - 3.0 * cells[:, 1, 1]
    high = np.exp(cells[:, 0, 1]) - 3.0 * cells[:, 1, 0]
    np.testing.assert_allclose(found.low, low)
    np.testing.assert_allclose(found.high, high)
    assert mean_bounds(found) == pytest.approx((masses @ low, masses @ high))
    at = np.array([-8.0, -2.0, 5.0, 100.0])
    np.testing.assert_allclose(belief(found, at), [masses[high < t].sum() for t in at])
    np.testing.assert_allclose(plausibility(found, at), [masses[low < t].sum() for t in at])


def test_a_published_kind_of_problem_by_hand():
    """y = a + b, one interval each with mass 1: nothing is known but the sum's interval."""
    found = carried(lambda x: x[0] + x[1], np.array([[[0.0, 1.0], [2.0, 4.0]]]), np.ones(1))
    np.testing.assert_allclose(belief(found, [2.0, 3.0, 5.0, 5.1]), [0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(plausibility(found, [2.0, 2.1, 5.1]), [0.0, 1.0, 1.0])


def test_an_extreme_inside_a_cell_is_found():
    """Vertices alone would have the least at 0.49."""
    cells = np.array([[[-1.0, 1.0]], [[0.5, 1.0]]])
    found = carried(lambda x: (x[0] - 0.3) ** 2, cells, np.array([0.5, 0.5]))
    np.testing.assert_allclose(found.low, [0.0, 0.04], atol=1e-9)
    np.testing.assert_allclose(found.high, [1.69, 0.49])
    assert carried(lambda x: (x[0] - 0.3) ** 2, cells[:1], np.ones(1), points=1, rounds=0).low[0] > 0.05

    def valley(x):
        return (x[0] - 0.37) ** 2 + 4.0 * (x[1] - x[0] ** 2) ** 2 + np.abs(x[2] - 0.123)

    narrow = carried(valley, np.tile([[-1.0, 1.0]], (1, 3, 1)), np.ones(1), rounds=80)
    assert 0.0 <= narrow.low[0] < 1e-3


intervals = st.lists(st.tuples(st.floats(-3.0, 3.0), st.floats(0.0, 2.0), st.floats(0.01, 1.0)), min_size=1, max_size=4)


@given(intervals, intervals, st.floats(0.0, 1.0))
def test_belief_is_below_plausibility_and_wider_evidence_says_less(one, other, more):
    def structure(widening):
        sets = [np.array([[low - widening, low + width + widening] for low, width, _ in each]) for each in (one, other)]
        masses = [np.array([m for *_, m in each]) / sum(m for *_, m in each) for each in (one, other)]
        return carried(lambda x: np.arctan(x[0]) + x[1] ** 3, *product(sets, masses), points=1, rounds=0)

    at = np.linspace(-30.0, 130.0, 41)
    narrow, wide = structure(0.0), structure(more)
    assert np.all(belief(narrow, at) <= plausibility(narrow, at) + 1e-12)
    assert np.all(belief(wide, at) <= belief(narrow, at) + 1e-12)
    assert np.all(plausibility(wide, at) >= plausibility(narrow, at) - 1e-12)
    assert np.all(np.diff(belief(narrow, at)) >= -1e-12)
    assert mean_bounds(wide)[0] <= mean_bounds(narrow)[0] <= mean_bounds(narrow)[1] <= mean_bounds(wide)[1]


def test_points_are_a_distribution():
    """Intervals without width: belief and plausibility are the distribution of the function."""
    values = np.random.default_rng(0).normal(size=30)
    found = carried(lambda x: x[0] ** 2, np.stack([values, values], axis=1)[:, None, :], np.full(30, 1.0 / 30.0))
    at = np.linspace(0.0, 4.0, 9)
    np.testing.assert_allclose(belief(found, at), [(values**2 < t).mean() for t in at])
    np.testing.assert_allclose(belief(found, at), plausibility(found, at))


def test_runs_are_counted():
    asked = []

    def function(x):
        asked.append(x.shape[1])
        return x[0]

    found = carried(function, np.zeros((3, 2, 2)), np.full(3, 1.0 / 3.0), points=4, rounds=5)
    assert found.evaluations == sum(asked) == 3 * (4 + 1 + 3) + 2 * 5 * 3 * 4


def test_what_is_no_structure_is_refused():
    cells, masses = product([ONE, OTHER], [MASSES, WEIGHTS])
    with pytest.raises(InputError, match="their sum 1"):
        product([ONE], [MASSES * 0.9])
    with pytest.raises(InputError, match="as many as inputs"):
        product([ONE, OTHER], [MASSES])
    with pytest.raises(InputError, match="lower one first"):
        product([ONE[:, ::-1]], [MASSES])
    with pytest.raises(InputError, match="with k masses"):
        carried(lambda x: x[0], cells, masses[:3])
    with pytest.raises(InputError, match="power of 2"):
        carried(lambda x: x[0], cells, masses, points=6)
    with pytest.raises(InputError, match="a value for each"):
        carried(lambda x: x, cells, masses)
    with pytest.raises(NotEvaluable, match="runs failed"):
        carried(lambda x: np.where(x[0] > 2.0, np.nan, x[0]), cells, masses)
