"""What holds for every belief: it shrinks as samples arrive, does not depend on units, and never changes in place."""

from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import numpy as np
import pytest
from examples import pk
from hypothesis import given
from hypothesis import strategies as st
from strategies import UNITS, synthetic_neonates

from vvuq.assimilation import ukf
from vvuq.assimilation.system import System, gaussian, observation
from vvuq.assimilation.ukf import Unscented
from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate, draws, personal_system, prior_belief
from vvuq.calibration.units import in_model_units
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.models import Additive, Proportional, Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Measurement

POPULATION = Population(
    np.array([0.005, 0.95, 0.15]), np.array([0.18, 0.18]), 1.0, 0.0, 0.0, (), np.zeros((0, 2)), (), 0, 0
)
COHORT = synthetic_neonates(25, 11)


def beliefs(cohort, patient):
    twin = pk()
    system, schedule = personal_system(twin, POPULATION), twin.schedule(cohort, patient)
    taken = in_model_units(twin, cohort, patient.measurements)
    return assimilate(system, prior_belief(twin, POPULATION, schedule), schedule, taken)


def spread(belief):
    """SD of the log parameters."""
    return np.sqrt(np.diag(belief.root @ belief.root.T))[1:]


@pytest.mark.parametrize("patient", COHORT.patients, ids=lambda p: p.id)
def test_every_sample_narrows_what_is_not_known_of_the_parameters(patient):
    found, diagnostics = beliefs(COHORT, patient)
    assert len(found) == len(patient.measurements) + 1
    np.testing.assert_allclose(spread(found[0]), POPULATION.omega)
    for before, after in pairwise(found):
        assert np.all(spread(after) <= spread(before) * (1 + 1e-9))
        assert np.linalg.det(after.root[1:] @ after.root[1:].T) < np.linalg.det(before.root[1:] @ before.root[1:].T)
    assert spread(found[-1])[1] < 0.9 * POPULATION.omega[1]
    assert all(d.code == 0 and d.least_pivot > 0.0 and d.nis >= 0.0 for d in diagnostics)
    assert found[-1].log_likelihood == pytest.approx(sum(d.log_likelihood for d in diagnostics))


def in_other_units(cohort):
    """The same patients in minutes, grams, pounds and micrograms per litre."""

    def other(p):
        return replace(
            p,
            covariates=(("weight", p.covariates[0][1] / 0.45359237), p.covariates[1]),
            doses=tuple(Dose(d.time * 60, d.amount / 1000, d.duration * 60) for d in p.doses),
            measurements=tuple(Measurement(m.time * 60, m.observable, m.value * 1000) for m in p.measurements),
        )  # fmt: skip

    units = {**UNITS, "time": "min", "dose": "g", "weight": "lb", "concentration": "ug/L"}
    return make_cohort("other units", [other(p) for p in cohort.patients], units)


def test_the_units_of_the_record_do_not_matter():
    other = in_other_units(COHORT)
    for patient, same in zip(COHORT.patients, other.patients, strict=True):
        one, two = beliefs(COHORT, patient)[0][-1], beliefs(other, same)[0][-1]
        np.testing.assert_allclose(two.mean, one.mean, rtol=1e-9)
        np.testing.assert_allclose(two.root, one.root, rtol=1e-7, atol=1e-9)
        assert two.time == pytest.approx(one.time)


@given(shift=st.integers(-500, 500), index=st.integers(0, 24))
def test_the_origin_of_time_does_not_matter(shift, index):
    patient = COHORT.patients[index]
    moved = replace(
        patient,
        doses=tuple(replace(d, time=d.time + shift) for d in patient.doses),
        measurements=tuple(replace(m, time=m.time + shift) for m in patient.measurements),
    )
    one, two = beliefs(COHORT, patient)[0][-1], beliefs(COHORT, moved)[0][-1]
    np.testing.assert_allclose(two.mean, one.mean, rtol=1e-8)
    np.testing.assert_allclose(two.root, one.root, rtol=1e-6, atol=1e-9)


