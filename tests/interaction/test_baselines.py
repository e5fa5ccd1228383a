"""Baselines: each against what it is by definition, and their paths against the paths they were learned from."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest

from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.arx import ARX
from vvuq.interaction.baselines import Climatology, Persistence, Trend, baselines
from vvuq.interaction.course import Input, course
from vvuq.interaction.empirical import current, library
from vvuq.interaction.forecaster import AHEAD, eligible, truths
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Measurement, Patient

INPUTS = (
    Input("meal", ("carbohydrate",), lags=4),
    Input("slow", ("long_insulin",), half_life=480.0),
    Input("flow", ("basal_insulin",), flow=True),
)
COHORT = freeliving.cohort(3)
ONE = COHORT.patients[0]
ORIGINS = eligible(ONE, stride=120.0)
DRAWS = Draws(3, "test")


def readings_of(values, doses=()):
    """A patient with these readings from minute 0 on."""
    taken = tuple(Measurement(15.0 * i, "cgm", float(v)) for i, v in enumerate(values))
    return Patient("made", (), tuple(doses), taken)


def fitted(one, *patients):
    return one.fit(make_cohort("made", patients, freeliving.UNITS), DRAWS)


def test_persistence_without_noise_stays_at_the_last_reading():
    flat = readings_of(np.full(40, 150.0))
    cohort = make_cohort("made", [flat], freeliving.UNITS)
    found = Persistence().fit(cohort, DRAWS).paths(cohort, flat, eligible(flat), 5, DRAWS)
    assert np.all(found == 150.0)


def test_a_straight_course_is_extrapolated_exactly_and_its_trend_does_not_fade():
    line = readings_of(100.0 + np.arange(60))
    ahead = fitted(Trend(), line).point(line, np.array([300.0]))
    np.testing.assert_allclose(ahead[0], 120.0 + AHEAD / 15.0, rtol=1e-12)


def test_a_trend_that_does_not_last_is_damped():
    rng = np.random.default_rng(1)
    noise = readings_of(150.0 + rng.normal(0.0, 20.0, 400))
    point = fitted(Trend(), noise).point
    far = np.abs(point(noise, eligible(noise))[:, -1] - current(noise, eligible(noise))).mean()
    assert far < 15.0, "three hours of an undamped slope would be 100 away"


def test_climatology_draws_what_others_read_at_that_time_of_day():
    times = 15.0 * np.arange(96 * 3)
    clock = readings_of(100.0 + (times % 1440.0) / 15.0)
    cohort = make_cohort("made", [clock], freeliving.UNITS)
    at = np.array([1440.0 + 600.0, 1440.0 + 1425.0])
    found = Climatology(within=30.0).fit(cohort, DRAWS).paths(cohort, clock, at, 200, DRAWS)
    assert np.all(np.abs(found[0] - (100.0 + (600.0 + AHEAD[:, None]) / 15.0)) <= 3.0)
    late = (found[1, 0] - 100.0) * 15.0  # midnight, half an hour to each side, the day's ends joined
    assert np.all((late <= 45.0) | (late >= 1440.0 - 45.0)) and late.min() < 60.0 < 1300.0 < late.max()


def test_an_autoregression_finds_the_recursion_that_made_the_readings():
    """Noise alone drives x' = 1.6 x - 0.7 x_before + 0.1 meal; the forecast without noise is the recursion itself."""
    rng = np.random.default_rng(5)
    meals = np.where(rng.random(4000) < 0.1, rng.uniform(20.0, 80.0, 4000), 0.0)
    x = np.full(4000, 150.0)
    for i in range(1, 3999):
        x[i + 1] = 15.0 + 1.6 * x[i] - 0.7 * x[i - 1] + 0.1 * (meals[i] - 5.0) + rng.normal(0.0, 0.5)
    doses = [Dose(15.0 * i, float(m), what="carbohydrate") for i, m in enumerate(meals) if m > 0.0]
    patient = readings_of(x, doses)
    model = ARX((Input("meal", ("carbohydrate",), lags=3),), readings=3, ridge=1e-9)
    origin = 1000
    (found,) = fitted(model, patient).point(patient, np.array([15.0 * origin]))
    y = x[: origin + 1].tolist()
    for step in range(12):
        eaten = meals[origin] if step == 0 else 0.0
        y.append(15.0 + 1.6 * y[-1] - 0.7 * y[-2] + 0.1 * (eaten - 5.0))
    np.testing.assert_allclose(found, y[-12:], atol=1.5)


def test_iterating_equals_the_recursion_written_out_with_inputs_that_wane_and_flow():
    model = ARX(INPUTS, readings=4).fit(COHORT, DRAWS).point.__self__
    steps = course(ONE, INPUTS, lead=model.reach)
    origin = ORIGINS[3]
    (at,) = steps.places(np.array([origin]))
    y, given = [steps.values[at - j] for j in range(4)], steps.given
    meal, slow, flow = [given[at - j, 0] for j in range(4)], given[at, 1], given[at, 2]
    w = model.weights
    for _ in range(12):
        y.insert(0, y[0] + model.constant + np.dot(w[:4], y[:4]) + np.dot(w[4:8], meal) + w[8] * slow + w[9] * flow)
        meal, slow = [0.0, *meal[:3]], slow * 0.5 ** (15.0 / 480.0)
    np.testing.assert_allclose(model.point(ONE, np.array([origin]))[0], y[:12][::-1], rtol=1e-12)


