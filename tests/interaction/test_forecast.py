"""Forecasts: noise and ignorance add up, each vanishes alone, shared draws pair, bands narrow, and they are honest."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from examples import EXPLOSIVE, pk
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm
from strategies import synthetic_neonates

from vvuq.assimilation.system import System, gaussian
from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate, personal_system, prior_belief
from vvuq.calibration.units import in_model_units
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecast import Forecast, forecast_from
from vvuq.methods.scores import mixture_cdf
from vvuq.models import Additive, Bolus, Noise, Schedule

TRUE = Population(np.array([0.005, 0.95, 0.15]), np.array([0.18, 0.18]), 1.0, 0.0, 0.0, (), np.zeros((0, 2)), (), 0, 0)
COHORT = synthetic_neonates(40, 7)
NORMALS = np.random.default_rng(0).standard_normal((3, 512))
P90 = np.array([0.05, 0.95])


def of(patient, taken=0, population=TRUE, cohort=COHORT):
    """System, schedule, measurements and the belief after `taken` of them."""
    twin = pk()
    system, schedule = personal_system(twin, population), twin.schedule(cohort, patient)
    ms = in_model_units(twin, cohort, patient.measurements)
    return (
        system,
        schedule,
        ms,
        assimilate(system, prior_belief(twin, population, schedule), schedule, ms[:taken])[0][-1],
    )


@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0.5, 3.0), cv=st.floats(0.0, 0.5))
def test_the_variance_of_samples_is_the_sum_of_both_parts(seed, noise, cv):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(3.0, 0.3, (1, 50))
    found = Forecast(np.array([1.0]), values, np.hypot(noise, cv * values), 0)
    samples = values + found.error_sd * rng.standard_normal((4000, 50))
    total = found.epistemic_sd()[0] ** 2 + found.aleatory_sd()[0] ** 2
    assert samples.var() == pytest.approx(total, rel=0.04)
    low, high = found.total_quantiles(P90)[0]
    assert np.mean(samples < low) == pytest.approx(0.05, abs=0.01)
    assert np.mean(samples > high) == pytest.approx(0.05, abs=0.01)


def test_without_noise_all_is_ignorance():
    values = np.sort(np.random.default_rng(1).normal(20.0, 3.0, (1, 200)), axis=1)
    found = Forecast(np.array([1.0]), values, np.zeros((1, 200)), 0)
    assert found.aleatory_sd()[0] == 0.0
    for total, inner in zip(found.total_quantiles(P90)[0], found.epistemic_quantiles(P90)[0], strict=True):
        near = np.searchsorted(values[0], inner)
        assert values[0, near - 2] <= total <= values[0, near + 1]


def test_with_certain_parameters_all_is_noise():
    system, schedule, ms, belief = of(COHORT.patients[0])
    certain = replace(belief, root=np.zeros((3, 3)))
    found = forecast_from(system, certain, schedule, "concentration", np.array([ms[-1].time]), NORMALS)
    assert found.epistemic_sd()[0] < 1e-12
    h = pk().closed_form(schedule, TRUE.theta, np.array([ms[-1].time]))[0]
    np.testing.assert_allclose(found.total_quantiles(P90)[0], norm.ppf(P90, h, 0.1 * h), rtol=1e-6)
    np.testing.assert_allclose(found.epistemic_quantiles(P90)[0], h, rtol=1e-8)


def test_members_are_the_closed_form_at_their_own_parameters():
    patient = COHORT.patients[2]
    system, schedule, ms, belief = of(patient)
    times = np.array([ms[0].time, ms[-1].time])
    found = forecast_from(system, belief, schedule, "concentration", times, NORMALS[:, :20])
    for m in range(20):
        logs = belief.mean[1:] + 0.18 * NORMALS[1:, m]
        exact = pk().closed_form(schedule, np.array([*np.exp(logs), 0.15]), times)
        np.testing.assert_allclose(found.values[:, m], exact, rtol=1e-8)
    np.testing.assert_allclose(found.error_sd, 0.1 * found.values)


def test_shared_draws_pair_two_forecasts():
    """Twice the doses are twice the concentration, member by member; with draws of their own they are not."""
    system, schedule, _, belief = of(COHORT.patients[1])
    twice = replace(schedule, boluses=tuple(replace(b, amount=2 * b.amount) for b in schedule.boluses))
    at, other = np.array([30.0]), np.random.default_rng(5).standard_normal((3, 512))
    one, two, apart = (
        forecast_from(system, belief, s, "concentration", at, n).values[0]
        for s, n in ((schedule, NORMALS), (twice, NORMALS), (twice, other))
    )
    np.testing.assert_allclose(two, 2.0 * one, rtol=1e-12)
    assert np.std(two - one) < 0.7 * np.std(apart - one)


def test_bands_of_one_target_narrow_on_average_as_samples_arrive():
    widths = []
    for patient in COHORT.patients:
        if len(patient.measurements) < 3:
            continue
        row = []
        for taken in range(3):
            system, schedule, ms, belief = of(patient, taken)
            found = forecast_from(system, belief, schedule, "concentration", np.array([ms[2].time]), NORMALS)
            low, high = found.total_quantiles(P90)[0]
            row.append([found.epistemic_sd()[0], high - low, found.aleatory_sd()[0]])
        widths.append(row)
    epistemic, band, noise = np.mean(widths, axis=0).T
    assert len(widths) >= 10
    assert np.all(np.diff(epistemic) < 0) and np.all(np.diff(band) < 0)
    assert abs(noise[2] / noise[0] - 1.0) < 0.1, "a sample teaches nothing of the noise of the next"


def explosive(noise):
    """A system on a model that becomes infinite at t = 1 / (k A): some members fail, all later."""
    return System(EXPLOSIVE, np.array([1.0]), ("k",), (noise,), np.zeros(2), 0.01)


def test_failed_members_are_counted_and_left_out():
    system = explosive(Additive(0.1))
    belief = gaussian(system, 0.0, np.array([1.0, 0.0]), np.diag([0.0, 0.25]))
    found = forecast_from(system, belief, Schedule(), "amount", np.array([0.5, 0.8]), NORMALS[:2])
    poles = np.exp(-0.5 * NORMALS[1])
    assert 0 < np.sum(poles < 0.7) <= found.failed <= np.sum(poles < 0.8) < 512, "a fixed step may just leap a pole"
    assert found.values.shape == (2, 512 - found.failed) and np.all(np.isfinite(found.values))
    with pytest.raises(NotEvaluable, match="no member of the forecast"):
        forecast_from(system, belief, Schedule(), "amount", np.array([50.0]), NORMALS[:2])


@pytest.mark.parametrize("wrong", [1e3, 1e6, 1e12, 1e100, 1e300])
def test_a_sample_that_contradicts_the_belief_by_many_orders_ends_in_a_code(wrong):
    """The belief stays as it was, or can still be forecast from; no error of input is raised."""
    system, schedule, ms, belief = of(COHORT.patients[0], 1)
    later = replace(ms[1], value=wrong * ms[1].value)
    (_, after), (seen,) = assimilate(system, belief, schedule, [later])
    assert (after is belief) == (seen.code != 0)
    assert seen.code != 0 or wrong < 1e12
    at = np.array([ms[-1].time + 1.0])
    if seen.code == 0:
        with contextlib.suppress(NotEvaluable):
            assert np.all(np.isfinite(forecast_from(system, after, schedule, "concentration", at, NORMALS).values))
    else:
        same = (forecast_from(system, b, schedule, "concentration", at, NORMALS).values for b in (belief, after))
        np.testing.assert_array_equal(*same)


def test_members_out_of_range_are_counted_and_left_out():
    system, schedule, ms, belief = of(COHORT.patients[0], 1)
    wide = replace(belief, root=np.diag([0.0, 400.0, 0.1]))
    found = forecast_from(system, wide, schedule, "concentration", np.array([ms[-1].time]), NORMALS)
    assert 0 < found.failed < 512 and np.all(np.isfinite(found.values))
    lost = replace(belief, mean=np.array([belief.mean[0], 1e4, 0.0]))
    with pytest.raises(NotEvaluable, match="no parameters are finite"):
        forecast_from(system, lost, schedule, "concentration", np.array([ms[-1].time]), NORMALS)


def test_a_proportional_error_has_no_meaning_before_the_first_dose():
    system = explosive(Noise(cv=0.1))
    belief = gaussian(system, 0.0, np.zeros(2), np.diag([0.0, 0.25]))
    later = Schedule(boluses=(Bolus(1.0, "A", 0.1),))
    with pytest.raises(NotEvaluable, match="no member of the forecast"):
        forecast_from(system, belief, later, "amount", np.array([0.5]), NORMALS[:2])


def test_what_lies_before_the_belief_cannot_be_forecast():
    system, schedule, ms, belief = of(COHORT.patients[0], 1)
    with pytest.raises(InputError, match="times"):
        forecast_from(system, belief, schedule, "concentration", np.array([ms[0].time - 1.0]), NORMALS)
    with pytest.raises(InputError, match="observable"):
        forecast_from(system, belief, schedule, "mood", np.array([ms[0].time]), NORMALS)


def transforms(cohort, population):
    """The probability integral transform of each measurement after those before it."""
    out = []
    for patient in cohort.patients:
        for k in range(len(patient.measurements)):
            system, schedule, ms, belief = of(patient, k, population, cohort)
            found = forecast_from(system, belief, schedule, "concentration", np.array([ms[k].time]), NORMALS)
            out.append(mixture_cdf(ms[k].value, found.values[0], found.error_sd[0]))
    return np.array(out)


@pytest.mark.slow
def test_simulated_patients_lie_in_the_forecast_as_often_as_it_says():
    cohort = synthetic_neonates(200, 99)
    honest = transforms(cohort, TRUE)
    assert kstest(honest, "uniform").pvalue > 0.01
    biased = transforms(cohort, replace(TRUE, theta=np.array([0.005, 1.15, 0.15])))
    narrow = transforms(cohort, replace(TRUE, noise_scale=0.6))
    assert kstest(biased, "uniform").pvalue < 1e-4 and kstest(narrow, "uniform").pvalue < 1e-4
