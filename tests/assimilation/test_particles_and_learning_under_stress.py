"""Extreme errors, spreads and values: a step ends in numbers, or in a code and the state as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linear import linear

from vvuq.assimilation.dual import Dual
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.learning import Discounted
from vvuq.assimilation.particle import Auxiliary, Bootstrap
from vvuq.assimilation.smoother import EnsembleSmoother
from vvuq.assimilation.system import Observation, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws
from vvuq.record import Belief

METHODS = [
    Bootstrap(12),
    Auxiliary(12),
    Discounted(Bootstrap(12), 0.7),
    Discounted(Auxiliary(12), 0.7, shrinkage=True),
    Discounted(Etkf(12), 0.7),
    Discounted(Unscented(), 0.7),
    Dual(Unscented(), Unscented()),
    Dual(Etkf(12), Etkf(12)),
]
powers = st.floats(-12.0, 8.0).map(lambda power: 10.0**power)


@st.composite
def cases(draw):
    """A system that learns its rate, a belief of a condition up to 1e14, and values up to 1e12 away, some missing."""
    system = linear(drift=(0.0, draw(powers)), sd=(draw(powers), draw(powers)), rho=draw(st.sampled_from([None, 0.9])))
    system = replace(system, learned=("k",), drift=np.append(system.drift, 0.0), transforms=())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    vectors, wide = np.linalg.qr(rng.normal(size=(3, 3)))[0], draw(st.floats(1.0, 1e7))
    root = vectors * np.array([1.0, wide**-0.5, 1.0 / wide]) * np.array([1.0, 1.0, 0.3])
    belief = gaussian(system, 0.0, np.array([1.0, 1.0, -1.0]), root @ root.T)
    far = draw(st.floats(0.0, 12.0))
    values = rng.normal(size=(3, 2)) * 10.0**far
    values[rng.random((3, 2)) < 0.2] = np.nan
    return system, belief, [Observation(t, v) for t, v in zip((0.0, 0.5, 2.0), values, strict=True)]


def finite(state):
    parts = (state.mean, state.root) if isinstance(state, Belief) else (state.members,)
    return all(np.all(np.isfinite(part)) for part in parts) and np.isfinite(state.log_likelihood)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@given(case=cases())
def test_a_step_ends_in_numbers_or_in_a_code(method, case):
    system, belief, observations = case
    draws = Draws(0, "test")
    state = method.init(belief, draws)
    for one in observations:
        after, seen = method.step(system, Schedule(), state, one, draws)
        assert finite(after) and after.cycle == state.cycle + (seen.code == 0)
        if seen.code != 0:
            assert after is state and seen.code in set(Code)
            break
        assert np.isfinite(seen.nis) and np.isfinite(seen.log_likelihood)
        state = after


@given(case=cases())
def test_a_smoother_ends_in_numbers(case):
    system, belief, observations = case
    found = EnsembleSmoother(12).smooth(system, Schedule(), belief, observations, Draws(0, "test"))
    assert all(finite(state) for state in (*found.smoothed, *found.filtered))
    assert len(found.smoothed) == len(found.filtered)
