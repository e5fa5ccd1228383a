"""Forecasts in layers are those of the exact filter where that one is exact, and their parts add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from linear import LINEAR, MEAN, SEEN, exact, linear, prior

from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.system import Observation, propagate
from vvuq.calibration.subjects import Subject
from vvuq.errors import InputError
from vvuq.interaction.nested import Asked, channel_of, draw_patients, layers, ways
from vvuq.methods.nested import known_noise
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

TIMES, TARGET = np.array([1.0, 2.0, 3.5]), 5.0
STILL, MOVING = linear(drift=(0.0, 0.0)), linear(drift=(0.3, 0.2))


def subject(system=STILL, **changes):
    return Subject(system, prior(system), Schedule(), **changes)


def asked(**changes):
    settings = {"observable": "total", "target": TARGET, "times": TIMES, "seen": np.array([True, True]),
                "after": (0, 1, 3), "outer": 4000, "inner": 1}  # fmt: skip
    return Asked(**(settings | changes))


def forecast(system, form, values):
    one = subject(system)
    return layers([one], form, values, ways([one], form), Draws(1, "forecasts"))


def at_target(system, observations, count):
    """Exact mean and variance of the second observable at the target given the first `count` observations."""
    nothing = Observation(TARGET, np.full(2, np.nan))
    found = exact(system, (*observations, nothing), seen=count)
    return SEEN[1] @ found.means[-1], SEEN[1] @ found.covariances[-1] @ SEEN[1]


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(5)
    values = MEAN @ SEEN.T + rng.standard_normal((3, 2))
    values[1, 0] = np.nan
    return values, tuple(Observation(t, v) for t, v in zip(TIMES, values, strict=True))


@pytest.mark.parametrize("system", [STILL, MOVING], ids=["still", "moving"])
def test_patient_and_change_are_the_exact_posterior(system, measured):
    """4,000 members: the SD of a variance is 2.2 % of it, of a mean 1.6 % of the SD; within 4 and a half of these."""
    values, observations = measured
    found = forecast(system, asked(), values)
    for k, count in enumerate(asked().after):
        mean, variance = at_target(system, observations, count)
        sample = found.values[k, 0, :, 0]
        assert sample.var(ddof=1) == pytest.approx(variance, rel=0.1)
        assert sample.mean() == pytest.approx(mean, abs=0.07 * np.sqrt(variance))
        np.testing.assert_allclose(found.variances[k], 0.4**2)


def test_the_parts_add_up_to_the_variance_of_what_is_measured(measured):
    """Patient, random change and error, split with 8 courses for each of 500 members, against the exact parts."""
    values, observations = measured
    form = asked(after=(3,), outer=500, inner=8)
    found = forecast(MOVING, form, values)
    parts = known_noise(found.values[0, 0], found.variances[0, 0], ("patient", "change", "measurement"))
    _, whole = at_target(MOVING, observations, 3)
    still = exact(MOVING, observations).covariances[-1]
    step = propagate(MOVING, Schedule(), np.eye(2), TIMES[-1], TARGET)[0]
    patient = SEEN[1] @ step @ still @ step.T @ SEEN[1]
    for part, truth in zip(parts.variance.value, (patient, whole - patient, 0.4**2), strict=True):
        assert part == pytest.approx(truth, rel=0.25)
    assert parts.total.value == pytest.approx(whole + 0.4**2, rel=0.15)
    assert np.all(parts.variance.low <= parts.variance.value) and np.all(parts.variance.value <= parts.variance.high)


@pytest.mark.parametrize("system", [STILL, MOVING], ids=["still", "moving"])
def test_patients_that_are_drawn_are_as_variable_as_the_prior_says(system):
    """What is measured of 2,000 patients at the target; they move at random at each time at which they are seen."""
    met = draw_patients([subject(system)], asked(), 2000, Draws(2, "patients"))
    mean, variance = at_target(system, tuple(Observation(t, np.full(2, np.nan)) for t in TIMES), 0)
    assert met.target.mean() == pytest.approx(mean, abs=0.1 * np.sqrt(variance + 0.16))
    assert met.target.var(ddof=1) == pytest.approx(variance + 0.4**2, rel=0.14)
    assert met.values.shape == (2000, 3, 2) and np.isfinite(met.values).all()


def test_a_95_percent_band_holds_patients_of_the_twin():
    """400 patients: 95 % with an SD of 1.1 %; fewer than 91.5 or more than 98.5 % come by chance once in 500 times."""
    one, form = subject(MOVING), asked(after=(3,), outer=100, inner=4)
    met = draw_patients([one], form, 400, Draws(3, "patients"))
    way, inside = ways([one], form), 0
    for i, values in enumerate(met.values):
        found = layers([one], form, values, way, Draws(4, "forecasts", f"patient {i}"))
        mean = found.values.mean()
        sd = np.sqrt(found.values.var() + found.variances.mean())
        inside += abs(met.target[i] - mean) < 1.96 * sd
    assert 366 <= inside <= 394


def test_patients_are_dealt_to_worlds_in_turn_and_what_is_not_seen_stays_unseen():
    met = draw_patients([subject(), subject(MOVING)], asked(seen=np.array([False, True])), 5, Draws(1, "p"))
    assert met.world.tolist() == [0, 1, 0, 1, 0]
    assert np.isnan(met.values[:, :, 0]).all() and np.isfinite(met.values[:, :, 1]).all()
    assert channel_of(subject(), "total") == LINEAR.observable_index("total")


def test_worlds_that_are_the_same_leave_nothing_for_the_population():
    """Unbiased: over many patients the part is 0 on average. With the same members in all worlds it would be the
    patient's part by the number of members too small, in every patient."""
    one, form = subject(), asked(outer=8, after=(1,))
    four, way = [one] * 4, ways([one] * 4, form)
    met = draw_patients([one], form, 400, Draws(5, "patients"))
    parts = []
    for i, values in enumerate(met.values):
        found = layers(four, form, values, way, Draws(5, "forecasts", f"patient {i}"))
        levels = ("population", "patient", "measurement")
        parts.append(known_noise(found.values[0, ..., 0], found.variances[0, ..., 0], levels).variance.value)
    population, patient, _ = np.array(parts).T
    error = population.std(ddof=1) / np.sqrt(population.size)
    assert abs(population.mean()) < 4.0 * error < 0.5 * patient.mean() / 8


