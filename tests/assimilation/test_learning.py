"""Learning parameters: recovered jointly and in turns, followed where they drift, and always inside their range."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from examples import pk
from hypothesis import given
from hypothesis import strategies as st
from linear import linear, prior, simulated

from vvuq.assimilation.dual import Dual, held
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.learning import Discounted, forgotten, moved
from vvuq.assimilation.method import mean, spread
from vvuq.assimilation.particle import Auxiliary, Bootstrap
from vvuq.assimilation.system import Observation, System, gaussian, parameters, propagate
from vvuq.assimilation.transforms import Log, Logit
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError
from vvuq.models import (
    Additive,
    Bolus,
    Infusion,
    Level,
    LogNormal,
    Model,
    Observable,
    Parameter,
    Proportional,
    Schedule,
)
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Ensemble


def reservoir_rhs(t, x, u, theta, dx):
    first, second = x
    inflow, k, back = theta
    dx[0] = inflow - k * first + back * second
    dx[1] = k * first - 2 * back * second


def first_seen(t, x, u, theta, y):
    y[0] = x[0]


def second_seen(t, x, u, theta, y):
    y[0] = x[1]


def positive(name, unit, median):
    return Parameter(name, unit, LogNormal(median, 0.3), source="test")


RESERVOIR = Model(
    name="reservoir",
    states={"first": "mg", "second": "mg"},
    inputs={},
    parameters=(positive("inflow", "mg/h", 2.0), positive("k", "1/h", 0.5), positive("back", "1/h", 0.2)),
    observables=(
        Observable("first_seen", "mg", first_seen, Additive(0.2)),
        Observable("second_seen", "mg", second_seen, Additive(0.2)),
    ),
    rhs=reservoir_rhs,
)
TIMES = 0.5 * np.arange(1, 81)


def reservoir(*learned, drift=0.05):
    rates = np.zeros(2 + len(learned))
    rates[:2] = drift
    noise = Additive(0.2), Additive(0.2)
    return System(RESERVOIR, np.array([2.0, 0.5, 0.2]), learned, noise, rates, 0.1)


def observed(rate, seed=0):
    """Observations of the reservoir whose k is rate(time)."""
    rng, system, x, found = np.random.default_rng(seed), reservoir(), np.array([[3.0], [3.0]]), []
    for before, time in pairwise([0.0, *TIMES]):
        now = replace(system, theta=np.array([2.0, rate(time), 0.2]))
        x, _ = propagate(now, Schedule(), x, before, time)
        x = x + 0.05 * np.sqrt(time - before) * rng.standard_normal((2, 1))
        found.append(Observation(float(time), x[:, 0] + 0.2 * rng.standard_normal(2)))
    return found


def start(system, guess=1.0):
    """States roughly known; each learned parameter believed to be `guess` within a factor of two."""
    k = len(system.learned)
    return gaussian(system, 0.0, np.array([3.0, 3.0, *[np.log(guess)] * k]), np.diag([0.25, 0.25, *[0.5] * k]))


def run(method, system, belief, observations, seed=0, schedule=None):
    draws = Draws(seed, "test")
    state, states, seen = method.init(belief, draws), [], []
    for one in observations:
        state, diagnostics = method.step(system, schedule or Schedule(), state, one, draws)
        states.append(state)
        seen.append(diagnostics)
    return states, seen


PLAIN = [Unscented(), Etkf(40), PerturbedObservations(40), Bootstrap(300), Auxiliary(300)]


@pytest.mark.parametrize("method", [*PLAIN[:3], Discounted(Bootstrap(1500), 0.98, shrinkage=True)])
def test_joint_learning_recovers_a_rate(method):
    """A belief that began a factor of 2 off ends within 10 % and knows that it does."""
    states, seen = run(method, reservoir("k"), start(reservoir("k")), observed(lambda t: 0.5))
    assert all(d.code == 0 for d in seen)
    assert np.exp(mean(states[-1])[2]) == pytest.approx(0.5, rel=0.1)
    assert 0.0 < spread(states[-1])[2] < 0.1


def test_joint_learning_recovers_clearance_and_volume_of_the_reference_twin():
    """The truth is half and twice what was believed; it is found, and what is found is above zero at every step."""
    truth = np.array([0.0031, 2.0, 0.15])
    schedule = Schedule(
        0.0,
        (Bolus(0.0, "A", 40.0), Bolus(60.0, "A", 20.0)),
        (Infusion(100.0, 101.0, "R", 15.0),),
        (Level(0.0, "weight", 1.5), Level(0.0, "low_apgar", 1.0)),
    )
    system = System(pk().model, np.array([1.0, 1.0, 0.15]), ("CL", "V"), (Proportional(0.05),), np.zeros(3), 1.0)
    rng, x, observations = np.random.default_rng(0), np.zeros((1, 1)), []
    for before, time in pairwise([0.0, *np.arange(8.0, 800.0, 24.0)]):
        x, _ = propagate(
            replace(system, theta=truth, learned=(), transforms=(), drift=np.zeros(1)), schedule, x, before, time
        )
        measured = x[0] / (2.0 * 1.5 * 1.15) * (1.0 + 0.05 * rng.standard_normal())
        observations.append(Observation(float(time), measured))
    belief = gaussian(system, 0.0, np.array([0.0, np.log(0.0063), 0.0]), np.diag([0.0, 0.5, 0.5]))
    for method in (Unscented(), Etkf(60), Auxiliary(4000)):
        states, _ = run(method, system, belief, observations, schedule=schedule)
        np.testing.assert_allclose(np.exp(mean(states[-1])[1:]), truth[:2], rtol=0.1)
        assert np.all(np.abs(mean(states[-1])[1:] - np.log(truth[:2])) < 4.0 * spread(states[-1])[1:])


@pytest.mark.parametrize("method", PLAIN)
def test_a_parameter_never_leaves_its_range(method):
    """Wild observations drive the belief as far as they will; the parameter that the model sees stays inside."""
    system = replace(reservoir("k", "back"), transforms=(Log(), Logit(0.05, 0.9)))
    wild = [Observation(float(t), np.array([30.0 * (-1) ** i, -20.0])) for i, t in enumerate(TIMES[:20])]
    states, _ = run(Discounted(method, 0.8), system, start(system), wild)
    for state in states:
        lines = state.members if isinstance(state, Ensemble) else state.mean[:, None] + 3.0 * state.root
        theta = parameters(system, lines)
        assert np.all(theta[1] > 0.0)
        assert np.all((theta[2] >= 0.05) & (theta[2] <= 0.9))


@pytest.mark.parametrize("shrinkage", [False, True])
@pytest.mark.parametrize("method", PLAIN)
def test_nothing_discounted_is_the_plain_method_bit_for_bit(method, shrinkage):
    system, observations = reservoir("k"), observed(lambda t: 0.5)[:6]
    wrapped = Discounted(method, 1.0, shrinkage=shrinkage and not isinstance(method, Unscented))
    for one, two in zip(*(run(m, system, start(system), observations)[0] for m in (method, wrapped)), strict=True):
        same(one, two)


def same(one, two):
    fields = ("mean", "root") if isinstance(one, Belief) else ("members", "log_weights")
    for field in fields:
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert one.log_likelihood == two.log_likelihood and one.time == two.time and one.cycle == two.cycle


def test_without_learned_parameters_there_is_nothing_to_discount():
    system = linear()
    observations = simulated(system, [1.0, 2.0], 0)
    for method in (Unscented(), Etkf(20)):
        plain, wrapped = (run(m, system, prior(system), observations)[0][-1] for m in (method, Discounted(method, 0.5)))
        same(plain, wrapped)


def swing(time):
    """A rate that doubles at once and falls back."""
    return 0.4 if time < 13.0 or time > 27.0 else 0.8


def rise(time):
    """A rate that doubles over the 40 h."""
    return 0.4 * 2.0 ** (time / 40.0)


@pytest.mark.parametrize(
    ("method", "wrapped", "rate"),
    [
        (Unscented(), Discounted(Unscented(), 0.85), swing),
        (Etkf(40), Discounted(Etkf(40), 0.85), swing),
        (PerturbedObservations(60), Discounted(PerturbedObservations(60), 0.85), swing),
        (Unscented(), Discounted(Unscented(), 0.85**2, interval=1.0), swing),
        (Dual(Unscented(), Unscented()), Dual(Unscented(), Discounted(Unscented(), 0.85)), swing),
        (Unscented(), Discounted(Unscented(), 0.85), rise),
        (Bootstrap(1000), Discounted(Bootstrap(1000), 0.75), rise),
    ],
)
def test_a_drifting_rate_is_followed_where_its_past_is_discounted(method, wrapped, rate):
    """Root mean squared error of the rate's logarithm less than two thirds, over three seeds."""
    system, truth = reservoir("k"), np.log([rate(t) for t in TIMES])

    def error(filter_):
        paths = [run(filter_, system, start(system), observed(rate, seed), seed)[0] for seed in range(3)]
        return np.sqrt(np.mean([(np.array([mean(s)[2] for s in path]) - truth) ** 2 for path in paths]))

    assert error(wrapped) < 0.67 * error(method)


