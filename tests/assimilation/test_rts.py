"""Smoothers in linear models against one joint normal of all times, and what must hold of them in any."""

from dataclasses import replace

import numpy as np
import pytest
import turnover
from gaussian import SCHEDULE, UNUSED, D, case, difference, filtered, jointly
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.rts import smooth
from vvuq.assimilation.system import gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError
from vvuq.models import Schedule

METHODS = [Kalman(), Unscented(), Unscented(kappa=2.0), Unscented(augmented=True)]


@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(0, D), correlated=st.booleans())
def test_smoothed_beliefs_are_exact(seed, rank, correlated):
    """Where a prior lacks rank, gains are quotients of small differences of sigma points, which are rounded."""
    of = case(seed, rank=rank, correlated=correlated)
    joint = jointly(of)
    for method in METHODS:
        found = smooth(of.system, SCHEDULE, filtered(of, method), method)
        largest = max(difference(b, *e) for b, e in zip(found, joint, strict=True))
        assert largest <= (1e-10 if rank == D or method == Kalman() else 1e-8), method
        assert all(np.all(np.triu(b.root, 1) == 0.0) and np.all(np.diag(b.root) >= 0.0) for b in found)


def test_a_filtered_belief_would_be_told_from_a_smoothed_one():
    of = case(5)
    beliefs = filtered(of, Kalman())
    assert difference(beliefs[1], *jointly(of)[1]) > 1e-3


def learning():
    """The nonlinear model of five states, with two of its rates learned, filtered over twelve measurements."""
    system = turnover.system()
    drift = np.concatenate([system.drift, [0.0, 0.05]])
    system = replace(system, learned=("ka", "kout"), transforms=(), drift=drift)
    covariance = np.zeros((7, 7))
    covariance[:5, :5], covariance[5, 5], covariance[6, 6] = turnover.COVARIANCE, 0.09, 0.04
    beliefs = [
        gaussian(system, 0.0, np.array([*turnover.MEAN, np.log(turnover.KA), np.log(turnover.KOUT)]), covariance)
    ]
    for one in turnover.measured(12):
        belief, seen = Unscented().step(system, Schedule(), beliefs[-1], one, UNUSED)
        assert seen.code == 0
        beliefs.append(belief)
    return system, beliefs


def test_a_constant_parameter_is_smoothed_to_its_last_belief():
    system, beliefs = learning()
    found = smooth(system, Schedule(), beliefs, Unscented())
    for belief in found:
        assert belief.mean[5] == pytest.approx(found[-1].mean[5], abs=1e-7)
        assert np.linalg.norm(belief.root[5]) == pytest.approx(np.linalg.norm(found[-1].root[5]), rel=1e-6)
    drifting = [belief.mean[6] for belief in found]
    assert np.ptp(drifting) > 1e-3, "the one that walks does not"


def test_later_measurements_narrow_every_belief():
    system, beliefs = learning()
    found = smooth(system, Schedule(), beliefs, Unscented())
    for before, after in zip(beliefs, found, strict=True):
        sd, narrowed = (np.linalg.norm(b.root, axis=1) for b in (before, after))
        assert np.all(narrowed <= sd * (1.0 + 1e-6))
        assert (after.time, after.cycle, after.log_likelihood) == (before.time, before.cycle, before.log_likelihood)
    np.testing.assert_array_equal(found[-1].mean, beliefs[-1].mean)


def test_nothing_to_smooth():
    of = case(1)
    assert smooth(of.system, SCHEDULE, (), Kalman()) == ()
    assert smooth(of.system, SCHEDULE, (of.prior,), Kalman()) == (of.prior,)


def test_beliefs_out_of_order_are_refused():
    of = case(1)
    with pytest.raises(InputError, match="smoother: filtered"):
        smooth(of.system, SCHEDULE, filtered(of, Kalman())[::-1], Kalman())


def test_beliefs_that_cannot_be_carried_are_refused():
    of = case(1)
    wild = replace(of.prior, mean=np.full(D, 1e308))
    with pytest.raises(InputError, match="code 1"):
        smooth(of.system, SCHEDULE, (wild, filtered(of, Kalman())[1]), Unscented())
