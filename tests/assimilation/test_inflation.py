"""Inflation: a fixed factor on standard deviations, relaxation to the forecast's spread, a factor that is learned."""

from dataclasses import replace

import ensembles
import numpy as np
import pytest

from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.inflation import Adaptive, Relaxation, after, learned
from vvuq.assimilation.letkf import Letkf
from vvuq.errors import InputError
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

DRAWS = Draws(1, "test")


def stepped(method, carried=1.0):
    system = ensembles.system(4)
    state = replace(ensembles.ensemble(system, 9), inflation=carried)
    return method.step(system, Schedule(), state, ensembles.observation(system), DRAWS)


@pytest.mark.parametrize("method", [Etkf, Eakf, Letkf])
def test_fixed_factor_is_on_the_standard_deviations_of_the_analysis(method):
    plain, _ = stepped(method(9))
    wide, said = stepped(method(9, 1.25))
    mean, covariance = ensembles.moments(plain)
    np.testing.assert_allclose(ensembles.moments(wide)[0], mean, rtol=1e-13)
    np.testing.assert_allclose(ensembles.moments(wide)[1], 1.25**2 * covariance, rtol=1e-11, atol=1e-13)
    assert said.inflation == 1.25 and wide.inflation == 1.0 and wide.log_likelihood == plain.log_likelihood


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_relaxation_moves_each_rows_spread_by_its_share(share):
    system = ensembles.system(4)
    before = ensembles.ensemble(system, 9).members.std(axis=1)
    plain, _ = stepped(Etkf(9))
    relaxed, said = stepped(Etkf(9, Relaxation(share)))
    narrow = plain.members.std(axis=1)
    np.testing.assert_allclose(relaxed.members.std(axis=1), narrow + share * (before - narrow), rtol=1e-12)
    np.testing.assert_allclose(relaxed.members.mean(axis=1), plain.members.mean(axis=1), rtol=1e-12)
    assert said.inflation == pytest.approx(np.mean(1 + share * (before / narrow - 1)))


def test_relaxation_leaves_a_row_without_spread():
    rows = np.array([[1.0, -1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(after(Relaxation(1.0), np.array([2.0, 0.0]) * np.sqrt(2.0), rows), [2.0, 1.0])


def test_learned_factor_widens_the_next_forecast():
    system = ensembles.system(4)
    state = ensembles.ensemble(system, 9)
    mean = state.members.mean(axis=1, keepdims=True)
    widened = replace(state, members=mean + 1.5 * (state.members - mean))
    after_, said = stepped(Etkf(9, Adaptive(high=3.0)), carried=1.5)
    wanted, saw = Etkf(9).step(system, Schedule(), widened, ensembles.observation(system), DRAWS)
    np.testing.assert_allclose(after_.members, wanted.members, rtol=1e-13)
    assert said.inflation == 1.5 and after_.inflation != 1.5
    assert said.log_likelihood == pytest.approx(saw.log_likelihood, rel=1e-13)


@pytest.mark.parametrize("missing", [1.0, 1.4, 1.8])
def test_learns_the_factor_that_is_missing(missing):
    """Innovations of a spread that is `missing` times the ensemble's: the factor is found, and stays."""
    rng = np.random.default_rng(3)
    factor, path = 1.2, []
    for _ in range(600):
        observed = rng.normal(size=(60, 20)) / np.sqrt(20)
        innovation = rng.normal(size=60) * np.sqrt(1 + missing**2 * np.sum(observed**2, axis=1))
        factor = learned(Adaptive(low=0.5, high=3.0), factor, innovation, factor * observed)
        path.append(factor)
    assert np.mean(path[300:]) == pytest.approx(missing, rel=0.03)
    assert np.std(path[300:]) < 0.1


def test_learned_factor_stays_within_its_bounds():
    observed, one = np.full((5, 4), 0.5), Adaptive(sd=100.0, low=0.9, high=1.3)
    assert learned(one, 1.0, np.full(5, 1e3), observed) == 1.3
    assert learned(one, 1.0, np.zeros(5), observed) == 0.9
    assert learned(one, 1.1, np.zeros(0), observed[:0]) == 1.1
    assert learned(one, 1.1, np.ones(5), 0.0 * observed) == 1.1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Relaxation(1.1),
        lambda: Relaxation(-0.1),
        lambda: Adaptive(sd=0.0),
        lambda: Adaptive(low=1.2),
        lambda: Adaptive(high=0.9),
        lambda: Etkf(5, -1.0),
    ],
)
def test_wrong_values_are_refused(wrong):
    with pytest.raises(InputError, match="inflation"):
        wrong()