def test_shrinkage_keeps_particles_of_a_constant_rate_apart():
    """Resampling leaves few different values; moved without being widened, they stay many, and the rate is found."""
    system, observations = reservoir("k"), observed(lambda t: 0.5)
    plain, moving = (
        run(m, system, start(system), observations)[0][-1]
        for m in (Bootstrap(300), Discounted(Bootstrap(300), 0.98, shrinkage=True))
    )
    assert len(np.unique(plain.members[2])) < 20 < 150 < len(np.unique(moving.members[2]))
    assert np.exp(mean(moving)[2]) == pytest.approx(0.5, rel=0.1)


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 1.0))
def test_forgetting_divides_the_parameters_covariance_and_nothing_else(seed, share):
    rng = np.random.default_rng(seed)
    root = np.tril(rng.normal(size=(5, 5)))
    belief = Belief(0.0, tuple("abcde"), rng.normal(size=5), root)
    after = forgotten(belief, 3, share)
    expected = root @ root.T
    expected[3:, 3:] /= share
    np.testing.assert_allclose(after.root @ after.root.T, expected, rtol=1e-10, atol=1e-10)
    assert np.all(np.triu(after.root, 1) == 0.0) and np.all(np.diag(after.root) >= 0.0)
    np.testing.assert_array_equal(after.mean, belief.mean)


