"""What is known of a patient before the first value, for each kind of twin; populations drawn from a fit's errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from deciding import TWIN as SUM
from examples import pk
from strategies import synthetic_neonates

from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.system import parameters
from vvuq.assimilation.ukf import Unscented
from vvuq.calibration import foce, state_space, tracking
from vvuq.calibration.foce import fit_population
from vvuq.calibration.subjects import left_out, personal_subject, prior_subject, slot_subject, tracked_subject
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import Level, LogNormal, Normal, Schedule, Uniform
from vvuq.models.twin import load_twin
from vvuq.paths import shipped

EMPTY = Schedule(0.0, (), (), (Level(0.0, "weight", 1.5), Level(0.0, "low_apgar", 1.0)))


@pytest.fixture(scope="module")
def fit():
    return fit_population(pk(), synthetic_neonates(18, 3))


@pytest.fixture(scope="module")
def ward():
    return load_twin(shipped("twins") / "icu_vitals")


def spread(subject):
    return np.sqrt(np.diag(subject.prior.root @ subject.prior.root.T))


def test_a_patient_of_a_fitted_population_varies_as_the_population_does(fit):
    one = personal_subject(pk(), fit, EMPTY)
    np.testing.assert_allclose(spread(one), [0.0, *fit.omega])
    np.testing.assert_allclose(np.exp(one.prior.mean[1:]), fit.theta[:2])
    assert one.system.noise[0].cv == pytest.approx(0.1 * fit.noise_scale)
    assert isinstance(one.method, Unscented) and one.prior.time == 0.0 and one.schedule is EMPTY


def test_a_patient_known_by_priors_has_their_medians_and_spreads():
    """Log-normal, normal and uniform ones each on their own line; a prior without a spread is not learned."""
    p = SUM.model.parameters
    priors = LogNormal(2.0, 0.3), Uniform(1.0, 3.0), Normal(5.0, 0.0)
    model = replace(SUM.model, parameters=tuple(replace(a, prior=b) for a, b in zip(p, priors, strict=True)))
    one = prior_subject(replace(SUM, model=model), Schedule(), 50)
    assert one.system.learned == ("m", "n") and one.method == Eakf(50)
    rng = np.random.default_rng(0)
    theta = parameters(one.system, one.prior.mean[:, None] + one.prior.root @ rng.standard_normal((3, 20_000)))
    assert np.median(theta[0]) == pytest.approx(2.0, rel=0.02)
    assert np.log(theta[0]).std() == pytest.approx(0.3, rel=0.03)
    assert np.median(theta[1]) == pytest.approx(2.0, abs=0.03) and 1.0 < theta[1].min() < theta[1].max() < 3.0
    assert theta[1].std() == pytest.approx(2.0 / np.sqrt(12.0), rel=0.1)
    assert np.all(theta[2] == 5.0)


def test_where_no_prior_has_a_spread_there_is_nothing_to_learn():
    fixed = tuple(replace(p, prior=Normal(1.0, 0.0)) for p in SUM.model.parameters)
    with pytest.raises(NotEvaluable, match="no prior has a spread"):
        prior_subject(replace(SUM, model=replace(SUM.model, parameters=fixed)), Schedule(), 50)


def test_a_patient_who_is_followed_begins_with_a_reading():
    twin = load_twin(shipped("twins") / "glucose")
    schedule = twin.scenarios["meal_with_bolus"]().schedule
    known = tracking.declared(twin)
    one = tracked_subject(twin, known, schedule, 150.0, 1380.0)
    names, (mean, sd) = list(one.system.names), twin.follow.start(schedule, known.theta, 150.0)
    assert one.prior.time == 1380.0 and one.prior.mean[names.index("G")] == pytest.approx(150.0)
    np.testing.assert_allclose(spread(one)[: sd.size], sd)
    np.testing.assert_allclose(spread(one)[sd.size :], known.omega)
    np.testing.assert_allclose(one.prior.mean[: mean.size], mean)
    assert np.any(np.asarray(one.system.drift) > 0.0)


def test_a_patient_in_slots_has_the_candidate_s_levels_and_distances(ward):
    found = state_space.declared(ward)
    one = slot_subject(ward, found)
    names, at = list(one.system.names), dict(zip(one.system.names, spread(one), strict=True))
    assert at["log_lactate_level"] == pytest.approx(found.level["log_lactate_level"][1])
    both = np.hypot(found.level["log_lactate_level"][1], found.start["log_lactate"][1])
    assert at["log_lactate"] == pytest.approx(both)
    assert one.prior.mean[names.index("pressure")] == pytest.approx(sum(
        pair[0] for pair in (found.level["pressure_level"], found.start["pressure"])
    ))  # fmt: skip
    assert one.prior.time == 0.0 and one.system.learned == ()


def test_populations_left_out_spread_as_the_jackknife(fit):
    """(n - 1) / n times the sum of squares of the fits that leave one out, on the scale of logarithms."""
    twin = load_twin(shipped("twins") / "glucose")
    found = tracking.declared(twin)
    rng = np.random.default_rng(0)
    without = tuple(replace(found, theta=found.theta * np.exp(0.1 * rng.standard_normal())) for _ in range(5))
    logs = np.array([np.log(one.theta[0]) for one in without])
    drawn = np.array([np.log(one.theta[0]) for one in left_out(found, without)])
    assert drawn.var(ddof=1) == pytest.approx((5 - 1) / 5 * ((logs - logs.mean()) ** 2).sum())
    assert drawn.mean() == pytest.approx(np.log(found.theta[0]))
    assert all(np.array_equal(one.drift > 0.0, found.drift > 0.0) for one in left_out(found, without))
    with pytest.raises(NotEvaluable, match="1 fits that leave a patient out"):
        left_out(found, without[:1])


def both_ways(size, length):
    """Standard normals (m, 2 m) plus and minus along each axis: their second moments are 2 length^2 times one."""
    return length * np.concatenate([np.eye(size), -np.eye(size)], axis=1)


def test_populations_drawn_have_the_covariance_of_the_fit(fit):
    """Exactly, by draws along each axis: on the scale of the fit they are linear."""
    m, length = fit.point.size, 0.05
    draws = foce.drawn(pk(), fit, both_ways(m, length))
    assert len(draws) == 2 * m
    points = [
        np.concatenate([np.log(d.theta[:2]), d.theta[2:], np.log(d.omega), [np.log(d.noise_scale)]]) for d in draws
    ]
    away = np.array(points) - fit.point
    np.testing.assert_allclose(away.T @ away / (2.0 * length**2), fit.covariance, rtol=1e-6, atol=1e-12)


def test_the_part_of_the_population_is_that_of_the_delta_method(fit):
    """The variance of CL over V of the typical patient by 4,000 draws of small errors: 10 % is 4.5 SDs of it."""
    small = replace(fit, covariance=1e-4 * fit.covariance)
    draws = foce.drawn(pk(), small, np.random.default_rng(1).standard_normal((fit.point.size, 4000)))
    rates = np.array([one.theta[0] / one.theta[1] for one in draws])
    slope = fit.theta[0] / fit.theta[1] * np.array([1.0, -1.0, *np.zeros(fit.point.size - 2)])
    assert rates.var() == pytest.approx(slope @ small.covariance @ slope, rel=0.1)


def test_populations_beyond_the_bounds_are_left_out(fit):
    far = np.zeros((fit.point.size, 3))
    wide = replace(fit, covariance=100.0 * np.eye(fit.point.size))
    far[:, 1] = 2.0  # 20 in logarithms
    assert len(foce.drawn(pk(), wide, far)) == 2
    with pytest.raises(NotEvaluable, match="every draw from its errors leaves the bounds"):
        foce.drawn(pk(), wide, far[:, 1:2])
    with pytest.raises(InputError, match="normals"):
        foce.drawn(pk(), fit, np.zeros((2, 3)))
    without = fit_population(pk(), synthetic_neonates(18, 3), errors=False)
    with pytest.raises(InputError, match="for a fit with errors"):
        foce.drawn(pk(), without, np.zeros((0, 3)))


def test_candidates_drawn_have_the_covariance_of_the_fit(ward):
    begin = state_space.declared(ward)
    coordinates = state_space.coordinates_of(ward, begin)
    k, rng = len(coordinates), np.random.default_rng(2)
    root = 0.1 * rng.standard_normal((k, k))
    fit = state_space.Fit(begin, (), 0.0, 0.0, 1, True, (), begin, 0.01 * np.arange(k), root @ root.T)
    draws = state_space.drawn(ward, fit, both_ways(k, 0.1))
    point = np.array([[_coordinate(c, one) for c in coordinates] for one in draws]) - fit.point
    np.testing.assert_allclose(point.T @ point / (2.0 * 0.1**2), fit.covariance, rtol=1e-6, atol=1e-9)
    with pytest.raises(InputError, match="normals"):
        state_space.drawn(ward, fit, np.zeros((k - 1, 2)))
    unsettled = replace(fit, covariance=np.full((k, k), np.nan))
    with pytest.raises(NotEvaluable, match="do not settle every number"):
        state_space.drawn(ward, unsettled, np.zeros((k, 2)))


def _coordinate(one, candidate):
    """The coordinate x at which a candidate's number stands, by its name."""
    kind, _, name = one.name.partition("_")
    if kind in ("mean", "sd"):
        pairs = candidate.start if name.startswith("start_") else candidate.level
        value = pairs[name.removeprefix("start_")][kind == "sd"]
    elif kind == "drift":
        value = candidate.drift[name]
    elif kind == "error":
        value = candidate.noise[["log_lactate", "map", "heart_rate"].index(name)].sd
    else:
        value = candidate.theta[["k_lactate", "k_pressure", "k_rate", "c_lactate", "c_rate"].index(one.name)]
    return np.log(value / one.begin) if one.scale == 0.0 else (value - one.begin) / one.scale
