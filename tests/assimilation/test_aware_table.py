"""A selected Ornstein-Uhlenbeck state: who is biased and who is not; a million steps in the slow lane."""

from __future__ import annotations

import numpy as np
import ou
import pytest
import visits

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.ukf import Unscented

BURN_IN = 50
KINDS = ("state", "value")


@pytest.mark.parametrize("kind", KINDS)
def test_the_naive_filter_is_biased_and_the_aware_one_is_not(kind):
    chains = ou.simulated(kind, 40, 400)
    naive = ou.normal_figures(chains, ou.shown_to(kind, Unscented(), chains), BURN_IN)
    found = ou.shown_to(kind, Aware(Unscented(), (ou.MECHANISMS[kind],)), chains)
    aware, exact = (
        ou.normal_figures(chains, found, BURN_IN),
        ou.figures(chains.states, *ou.grid_filter(kind, chains), BURN_IN),
    )
    assert naive.bias > 0.35 and abs(aware.bias) < 0.08
    assert aware.rmse == pytest.approx(exact.rmse, rel=0.01) and naive.rmse > 1.3 * exact.rmse
    assert 0.92 < aware.coverage < 0.97
    by_steps = ou.Chains(chains.states[:1], chains.values[:1], chains.measured[:1])
    again = ou.stepped(Aware(Kalman(), (ou.MECHANISMS[kind],)), by_steps)
    assert np.max(np.abs(again[0] - found[0][:1])) < 1e-9


def test_where_values_are_missing_at_random_the_naive_filter_is_right_and_the_aware_one_pays():
    chains = ou.simulated("random", 40, 400)
    naive = ou.normal_figures(chains, ou.shown_to("random", Unscented(), chains), BURN_IN)
    found = ou.shown_to("random", Aware(Unscented(), (ou.MECHANISMS["state"],)), chains)
    wrong = ou.normal_figures(chains, found, BURN_IN)
    assert abs(naive.bias) < 0.08 and wrong.bias < -0.2 and wrong.rmse > naive.rmse


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_steps_of_kalman_and_unscented_filters(kind):
    chains = ou.simulated(kind, 500, 2000 + BURN_IN)
    exact = ou.figures(chains.states, *ou.grid_filter(kind, chains), BURN_IN)
    naive = ou.normal_figures(chains, ou.shown_to(kind, Unscented(), chains), BURN_IN)
    aware = ou.normal_figures(chains, ou.shown_to(kind, Aware(Unscented(), (ou.MECHANISMS[kind],)), chains), BURN_IN)
    assert abs(exact.bias) < 0.01 and 0.945 < exact.coverage < 0.955
    assert naive.bias > 0.4
    assert abs(aware.bias) < 0.02 and 0.935 <= aware.coverage <= 0.96 and aware.rmse < 1.01 * exact.rmse


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("members", "low", "worse"), [(50, 0.925, 1.02), (200, 0.935, 1.01)])
def test_a_million_steps_of_localized_members(kind, members, low, worse):
    chains = ou.simulated(kind, 500, 2000 + BURN_IN)
    exact = ou.figures(chains.states, *ou.grid_filter(kind, chains), BURN_IN)
    aware = ou.normal_figures(chains, ou.by_members(kind, members, chains), BURN_IN)
    assert low <= aware.coverage <= 0.96 and aware.rmse < worse * exact.rmse


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_particles(kind):
    """100,000 steps here, since a step takes half a millisecond; a million by `python tests/missing_page.py`."""
    chains = ou.simulated(kind, 5, 20_000)
    exact = ou.figures(chains.states, *ou.grid_filter(kind, chains), BURN_IN)
    aware = ou.figures(chains.states, *ou.by_particles(kind, 500, chains), BURN_IN)
    assert 0.94 <= aware.coverage <= 0.96 and aware.rmse < 1.01 * exact.rmse
    assert abs(aware.bias - exact.bias) < 0.02


@pytest.mark.slow
def test_visits_whose_times_depend_on_the_state():
    found = visits.compared(count=40, hours=80.0)
    assert found["naive"].bias > 0.1
    assert abs(found["aware"].bias - found["exact"].bias) < 0.03
    assert found["aware"].rmse < 1.02 * found["exact"].rmse and 0.935 <= found["aware"].coverage <= 0.96
