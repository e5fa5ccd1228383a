"""Orthonormal polynomials of any marginal, and which products of them a set has."""

import chaospy
import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import eval_hermitenorm, eval_legendre, factorial

from vvuq.errors import InputError
from vvuq.methods.chaos.basis import basis_of, multi_indices, recurrence, tables

MARGINALS = {
    "uniform": chaospy.Uniform(-2.0, 5.0),
    "beta": chaospy.Beta(2.0, 5.0, -1.0, 3.0),
    "pole": chaospy.Beta(0.6, 1.5),
    "triangle": chaospy.Triangle(1.0, 1.5, 4.0),
    "cut normal": chaospy.TruncNormal(-1.0, 2.0, 0.3, 0.8),
    "large triangle": chaospy.Triangle(3.0, 2003.0, 10003.0),
}


def quadrature(distribution):
    """Double-exponential nodes (Takahasi & Mori 1974), for which poles at the ends do not matter; split at modes."""
    low, high = distribution.lower[0], distribution.upper[0]
    ends = {1.0: [1.0, 1.5, 4.0], 3.0: [3.0, 2003.0, 10003.0]}.get(low, [low, high])
    t, nodes, weights = np.arange(-3.6, 3.6, 0.01), [], []
    for a, b in zip(ends, ends[1:], strict=False):
        share = 1.0 / (1.0 + np.exp(-np.pi * np.sinh(t)))
        at = a + (b - a) * share
        nodes.append(at)
        weights.append(0.01 * (b - a) * np.pi * np.cosh(t) * share * (1.0 - share) * distribution.pdf(at))
    return np.concatenate(nodes), np.concatenate(weights)


@pytest.mark.parametrize("distribution", MARGINALS.values(), ids=MARGINALS)
def test_polynomials_are_orthonormal(distribution):
    x, w = quadrature(distribution)
    (values,) = tables(basis_of([distribution], 30), x[None])
    np.testing.assert_allclose((values * w) @ values.T, np.eye(31), atol=1e-8)


def test_uniform_and_normal_give_the_classical_polynomials():
    x = np.linspace(-1.0, 1.0, 41)
    (legendre,) = tables(basis_of([chaospy.Uniform(-1.0, 1.0)], 30), x[None])
    (hermite,) = tables(basis_of([chaospy.Normal(2.0, 3.0)], 30), (2.0 + 3.0 * 4.0 * x)[None])
    for k in range(31):
        np.testing.assert_allclose(legendre[k], np.sqrt(2 * k + 1) * eval_legendre(k, x), atol=1e-12)
        np.testing.assert_allclose(
            hermite[k], eval_hermitenorm(k, 4.0 * x) / np.sqrt(factorial(k)), rtol=1e-9, atol=1e-9
        )


def test_a_log_normal_input_has_hermite_polynomials_of_its_logarithm():
    nodes, weights = hermegauss(40)
    for distribution, shift in ((chaospy.LogNormal(1.0, 0.5), 0.0), (2.0 + chaospy.LogNormal(1.0, 0.5), 2.0)):
        basis = basis_of([distribution], 20)
        assert basis.germs[0].shift == pytest.approx(shift)
        (values,) = tables(basis, (shift + np.exp(1.0 + 0.5 * nodes))[None])
        np.testing.assert_allclose((values * weights) @ values.T / np.sqrt(2 * np.pi), np.eye(21), atol=1e-9)
    assert basis_of([chaospy.Gamma(2.0, 3.0)], 3).germs[0].shift is None


def user(known, **methods):
    """The same distribution behind functions of a user's own."""
    ends = float(known.lower[0]), float(known.upper[0])
    methods = {"pdf": known.pdf, "ppf": known.inv, "lower": lambda: ends[0], "upper": lambda: ends[1], **methods}
    return chaospy.UserDistribution(known.cdf, **methods)


def test_the_closed_form_and_the_discretized_procedure_agree():
    """A beta distribution that chaospy knows, and the same one hidden behind its density alone."""
    known = chaospy.Beta(3.0, 2.0)
    hidden = user(known)
    np.testing.assert_allclose(recurrence(hidden, 30), recurrence(known, 30), rtol=1e-9, atol=1e-12)


def test_coefficients_that_are_not_orthonormal_are_not_taken():
    normal = chaospy.Normal(0.0, 1.0)
    wrong = user(normal, ttr=lambda k: (0.0 * k + 0.1, k + 0.5))
    np.testing.assert_allclose(recurrence(wrong, 6), recurrence(normal, 6), atol=1e-8)


def naive_set(d, degree, norm):
    grid = np.stack(np.meshgrid(*[np.arange(degree + 1)] * d), axis=-1).reshape(-1, d)
    return {tuple(int(v) for v in k) for k in grid if (k**norm).sum() ** (1 / norm) <= degree * (1 + 1e-9)}


@pytest.mark.parametrize(("d", "degree", "norm"), [(1, 5, 0.5), (3, 6, 1.0), (3, 8, 0.5), (4, 5, 0.75), (2, 9, 0.4)])
def test_sets_of_terms_are_those_of_their_definition(d, degree, norm):
    found = multi_indices(d, degree, norm)
    assert {tuple(int(v) for v in k) for k in found} == naive_set(d, degree, norm)
    assert len(found) == len({tuple(k) for k in found}) and not found[0].any()


def test_what_cannot_be_expanded_is_refused():
    with pytest.raises(InputError, match=r"germ weight.*continuous"):
        basis_of([chaospy.Binomial(5, 0.3)], 3, ["weight"])
    with pytest.raises(InputError, match=r"germ x1.*one independent input"):
        basis_of([chaospy.J(chaospy.Normal(), chaospy.Normal())], 3)
    with pytest.raises(InputError, match=r"germ x1.*distribution.*'normal'"):
        basis_of(["normal"], 3)
    with pytest.raises(InputError, match=r"names.*give 1"):
        basis_of([chaospy.Normal()], 3, ["a", "b"])
    with pytest.raises(InputError, match="germs"):
        basis_of([], 3)
    with pytest.raises(InputError, match=r"degree: 8 .*moments"):
        basis_of([chaospy.StudentT(5.0)], 8)
    with pytest.raises(InputError, match="norm"):
        multi_indices(2, 3, 1.5)
    with pytest.raises(InputError, match="more than 1000000 terms"):
        multi_indices(30, 10)
    half = user(chaospy.Uniform(0.0, 1.0), pdf=lambda x: 0.5 + 0.0 * x)
    with pytest.raises(InputError, match=r"integrates to 0\.5, not 1"):
        basis_of([half], 3)
