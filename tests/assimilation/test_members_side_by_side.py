"""Members that are carried side by side end where each ends alone, with doses, covariates and learned parameters."""

import numpy as np
import pytest
from examples import EXPLOSIVE, pk, pk_schedules
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.assimilation import system as systems
from vvuq.assimilation.system import System, propagate
from vvuq.assimilation.transforms import Identity, Log, Logit
from vvuq.models import Additive, Noise, Schedule
from vvuq.numerics.codes import Code

LEARNED = ("CL", "V", "apgar_effect"), (Log(), Logit(0.1, 5.0), Identity())


def pharmacokinetic(learned: bool) -> System:
    names, transforms = LEARNED if learned else ((), ())
    drift = np.zeros(1 + len(names))
    return System(pk().model, np.array([0.006, 1.0, 0.1]), names, (Noise(0.5, 0.1),), drift, 1.0, transforms)


def both_ways(*given):
    """propagate() one by one, and side by side."""
    found = []
    for much in (np.inf, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(systems, "MUCH", much)
            found.append(propagate(*given))
    return found


@pytest.mark.parametrize("learned", [False, True])
@settings(max_examples=15)
@given(schedule=pk_schedules(), seed=st.integers(0, 2**32), count=st.sampled_from((1, 8, 13)), end=st.floats(0.0, 90.0))
def test_doses_and_covariates(learned, schedule, seed, count, end):
    draws, system = np.random.default_rng(seed), pharmacokinetic(learned)
    members = np.concatenate([draws.uniform(0.0, 20.0, (1, count)), draws.normal(-1.0, 0.5, (3 * learned, count))])
    kept = members.copy()
    times = schedule.start, schedule.start + end
    (alone, codes), (abreast, others) = both_ways(system, schedule, members, *times)
    np.testing.assert_array_equal(abreast, alone)
    np.testing.assert_array_equal(others, codes)
    np.testing.assert_array_equal(members, kept)


def test_a_member_that_fails_is_told_and_alone_is_lost():
    system = System(EXPLOSIVE, np.array([1.0]), (), (Additive(0.1),), np.zeros(1), 0.01)
    (alone, codes), (abreast, others) = both_ways(system, Schedule(), np.array([[0.5, 0.1, 0.2]]), 0.0, 3.0)
    assert codes.tolist() == others.tolist() == [Code.NOT_FINITE, 0, 0]
    np.testing.assert_array_equal(abreast, alone)