def test_a_belief_is_frozen_and_a_step_leaves_it_as_it_was():
    twin, patient = pk(), COHORT.patients[0]
    system, schedule = personal_system(twin, POPULATION), twin.schedule(COHORT, patient)
    belief = prior_belief(twin, POPULATION, schedule)
    with pytest.raises(FrozenInstanceError):
        belief.time = 1.0
    mean, root = belief.mean.copy(), belief.root.copy()
    m = patient.measurements[0]
    method, seen = Unscented(), observation(system, m.time, {"concentration": m.value})
    after, _ = method.step(system, schedule, belief, seen, Draws(0, "test"))
    again, _ = method.step(system, schedule, belief, seen, Draws(0, "test"))
    ukf.update(method, system, schedule, after, np.array([3.0]))
    np.testing.assert_array_equal(belief.mean, mean)
    np.testing.assert_array_equal(belief.root, root)
    np.testing.assert_array_equal(again.mean, after.mean)
    assert belief.names == after.names == ("A", "log CL", "log V")
    assert (belief.cycle, after.cycle) == (0, 1)


def linear(**changes):
    fields = {"learned": ("CL", "V"), "noise": (Proportional(0.1),), "drift": np.zeros(3), "step": 4.0}
    return System(pk().model, POPULATION.theta, **{**fields, **changes})


def prior(covariance):
    """A belief in an empty body and log parameters of the given covariance."""
    return gaussian(linear(), 5.0, np.array([0.0, -5.0, 0.0]), np.pad(np.asarray(covariance), ((1, 0), (1, 0))))


@pytest.mark.parametrize(
    "covariance",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 0.5], [0.0, 1.0]],
        [[1.0, np.nan], [np.nan, 1.0]],
        [[np.inf, 0.0], [0.0, 1.0]],
        [[-0.1, 0.0], [0.0, 1.0]],
        [[1.0]],
    ],
)
def test_a_covariance_that_is_none_is_refused(covariance):
    with pytest.raises(InputError, match="belief: covariance"):
        prior(covariance)


def test_a_semidefinite_covariance_is_accepted_and_kept():
    covariance = np.array([[0.04, 0.06], [0.06, 0.09]])
    belief = prior(covariance)
    np.testing.assert_allclose((belief.root @ belief.root.T)[1:, 1:], covariance, atol=1e-15)
    assert np.all(np.triu(belief.root, 1) == 0.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"drift": np.zeros(2)}, "drift"),
        ({"drift": np.array([0.0, -1.0, 0.0])}, "drift"),
        ({"drift": np.array([0.0, np.nan, 0.0])}, "drift"),
        ({"noise": (Additive(0.1), Additive(0.1))}, "noise"),
    ],
)
def test_a_system_with_a_fault_is_refused(changes, field):
    with pytest.raises(InputError, match=f"filter: {field}"):
        linear(**changes)


@pytest.mark.parametrize("options", [{"kappa": -1.0}, {"kappa": np.nan}, {"alpha": 0.0}, {"beta": np.inf}])
def test_options_that_none_can_take_are_refused(options):
    with pytest.raises(InputError, match=f"filter: {next(iter(options))}"):
        Unscented(**options)


@pytest.mark.parametrize("options", [{"alpha": 1e-3, "beta": 2.0}, {"alpha": 0.9}, {"beta": -0.1}])
def test_a_centre_of_negative_weight_is_refused(options):
    with pytest.raises(InputError, match="no negative weight in 3 dimensions"):
        ukf.forecast(Unscented(**options), linear(), Schedule(), prior(np.eye(2)), 9.0)


def test_a_belief_does_not_go_back_in_time():
    with pytest.raises(InputError, match="filter: time"):
        ukf.forecast(Unscented(), linear(), Schedule(), prior(np.eye(2)), 4.0)


def test_members_of_a_belief_have_its_moments():
    belief = prior([[0.04, 0.02], [0.02, 0.09]])
    members = draws(belief, np.random.default_rng(0).standard_normal((3, 20000)))
    np.testing.assert_allclose(members.mean(axis=1), belief.mean, atol=0.01)
    np.testing.assert_allclose(np.cov(members), belief.root @ belief.root.T, atol=0.003)
