"""The serial executor gives what one call would, chunk by chunk, and keeps failures as data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.campaign.serial import evaluate


@given(n=st.integers(1, 40), chunk=st.integers(1, 50))
def test_chunks_do_not_matter(n, chunk):
    points = np.random.default_rng(n).normal(size=(3, n))
    one = evaluate(lambda p: p.sum(axis=0), points, chunk)
    np.testing.assert_array_equal(one, points.sum(axis=0))
    many = evaluate(lambda p: np.vstack([p[0], p[1] * p[2]]), points, chunk)
    np.testing.assert_array_equal(many, [points[0], points[1] * points[2]])


def fragile(points):
    if np.any(points > 5.0):
        raise ZeroDivisionError
    return points[0]


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_chunk_that_raises_is_not_a_number_and_the_others_are_kept(outputs):
    points = np.arange(8.0)[None]
    found = evaluate(fragile if outputs == 1 else lambda p: np.vstack([fragile(p), 2 * p[0]]), points, 3)
    expected = np.array([*range(6), np.nan, np.nan])
    np.testing.assert_array_equal(found, expected if outputs == 1 else [expected, 2 * expected])


def test_all_failed_is_all_not_a_number():
    assert np.all(np.isnan(evaluate(fragile, np.full((1, 5), 9.0), 2)))


def test_an_error_of_the_program_is_not_a_failed_run():
    with pytest.raises(KeyError):
        evaluate(lambda p: {}["missing"], np.zeros((1, 3)))
