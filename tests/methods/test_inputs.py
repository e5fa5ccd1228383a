"""Uncertain inputs: quantiles by hand, dependence that is kept, and declarations that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import qmc, spearmanr

from vvuq.errors import InputError
from vvuq.methods.inputs import FAMILIES, Input, Inputs, Marginal, from_sample

NUMBERS = {
    "normal": {"mean": 2.0, "sd": 3.0}, "lognormal": {"median": 2.0, "sd_log": 0.3},
    "uniform": {"low": -1.0, "high": 3.0},
    "triangular": {"low": 0.0, "mode": 1.0, "high": 4.0}, "beta": {"a": 2.0, "b": 3.0, "low": 1.0, "high": 2.0},
    "gamma": {"mean": 5.0, "cv": 0.4}, "student_t": {"mean": 1.0, "scale": 2.0, "dof": 5.0},
    "truncated_normal": {"mean": 0.0, "sd": 1.0, "low": -1.0, "high": 2.0},
}  # fmt: skip
MOMENTS = {  # mean and variance in closed form
    "normal": (2.0, 9.0), "lognormal": (2 * np.exp(0.045), 4 * np.exp(0.09) * (np.exp(0.09) - 1)),
    "uniform": (1.0, 4 / 3),
    "triangular": (5 / 3, (16 + 1 - 4) / 18), "beta": (1.4, 0.04), "gamma": (5.0, 4.0), "student_t": (1.0, 4 * 5 / 3),
}  # fmt: skip


def marginal(family, **changes):
    return Marginal(family, tuple((NUMBERS[family] | changes).items()))


def one(name="a", family="normal", status="epistemic", source="a study", **changes):
    return Input(name, "1", marginal(family, **changes), status, source, 12)


def test_every_family_is_tried():
    assert set(NUMBERS) == set(FAMILIES)


@pytest.mark.parametrize("family", sorted(MOMENTS))
def test_moments_are_those_of_the_closed_form(family):
    shares = (np.arange(200_000) + 0.5) / 200_000
    values = marginal(family).quantile(shares)
    mean, variance = MOMENTS[family]
    assert values.mean() == pytest.approx(mean, abs=2e-3) and values.var() == pytest.approx(variance, rel=2e-2)
    assert np.all(np.diff(values) > 0.0)


@pytest.mark.parametrize("family", sorted(NUMBERS))
def test_our_quantiles_are_scipys_and_trimming_cuts_both_tails(family):
    shares, made = np.array([0.01, 0.3, 0.99]), marginal(family)
    np.testing.assert_allclose(made.quantile(shares), made._distribution.ppf(shares), rtol=1e-12)
    cut = Marginal(family, made.numbers, trim=0.1)
    np.testing.assert_allclose(cut.quantile(np.array([0.0, 0.5, 1.0])), made.quantile(np.array([0.1, 0.5, 0.9])))
    assert "left out" in cut.told and family in cut.told


@given(st.floats(-0.95, 0.95))
def test_a_gaussian_copula_keeps_marginals_and_rank_correlation(rho):
    """Spearman's correlation of a Gaussian copula is 6/pi asin(rho/2) (Kruskal 1958)."""
    made = Inputs((one("a"), one("b", "gamma")), "by design", np.array([[1.0, rho], [rho, 1.0]]))
    points = qmc.Sobol(2, rng=1).random(4096).T
    a, b = made.from_cube(points)
    assert spearmanr(a, b).statistic == pytest.approx(6 / np.pi * np.arcsin(rho / 2), abs=0.02)
    assert np.median(b) == pytest.approx(float(marginal("gamma").quantile(np.array(0.5))), rel=0.02)
    np.testing.assert_allclose(made.from_germs(ndtri(points)), [a, b], rtol=1e-8)


def test_germs_are_uniform_for_bounded_inputs_and_give_the_same_values():
    made = Inputs((one("a"), one("b", "uniform")), "measured apart")
    assert made.normal_germs == (True, False)
    points = np.array([[0.1, 0.5, 0.9], [0.2, 0.5, 0.7]])
    germs = np.array([ndtri(points[0]), 2.0 * points[1] - 1.0])
    np.testing.assert_allclose(made.from_germs(germs), made.from_cube(points), rtol=1e-12)


def test_a_joint_sample_keeps_its_marginals_and_its_correlation():
    rng = np.random.default_rng(3)
    z = np.linalg.cholesky([[1.0, 0.8], [0.8, 1.0]]) @ rng.standard_normal((2, 4000))
    made = from_sample(
        [("a", "1", "epistemic", "a filter"), ("b", "1", "epistemic", "a filter")], np.exp(z), "its members"
    )
    assert made.correlation is not None and made.correlation[0, 1] == pytest.approx(0.8, abs=0.02)
    values = made.from_cube(qmc.Sobol(2, rng=1).random(4096).T)
    assert np.corrcoef(np.log(values))[0, 1] == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(np.quantile(values, 0.9, axis=1), np.exp(ndtri(0.9)), rtol=0.1)


def test_rows_of_a_status():
    made = Inputs((one("a"), one("b", status="aleatory"), one("c", status="both")), "measured apart")
    assert made.of_status("epistemic", "both") == (0, 2) and made.of_status("aleatory") == (1,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Marginal("gauss"), "did you mean|a family"),
        (lambda: Marginal("normal", (("mean", 1.0),)), "exactly mean, sd"),
        (lambda: marginal("normal", sd=0.0), "spread above 0"),
        (lambda: marginal("normal", sd=-1.0), "spread above 0"),
        (lambda: marginal("normal", mean=float("nan")), "spread above 0"),
        (lambda: marginal("uniform", low=4.0), "spread above 0"),
        (lambda: Marginal("empirical", sample=np.array([1.0, np.nan])), "ascending order"),
        (lambda: Marginal("empirical", sample=np.array([2.0, 1.0])), "ascending order"),
        (lambda: Marginal("empirical", sample=np.array([2.0, 2.0])), "not all the same"),
        (lambda: Marginal("normal", tuple(NUMBERS["normal"].items()), trim=0.6), "below 0.5"),
        (lambda: Inputs((one(), one()), "why"), "occurs once"),
        (lambda: Inputs((one("a"), one("b")), " "), "why the inputs are independent"),
        (lambda: Inputs((), "why"), "one uncertain input"),
        (lambda: Inputs((one(source=""),), ""), "where its distribution comes from"),
        (lambda: Inputs((one(status="unknown"),), ""), "aleatory, epistemic, both"),
        (lambda: Inputs((one("a"), one("b")), "x", np.array([[1.0, 1.0], [1.0, 1.0]])), "positive definite"),
        (lambda: Inputs((one("a"), one("b")), "x", np.array([[1.0, 0.2], [0.3, 1.0]])), "symmetric"),
        (lambda: Inputs((one("a"), one("b")), "x", np.eye(3)), "2 by 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
