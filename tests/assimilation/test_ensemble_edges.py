"""What every ensemble filter does at its edges: nothing measured, two members, no spread, failures, other orders."""

from dataclasses import replace

import ensembles
import numpy as np
import pytest
from examples import EXPLOSIVE, LOGISTIC

from vvuq.assimilation.denkf import Denkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.inflation import Adaptive, Relaxation
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.system import Observation, System, gaussian, propagate
from vvuq.errors import InputError
from vvuq.models import RK4, Additive, Schedule, simulate
from vvuq.models.schedule import Bolus
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Ensemble

METHODS = [PerturbedObservations, Etkf, Eakf, Letkf, Denkf]
ROOTS = [Etkf, Eakf, Letkf]
DRAWS = Draws(1, "test")
NOTHING = Schedule()
every = pytest.mark.parametrize("method", METHODS)


def step(method, system, state, seen, draws=DRAWS):
    return method.step(system, NOTHING, state, seen, draws)


@every
@pytest.mark.parametrize("inflation", [1.0, 1.3, Relaxation(0.5), Adaptive()])
def test_nothing_measured_is_a_forecast_alone(method, inflation):
    system = ensembles.system(drift=0.1)
    state = replace(ensembles.ensemble(system, 5), inflation=1.2)
    after, said = step(method(5, inflation, True), system, state, Observation(2.0, np.full(4, np.nan)))
    carried, _ = propagate(system, NOTHING, state.members, 0.0, 2.0)
    walk = 0.1 * np.sqrt(2.0) * DRAWS.normal(0, "process", (6, 5))
    np.testing.assert_array_equal(after.members, carried + walk)
    assert (after.time, after.cycle, after.log_likelihood, after.inflation) == (2.0, 1, 0.0, 1.2)
    assert (said.n, said.log_likelihood, said.nis, said.code, said.inflation) == (0, 0.0, 0.0, 0, 1.0)
    assert np.all(np.isnan([said.innovation, said.predicted, said.spread]))


@every
def test_what_is_missing_is_as_if_it_were_not_there(method):
    """With a component missing: the same as a system that has no such observable."""
    whole = ensembles.system(4)
    less = replace(whole, noise=whole.noise[:1] + whole.noise[2:], operator=whole.operator[[0, 2, 3]])
    state, seen = ensembles.ensemble(whole, 7), ensembles.observation(whole)
    values = seen.values[[0, 2, 3]]
    after, said = step(method(7), whole, state, ensembles.missing(seen, 1))
    other, saw = step(method(7), less, state, Observation(0.0, values))
    np.testing.assert_array_equal(after.members, other.members)
    np.testing.assert_array_equal(said.innovation[[0, 2, 3]], saw.innovation)
    assert said.log_likelihood == saw.log_likelihood
    assert np.isnan(said.innovation[1]) and np.isnan(said.predicted[1]) and np.isnan(said.spread[1])


@every
def test_diagnostics_of_what_was_measured(method):
    system = ensembles.system(3)
    state, seen = ensembles.ensemble(system, 9), ensembles.observation(system)
    _, said = step(method(9), system, state, seen)
    predicted = system.operator @ state.members
    sd = np.array([noise.sd for noise in system.noise])
    np.testing.assert_allclose(said.predicted, predicted.mean(axis=1))
    np.testing.assert_allclose(said.innovation, seen.values - predicted.mean(axis=1))
    np.testing.assert_allclose(said.spread, np.sqrt(predicted.var(axis=1, ddof=1) + sd**2))


@every
def test_without_spread_nothing_is_learned(method):
    system = ensembles.system(3)
    state = replace(ensembles.ensemble(system, 4), members=np.full((6, 4), 2.0))
    after, said = step(method(4, Relaxation(0.5)), system, state, ensembles.observation(system))
    np.testing.assert_allclose(after.members, 2.0, rtol=1e-15)
    assert np.isfinite(said.log_likelihood) and said.code == 0


@every
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("correlated", [False, True])
def test_fewer_members_than_components(method, count, correlated):
    system = ensembles.system(8, correlation=ensembles.correlation(8) if correlated else None)
    state = ensembles.ensemble(system, count)
    after, said = step(method(count, 1.1, True), system, state, ensembles.observation(system))
    assert said.code == 0 and np.all(np.isfinite(after.members))
    assert np.linalg.matrix_rank(after.members - after.members.mean(axis=1, keepdims=True), tol=1e-9) <= count - 1


@every
def test_a_failed_member_leaves_the_state_as_it_was(method):
    system = System(EXPLOSIVE, np.array([1.0]), (), (Additive(0.1),), np.zeros(1), 0.01)
    state = Ensemble(0.0, system.names, np.array([[0.1, 0.2, 5.0]]), cycle=4)
    after, said = step(method(3), system, state, Observation(1.0, np.array([0.3])))
    assert after is state
    assert said.code == Code.NOT_FINITE
    assert np.isnan([said.nis, said.log_likelihood, *said.innovation, *said.predicted, *said.spread]).all()


