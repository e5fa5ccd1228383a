"""The likelihood of records in slots is the exact one, and its maximum finds what records were drawn with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import multivariate_normal

from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.kalman import Kalman
from vvuq.calibration.slots import Slots
from vvuq.calibration.state_space import (
    coordinates_of,
    declared,
    first_belief,
    fit_state_space,
    follow_slots,
    log_likelihood,
    moved,
    system_of,
)
from vvuq.errors import IntegrityError, NotEvaluable
from vvuq.models import Schedule
from vvuq.models.twin import load_twin
from vvuq.numerics.streams import Draws
from vvuq.paths import shipped

TWIN = load_twin(shipped("twins") / "icu_vitals")
SEEN = np.eye(3, 6)


def matrix(theta):
    """d/dt of the six states, written down again."""
    k_lactate, k_pressure, k_rate, c_lactate, c_rate = theta
    a = np.zeros((6, 6))
    a[0, [0, 1, 3, 4]] = -k_lactate, -c_lactate, k_lactate, c_lactate
    a[1, [1, 4]] = -k_pressure, k_pressure
    a[2, [2, 1, 5, 4]] = -k_rate, -c_rate, k_rate, c_rate
    return a


def drawn(candidate, count, slots, seed, share=0.5):
    """Records of patients that the twin itself describes; each value is there with a probability."""
    rng, prior = np.random.default_rng(seed), first_belief(TWIN, candidate)
    through, drift = expm(matrix(candidate.theta)), np.array([candidate.drift.get(n, 0.0) for n in TWIN.model.states])
    sd, out = np.array([n.sd for n in candidate.noise]), []
    for number in range(count):
        x, values = prior.mean + prior.root @ rng.standard_normal(6), np.full((slots, 3), np.nan)
        for t in range(slots):
            x = x if t == 0 else through @ x + drift * rng.standard_normal(6)
            values[t] = np.where(rng.random(3) < share, x[:3] + sd * rng.standard_normal(3), np.nan)
        values[0, 1] = x[1] if np.isnan(values).all() else values[0, 1]
        out.append(Slots(str(number), str(number // 2), Schedule(), np.arange(float(slots)), values))
    return tuple(out)


def exact(candidate, slots):
    """The log density of all measured values of a record, as one joint normal distribution."""
    prior, size = first_belief(TWIN, candidate), slots.times.size
    through, drift = expm(matrix(candidate.theta)), np.array([candidate.drift.get(n, 0.0) for n in TWIN.model.states])
    means, covariance = [prior.mean], np.zeros((6 * size, 6 * size))
    covariance[:6, :6] = prior.root @ prior.root.T
    for t in range(1, size):
        means.append(through @ means[-1])
        now, before = slice(6 * t, 6 * t + 6), slice(6 * t - 6, 6 * t)
        covariance[now, : 6 * t] = through @ covariance[before, : 6 * t]
        covariance[: 6 * t, now] = covariance[now, : 6 * t].T
        covariance[now, now] = through @ covariance[before, before] @ through.T + np.diag(drift**2)
    h = np.kron(np.eye(size), SEEN)
    seen = slots.measured.ravel()
    error = np.diag(np.tile([n.sd**2 for n in candidate.noise], size))
    spread = (h @ covariance @ h.T + error)[np.ix_(seen, seen)]
    return multivariate_normal((h @ np.concatenate(means))[seen], spread).logpdf(slots.values.ravel()[seen])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_likelihood_is_that_of_one_joint_normal_distribution(seed):
    candidate = declared(TWIN)
    candidate = replace(candidate, theta=candidate.theta + [0.0, 0.0, 0.0, 0.002, 0.03])
    (slots,) = drawn(candidate, 1, 12, seed)
    system, prior = system_of(TWIN, candidate), first_belief(TWIN, candidate)
    found = log_likelihood(follow_slots(system, prior, slots))
    assert found == pytest.approx(exact(candidate, slots), abs=1e-3)  # the step of the integrator is no exponential
    kalman = filter_steps(Kalman(), system, Schedule(), prior, slots.observations, Draws(0, "none"))
    assert found == pytest.approx(float(kalman.log_likelihood.sum()), abs=1e-8)


def test_a_record_may_begin_at_any_time():
    candidate, (slots,) = declared(TWIN), drawn(declared(TWIN), 1, 8, 3)
    later = replace(slots, times=slots.times + 100.5, schedule=Schedule(100.5))
    system, prior = system_of(TWIN, candidate), first_belief(TWIN, candidate)
    one, two = (log_likelihood(follow_slots(system, prior, record)) for record in (slots, later))
    assert one == pytest.approx(two, rel=1e-12)


def test_every_number_has_a_coordinate_that_moves_it_alone():
    begin, coordinates = declared(TWIN), coordinates_of(TWIN, declared(TWIN))
    assert len({one.name for one in coordinates}) == len(coordinates) == 5 + 6 + 6 + 3 + 3
    for i, one in enumerate(coordinates):
        there = moved(begin, coordinates, np.eye(len(coordinates))[i])
        again = coordinates_of(TWIN, there)
        changed = [b.name for a, b in zip(coordinates, again, strict=True) if not np.isclose(a.begin, b.begin)]
        assert changed == [one.name]
        assert again[i].begin == pytest.approx(one.value(1.0))


def test_a_held_out_patient_is_refused_and_so_are_too_few():
    records = drawn(declared(TWIN), 4, 3, 1)
    with pytest.raises(IntegrityError, match="1 held-out patients"):
        fit_state_space(TWIN, [*records, replace(records[0], sealed=True)])
    with pytest.raises(NotEvaluable, match="2 persons are too few for 23 numbers"):
        fit_state_space(TWIN, records)


@pytest.mark.slow
def test_the_fit_finds_what_records_were_drawn_with():
    truth = declared(TWIN)
    truth = replace(
        truth, theta=np.array([0.08, 0.2, 0.1, 0.004, 0.1]), drift={"log_lactate": 0.15, "pressure": 5.0, "rate": 4.0}
    )
    records = drawn(truth, 160, 30, 5, share=0.8)
    fit, again = (fit_state_space(TWIN, records, threads=threads) for threads in (1, 2))
    assert fit.numbers == again.numbers, "the threads change nothing"
    assert fit.converged and fit.log_likelihood > fit.start_log_likelihood
    right = [one.begin for one in coordinates_of(TWIN, truth)]
    away = np.array([(n.value - value) / n.error for n, value in zip(fit.numbers, right, strict=True)])
    assert np.abs(away).max() < 4.0 and np.sqrt(np.mean(away**2)) < 1.6
