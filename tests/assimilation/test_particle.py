"""Particle filters: the Kalman filter where it is exact, and more where it is not; what chance may and may not do."""

from dataclasses import replace

import numpy as np
import pytest
from examples import EXPLOSIVE, LOGISTIC
from hypothesis import given
from hypothesis import strategies as st
from linear import exact, linear, prior, simulated

from vvuq.assimilation.method import mean, spread
from vvuq.assimilation.particle import Auxiliary, Bootstrap, log_likelihoods
from vvuq.assimilation.resampling import effective_number, log_sum, systematic
from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.errors import InputError
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter, Proportional, Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws

METHODS = [Bootstrap, Auxiliary]
TIMES = [0.5, 1.0, 2.5, 2.5, 4.0, 4.5]
NONE = Schedule()


def run(method, system, belief, observations, seed=0):
    draws = Draws(seed, "test")
    state, seen = method.init(belief, draws), []
    for one in observations:
        state, diagnostics = method.step(system, NONE, state, one, draws)
        seen.append(diagnostics)
    return state, seen


def covariance(state):
    weights = np.exp(state.log_weights) if state.log_weights is not None else np.full(state.members.shape[1], 1.0)
    return np.cov(state.members, aweights=weights, ddof=0)


@given(raw=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), uniform=st.floats(0.0, 1.0, exclude_max=True))
def test_systematic_counts_are_within_one_of_their_expectation(raw, uniform):
    weights = np.array(raw) + 1e-12 * (max(raw) == 0.0)
    with np.errstate(divide="ignore"):
        kept = systematic(np.log(weights), uniform)
    counts, expected = np.bincount(kept, minlength=weights.size), weights.size * weights / weights.sum()
    assert counts.sum() == weights.size
    assert np.all(counts >= np.floor(expected - 1e-9)) and np.all(counts <= np.ceil(expected + 1e-9))
    assert np.all(weights[kept] > 0.0)


def test_systematic_resampling_is_unbiased():
    """Over a fine comb of uniforms each member's mean count is N w."""
    weights = np.array([0.05, 0.2, 0.0, 0.45, 0.3])
    with np.errstate(divide="ignore"):
        logs = np.log(weights)
    counts = np.mean([np.bincount(systematic(logs, (k + 0.5) / 2000), minlength=5) for k in range(2000)], axis=0)
    np.testing.assert_allclose(counts, 5 * weights, atol=1e-3)


def test_a_tooth_on_the_edge_of_a_member_without_weight_falls_on_the_next():
    assert systematic(np.array([-np.inf, 0.0, 0.0]), 0.0).tolist() == [1, 1, 2]


def test_the_last_tooth_of_the_comb_falls_on_a_member_with_weight():
    logs = np.array([0.0, 0.0, -np.inf])
    assert systematic(logs, np.nextafter(1.0, 0.0)).tolist() == [0, 1, 1]


@given(logs=st.lists(st.floats(-800.0, 800.0), min_size=1, max_size=20), shift=st.floats(-1e4, 1e4))
def test_log_sums_and_effective_numbers(logs, shift):
    logs = np.array(logs)
    total = log_sum(logs)
    assert log_sum(logs + shift) == pytest.approx(total + shift, abs=1e-8)
    assert 1.0 - 1e-9 <= effective_number(logs - total) <= logs.size * (1.0 + 1e-9)
    assert log_sum(np.array([-np.inf, -np.inf])) == -np.inf


@pytest.mark.parametrize("rho", [None, 0.6])
@pytest.mark.parametrize("method", METHODS)
def test_converges_to_the_kalman_filter(method, rho):
    """Mean, covariance, log-likelihood and every forecast, with missing components, irregular and repeated times."""
    system = linear(rho=rho)
    observations = simulated(system, TIMES, 5, missing=0.3)
    state, seen = run(method(40_000), system, prior(system), observations)
    reference = exact(system, observations)
    np.testing.assert_allclose(mean(state), reference.means[-1], atol=0.02)
    np.testing.assert_allclose(covariance(state), reference.covariances[-1], atol=0.015)
    assert state.log_likelihood == pytest.approx(reference.log_likelihood, abs=0.05)
    assert state.log_likelihood == pytest.approx(sum(d.log_likelihood for d in seen))
    ahead = exact(system, observations, seen=len(observations) - 1)
    np.testing.assert_allclose(seen[-1].spread[0], np.sqrt(ahead.covariances[-1][0, 0] + 0.25), rtol=0.02)
    assert [d.n for d in seen] == [int((~np.isnan(one.values)).sum()) for one in observations]
    assert state.cycle == len(observations) and state.time == TIMES[-1]


