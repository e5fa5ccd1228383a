"""The FOCE-I objective against a second, naive implementation, and against quadrature of the true likelihood."""

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from scipy.optimize import minimize
from scipy.stats import norm
from strategies import concentration, synthetic_neonates

from vvuq.calibration.foce import _problem, marginal, unpack

COHORT = synthetic_neonates(12, 21)
POINTS = [  # log CL, log V, apgar_effect, log omega_CL, log omega_V, log noise scale
    np.log([0.005, 0.95, 1.0, 0.18, 0.18, 1.0]),
    np.log([0.008, 1.3, 1.0, 0.4, 0.25, 1.7]),
    np.log([0.003, 0.7, 1.0, 0.1, 0.5, 0.6]),
]
for _point, _effect in zip(POINTS, (0.15, -0.2, 0.4), strict=True):
    _point[2] = _effect


def predicted(patient, theta, eta):
    """Concentrations by the closed form, at log deviations eta of clearance and volume."""
    covariates = dict(patient.covariates)
    clearance = theta[0] * covariates["weight"] * np.exp(eta[0])
    volume = theta[1] * covariates["weight"] * (1 + theta[2] * (covariates["apgar"] < 5)) * np.exp(eta[1])
    return np.array([concentration(patient.doses, clearance, volume, m.time) for m in patient.measurements])


def joint(eta, patient, theta, omega, cv):
    """-2 log of p(y, eta), without its powers of 2 pi."""
    f, y = predicted(patient, theta, eta), np.array([m.value for m in patient.measurements])
    v = (cv * f) ** 2
    return float(np.sum((y - f) ** 2 / v + np.log(v)) + np.sum((eta / omega) ** 2 + 2 * np.log(omega)))


def mode_and_hessian(patient, theta, omega, cv):
    start = minimize(
        joint, np.zeros(2), (patient, theta, omega, cv), "Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13}
    )
    eta = minimize(joint, start.x, (patient, theta, omega, cv), "BFGS", options={"gtol": 1e-9}).x
    f, h = predicted(patient, theta, eta), 1e-6
    j = np.column_stack([
        (predicted(patient, theta, eta + h * e) - predicted(patient, theta, eta - h * e)) / (2 * h) for e in np.eye(2)
    ])  # fmt: skip
    v = (cv * f) ** 2
    dlog = j * (2.0 / f)[:, None]
    return eta, j.T @ (j / v[:, None]) + 0.5 * dlog.T @ dlog + np.diag(omega**-2.0)


def naive(cohort, point):
    """-2 log L of first-order conditional estimation with interaction, patient by patient."""
    theta, omega, cv = np.array([*np.exp(point[:2]), point[2]]), np.exp(point[3:5]), 0.1 * np.exp(point[5])
    out = []
    for patient in cohort.patients:
        eta, hessian = mode_and_hessian(patient, theta, omega, cv)
        out.append(joint(eta, patient, theta, omega, cv) + np.linalg.slogdet(hessian)[1])
    return np.array(out)


def objective(cohort, point):
    eta = np.zeros((len(cohort.patients), 2))
    return marginal(_problem(pk(), cohort), point, eta), eta


@pytest.mark.parametrize("point", POINTS, ids=["truth", "wide", "narrow"])
def test_it_equals_the_naive_objective(point):
    found, eta = objective(COHORT, point)
    assert found == pytest.approx(naive(COHORT, point).sum(), abs=1e-6)
    theta, omega, scale = unpack(_problem(pk(), COHORT), point)
    mode, _ = mode_and_hessian(COHORT.patients[3], theta, omega, 0.1 * scale)
    np.testing.assert_allclose(eta[3], mode, atol=1e-6)


def test_a_missing_interaction_term_would_be_seen():
    """The comparison can fail: without the term of the variance's slope the objective is another."""
    point = POINTS[0]
    theta, omega, cv = np.array([*np.exp(point[:2]), point[2]]), np.exp(point[3:5]), 0.1
    without = 0.0
    for patient in COHORT.patients:
        eta, hessian = mode_and_hessian(patient, theta, omega, cv)
        f, h = predicted(patient, theta, eta), 1e-6
        ahead, back = ([predicted(patient, theta, eta + sign * h * e) for e in np.eye(2)] for sign in (1, -1))
        dlog = (np.array(ahead) - np.array(back)).T / (h * f[:, None])
        without += joint(eta, patient, theta, omega, cv) + np.linalg.slogdet(hessian - 0.5 * dlog.T @ dlog)[1]
    assert abs(objective(COHORT, point)[0] - without) > 1e-2


def quadrature(patient, theta, omega, cv, nodes=15):
    """-2 log of the true marginal likelihood, by adaptive Gauss-Hermite quadrature, in the objective's constant."""
    eta, hessian = mode_and_hessian(patient, theta, omega, cv)
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    root = np.linalg.inv(np.linalg.cholesky(hessian)).T
    y, logs = np.array([m.value for m in patient.measurements]), []
    for a, wa in zip(x, w, strict=True):
        for b, wb in zip(x, w, strict=True):
            at = eta + root @ np.array([a, b])
            f = predicted(patient, theta, at)
            density = norm.logpdf(y, f, cv * f).sum() + norm.logpdf(at, 0.0, omega).sum()
            logs.append(density + 0.5 * (a * a + b * b) + np.log(wa * wb))
    top = max(logs)
    log_l = top + np.log(np.exp(np.array(logs) - top).sum()) + np.linalg.slogdet(root)[1]
    return -2 * log_l - y.size * np.log(2 * np.pi)


@pytest.mark.parametrize("point", POINTS[:2], ids=["truth", "wide"])
def test_it_is_close_to_the_true_likelihood(point):
    """With 10 % noise and 18 % variation a patient's -2 log L is off by less than 0.2; wider ones by less than 0.6:
    what moving an estimate by half a standard error or less costs."""
    theta, omega, cv = np.array([*np.exp(point[:2]), point[2]]), np.exp(point[3:5]), 0.1 * np.exp(point[5])
    true = np.array([quadrature(p, theta, omega, cv) for p in COHORT.patients[:5]])
    off = naive(replace(COHORT, patients=COHORT.patients[:5]), point) - true
    assert np.abs(off).max() < (0.2 if point is POINTS[0] else 0.6)
    assert quadrature(COHORT.patients[0], theta, omega, cv, 21) == pytest.approx(true[0], abs=1e-4)


def test_outside_the_bounds_it_is_infinite():
    for i, value in ((0, np.log(0.2)), (1, np.log(30.0)), (2, -0.995)):
        point = POINTS[0].copy()
        point[i] = value
        assert objective(COHORT, point)[0] == np.inf


def test_the_start_of_the_modes_does_not_matter():
    problem = _problem(pk(), COHORT)
    far = np.full((12, 2), 0.6)
    assert marginal(problem, POINTS[0], far) == pytest.approx(objective(COHORT, POINTS[0])[0], abs=1e-6)
