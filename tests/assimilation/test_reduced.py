"""The reduced-order filter: points of its moments, exact at full rank and for priors of low rank, cheap when large."""

from dataclasses import replace
from time import process_time

import large
import numpy as np
import pytest
import turnover
from gaussian import SCHEDULE, UNUSED, D, case, difference, exact, filtered
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.reduced import ReducedUnscented, directions
from vvuq.assimilation.system import Observation
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError
from vvuq.models import Schedule

KINDS = ("simplex", "star")


@pytest.mark.parametrize("points", KINDS)
@pytest.mark.parametrize("r", [1, 2, 5, 40])
def test_points_have_mean_zero_and_unit_covariance(points, r):
    found = directions(points, r)
    assert found.shape == (r, r + 1 if points == "simplex" else 2 * r)
    np.testing.assert_allclose(found.mean(axis=1), 0.0, atol=1e-14)
    np.testing.assert_allclose(found @ found.T / found.shape[1], np.eye(r), atol=1e-13)


@pytest.mark.parametrize("points", KINDS)
@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, D))
def test_a_prior_of_low_rank_is_filtered_exactly_at_that_rank(points, seed, rank):
    """Without process noise a covariance keeps its rank."""
    of = case(seed, rank=rank)
    of = replace(of, system=replace(of.system, drift=np.zeros(D)))
    found, likelihood = exact(of)
    beliefs = filtered(of, ReducedUnscented(rank, points))
    assert beliefs[-1].root.shape == (D, rank)
    assert max(difference(b, *e) for b, e in zip(beliefs[1:], found[1:], strict=True)) <= 1e-8
    assert beliefs[-1].log_likelihood == pytest.approx(likelihood, rel=1e-7, abs=1e-9)


def test_init_keeps_the_directions_of_the_largest_variance():
    of = case(3)
    kept = ReducedUnscented(2).init(of.prior, UNUSED).root
    values, vectors = np.linalg.eigh(of.covariance())
    best = (vectors[:, 2:] * values[2:]) @ vectors[:, 2:].T
    np.testing.assert_allclose(kept @ kept.T, best, rtol=1e-10, atol=1e-12)


def test_noise_beside_the_span_is_lost_and_noise_within_it_is_not():
    of = case(3, missing=0.0)
    drift = np.full(D, 0.5)
    system, nothing = replace(of.system, drift=drift), Observation(1.0, np.full(3, np.nan))
    belief, _ = ReducedUnscented(2).step(
        system, Schedule(), ReducedUnscented(2).init(of.prior, UNUSED), nothing, UNUSED
    )
    still = of.transition(0.0, 1.0) @ ReducedUnscented(2).init(of.prior, UNUSED).root
    basis = np.linalg.qr(still)[0]
    inside = basis @ basis.T
    expected = inside @ (still @ still.T + np.diag(drift**2)) @ inside
    np.testing.assert_allclose(belief.root @ belief.root.T, expected, rtol=1e-9, atol=1e-12)


def test_it_follows_the_full_filter_in_a_nonlinear_model():
    system, full, reduced = turnover.system(), turnover.prior(), turnover.prior()
    for one in turnover.measured(10):
        full, _ = Unscented().step(system, Schedule(), full, one, UNUSED)
        reduced, seen = ReducedUnscented(5, "star").step(system, Schedule(), reduced, one, UNUSED)
        assert seen.code == 0
        sd = np.linalg.norm(full.root, axis=1)
        assert np.all(np.abs(full.mean - reduced.mean) < 0.3 * sd)


def test_a_thousand_states_at_rank_ten_are_cheap():
    experiment = large.tree()
    method = ReducedUnscented(10)
    belief = method.init(experiment.prior, UNUSED)
    assert belief.root.shape == (1000, 10)
    values = np.random.default_rng(0).standard_normal((4, len(experiment.system.noise)))
    step = [Observation((k + 1) * experiment.interval, y) for k, y in enumerate(values)]
    belief, _ = method.step(experiment.system, Schedule(), belief, step[0], UNUSED)
    begun = process_time()
    for one in step[1:]:
        belief, seen = method.step(experiment.system, Schedule(), belief, one, UNUSED)
    assert seen.code == 0 and belief.root.shape == (1000, 10) and seen.n == len(experiment.system.noise)
    assert (process_time() - begun) / 3 < 0.5, "a full covariance would take seconds"


@pytest.mark.parametrize(("options", "field"), [({"rank": 0}, "rank"), ({"rank": 2, "points": "disc"}, "points")])
def test_options_that_none_can_take_are_refused(options, field):
    with pytest.raises(InputError, match=f"filter: {field}"):
        ReducedUnscented(**options)


def test_a_belief_of_a_higher_rank_is_refused():
    of = case(3)
    with pytest.raises(InputError, match="begin with init"):
        ReducedUnscented(2).step(of.system, SCHEDULE, of.prior, of.observations[0], UNUSED)


def test_a_failure_keeps_the_belief():
    of = case(0)
    belief = ReducedUnscented(2).init(of.prior, UNUSED)
    wild = replace(of.system, theta=np.full(16, 1e200))
    after, seen = ReducedUnscented(2).step(wild, SCHEDULE, belief, of.observations[0], UNUSED)
    assert seen.code == 1 and after is belief
