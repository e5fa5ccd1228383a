"""In linear models the Gaussian filters are the exact one: random models, irregular times, missing and correlated."""

from dataclasses import replace

import gaussian
import numpy as np
import pytest
from gaussian import SCHEDULE, UNUSED, case, difference, exact, filtered
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation import kalman, ukf
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.reduced import ReducedUnscented
from vvuq.assimilation.system import Observation
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule

METHODS = [
    Kalman(),
    Unscented(),
    Unscented(kappa=2.0),
    Unscented(kappa=1.0, alpha=1.3, beta=1.0),
    Unscented(augmented=True),
    Unscented(kappa=2.0, augmented=True),
    ReducedUnscented(gaussian.D),
    ReducedUnscented(gaussian.D, "star"),
]
seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, q=st.integers(1, 4), rank=st.integers(0, gaussian.D), correlated=st.booleans())
def test_mean_covariance_likelihood(seed, q, rank, correlated):
    of = case(seed, q=q, rank=rank, correlated=correlated)
    found, likelihood = exact(of)
    for method in METHODS:
        beliefs = filtered(of, method)
        largest = max(difference(b, *e) for b, e in zip(beliefs[1:], found[1:], strict=True))
        assert largest <= 1e-10, method
        assert beliefs[-1].log_likelihood == pytest.approx(likelihood, rel=1e-10, abs=1e-10)
        assert [b.cycle for b in beliefs] == list(range(len(beliefs)))


@given(seed=seeds)
def test_diagnostics_are_those_of_the_exact_forecast(seed):
    of = case(seed, count=1, missing=0.4)
    (one,) = of.observations
    drift = np.asarray(of.system.drift)
    start = of.prior.mean + gaussian.DOSE * np.eye(gaussian.D)[0]
    step, noise = of.transition(0.0, one.time), np.diag(drift**2 * one.time)
    mean, covariance = kalman.predict(start, of.covariance(), step, noise)
    kept = ~np.isnan(one.values)
    h, spread = of.seen[kept], of.seen[kept] @ covariance @ of.seen[kept].T + of.error[np.ix_(kept, kept)]
    innovation = one.values[kept] - h @ mean
    for method in METHODS:
        _, seen = method.step(of.system, SCHEDULE, method.init(of.prior, UNUSED), one, UNUSED)
        assert seen.n == kept.sum() and seen.time == one.time
        assert np.array_equal(np.isnan(seen.innovation), ~kept) and np.array_equal(np.isnan(seen.spread), ~kept)
        np.testing.assert_allclose(seen.innovation[kept], innovation, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(seen.predicted[kept], h @ mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(seen.spread[kept], np.sqrt(np.diag(spread)), rtol=1e-9)
        assert seen.nis == pytest.approx(innovation @ np.linalg.solve(spread, innovation), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@given(seed=seeds, quarters=st.integers(1, 7))
def test_a_step_without_values_changes_nothing(method, seed, quarters):
    """Without process noise, which a filter adds at the end of a step; split where the integrator steps anyway."""
    of = case(seed, missing=0.0, count=2)
    first, second = (replace(one, time=time) for one, time in zip(of.observations, (1.0, 3.0), strict=True))
    between = Observation(1.0 + quarters * gaussian.STEP, np.full(3, np.nan))
    still = replace(of, system=replace(of.system, drift=np.zeros(gaussian.D)), observations=(first, second))
    whole, split = (
        filtered(replace(still, observations=o), method) for o in ((first, second), (first, between, second))
    )
    assert difference(split[-1], whole[-1].mean, whole[-1].root @ whole[-1].root.T) <= 1e-9
    assert split[2].log_likelihood == split[1].log_likelihood
    assert split[-1].log_likelihood == pytest.approx(whole[-1].log_likelihood, rel=1e-10, abs=1e-10)


@given(seed=seeds, order=st.permutations(range(4)))
def test_the_order_of_observables_does_not_matter(seed, order):
    of = case(seed, q=4)
    order = list(order)
    system = replace(
        of.system,
        noise=tuple(of.system.noise[i] for i in order),
        correlation=np.asarray(of.system.correlation)[np.ix_(order, order)],
        operator=of.system.operator[order],
    )
    values = tuple(replace(one, values=one.values[order]) for one in of.observations)
    other = replace(of, system=system, observations=values)
    for method in (Kalman(), Unscented(), ReducedUnscented(4)):
        one, two = filtered(of, method)[-1], filtered(other, method)[-1]
        assert difference(two, one.mean, one.root @ one.root.T) <= 1e-9
        assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-9, abs=1e-9)


@given(seed=seeds)
def test_independent_values_may_be_taken_one_by_one(seed):
    of = case(seed, correlated=False, missing=0.2)
    single = []
    for one in of.observations:
        for i in range(one.values.size):
            single.append(replace(one, values=np.where(np.arange(one.values.size) == i, one.values, np.nan)))
    serial = replace(of, observations=tuple(single))
    for method in (Kalman(), Unscented(), Unscented(kappa=1.0), ReducedUnscented(4)):
        one, two = filtered(of, method)[-1], filtered(serial, method)[-1]
        assert difference(two, one.mean, one.root @ one.root.T) <= 1e-9
        assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-9, abs=1e-9)


def test_a_wrong_noise_is_noticed():
    of = case(7)
    louder = replace(of, system=replace(of.system, noise=tuple(replace(n, sd=1.01 * n.sd) for n in of.system.noise)))
    found, _ = exact(of)
    assert difference(filtered(louder, Unscented())[-1], *found[-1]) > 1e-6


def test_the_forecast_alone_is_the_exact_one():
    of = case(3)
    for ahead, code in (
        ukf.forecast(Unscented(), of.system, Schedule(), of.prior, 2.0),
        kalman.forecast(of.system, Schedule(), of.prior, 2.0),
    ):
        noise = np.diag(np.asarray(of.system.drift) ** 2 * 2.0)
        mean, covariance = kalman.predict(of.prior.mean, of.covariance(), of.transition(0.0, 2.0), noise)
        assert code == 0 and ahead.time == 2.0 and ahead.cycle == 0
        assert difference(ahead, mean, covariance) <= 1e-11
        assert np.all(np.triu(ahead.root, 1) == 0.0) and np.all(np.diag(ahead.root) >= 0.0)