@pytest.mark.parametrize("weighted", [False, True])
def test_members_that_move_have_the_covariance_they_should(weighted):
    """Kernel shrinkage keeps mean and covariance; a walk alone divides the covariance by delta."""
    rng, count, delta = np.random.default_rng(1), 40_000, 0.7
    members = np.array([[1.0, 0.0, 0.0], [0.2, 0.5, 0.0], [-0.3, 0.4, 0.8]]) @ rng.standard_normal((3, count))
    raw = -0.5 * members[1] ** 2 if weighted else np.zeros(count)
    logs = raw - np.log(np.sum(np.exp(raw))) if weighted else None
    state, normals = Ensemble(0.0, ("a", "b", "c"), members, logs), rng.standard_normal((2, count))
    weights = np.exp(raw)
    before, kept = np.cov(members, aweights=weights), (3 * delta - 1) / (2 * delta)
    shrunk = moved(state, 1, kept, np.sqrt(1 - kept**2), normals)
    np.testing.assert_allclose(np.cov(shrunk.members, aweights=weights)[1:, 1:], before[1:, 1:], atol=0.02)
    np.testing.assert_allclose(mean(shrunk), mean(state), atol=0.01)
    wide = moved(state, 1, 1.0, np.sqrt(1 / delta - 1), normals)
    np.testing.assert_allclose(np.cov(wide.members, aweights=weights)[1:, 1:], before[1:, 1:] / delta, atol=0.03)
    np.testing.assert_array_equal(wide.members[0], members[0])