@pytest.mark.parametrize("method", METHODS)
def test_the_error_falls_as_the_root_of_the_members(method):
    system = linear()
    observations = simulated(system, TIMES[:3], 6)
    reference, sizes = exact(system, observations).means[-1], (50, 200, 800)

    def error(size):
        runs = (run(method(size), system, prior(system), observations, seed)[0] for seed in range(60))
        return np.sqrt(np.mean([(mean(state) - reference) ** 2 for state in runs]))

    errors = [error(size) for size in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.15)


def likelihood_ratios(method, count):
    """Estimates of the likelihood itself, not of its logarithm, over the exact one; the half-width of their mean."""
    system = linear()
    observations = simulated(system, [0.5, 1.0, 2.0], 7)
    logs = np.array([run(method, system, prior(system), observations, s)[0].log_likelihood for s in range(count)])
    ratios = np.exp(logs - exact(system, observations).log_likelihood)
    return ratios, 3.5 * ratios.std() / np.sqrt(count)


@pytest.mark.parametrize("method", [Bootstrap(30), Auxiliary(30)])
def test_the_likelihood_is_estimated_without_bias(method):
    """The mean of 500 estimates by 30 members is 1 within its interval."""
    ratios, half = likelihood_ratios(method, 500)
    assert half < 0.2 and abs(ratios.mean() - 1.0) < half


@pytest.mark.slow
@pytest.mark.parametrize("method", [Bootstrap(30), Bootstrap(30, 1.0), Bootstrap(30, 0.0), Auxiliary(30)])
def test_the_likelihood_is_estimated_without_bias_to_a_few_percent(method):
    ratios, half = likelihood_ratios(method, 6_000)
    assert half < 0.07 and abs(ratios.mean() - 1.0) < half


def test_the_auxiliary_filter_keeps_more_members_at_work_where_observations_are_informative():
    """Ten times as many at the first, sharp observation; over all steps half the doubt in the log-likelihood."""
    system = linear(drift=(0.1, 0.1), sd=(0.1, 0.1))
    observations = simulated(system, [0.5 * k for k in range(1, 13)], 8)
    first, works, doubt = [], [], []
    for method in (Bootstrap(200), Auxiliary(200)):
        runs = [run(method, system, prior(system), observations, seed) for seed in range(30)]
        first.append(np.mean([seen[0].ess for _, seen in runs]))
        works.append(np.mean([[d.ess for d in seen] for _, seen in runs]))
        doubt.append(np.std([state.log_likelihood for state, _ in runs]))
    assert first[1] > 10.0 * first[0]
    assert works[1] > 1.2 * works[0]
    assert doubt[1] < 0.6 * doubt[0]


def still(t, x, u, theta, dx):
    (s,) = x
    (k,) = theta
    dx[0] = 0.0 * k * s


def square(t, x, u, theta, y):
    y[0] = x[0] * x[0]