@every
def test_overflow_is_a_code(method):
    system = ensembles.system(3)
    state = ensembles.ensemble(system, 4)
    huge = replace(state, members=state.members * 1e200)
    after, said = step(method(4), system, huge, ensembles.observation(system))
    assert after is huge and said.code == Code.NOT_FINITE
    after, said = step(method(4), system, state, Observation(0.0, np.array([1e200, 1.0, 1.0])))
    assert after is state and said.code == Code.NOT_FINITE


@pytest.mark.parametrize("method", ROOTS)
@pytest.mark.parametrize("m", [2, 8])
def test_members_in_another_order_give_the_result_in_that_order(method, m):
    system = ensembles.system(m)
    state, seen = ensembles.ensemble(system, 6), ensembles.observation(system)
    order = np.random.default_rng(0).permutation(6)
    after, _ = step(method(6, 1.1), system, state, seen)
    other, _ = step(method(6, 1.1), system, replace(state, members=state.members[:, order]), seen)
    np.testing.assert_allclose(other.members, after.members[:, order], rtol=1e-11)


@every
def test_draws_decide_alone(method):
    system = ensembles.system(3, drift=0.2)
    prior = gaussian(system, 0.0, np.zeros(6), np.eye(6))
    one = method(5, 1.1, True)
    ends = []
    for draws in (DRAWS, DRAWS, Draws(2, "test"), Draws(1, "test", "another patient")):
        state = one.init(prior, draws)
        for k in range(3):
            state, _ = step(one, system, state, ensembles.observation(system, k + 1.0, k), draws)
        ends.append(state.members)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert not np.any(ends[0] == ends[2]) and not np.any(ends[0] == ends[3])


@every
def test_members_begin_as_draws_of_the_prior(method):
    system = ensembles.system()
    prior = gaussian(system, 1.0, np.arange(6.0), np.eye(6) + 1.0)
    state = method(4000).init(prior, DRAWS)
    assert (state.time, state.names, state.cycle, state.inflation) == (1.0, system.names, 0, 1.0)
    mean, covariance = ensembles.moments(state)
    np.testing.assert_allclose(mean, prior.mean, atol=5 * np.sqrt(2.0 / 4000))
    np.testing.assert_allclose(covariance, np.eye(6) + 1.0, atol=0.2)


@every
def test_irregular_times_and_doses_are_the_systems(method):
    """A step to a time and one to a later one see a dose in between once."""
    system = ensembles.system(3)
    schedule = Schedule(boluses=(Bolus(0.5, "x0", 10.0),))
    state, nothing = ensembles.ensemble(system, 4), np.full(3, np.nan)
    one = method(4)
    twice = state
    for time in (0.25, 0.5, 0.75):
        twice, _ = one.step(system, schedule, twice, Observation(time, nothing), DRAWS)
    once, _ = one.step(system, schedule, state, Observation(0.75, nothing), DRAWS)
    np.testing.assert_allclose(twice.members, once.members, rtol=1e-12)
    assert (twice.cycle, once.cycle) == (3, 1)


@every
@pytest.mark.parametrize("wrong", [{"members": 1}, {"inflation": 0.0}, {"inflation": float("nan")}])
def test_wrong_options_are_refused(method, wrong):
    with pytest.raises(InputError):
        method(**{"members": 4, **wrong})


@every
def test_wrong_input_is_refused(method):
    system = ensembles.system(3)
    state, seen = ensembles.ensemble(system, 4), ensembles.observation(system, 1.0)
    with pytest.raises(InputError, match="weight"):
        step(method(4), system, replace(state, log_weights=np.zeros(4)), seen)
    with pytest.raises(InputError, match="time"):
        step(method(4), system, replace(state, time=2.0), seen)
    with pytest.raises(InputError, match="values"):
        step(method(4), system, state, Observation(1.0, np.zeros(2)))
    with pytest.raises(InputError, match="members"):
        step(method(4), system, replace(state, members=state.members[:, :1]), seen)


@every
def test_learns_a_parameter_beside_the_state(method):
    """A growth rate that the prior puts a third too low is found from the amounts alone, on its logarithm."""
    truth = np.array([1.2, 2.0])
    system = System(LOGISTIC, np.array([0.5, 2.0]), ("r",), (Additive(0.02),), np.zeros(2), 0.05)
    prior = gaussian(system, 0.0, np.array([0.1, np.log(0.8)]), np.diag([0.01**2, 0.3**2]))
    one = method(200)
    state = one.init(prior, DRAWS)
    times = np.arange(0.25, 5.0, 0.25)
    values = simulate(LOGISTIC, NOTHING, truth, times, method=RK4(0.05), x0=np.array([0.1])).observed[:, 0, 0]
    for time, value in zip(times, values, strict=True):
        state, said = step(one, system, state, Observation(float(time), np.array([value])))
        assert said.code == 0
    rate = np.exp(state.members[1])
    assert abs(rate.mean() - 1.2) < 3 * rate.std() + 0.01 and rate.std() < 0.1
