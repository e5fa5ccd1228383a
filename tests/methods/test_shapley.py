"""Shapley effects: closed forms of linear Gaussian models, of independent inputs, and how often the intervals cover."""

from itertools import permutations

import numpy as np
import pytest
from coverage_of import hits_of, outside
from known_functions import G4, ISHIGAMI
from scipy.special import ndtri

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.shapley import Inputs, shapley_effects

CORRELATION = np.array([[1.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.0]])
SLOPES = np.array([1.0, 2.0, -1.5])
DEPENDENT = Inputs(CORRELATION, (ndtri,) * 3)


def stream(seed=0):
    return np.random.default_rng(seed)


def same(p):
    return p


def linear(x):
    return SLOPES @ x


def left_open(u, c, b):
    """Var(b'x | x_-u) of normal x with covariance c: b_u' (c_uu - c_uv c_vv^-1 c_vu) b_u."""
    u, v = list(u), [i for i in range(len(b)) if i not in u]
    rest = c[np.ix_(u, v)] @ np.linalg.solve(c[np.ix_(v, v)], c[np.ix_(v, u)]) if v else 0.0
    return b[u] @ (c[np.ix_(u, u)] - rest) @ b[u]


def linear_effects(c, b):
    """By the definition, over all orders: Owen & Prieur, SIAM/ASA J Uncertain Quantif 5 (2017) 986, sec. 4."""
    out, orders = np.zeros(len(b)), list(permutations(range(len(b))))
    for order in orders:
        for j, i in enumerate(order):
            out[i] += left_open(order[: j + 1], c, b) - (left_open(order[:j], c, b) if j else 0.0)
    return out / len(orders) / (b @ c @ b)


def pair(r, s, t):
    """Two correlated normals with slopes s and t: Iooss & Prieur, Int J Uncertain Quantif 9 (2019) 493, eq. 17."""
    shared = r * s * t + 0.5 * r**2 * (t**2 - s**2)
    return np.array([s**2 + shared, t**2 + r * s * t + 0.5 * r**2 * (s**2 - t**2)])


def test_the_two_closed_forms_agree():
    """An input apart and a correlated pair: the apart one has its variance, the pair shares the rest."""
    c = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.7], [0.0, 0.7, 1.0]])
    whole = SLOPES @ c @ SLOPES
    expected = np.concatenate([[SLOPES[0] ** 2], pair(0.7, *SLOPES[1:])]) / whole
    np.testing.assert_allclose(linear_effects(c, SLOPES), expected)


@pytest.mark.parametrize("orders", [None, 2], ids=["subsets", "orders"])
def test_a_linear_model_of_correlated_normals_has_its_closed_form(orders):
    found, true = (
        shapley_effects(linear, DEPENDENT, 256, 16, stream(1), orders=orders),
        linear_effects(CORRELATION, SLOPES),
    )
    half = 0.5 * (found.high - found.low)
    assert np.all(np.abs(found.value - true) <= 1.6 * half) and np.all(half < 0.03)
    assert found.value.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.variance == pytest.approx(SLOPES @ CORRELATION @ SLOPES, rel=0.02)
    assert found.mean == pytest.approx(0.0, abs=0.02)
    assert found.runs == 16 * 256 * (8 if orders is None else 4)


def test_dependence_is_not_ignored():
    """x_2 is not read, but correlates with what is: it has a share, which it has not where inputs are independent."""
    b, c = np.array([1.0, 1.0, 0.0]), np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.0], [0.8, 0.0, 1.0]])
    found = shapley_effects(lambda x: x[0] + x[1], Inputs(c, (ndtri,) * 3), 128, 16, stream())
    np.testing.assert_allclose(found.value, linear_effects(c, b), atol=0.01)
    assert found.low[2] > 0.1
    alone = shapley_effects(lambda x: x[0] + x[1], Inputs(np.eye(3), (ndtri,) * 3), 128, 16, stream())
    assert max(abs(alone.low[2]), abs(alone.high[2])) < 1e-12


def test_marginals_are_those_that_were_given():
    """ln x_0 and ln x_1 correlate: the log of their product is linear in the germs."""
    c = np.array([[1.0, 0.6], [0.6, 1.0]])
    raised = Inputs(c, (lambda p: np.exp(0.5 * ndtri(p)), lambda p: np.exp(2.0 + 1.5 * ndtri(p))))
    found = shapley_effects(lambda x: np.log(x[0] * x[1]), raised, 128, 16, stream(3))
    np.testing.assert_allclose(found.value, pair(0.6, 0.5, 1.5) / (0.25 + 2.25 + 0.9), atol=0.01)
    assert found.mean == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("known", [ISHIGAMI, G4], ids=lambda k: k.name)
