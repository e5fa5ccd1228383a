"""Transforms of parameters: there and back, rising, and never outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation.transforms import Identity, Log, Logit
from vvuq.errors import InputError

lines = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20, unique=True).map(np.array)
shares = st.lists(st.floats(1e-6, 1.0 - 1e-6), min_size=1, max_size=10).map(np.array)


@given(line=st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=20).map(np.array))
@pytest.mark.parametrize("transform", [Identity(), Log(), Logit(-2.0, 3.0), Logit(0.0, 1e-6)])
def test_from_the_line_and_back_to_it(transform, line):
    inside = line / (3.0 if isinstance(transform, Logit) else 1.0)  # a logit keeps fewer digits near its bounds
    np.testing.assert_allclose(transform.forward(transform.back(inside)), inside, rtol=1e-9, atol=1e-9)


@given(share=shares, low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3))
def test_from_a_value_and_back_to_it(share, low, width):
    for transform, value in (
        (Logit(low, low + width), low + width * share),
        (Log(), width * share),
        (Identity(), low + share),
    ):
        inside = np.clip(value, low, low + width) if isinstance(transform, Logit) else value
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(transform.back(transform.forward(inside)), inside, rtol=1e-9, atol=1e-9 * width)


@given(line=lines)
@pytest.mark.parametrize("transform", [Identity(), Log(), Logit(-2.0, 3.0)])
def test_transforms_rise_and_stay_inside(transform, line):
    values = transform.back(np.sort(line))
    assert np.all(values[1:] >= values[:-1])
    if isinstance(transform, Log):
        assert np.all(values >= 0.0) and np.all(values[np.sort(line) > -700.0] > 0.0)
    if isinstance(transform, Logit):
        assert np.all((values >= -2.0) & (values <= 3.0))
    close = np.sort(line[np.abs(line) < 15.0])
    assert np.all(np.diff(transform.back(close))[np.diff(close) > 1e-6] > 0.0)


def test_a_logarithm_that_overflows_is_infinite_and_says_nothing():
    np.testing.assert_array_equal(Log().back(np.array([1e4, -1e4])), [np.inf, 0.0])


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_bounds_that_hold_nothing_are_refused(bounds):
    with pytest.raises(InputError, match="bounds"):
        Logit(*bounds)


def test_labels():
    assert [t.label("CL") for t in (Identity(), Log(), Logit(0.0, 1.0))] == ["CL", "log CL", "logit CL"]
