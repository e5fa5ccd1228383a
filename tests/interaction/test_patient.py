"""The verbs at the bedside: they equal the filter step by step, what-ifs are paired, and a forecast widens."""

from dataclasses import replace
from functools import cache

import freeliving
import numpy as np
import pytest
from examples import pk
from home import structures
from strategies import synthetic_neonates

from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate as step_by_step
from vvuq.calibration.personal import personal_system, prior_belief
from vvuq.calibration.tracking import declared, tracking_system
from vvuq.calibration.units import in_model_units
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction import Actions, assimilate, forecast, probability_below, readings_of, what_if
from vvuq.interaction.forecast import forecast_from

from vvuq.interaction.forecast import _walked, _walked_singly  # isort: skip
from vvuq.numerics.streams import Draws
from vvuq.record import Dose

TRUE = Population(np.array([0.005, 0.95, 0.15]), np.array([0.18, 0.18]), 1.0, 0.0, 0.0, (), np.zeros((0, 2)), (), 0, 0)
TWIN = structures()["glucose"]
KNOWN = declared(TWIN)
HOME = freeliving.cohort(2, days=1.5)
ONE = HOME.patients[0]
AHEAD = np.arange(15.0, 181.0, 15.0)
DRAWS = Draws(3, "test", "one")


@cache
def followed():
    """The patient, followed once: not while tests are collected."""
    return assimilate(TWIN, KNOWN, HOME, ONE)


ORIGIN = next(d.time for d in ONE.doses if d.what == "carbohydrate" and d.time > ONE.measurements[40].time)


def test_a_whole_record_is_assimilated_as_step_by_step():
    twin, cohort = pk(), synthetic_neonates(6, 5)
    for patient in cohort.patients:
        system, schedule = personal_system(twin, TRUE), twin.schedule(cohort, patient)
        taken = in_model_units(twin, cohort, patient.measurements)
        beliefs, _ = step_by_step(system, prior_belief(twin, TRUE, schedule), schedule, taken)
        found = assimilate(twin, TRUE, cohort, patient)
        for m, belief in zip(taken, beliefs[1:], strict=True):
            now = found.belief(m.time)
            np.testing.assert_allclose(now.mean, belief.mean, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(now.root @ now.root.T, belief.root @ belief.root.T, rtol=1e-8, atol=1e-12)


def test_a_gap_begins_a_record_anew():
    first, last = ONE.measurements[0].time, ONE.measurements[-1].time
    later = tuple(replace(m, time=m.time + last - first + 300.0) for m in ONE.measurements)
    found = assimilate(TWIN, KNOWN, HOME, replace(ONE, measurements=(*ONE.measurements, *later)))
    assert len(found.courses) == 2 and len(followed().courses) == 1
    np.testing.assert_array_equal(found.courses[0].mean, followed().courses[0].mean)
    assert found.priors[1].mean[TWIN.model.state_index("G")] == later[0].value


def test_before_the_record_there_is_nothing_to_forecast_from():
    with pytest.raises(NotEvaluable, match="nothing is on record"):
        forecast(followed(), ONE.measurements[0].time - 1.0, AHEAD, members=10, draws=DRAWS)


@pytest.mark.parametrize("ahead", [[], [0.0], [30.0, 15.0], [np.nan]])
def test_what_does_not_lie_ahead_is_refused(ahead):
    with pytest.raises(InputError, match="ascending times above 0"):
        forecast(followed(), ORIGIN, ahead, members=10, draws=DRAWS)


def test_without_another_action_a_what_if_differs_by_exactly_nothing():
    found = what_if(followed(), ORIGIN, AHEAD, Actions(), members=50, draws=DRAWS)
    assert np.all(found.difference() == 0.0)


@pytest.mark.parametrize(
    ("actions", "sign"),
    [
        (Actions(give=(Dose(ORIGIN, 20.0, what="carbohydrate"),)), 1.0),
        (Actions(give=(Dose(ORIGIN, 2.0, what="rapid_insulin"),)), -1.0),
        (Actions(withhold=("carbohydrate",)), -1.0),
    ],
)
def test_an_action_moves_every_member_its_own_way(actions, sign):
    found = what_if(followed(), ORIGIN, AHEAD, actions, members=50, draws=DRAWS)
    assert np.all(sign * found.difference() >= -0.02)  # a new event cuts the solver's steps anew
    assert np.all(sign * found.difference()[-1] > 0.1)
    independent = forecast(followed(), ORIGIN, AHEAD, members=50, draws=Draws(4, "other"), actions=actions)
    blurred = independent.values - found.recorded.values
    assert blurred.std(axis=1)[-1] > 2.0 * found.difference().std(axis=1)[-1]


def test_what_is_not_on_record_cannot_be_withheld():
    with pytest.raises(InputError, match="kind recorded at the origin"):
        what_if(followed(), ORIGIN + 1.0, AHEAD, Actions(withhold=("rapid_insulin",)), members=9, draws=DRAWS)


@pytest.mark.parametrize("dose", [Dose(ORIGIN - 1.0, 5.0, what="carbohydrate"), Dose(ORIGIN, 5.0, what="tea")])
def test_a_dose_in_the_past_or_of_no_known_kind_is_refused(dose):
    with pytest.raises(InputError, match="a dose above 0 from"):
        what_if(followed(), ORIGIN, AHEAD, Actions(give=(dose,)), members=9, draws=DRAWS)


def test_members_side_by_side_walk_as_one_at_a_time():
    system, belief = tracking_system(TWIN, KNOWN), followed().belief(ORIGIN)
    rng, schedule = np.random.default_rng(0), TWIN.schedule(HOME, ONE)
    members = belief.mean[:, None] + belief.root @ rng.standard_normal((system.size, 21))
    walk = rng.standard_normal((12, system.size, 21))
    channel, times = TWIN.model.observable_index("cgm"), belief.time + AHEAD
    one, codes = _walked(system, belief.time, schedule, channel, times, members, walk)
    other, others = _walked_singly(system, belief.time, schedule, channel, times, members.copy(), walk)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert not codes.any() and not others.any()


def test_drift_widens_a_forecast_and_a_walk_is_asked_for():
    system, belief = tracking_system(TWIN, KNOWN), followed().belief(ORIGIN)
    still = replace(system, drift=np.zeros(system.size))
    schedule, normals = TWIN.schedule(HOME, ONE), DRAWS.normal(0, "x", (system.size, 200))
    calm = forecast_from(still, belief, schedule, "cgm", belief.time + AHEAD, normals)
    walk = DRAWS.normal(0, "y", (12, system.size, 200))
    moved = forecast_from(system, belief, schedule, "cgm", belief.time + AHEAD, normals, walk)
    assert np.all(moved.epistemic_sd()[2:] > calm.epistemic_sd()[2:])
    with pytest.raises(InputError, match="walk"):
        forecast_from(system, belief, schedule, "cgm", belief.time + AHEAD, normals)


def test_a_probability_is_the_share_of_paths_that_cross():
    readings = np.array([[80.0, 75.0, 60.0, 90.0], [69.9, 71.0, 80.0, 90.0]])
    assert probability_below(readings, 70.0) == 0.5
    found = forecast(followed(), ORIGIN, AHEAD, members=64, draws=DRAWS)
    seen = readings_of(followed(), ORIGIN, found, DRAWS)
    assert TWIN.follow.lowest <= seen.min() and seen.max() <= TWIN.follow.highest
    assert probability_below(seen, 1e9) == 1.0 and probability_below(seen, 0.0) == 0.0
