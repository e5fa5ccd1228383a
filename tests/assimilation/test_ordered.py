"""Patients drawn from a situation: their law, what mechanisms leave of them, and what filters are told."""

import numpy as np
import ordering
import ou
import pytest

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.ordered import belief_of, followed, judged, offsets_of, shown, steeper, truths
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError
from vvuq.numerics.streams import Draws

OF, DRAWS = ordering.bed(), Draws(4, "ordered")


@pytest.fixture(scope="module")
def truth():
    return truths(OF, 300, DRAWS)


def test_truths_have_the_law_of_the_twin(truth):
    x, y = truth.states[:, :, 0], truth.values[:, :, 0]
    assert x.std() == pytest.approx(np.sqrt(ou.STATIONARY), rel=0.05)
    assert (y - x).std() == pytest.approx(np.sqrt(ou.R), rel=0.02)
    assert np.corrcoef(x[:, 0], x[:, 10])[0, 1] == pytest.approx(ou.KEEP**10, abs=0.12)


def test_a_patient_stays_as_drawn_whatever_others_there_are(truth):
    few = truths(OF, 3, DRAWS)
    assert np.array_equal(few.states, truth.states[:3]) and np.array_equal(few.values, truth.values[:3])
    state = OF.mechanisms["state"]
    assert np.array_equal(shown(OF, state, few, DRAWS), shown(OF, state, truth, DRAWS)[:3], equal_nan=True)


@pytest.mark.parametrize(("why", "by"), [("state", "states"), ("value", "values")])
def test_what_is_shown_depends_on_what_the_mechanism_says(truth, why, by):
    seen = ~np.isnan(shown(OF, OF.mechanisms[why], truth, DRAWS)[:, :, 0])
    looked = getattr(truth, by)[:, :, 0]
    for low, high in ((-0.1, 0.1), (0.9, 1.1)):
        inside = (looked > low) & (looked < high)
        expected = ou.ndtr(ou.INTERCEPT + ou.SLOPE * looked[inside]).mean()
        assert seen[inside].mean() == pytest.approx(expected, abs=0.04)


def test_a_filter_is_told_what_a_care_process_adds_from_the_record(truth):
    care = OF.mechanisms["care"]
    values = shown(OF, care, truth, DRAWS)
    offsets = offsets_of(OF, care, values)
    last, expected = 0.0, []
    for y in values[0][:, 0]:
        expected.append(0.8 * last)
        last = last if np.isnan(y) else y
    assert offsets[0, :, 0] == pytest.approx(expected)
    assert offsets_of(OF, OF.mechanisms["state"], values) is None
    told = judged(OF, Aware(Unscented(), (belief_of(care),)), truth, values, DRAWS, offsets)
    deaf = judged(OF, Aware(Unscented(), (belief_of(care),)), truth, values, DRAWS)
    assert told.log_likelihood.sum() > deaf.log_likelihood.sum() + 50.0
    assert abs(told.bias.mean()) < 0.08 and told.failed == 0


def test_any_filter_can_follow(truth):
    values = shown(OF, OF.mechanisms["state"], truth, DRAWS)[0]
    method = Aware(Eakf(200), (OF.believed,))
    members, exact = (
        followed(OF, method, values, DRAWS),
        followed(OF, Aware(Unscented(), (OF.believed,)), values, DRAWS),
    )
    assert np.abs(members.mean - exact.mean).max() < 0.35


def test_beliefs_and_slopes():
    assert belief_of(OF.mechanisms["at_random"]) is None and belief_of(OF.mechanisms["value"]) is OF.mechanisms["value"]
    assert steeper(OF.believed, 2.0).slopes == (("x", 3.0),) and steeper(OF.mechanisms["value"], 0.5).slope == 0.75


def test_a_row_that_is_none_is_refused():
    from dataclasses import replace

    with pytest.raises(InputError, match="watched"):
        _ = replace(OF, watched="y").row