def test_worlds_differ_by_their_numbers(measured):
    one = subject()
    away = replace(one, prior=replace(one.prior, mean=one.prior.mean + 5.0))
    form = asked(after=(0,), outer=64)
    found = layers([one, away], form, measured[0], ways([one, away], form), Draws(1, "forecasts"))
    assert found.values[0, 1].mean() > found.values[0, 0].mean() + 1.0


def test_an_ensemble_filter_follows_with_its_own_members(measured):
    one = subject(method=Eakf(400))
    form = asked(outer=400)
    found = layers([one], form, measured[0], ways([one], form), Draws(1, "forecasts"))
    for k, count in enumerate(form.after):
        mean, variance = at_target(STILL, measured[1], count)
        assert found.values[k].var() == pytest.approx(variance, rel=0.35)
        assert found.values[k].mean() == pytest.approx(mean, abs=0.25 * np.sqrt(variance) + 0.05)
    with pytest.raises(InputError, match=r"outer: 300 .*as many members"):
        layers([one], asked(outer=300), measured[0], ways([one], form), Draws(1, "forecasts"))


def test_a_walk_goes_in_paces():
    form = asked(pace=0.5)
    moves = np.array([0.0, *form.moves(0.0)])
    assert np.diff(moves).max() <= 0.5 + 1e-12 and moves[-1] == TARGET and set(TIMES) <= set(moves)
    assert asked().moves(2.0) == [3.5, TARGET]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": np.array([2.0, 1.0])}, "times: .*ascending times before the target, 5"),
        ({"times": np.array([1.0, 5.0])}, "times"),
        ({"times": np.array([1.0, np.nan])}, "times"),
        ({"times": np.zeros(0)}, "times"),
        ({"after": ()}, "after: .*ascending counts from 0 to 3"),
        ({"after": (2, 1)}, "after"),
        ({"after": (0, 4)}, "after"),
        ({"seen": np.array([False, False])}, "seen: .*one observable or more"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(change, message):
    with pytest.raises(InputError, match=f"nested forecast: {message}"):
        asked(**change)
