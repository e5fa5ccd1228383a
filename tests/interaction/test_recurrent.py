"""The recurrent forecaster: what its paths must be, whatever it learned, and that it learns what meals do."""

from dataclasses import replace
from functools import cache

import freeliving
import numpy as np
import pytest

from vvuq.data.cohort import make_cohort
from vvuq.data.split import subset
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.baselines import Persistence
from vvuq.interaction.course import Input, course
from vvuq.interaction.forecaster import AHEAD, eligible, readings, truths
from vvuq.interaction.network import Training
from vvuq.interaction.recurrent import SPAN, WARM, Recurrent, _abreast, _held_back, _pieces, _scale, features
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Measurement, Patient

INPUTS = (Input("meal", ("carbohydrate",)), Input("flow", ("basal_insulin",), flow=True))
SMALL = Recurrent(INPUTS, hidden=4, networks=2, training=Training(epochs=3))
COHORT = freeliving.cohort(3)
ONE = COHORT.patients[0]
ORIGINS = eligible(ONE, stride=120.0)
DRAWS = Draws(5, "test")


@cache
def fitted():
    return SMALL.fit(COHORT, DRAWS)


def test_paths_have_their_shape_and_range_and_belong_to_their_origin():
    whole = fitted().paths(COHORT, ONE, ORIGINS, 7, DRAWS)
    assert whole.shape == (ORIGINS.size, 12, 7) and np.isfinite(whole).all()
    assert whole.min() >= fitted().range[0] and whole.max() <= fitted().range[1]
    np.testing.assert_array_equal(fitted().paths(COHORT, ONE, ORIGINS[[5, 1]], 7, DRAWS), whole[[5, 1]])
    assert np.isnan(fitted().paths(COHORT, ONE, ORIGINS[:1] + 4.0, 7, DRAWS)).all()


def test_fitting_again_gives_the_same_weights_and_another_seed_others():
    again, other = SMALL.fit(COHORT, DRAWS), SMALL.fit(COHORT, replace(DRAWS, seed=6))
    assert all(np.array_equal(a, b) for a, b in zip(fitted().weights, again.weights, strict=True))
    assert not np.array_equal(fitted().weights[0], other.weights[0])


def test_residuals_are_of_patients_that_were_held_back():
    held = _held_back(COHORT, 2, DRAWS)
    assert len(held) == 2 and not held[0] & held[1] and set().union(*held) < {p.id for p in COHORT.patients}
    keys = sorted(float(v) for p in COHORT.patients for v in _now(p) if p.id in set().union(*held))
    assert fitted().residuals.key.tolist() == keys


def _now(patient):
    seen, at = readings(patient), eligible(patient)
    return seen.values[np.isin(seen.times, at)]


def test_a_training_sequence_is_the_record_with_warm_steps_of_no_weight():
    steps = course(ONE, INPUTS, lead=WARM)
    scale = _scale(COHORT, [course(p, INPUTS, lead=WARM) for p in COHORT.patients])
    pieces, x = _pieces(steps, ONE, scale), features(steps, scale)
    assert all(p[0].shape == (7, WARM + SPAN) and not p[2][:WARM].any() for p in pieces)
    learned = sum(int(p[2].sum()) for p in pieces)
    assert learned == int(np.isfinite(truths(ONE, steps.times[np.isfinite(steps.values)])).all(axis=1).sum())
    np.testing.assert_array_equal(pieces[1][0][:, :40], x[:, SPAN : SPAN + 40])
    both = _abreast(pieces[:2])
    np.testing.assert_array_equal(both.inputs[:, 2 * 30 + 1], pieces[1][0][:, 30])
    np.testing.assert_array_equal(both.targets[:, 2 * 30], pieces[0][1][:, 30])


def eater(number, days=6.0):
    """Glucose rises by what was eaten an hour before and falls back: only the meal tells what comes."""
    rng, n = np.random.default_rng(number), int(96 * days)
    eaten = np.where(rng.random(n) < 0.05, 60.0, 0.0)
    x = np.full(n, 120.0)
    for i in range(5, n):
        x[i] = x[i - 1] + 0.12 * (120.0 - x[i - 1]) + 0.25 * (eaten[i - 4] + eaten[i - 5]) + rng.normal(0.0, 2.0)
    doses = tuple(Dose(15.0 * i, float(a), what="carbohydrate") for i, a in enumerate(eaten) if a > 0.0)
    return Patient(f"e{number}", (), doses, tuple(Measurement(15.0 * i, "cgm", float(v)) for i, v in enumerate(x)))


def test_it_learns_what_a_meal_does_before_the_readings_tell():
    cohort = make_cohort("eaters", [eater(i) for i in range(4)], freeliving.UNITS)
    learned, new = subset(cohort, ["e0", "e1", "e2"], "learned"), cohort.patients[3]
    meals = [d.time for d in new.doses]
    fed = np.array([t for t in eligible(new) if any(0.0 <= t - m <= 30.0 for m in meals)])
    truth = truths(new, fed)[:, 5:8].mean()
    network = Recurrent(INPUTS, hidden=8, networks=2, training=Training(120, 120)).fit(learned, DRAWS)
    found, base = (f.paths(cohort, new, fed, 50, DRAWS)[:, 5:8].mean()
                   for f in (network, Persistence().fit(learned, DRAWS)))  # fmt: skip
    assert abs(found - truth) < 0.5 * abs(base - truth)


def test_one_patient_alone_holds_back_its_last_days():
    alone = replace(SMALL, networks=1).fit(subset(COHORT, ["p1"], "one"), DRAWS)
    assert np.isfinite(alone.paths(COHORT, ONE, ORIGINS, 3, DRAWS)).all()


def test_what_cannot_be_learned_from_is_refused():
    flat = Patient("flat", (), (), tuple(Measurement(15.0 * i, "cgm", 100.0) for i in range(60)))
    with pytest.raises(NotEvaluable):
        SMALL.fit(make_cohort("flat", [flat], freeliving.UNITS), DRAWS)
    units = tuple((k, "mmol/L" if k == "cgm" else v) for k, v in COHORT.units)
    with pytest.raises(InputError, match="units: cgm"):
        fitted().paths(replace(COHORT, units=units), ONE, ORIGINS, 3, DRAWS)


def test_the_moments_are_those_of_the_paths():
    mean, sd = fitted().moments(ONE, ORIGINS)
    assert mean.shape == sd.shape == (2, ORIGINS.size, AHEAD.size) and (sd > 0.0).all()
    centred = fitted().residuals.paths - fitted().residuals.paths.mean(axis=0)
    assert np.isfinite(centred).all() and 0.3 < centred.std() < 3.0