def test_independent_effects_lie_between_first_and_total_indices(known):
    inputs = Inputs(np.eye(known.d), (same,) * known.d)
    found = shapley_effects(known.function, inputs, 512, 16, stream(2))
    half = 0.5 * (found.high - found.low)
    assert np.all(known.first - half <= found.value) and np.all(found.value <= known.total + half)
    assert found.value.sum() == pytest.approx(1.0, abs=1e-12)
    if known is ISHIGAMI:  # its one interaction is halved
        np.testing.assert_allclose(found.value, 0.5 * (known.first + known.total), atol=0.02)


def test_many_inputs_go_by_random_orders():
    d, rho = 14, 0.4
    c = np.where(np.eye(d, dtype=bool), 1.0, rho)
    found = shapley_effects(lambda x: x.sum(axis=0), Inputs(c, (ndtri,) * d), 64, 16, stream(5), orders=4)
    assert found.runs == 16 * 64 * 15 and found.value.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.abs(found.value - 1.0 / d) <= 2.0 * (found.high - found.low)), "alike inputs share alike"
    with pytest.raises(InputError, match="orders"):
        shapley_effects(lambda x: x.sum(axis=0), Inputs(c, (ndtri,) * d), 64, 16, stream())


def test_many_outputs_are_each_alone_and_the_stream_decides():
    def two(x):
        return np.stack([linear(x), np.exp(x[0])])

    both, one = shapley_effects(two, DEPENDENT, 64, 8, stream(4)), shapley_effects(linear, DEPENDENT, 64, 8, stream(4))
    assert both.value.shape == (2, 3) and both.variance.shape == (2,) and one.value.shape == (3,)
    np.testing.assert_allclose(both.low[0], one.low, atol=1e-12)
    assert not np.array_equal(one.value, shapley_effects(linear, DEPENDENT, 64, 8, stream(5)).value)


@pytest.mark.parametrize(
    "matrix",
    [np.eye(2), np.full((3, 3), np.nan), np.eye(3) * 2.0, np.ones((3, 3)), np.eye(3) + np.triu(np.ones((3, 3)), 1)],
    ids=["shape", "nan", "diagonal", "singular", "not symmetric"],
)
def test_what_is_no_correlation_is_refused(matrix):
    with pytest.raises(InputError, match="correlation"):
        Inputs(matrix, (ndtri,) * 3)


def test_what_has_no_effects_is_refused():
    def fails(x):
        y = linear(x)
        y[3] = np.inf
        return y

    with pytest.raises(NotEvaluable, match=r"1 of \d+ model runs failed"):
        shapley_effects(fails, DEPENDENT, 16, 4, stream())
    with pytest.raises(NotEvaluable, match="same value"):
        shapley_effects(lambda x: np.full(x.shape[1], 2.0), DEPENDENT, 16, 4, stream())
    for base, orders, field in ((12, None, "base"), (16, 0, "orders"), (16, 9, "orders")):
        with pytest.raises(InputError, match=field):
            shapley_effects(linear, DEPENDENT, base, 4, stream(), orders=orders)
    broken = Inputs(np.eye(2), (ndtri, lambda p: np.where(p > 0.9, np.nan, p)))
    with pytest.raises(InputError, match=r"quantiles\[1\]"):
        shapley_effects(lambda x: x[0], broken, 16, 4, stream())


@pytest.mark.slow
@pytest.mark.parametrize("orders", [None, 2], ids=["subsets", "orders"])
@pytest.mark.parametrize("case", ["linear", "ishigami"])
def test_each_interval_covers_as_often_as_it_says(case, orders):
    """1,000 seeds of 16 scrambles of 128 rows: no effect's share of covering intervals is significantly outside of
    [0.90, 0.99], at a family-wise 1 % over the effects of the case."""
    function, inputs, true = linear, DEPENDENT, linear_effects(CORRELATION, SLOPES)
    if case == "ishigami":
        function, inputs = ISHIGAMI.function, Inputs(np.eye(3), (same,) * 3)
        true = 0.5 * (ISHIGAMI.first + ISHIGAMI.total)
    found = [shapley_effects(function, inputs, 128, 16, stream(seed), orders=orders) for seed in range(1000)]
    counts = np.sum([hits_of(one.low, one.high, true) for one in found], axis=0)
    assert not outside(counts, 1000).any(), counts