def test_a_few_members_move_by_their_unbiased_covariance():
    """One parameter and a move of one SD: the sample's, with N - 1 in its denominator."""
    state = Ensemble(0.0, ("a", "b"), np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 6.0]]))
    after = moved(state, 1, 0.0, 1.0, np.ones((1, 3)))
    np.testing.assert_allclose(after.members, [[0.0, 1.0, 2.0], [3.0 + np.sqrt(7.0)] * 3], rtol=1e-12)


def test_shrinkage_draws_members_to_their_mean_by_liu_and_wests_share():
    """Their covariance stays, and a member keeps (3 delta - 1) / (2 delta) of its distance from the mean."""
    system, draws, delta = reservoir("k"), Draws(0, "test"), 0.7
    method = Discounted(Bootstrap(40_000), delta, interval=1.0, shrinkage=True)
    state = method.init(start(system), draws)
    after, _ = method.step(system, Schedule(), state, Observation(1.0, np.full(2, np.nan)), draws)
    (before, cross), (_, now) = np.cov(state.members[2], after.members[2])
    assert now == pytest.approx(before, rel=0.03)
    assert cross / before == pytest.approx((3 * delta - 1) / (2 * delta), abs=0.02)


def test_fewer_members_than_parameters_move_within_their_span():
    rng = np.random.default_rng(2)
    state = Ensemble(0.0, tuple("abcde"), rng.normal(size=(5, 3)))
    after = moved(state, 1, 1.0, 0.5, rng.standard_normal((4, 3)))
    span = np.linalg.svd(state.members[1:] - state.members[1:].mean(axis=1, keepdims=True))[0][:, 2:]
    np.testing.assert_allclose(span.T @ (after.members - state.members)[1:], 0.0, atol=1e-12)


def test_what_is_lost_goes_with_time_and_only_with_time_where_an_interval_is_given():
    system, draws = reservoir("k"), Draws(0, "test")
    nothing, some = np.full(2, np.nan), np.array([3.0, 3.0])
    by_time, by_step = Discounted(Unscented(), 0.8, interval=1.0), Discounted(Unscented(), 0.8)
    belief = start(system)
    half = by_time.step(system, Schedule(), belief, Observation(0.5, nothing), draws)[0]
    whole = by_time.step(system, Schedule(), half, Observation(1.0, nothing), draws)[0]
    assert spread(whole)[2] ** 2 == pytest.approx(0.5 / 0.8, rel=1e-9)
    unseen = by_step.step(system, Schedule(), belief, Observation(1.0, nothing), draws)[0]
    assert spread(unseen)[2] == pytest.approx(spread(belief)[2], rel=1e-12)
    at_once = by_time.step(system, Schedule(), belief, Observation(0.0, some), draws)[0]
    same(at_once, Unscented().step(system, Schedule(), belief, Observation(0.0, some), draws)[0])


@pytest.mark.parametrize("method", [Dual(Unscented(), Unscented()), Dual(Etkf(40), PerturbedObservations(40))])
def test_two_filters_in_turns_recover_a_rate(method):
    states, seen = run(method, reservoir("k"), start(reservoir("k")), observed(lambda t: 0.5))
    assert all(d.code == 0 for d in seen)
    assert np.exp(mean(states[-1])[2]) == pytest.approx(0.5, rel=0.1)
    assert states[-1].log_likelihood == pytest.approx(sum(d.log_likelihood for d in seen))
    assert states[-1].cycle == len(TIMES)


