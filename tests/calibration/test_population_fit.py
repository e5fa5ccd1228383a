"""The fit finds the generating values again, and depends on nothing that it should not depend on."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from scipy.optimize import minimize
from strategies import APGAR_EFFECT, CLEARANCE, NOISE, SPREAD, UNITS, VOLUME, synthetic_neonates, synthetic_truth

from vvuq.calibration.foce import _problem, fit_population, marginal
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, NotEvaluable

TRUTH = {
    "CL": CLEARANCE, "V": VOLUME, "apgar_effect": APGAR_EFFECT,
    "omega_CL": SPREAD, "omega_V": SPREAD, "sigma": NOISE,
}  # fmt: skip


def as_numbers(fit):
    return np.array([*fit.theta, *fit.omega, fit.noise_scale])


@pytest.fixture(scope="module")
def few():
    """A small cohort and its fit."""
    cohort = synthetic_neonates(14, 3)
    return cohort, fit_population(pk(), cohort)


@pytest.mark.slow
def test_the_generating_values_lie_within_three_standard_errors():
    cohort, truth = synthetic_truth(80, 5)
    fit = fit_population(pk(), cohort)
    assert [e.name for e in fit.estimates] == list(TRUTH)
    for e in fit.estimates:
        assert abs(e.value - TRUTH[e.name]) < 3 * e.standard_error, e
        assert e.low < e.value < e.high and 0.0 < e.standard_error < 0.5 * abs(TRUTH[e.name])
    errors = {e.name: e.standard_error / e.value for e in fit.estimates}
    assert errors["CL"] < 0.05 and errors["V"] < 0.05, "eighty patients tell the typical values"
    covariates = [dict(p.covariates) for p in cohort.patients]
    typical = np.array([VOLUME * c["weight"] * (1 + APGAR_EFFECT * (c["apgar"] < 5)) for c in covariates])
    volumes = np.array([truth[p.id][1] for p in cohort.patients])
    assert np.corrcoef(fit.eta[:, 1], np.log(volumes / typical))[0, 1] > 0.8, "the modes find the patients' own values"
    assert fit.concentrations == sum(len(p.measurements) for p in cohort.patients)


def test_the_objective_is_lowest_at_the_fit(few):
    cohort, fit = few
    point = np.array([*np.log(fit.theta[:2]), fit.theta[2], *np.log(fit.omega), np.log(fit.noise_scale)])
    problem = _problem(pk(), cohort)
    assert marginal(problem, point, fit.eta.copy()) == pytest.approx(fit.objective, abs=1e-6)
    for i in range(6):
        for step in (-0.05, 0.05):
            moved = point.copy()
            moved[i] += step
            assert marginal(problem, moved, fit.eta.copy()) > fit.objective


@pytest.mark.parametrize(("index", "name"), [(1, "V"), (2, "apgar_effect"), (5, "sigma")])
def test_one_standard_error_away_the_best_of_the_rest_costs_one(few, index, name):
    """The profile of -2 log L rises by 1 at one standard error: its definition, without a matrix."""
    cohort, fit = few
    problem, eta = _problem(pk(), cohort), fit.eta.copy()
    point = np.array([*np.log(fit.theta[:2]), fit.theta[2], *np.log(fit.omega), np.log(fit.noise_scale)])
    estimate = next(e for e in fit.estimates if e.name == name)
    error = estimate.standard_error / (1.0 if name == "apgar_effect" else estimate.value)
    others = [i for i in range(6) if i != index]

    def profile(shift):
        def at(rest):
            whole = point.copy()
            whole[others], whole[index] = rest, point[index] + shift
            return marginal(problem, whole, eta)

        return minimize(at, point[others], method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}).fun

    rise = 0.5 * (profile(error) + profile(-error)) - fit.objective
    assert rise == pytest.approx(1.0, abs=0.25)


def test_the_order_of_patients_does_not_matter(few):
    cohort, fit = few
    turned = fit_population(pk(), make_cohort("turned", cohort.patients[::-1], UNITS))
    assert turned.objective == pytest.approx(fit.objective, abs=1e-6)
    np.testing.assert_allclose(as_numbers(turned), as_numbers(fit), rtol=2e-3)
    assert turned.patients == fit.patients[::-1]
    np.testing.assert_allclose(turned.eta[::-1], fit.eta, atol=2e-3)


def test_a_patient_without_measurements_changes_nothing(few):
    cohort, fit = few
    silent = replace(cohort.patients[0], id="silent", measurements=())
    more = fit_population(pk(), make_cohort("more", (*cohort.patients, silent), UNITS))
    np.testing.assert_array_equal(as_numbers(more), as_numbers(fit))
    assert more.objective == fit.objective and more.patients == fit.patients


def test_the_units_of_the_record_do_not_matter(few):
    cohort, fit = few
    patients = [
        replace(
            p,
            doses=tuple(replace(d, time=d.time * 60, amount=d.amount / 1000) for d in p.doses),
            measurements=tuple(replace(m, time=m.time * 60, value=m.value / 1000) for m in p.measurements),
        )
        for p in cohort.patients
    ]
    other = make_cohort("other units", patients, {**UNITS, "time": "min", "dose": "g", "concentration": "mg/mL"})
    found = fit_population(pk(), other)
    np.testing.assert_allclose(as_numbers(found), as_numbers(fit), rtol=2e-3)


def test_the_same_cohort_is_fitted_once_and_errors_are_optional(few):
    cohort, fit = few
    assert fit_population(pk(), replace(cohort, name="another name")) is fit
    bare = fit_population(pk(), cohort, errors=False)
    assert bare.estimates == ()
    np.testing.assert_array_equal(as_numbers(bare), as_numbers(fit))


def test_too_few_patients_cannot_be_fitted():
    with pytest.raises(NotEvaluable, match="4 patients with measurements are too few"):
        fit_population(pk(), synthetic_neonates(4, 0))
    cohort = synthetic_neonates(12, 0)
    silent = [replace(p, measurements=()) for p in cohort.patients[:9]]
    with pytest.raises(NotEvaluable, match="3 patients"):
        fit_population(pk(), make_cohort("silent", [*silent, *cohort.patients[9:]], UNITS))


def test_data_that_say_nothing_of_a_parameter_are_no_fit():
    """All Apgar scores are high: the effect of a low one cannot be told."""
    cohort = synthetic_neonates(12, 1)
    patients = [replace(p, covariates=(p.covariates[0], ("apgar", 9.0))) for p in cohort.patients]
    with pytest.raises(NotEvaluable, match="no curvature in one direction"):
        fit_population(pk(), make_cohort("all well", patients, UNITS))


def test_an_unknown_observable_is_refused():
    cohort = synthetic_neonates(8, 1)
    strange = replace(cohort, digest="x", patients=tuple(
        replace(p, measurements=tuple(replace(m, observable="mood") for m in p.measurements)) for p in cohort.patients
    ))  # fmt: skip
    with pytest.raises(InputError, match="observable: 'mood'"):
        fit_population(pk(), strange)


@pytest.mark.slow
def test_standard_errors_equal_the_spread_of_repeated_fits():
    """A fit whose variation between patients collapses to zero has no standard error: one or two in sixty do."""
    fits = []
    for seed in range(60):
        with suppress(NotEvaluable):
            fits.append(fit_population(pk(), synthetic_neonates(60, 1000 + seed)))
    assert len(fits) >= 57
    for i, (name, true) in enumerate(TRUTH.items()):
        values = np.array([f.estimates[i].value for f in fits])
        claimed = np.median([f.estimates[i].standard_error for f in fits])
        covered = np.mean([f.estimates[i].low <= true <= f.estimates[i].high for f in fits])
        assert 0.75 < claimed / values.std(ddof=1) < 1.33, name
        assert covered >= 0.86, name
        assert abs(values.mean() - true) < 0.5 * values.std(ddof=1), name


def test_a_variation_estimated_as_none_has_no_error_and_the_others_keep_theirs():
    fit = fit_population(pk(), synthetic_neonates(10, 106))
    errors = {e.name: (e.standard_error, e.robust_error, e.low, e.high) for e in fit.estimates}
    assert fit.omega[0] < 0.01 < fit.omega[1]
    assert np.isnan(errors.pop("omega_CL")).all()
    assert np.isfinite([value for row in errors.values() for value in row]).all()


def test_an_effect_that_no_patient_shows_is_named():
    cohort = synthetic_neonates(12, 4)
    healthy = [replace(p, covariates=(*p.covariates[:1], ("apgar", 8.0))) for p in cohort.patients]
    with pytest.raises(NotEvaluable, match=r"no curvature in one direction of .*apgar_effect"):
        fit_population(pk(), make_cohort("healthy", healthy, UNITS))


def test_a_search_that_strays_ends_without_an_exception_of_arithmetic():
    assert fit_population(pk(), synthetic_neonates(6, 109)).omega[0] < 0.01


def test_a_start_is_complete_and_positive():
    cohort = synthetic_neonates(8, 1)
    start = {"CL": 0.005, "V": 1.0, "apgar_effect": 0.1, "omega_CL": 0.2, "omega_V": 0.2, "sigma": 0.1}
    fit = fit_population(pk(), cohort, start=start, errors=False)
    assert fit.objective < fit.start_objective
    with pytest.raises(InputError, match="a value for each of CL, V"):
        fit_population(pk(), cohort, start={"CL": 0.005})
    with pytest.raises(InputError, match="above 0"):
        fit_population(pk(), cohort, start=start | {"sigma": 0.0})