def test_paths_keep_the_mean_and_the_dependence_of_the_residuals():
    fit = Persistence().fit(COHORT, DRAWS)
    paths = fit.residuals.draw(140.0, 40000, np.random.default_rng(0))
    keys = fit.residuals.key
    first = np.searchsorted(keys, 140.0) - fit.residuals.width // 2
    near = fit.residuals.paths[first : first + fit.residuals.width]
    np.testing.assert_allclose(paths.mean(axis=1), near.mean(axis=0), atol=1.5)
    np.testing.assert_allclose(np.corrcoef(paths), np.corrcoef(near.T), atol=0.03)


@pytest.mark.parametrize("one", [*baselines().values(), ARX(INPUTS)], ids=lambda one: one.name)
def test_paths_have_their_shape_and_range_and_belong_to_their_origin(one):
    fit = one.fit(COHORT, DRAWS)
    whole = fit.paths(COHORT, ONE, ORIGINS, 6, DRAWS)
    assert whole.shape == (ORIGINS.size, 12, 6) and np.isfinite(whole).all()
    low, high = fit.range
    assert whole.min() >= low and whole.max() <= high
    some = fit.paths(COHORT, ONE, ORIGINS[[4, 2]], 6, DRAWS)
    np.testing.assert_array_equal(some, whole[[4, 2]])
    other = fit.paths(COHORT, ONE, ORIGINS, 6, replace(DRAWS, seed=4))
    assert not np.array_equal(other, whole)


@pytest.mark.parametrize("one", [Persistence(), Trend(), ARX(INPUTS)], ids=lambda one: one.name)
def test_without_a_reading_at_the_origin_there_is_no_forecast(one):
    found = one.fit(COHORT, DRAWS).paths(COHORT, ONE, np.array([ORIGINS[0] + 4.0, ORIGINS[0]]), 3, DRAWS)
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


def test_other_units_and_too_few_readings_are_refused():
    fit = Persistence().fit(COHORT, DRAWS)
    units = tuple((k, "mmol/L" if k == "cgm" else v) for k, v in COHORT.units)
    with pytest.raises(InputError, match="units: cgm"):
        fit.paths(replace(COHORT, units=units), ONE, ORIGINS, 3, DRAWS)
    short = make_cohort("short", [readings_of(np.full(5, 100.0))], freeliving.UNITS)
    with pytest.raises(NotEvaluable):
        Persistence().fit(short, DRAWS)
    with pytest.raises(NotEvaluable, match="coefficients"):
        ARX(INPUTS).fit(short, DRAWS)


def test_a_library_leaves_out_what_is_not_complete():
    found = library([np.array([2.0, 1.0, np.nan])], [np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, 3.0]])])
    assert found.key.tolist() == [2.0] and found.width == 1


def test_steps_bridge_short_gaps_and_begin_anew_after_long_ones():
    taken = [0.0, 15.0, 60.0, 75.0, 600.0, 604.0, 615.0]
    doses = (Dose(10.0, 4.0, what="carbohydrate"), Dose(15.0, 6.0, what="carbohydrate"), Dose(0.0, 8.0, 480.0, "flow"))
    one = Patient("x", (), doses, tuple(Measurement(t, "cgm", 100.0 + t) for t in taken))
    steps = course(one, (Input("meal", ("carbohydrate",)), Input("flow", ("flow",), flow=True)), lead=2)
    assert steps.times.tolist() == [-30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 570.0, 585.0, 600.0, 615.0]
    assert steps.stretch.tolist() == [0] * 8 + [1] * 4
    assert np.isnan(steps.values[[0, 1, 4, 5, 8, 9]]).all() and np.isfinite(steps.values[[2, 3, 6, 7, 10, 11]]).all()
    assert steps.given[:, 0].tolist() == [0.0, 0.0, 0.0, 10.0] + [0.0] * 8
    assert steps.given[:, 1].tolist() == [0.0, 0.0] + [1.0] * 6 + [0.0] * 4
    assert steps.held()[[1, 5, 9]].tolist()[1] == 115.0 and np.isnan(steps.held()[[0, 1, 8, 9]]).all()
    assert steps.places(np.array([600.0, 604.0, 30.0])).tolist() == [10, -1, -1]


def test_residuals_of_the_truth_are_the_truth_less_the_point():
    fit = Persistence().fit(make_cohort("one", [ONE], freeliving.UNITS), DRAWS)
    origins = eligible(ONE)
    expected = truths(ONE, origins) - current(ONE, origins)[:, None]
    order = np.argsort(current(ONE, origins), kind="stable")
    np.testing.assert_array_equal(fit.residuals.paths, expected[order])
