"""The ensemble smoother against the exact smoother of a linear model, and what it must never touch."""

from functools import cache

import numpy as np
import pytest
from examples import EXPLOSIVE
from linear import exact, linear, prior, simulated

from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.method import mean
from vvuq.assimilation.smoother import EnsembleSmoother
from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.errors import InputError
from vvuq.models import Additive, Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws

TIMES = [0.5, 1.0, 2.5, 2.5, 4.0, 4.5]
SYSTEM = linear(rho=0.4)


@cache
def measured():
    """Simulating compiles, so not where tests are collected."""
    return simulated(SYSTEM, TIMES, 5, missing=0.3)


def smooth(members, seed=0, observations=None, system=SYSTEM):
    observations = measured() if observations is None else observations
    return EnsembleSmoother(members).smooth(system, Schedule(), prior(system), observations, Draws(seed, "test"))


def test_converges_to_the_exact_smoother_at_every_time():
    runs, reference = [smooth(400, seed).smoothed for seed in range(20)], exact(SYSTEM, measured())
    for k, (expected, covariance) in enumerate(zip(reference.means, reference.covariances, strict=True)):
        np.testing.assert_allclose(np.mean([mean(run[k]) for run in runs], axis=0), expected, atol=0.02)
        np.testing.assert_allclose(np.mean([np.cov(run[k].members) for run in runs], axis=0), covariance, atol=0.015)
    logs = [run[-1].log_likelihood for run in runs]
    assert np.mean(logs) == pytest.approx(reference.log_likelihood, abs=0.05)


def test_the_error_falls_as_the_root_of_the_members():
    reference, sizes = exact(SYSTEM, measured()), (25, 100, 400)

    def error(size):
        runs = (smooth(size, seed).smoothed for seed in range(40))
        return np.sqrt(np.mean([(np.array([mean(s) for s in run]) - reference.means) ** 2 for run in runs]))

    slope = np.polyfit(np.log(sizes), np.log([error(size) for size in sizes]), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_what_comes_later_helps_and_filtering_alone_does_not_see_it():
    """Until the last time the filtered ensembles are the filter's, bit for bit; smoothed ones are narrower."""
    found, filter_, draws = smooth(500), Etkf(500), Draws(0, "test")
    state = filter_.init(prior(SYSTEM), draws)
    for one, kept in zip(measured(), found.filtered[1:], strict=True):
        state, _ = filter_.step(SYSTEM, Schedule(), state, one, draws)
        np.testing.assert_array_equal(kept.members, state.members)
    np.testing.assert_array_equal(found.smoothed[-1].members, state.members)
    for before, after in zip(found.filtered[:-1], found.smoothed[:-1], strict=True):
        assert np.all(after.members.std(axis=1) < before.members.std(axis=1) * 1.001)
    assert found.smoothed[0].members.std(axis=1)[0] < 0.6 * found.filtered[0].members.std(axis=1)[0]


def test_without_later_measurements_nothing_changes():
    nothing = tuple(Observation(one.time, np.full(2, np.nan)) for one in measured()[3:])
    found = smooth(50, observations=(*measured()[:3], *nothing))
    for before, after in zip(found.filtered[3:], found.smoothed[3:], strict=True):
        np.testing.assert_array_equal(before.members, after.members)
    assert not np.array_equal(found.filtered[2].members, found.smoothed[2].members)
    alone = smooth(50, observations=())
    assert len(alone.smoothed) == 1 and alone.diagnostics == ()


def test_with_as_many_members_as_it_likes_a_still_state_is_the_same_at_all_times():
    """Without dynamics and noise, past and present are one: so must be their smoothed members."""
    still = System(SYSTEM.model, np.zeros(1), (), SYSTEM.noise, np.zeros(2), 0.25)
    found = smooth(30, system=still)
    for state in found.smoothed:
        np.testing.assert_allclose(state.members, found.smoothed[-1].members, atol=1e-12)


def test_a_failed_step_ends_the_ensembles_with_its_code():
    system = System(EXPLOSIVE, np.array([1.0]), (), (Additive(0.1),), np.array([0.1]), 0.01)
    belief = gaussian(system, 0.0, np.array([1.0]), np.array([[0.01]]))
    observations = [Observation(t, np.array([1.1])) for t in (0.1, 20.0, 21.0)]
    found = EnsembleSmoother(20).smooth(system, Schedule(), belief, observations, Draws(0, "test"))
    assert [d.code for d in found.diagnostics] == [0, Code.NOT_FINITE]
    assert len(found.smoothed) == len(found.filtered) == 2
    assert all(np.all(np.isfinite(state.members)) for state in found.smoothed)


def test_faults_are_refused():
    with pytest.raises(InputError, match="members"):
        EnsembleSmoother(1)
    with pytest.raises(InputError, match="time"):
        smooth(10, observations=measured()[::-1])
