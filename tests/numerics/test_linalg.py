"""Triangularization and Cholesky's root against numpy, for any shape, rank and scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vvuq.numerics.linalg import absorb
from vvuq.numerics.mixed_effects import cholesky, cholesky_solve

entries = st.floats(-1.0, 1.0).map(lambda v: 0.0 if abs(v) < 1e-3 else v)


@st.composite
def wide(draw):
    """A wide matrix; rows may be zero, repeated, or of very different scale."""
    rows = draw(st.integers(1, 5))
    a = draw(hnp.arrays(float, (rows, rows + draw(st.integers(0, 6))), elements=entries))
    for i in range(rows):
        kind = draw(st.sampled_from(("as it is", "zero", "multiple", "scaled")))
        if kind == "zero":
            a[i] = 0.0
        elif kind == "multiple":
            a[i] = draw(entries) * a[draw(st.integers(0, rows - 1))]
        elif kind == "scaled":
            a[i] *= 10.0 ** draw(st.integers(-60, 60))
    return a * 10.0 ** draw(st.sampled_from((0, -80, 80)))


def lower_root(a, top=None):
    """The lower-triangular root of top' top + a a'."""
    size = a.shape[0]
    top = np.zeros((size, size)) if top is None else top.copy()
    absorb(top, a.T.copy(), np.zeros(size), np.empty(size))
    return top.T


def check_root(a, low):
    """low low' = a a' relative to the rows' norms, low lower-triangular with a diagonal >= 0."""
    norms = np.linalg.norm(a, axis=1)
    rows, scaled = low / np.where(norms > 0.0, norms, 1.0)[:, None], a / np.where(norms > 0.0, norms, 1.0)[:, None]
    np.testing.assert_allclose(rows @ rows.T, scaled @ scaled.T, rtol=0, atol=1e-14 * a.size)
    assert np.all(np.triu(low, 1) == 0.0)
    assert np.all(np.diag(low) >= 0.0)


@given(a=wide())
def test_triangular_form_keeps_the_product(a):
    low = lower_root(a)
    check_root(a, low)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_extreme_scales(scale):
    a = scale * np.random.default_rng(0).uniform(-1.0, 1.0, (3, 7))
    low = lower_root(a)
    check_root(a, low)


def test_it_is_the_root_that_numpy_finds():
    a = np.random.default_rng(1).normal(size=(4, 9))
    low = lower_root(a)
    np.testing.assert_allclose(low, np.linalg.cholesky(a @ a.T), rtol=1e-12)


def test_the_comparison_can_fail():
    a = np.random.default_rng(2).normal(size=(3, 5))
    low = lower_root(a)
    low[2, 1] *= 1.0 + 1e-9
    with pytest.raises(AssertionError):
        check_root(a, low)


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 5))
def test_cholesky_and_its_solution_equal_numpy(seed, k):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(k, k + 2))
    a, b = a @ a.T, rng.normal(size=k)
    root, x = a.copy(), b.copy()
    assert cholesky(root)
    np.testing.assert_allclose(np.tril(root), np.linalg.cholesky(a), rtol=1e-8, atol=1e-10)
    cholesky_solve(root, x)
    np.testing.assert_allclose(a @ x, b, rtol=1e-8, atol=1e-8 * np.abs(a).max() * np.abs(x).max())


@pytest.mark.parametrize("a", [[[0.0]], [[-1.0]], [[np.nan]], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_a_matrix_that_is_not_positive_definite_has_no_root(a):
    assert not cholesky(np.array(a))