SQUARED = Model(
    name="squared",
    states={"s": "1"},
    inputs={},
    parameters=(Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test"),),
    observables=(Observable("square", "1", square, Additive(0.2)),),
    rhs=still,
)


@pytest.mark.parametrize("method", METHODS)
def test_a_posterior_with_two_modes(method):
    """x^2 was measured: x is near 2 or near -2, and nowhere in between; a normal belief puts its mean there."""
    system = System(SQUARED, np.array([0.3]), (), (Additive(0.2),), np.array([0.02]), 1.0)
    belief = gaussian(system, 0.0, np.array([0.2]), np.array([[4.0]]))
    state, _ = run(method(5000), system, belief, [Observation(1.0, np.array([4.0])), Observation(2.0, np.array([4.0]))])
    grid = np.linspace(-8.0, 8.0, 40_001)
    density = np.exp(-((grid - 0.2) ** 2) / 8.0 - (grid**2 - 4.0) ** 2 / 0.04)  # two measurements of SD 0.2
    positive = density[grid > 0.0].sum() / density.sum()
    weights = np.full(5000, 1 / 5000) if state.log_weights is None else np.exp(state.log_weights)
    x = state.members[0]
    assert weights[np.abs(x) < 1.5].sum() < 1e-6
    assert weights[x > 0.0].sum() == pytest.approx(positive, abs=0.06)
    np.testing.assert_allclose(np.average(np.abs(x), weights=weights), 2.0, atol=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_draws_give_the_same_bits_and_others_do_not(method):
    system = linear()
    observations = simulated(system, TIMES, 9, missing=0.2)
    one, two, other = (run(method(50), system, prior(system), observations, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.members, two.members)
    assert one.log_likelihood == two.log_likelihood != other.log_likelihood


def test_the_order_of_members_and_of_observables_does_not_matter():
    """Without chance of its own a step treats members alike; with correlated errors, observables too."""
    system, values = linear(drift=(0.0, 0.0), rho=0.5), np.array([2.5, 3.0])
    draws, method, order = Draws(0, "test"), Bootstrap(60), np.random.default_rng(0).permutation(60)
    state = method.init(prior(system), draws)
    mixed = replace(state, members=np.ascontiguousarray(state.members[:, order]))
    one, seen = method.step(system, NONE, state, Observation(1.0, values), draws)
    two, _ = method.step(system, NONE, mixed, Observation(1.0, values), draws)
    np.testing.assert_array_equal(two.members, one.members[:, order])
    np.testing.assert_allclose(two.log_weights, one.log_weights[order], rtol=1e-12)
    reversed_model = replace(system.model, observables=system.model.observables[::-1])
    turned = replace(system, model=reversed_model, noise=system.noise[::-1])
    three, back = method.step(turned, NONE, state, Observation(1.0, values[::-1]), draws)
    np.testing.assert_allclose(three.log_weights, one.log_weights, rtol=1e-10)
    assert back.nis == pytest.approx(seen.nis) and back.log_likelihood == pytest.approx(seen.log_likelihood)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_measured_is_a_forecast(method):
    system, draws = linear(), Draws(0, "test")
    observations = simulated(system, [1.0], 3)
    state, _ = run(method(100), system, prior(system), observations)
    after, seen = method(100).step(system, NONE, state, Observation(2.0, np.full(2, np.nan)), draws)
    assert (seen.n, seen.nis, seen.log_likelihood, seen.code) == (0, 0.0, 0.0, 0)
    assert np.all(np.isnan([seen.innovation, seen.predicted, seen.spread]))
    assert after.cycle == 2 and after.time == 2.0 and after.log_likelihood == state.log_likelihood
    begun = method(100).init(prior(system), draws)
    assert method(100).step(system, NONE, begun, Observation(2.0, np.full(2, np.nan)), draws)[0].log_weights is None
    assert np.all(spread(after) > 0.0) and not np.array_equal(after.members, state.members)


def test_what_a_step_saw_has_the_moments_of_the_members():
    """With N - 1 in the denominator where members weigh the same."""
    system, draws, values = linear(drift=(0.0, 0.0), rho=0.5), Draws(0, "test"), np.array([2.5, 3.0])
    state = Bootstrap(6).init(prior(system), draws)
    _, seen = Bootstrap(6).step(system, NONE, state, Observation(0.0, values), draws)
    predicted = np.array([[1.0, 0.0], [1.0, 1.0]]) @ state.members
    covariance = np.cov(predicted) + np.outer([0.5, 0.4], [0.5, 0.4]) * np.array([[1.0, 0.5], [0.5, 1.0]])
    innovation = values - predicted.mean(axis=1)
    np.testing.assert_allclose(seen.spread, np.sqrt(np.diag(covariance)), rtol=1e-12)
    np.testing.assert_allclose(seen.innovation, innovation, rtol=1e-12)
    assert seen.nis == pytest.approx(innovation @ np.linalg.solve(covariance, innovation), rel=1e-10)


def positive_system(cv=0.1):
    return System(LOGISTIC, np.array([0.8, 2.0]), ("r",), (Proportional(cv),), np.array([0.02, 0.0]), 0.25)


def test_a_proportional_error_is_of_the_size_that_each_member_foretells():
    found = log_likelihoods(positive_system(), np.array([[1.0, 2.0, 0.0]]), np.array([1.5]))
    sd = np.array([0.1, 0.2])
    expected = -0.5 * ((1.5 - np.array([1.0, 2.0])) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    assert found[2] == -np.inf


@pytest.mark.parametrize("method", METHODS)
def test_learned_parameters_and_proportional_errors_against_quadrature(method):
    """The posterior of a growth rate from three samples without process noise, on a grid."""
    system = replace(positive_system(0.3), drift=np.zeros(2))
    belief = gaussian(system, 0.0, np.array([0.5, np.log(0.8)]), np.diag([0.0, 0.16]))
    observations = [Observation(t, np.array([y])) for t, y in ((1.0, 0.8), (2.0, 1.5), (3.0, 1.6))]
    state, _ = run(method(20_000), system, belief, observations)
    grid = np.linspace(np.log(0.8) - 2.4, np.log(0.8) + 2.4, 4001)
    rate, log_density = np.exp(grid), -0.5 * (grid - np.log(0.8)) ** 2 / 0.16
    for one in observations:
        h = 2.0 / (1.0 + 3.0 * np.exp(-rate * one.time))  # logistic growth from 0.5 to 2
        log_density += -0.5 * ((one.values[0] - h) / (0.3 * h)) ** 2 - np.log(0.3 * h) - 0.5 * np.log(2 * np.pi)
    log_density -= 0.5 * np.log(2 * np.pi * 0.16)
    density = np.exp(log_density) * (grid[1] - grid[0])
    expected = np.sum(grid * density) / density.sum()
    assert mean(state)[1] == pytest.approx(expected, abs=0.01)
    assert state.log_likelihood == pytest.approx(np.log(density.sum()), abs=0.03)
    assert np.all(np.exp(state.members[1]) > 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_no_member_with_weight_is_a_code_and_the_state_as_it_was(method):
    system = replace(positive_system(), drift=np.zeros(2))
    belief = gaussian(system, 0.0, np.zeros(2), np.diag([0.0, 0.01]))  # nothing there, and an error in proportion to it
    draws = Draws(0, "test")
    state = method(20).init(belief, draws)
    after, seen = method(20).step(system, NONE, state, Observation(1.0, np.array([1.0])), draws)
    assert after is state
    assert seen.code == Code.DEGENERATE and np.isnan(seen.nis) and np.isnan(seen.log_likelihood)


@pytest.mark.parametrize("method", METHODS)
def test_far_from_all_members_weights_do_not_underflow(method):
    system = linear(sd=(1e-4, 1e-4))
    state, seen = run(method(50), system, prior(system), [Observation(1.0, np.array([900.0, -900.0]))])
    assert seen[0].code == 0 and np.isfinite(state.log_likelihood) and state.log_likelihood < -1e12
    assert seen[0].ess >= 1.0 - 1e-9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sd", [1e-12, 1e-160])
def test_observables_that_agree_to_the_last_bit_do_not_break_a_step(method, sd):
    """All members' forecasts lie on a line, and the errors are nothing beside it: a number or a code, never a crash."""
    system, draws = linear(drift=(0.0, 0.0), sd=(sd, sd)), Draws(0, "test")
    state = method(20).init(replace(prior(system), root=np.array([[1.0, 0.0], [0.0, 0.0]])), draws)
    after, seen = method(20).step(system, NONE, state, Observation(0.0, np.array([3.0, 4.0])), draws)
    assert seen.code in (Code.OK, Code.NOT_FINITE, Code.DEGENERATE)
    assert np.isfinite(seen.nis) if seen.code == Code.OK else after is state


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_explodes_is_a_code_and_the_state_as_it_was(method):
    system = System(EXPLOSIVE, np.array([1.0]), (), (Additive(0.1),), np.array([0.1]), 0.01)
    draws = Draws(0, "test")
    state = method(10).init(gaussian(system, 0.0, np.array([5.0]), np.array([[1.0]])), draws)
    after, seen = method(10).step(system, NONE, state, Observation(9.0, np.array([1.0])), draws)
    assert after is state and seen.code == Code.NOT_FINITE


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Bootstrap(1),
        lambda: Auxiliary(1),
        lambda: Bootstrap(10, 1.5),
        lambda: Bootstrap(10, float("nan")),
        lambda: run(Bootstrap(10), linear(sd=(0.0, 0.1)), prior(linear()), [Observation(1.0, np.ones(2))]),
        lambda: run(Bootstrap(10), linear(), prior(linear()), [Observation(-1.0, np.ones(2))]),
        lambda: run(Auxiliary(10), linear(), prior(linear()), [Observation(1.0, np.ones(3))]),
        lambda: run(Auxiliary(10), linear(), prior(linear()), [Observation(1.0, np.array([np.inf, 1.0]))]),
    ],
)
def test_faults_are_refused(broken):
    with pytest.raises(InputError):
        broken()


def test_a_threshold_decides_when_members_are_drawn_anew():
    system = linear()
    observations = simulated(system, TIMES, 10)
    never, _ = run(Bootstrap(100, 0.0), system, prior(system), observations)
    always, _ = run(Bootstrap(100, 1.0), system, prior(system), observations)
    assert effective_number(never.log_weights) < effective_number(always.log_weights)