def test_in_turns_each_filter_takes_what_the_other_holds_for_known():
    """The states are filtered as if the rate were its mean; the rate is learned as if the states were theirs."""
    system, draws = reservoir("k"), Draws(0, "test")
    belief, one = start(system, guess=0.7), Observation(1.5, np.array([3.5, 4.0]))
    belief = replace(belief, root=belief.root + np.tril(np.full((3, 3), 0.2), -1))
    found, _ = Dual(Unscented(), Unscented()).step(system, Schedule(), belief, one, draws)
    plain, n = replace(system, theta=np.array([2.0, 0.7, 0.2]), learned=(), transforms=(), drift=system.drift[:2]), 2
    alone = gaussian(plain, 0.0, belief.mean[:n], (belief.root @ belief.root.T)[:n, :n])
    states, _ = Unscented().step(plain, Schedule(), alone, one, draws)
    np.testing.assert_allclose(found.mean[:n], states.mean, rtol=1e-10)
    np.testing.assert_allclose(found.root[:n, :n], states.root, rtol=1e-8, atol=1e-12)
    variance = float((belief.root @ belief.root.T)[2, 2])
    known = gaussian(system, 0.0, belief.mean, np.diag([0.0, 0.0, variance]))
    rate, _ = Unscented().step(system, Schedule(), known, one, draws)
    assert found.mean[2] == pytest.approx(rate.mean[2], rel=1e-10)
    assert spread(found)[2] == pytest.approx(spread(rate)[2], rel=1e-10)


def test_in_turns_states_and_parameters_stay_independent():
    system = reservoir("k", "back")
    states, _ = run(Dual(Unscented(), Unscented()), system, start(system), observed(lambda t: 0.5)[:5])
    for state in states:
        np.testing.assert_array_equal(state.root[2:, :2], 0.0)
        assert np.all(np.triu(state.root, 1) == 0.0) and np.all(np.diag(state.root) > 0.0)


def test_rows_that_are_held_are_known():
    belief = start(reservoir("k"))
    belief = replace(belief, root=np.tril(np.ones((3, 3))))
    kept = held(belief, slice(0, 2))
    np.testing.assert_allclose(kept.root @ kept.root.T, np.diag([0.0, 0.0, 3.0]), atol=1e-14)
    members = held(Ensemble(0.0, tuple("ab"), np.array([[1.0, 3.0], [4.0, 6.0]])), slice(1, None)).members
    np.testing.assert_array_equal(members, [[1.0, 3.0], [5.0, 5.0]])


@pytest.mark.parametrize("wrap", [lambda m: Discounted(m, 0.9), lambda m: Dual(m, m)])
@pytest.mark.parametrize("method", [Unscented(), Etkf(20)])
def test_a_failed_step_leaves_the_state_as_it_was(wrap, method):
    system = reservoir("k")
    belief = start(system, guess=1e200)  # a rate at which the fixed steps explode
    draws, filter_ = Draws(0, "test"), wrap(method)
    state = filter_.init(belief, draws)
    after, seen = filter_.step(system, Schedule(), state, Observation(5.0, np.ones(2)), draws)
    assert after is state and seen.code == Code.NOT_FINITE


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Discounted(Unscented(), 0.0),
        lambda: Discounted(Unscented(), 1.1),
        lambda: Discounted(Etkf(5), 0.3, shrinkage=True),
        lambda: Discounted(Etkf(5), 0.9, interval=0.0),
        lambda: Discounted(Unscented(), 0.9, shrinkage=True).init(prior(linear()), Draws(0, "test")),
        lambda: Dual(Unscented(), Etkf(5)).init(prior(linear()), Draws(0, "test")),
        lambda: Dual(Etkf(6), Etkf(5)).init(prior(linear()), Draws(0, "test")),
        lambda: run(Dual(Bootstrap(9), Etkf(9)), reservoir("k"), start(reservoir("k")), observed(lambda t: 0.5)[:2]),
    ],
)
def test_faults_are_refused(broken):
    with pytest.raises(InputError):
        broken()
