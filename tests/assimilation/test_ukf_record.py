"""A whole record in one compiled call is the filter's steps one after another, in what it finds and in how it fails."""

from dataclasses import replace

import numpy as np
import pytest
import turnover
from examples import EXPLOSIVE, pk, pk_schedules
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vvuq.assimilation import ukf_run
from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.system import Observation, Observations, System, gaussian
from vvuq.assimilation.transforms import Identity, Log, Logit
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.errors import InputError
from vvuq.models import Additive, Noise, Schedule
from vvuq.numerics.codes import Code
from vvuq.numerics.streams import Draws

NONE = Draws(0, "unused")
PK = System(
    pk().model,
    np.array([0.006, 1.0, 0.1]),
    ("CL", "V", "apgar_effect"),
    (Noise(0.5, 0.1),),
    np.array([0.1, 0.01, 0.01, 0.0]),
    1.0,
    (Log(), Logit(0.1, 5.0), Identity()),
)
PK_PRIOR = gaussian(PK, 0.0, np.array([2.0, np.log(0.006), -1.5, 0.1]), np.diag([0.25, 0.09, 0.04, 0.01]))
TIERS = ("lanes", "pointer")


def same(found, steps, prior, tolerance=1e-12):
    """All that both report; means and predictions to the tolerance of the belief's own scale."""
    np.testing.assert_array_equal(found.codes, steps.codes)
    np.testing.assert_array_equal(found.n, steps.n)
    np.testing.assert_array_equal(found.times, steps.times)
    np.testing.assert_array_equal(found.inflation, steps.inflation)
    size = np.abs(steps.mean) + steps.sd + 1e-300
    np.testing.assert_allclose(found.mean / size, steps.mean / size, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.sd, steps.sd, rtol=tolerance, atol=0)
    np.testing.assert_allclose(
        found.roots, steps.roots, rtol=0, atol=tolerance * max(1.0, np.abs(steps.roots).max(initial=0))
    )
    for name in ("innovation", "predicted", "spread", "nis", "log_likelihood", "least_pivot", "ess"):
        one, other = getattr(found, name), getattr(steps, name)
        scale = np.nanmax(np.abs(other), initial=1.0) if name != "spread" else 1.0
        np.testing.assert_allclose(one, other, rtol=100 * tolerance, atol=tolerance * scale, err_msg=name)
    assert (found.last.time, found.last.cycle, found.last.names) == (steps.last.time, steps.last.cycle, prior.names)
    assert found.last.log_likelihood == pytest.approx(steps.last.log_likelihood, rel=100 * tolerance, abs=tolerance)


def both(method, system, schedule, prior, observations, tolerance=1e-12):
    """The record by each tier against the steps; the first two agree to the last bit."""
    steps = filter_steps(method, system, schedule, prior, observations, NONE, roots=True)
    records = [filter_record(method, system, schedule, prior, observations, roots=True, tier=t) for t in TIERS]
    for record in [*records, filter_record(method, system, schedule, prior, observations, roots=True, tier="straight")]:
        same(record, steps, prior, tolerance)
    for name in ("mean", "roots", "nis", "log_likelihood"):
        np.testing.assert_array_equal(getattr(records[0], name), getattr(records[1], name))
    return steps, records[0]


@st.composite
def samples(draw):
    """Irregular, sometimes at one time, sometimes missing; sometimes none at all."""
    times = sorted(draw(st.lists(st.one_of(st.sampled_from((0.0, 1.5)), st.floats(0.0, 100.0)), max_size=5)))
    return tuple(Observation(t, np.array([draw(st.one_of(st.just(np.nan), st.floats(0.1, 40.0)))])) for t in times)


@pytest.mark.parametrize("kappa", [0.0, pytest.param(1.0, marks=pytest.mark.slow)])  # 1 compiles all anew
@settings(max_examples=25)
@given(schedule=pk_schedules(), observed=samples())
def test_any_schedule_and_any_samples_give_what_the_steps_give(kappa, schedule, observed):
    steps, _ = both(Unscented(kappa=kappa), PK, schedule, PK_PRIOR, observed, 1e-10)
    assert len(steps.codes) == len(observed)


def response(correlated=False, error=None):
    """Five states, two observables, in the error's SDs given."""
    system = turnover.system()
    noise = system.noise if error is None else tuple(Additive(sd) for sd in error)
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]]) if correlated else None
    return System(system.model, system.theta, (), noise, system.drift, system.step, (), correlation)


def ragged(count=12):
    """Observations of which each third misses one component, and each fifth both."""
    observations = []
    for k, one in enumerate(turnover.measured(count)):
        values = one.values.copy()
        values[k % 2] = np.nan if k % 3 == 2 else values[k % 2]
        observations.append(Observation(one.time, values * np.nan if k % 5 == 4 else values))
    return tuple(observations)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("options", [{}, {"kappa": 2.0}, {"alpha": 1.2, "beta": 2.0}])
def test_components_that_are_missing_and_errors_that_are_correlated(correlated, options):
    both(Unscented(**options), response(correlated), Schedule(), turnover.prior(), ragged())


def test_errors_far_below_the_forecasts_and_a_state_that_is_known_take_the_other_path_to_the_same_end():
    """There the sums of products would lose digits, and the orthogonal transformations are taken."""
    system, prior = response(error=(1e-3, 1e-3)), turnover.prior()
    known = gaussian(system, prior.time, prior.mean, np.zeros((5, 5)))
    both(Unscented(), system, Schedule(), prior, turnover.measured(6), 1e-10)
    still = System(system.model, system.theta, (), system.noise, np.zeros(5), system.step)
    both(Unscented(), still, Schedule(), known, turnover.measured(3))


def test_on_problems_without_digits_it_is_as_near_the_steps_as_these_are_to_themselves_one_rounding_apart():
    """Errors down to 1e-12 and covariances of condition up to 1e16: what is left there is rounding, in any order."""
    draws, prior, observed = np.random.default_rng(5), turnover.prior(), turnover.measured(4)
    apart: list[tuple[float, float]] = []
    for _ in range(40):
        system = response(error=tuple(10.0 ** draws.uniform(-12.0, 3.0, 2)))
        axes, _ = np.linalg.qr(draws.normal(size=(5, 5)))
        half = axes * 10.0 ** draws.uniform(-7.0, 1.0, 5)
        start = gaussian(system, prior.time, prior.mean, half @ half.T)
        moved = replace(start, mean=np.nextafter(start.mean, np.inf), root=start.root * (1.0 + 4e-16))
        steps, other = (filter_steps(Unscented(), system, Schedule(), p, observed, NONE) for p in (start, moved))
        record = filter_record(Unscented(), system, Schedule(), start, observed)
        np.testing.assert_array_equal(record.codes, steps.codes)
        assert np.isfinite(record.mean).all() and np.isfinite(record.log_likelihood).all()
        apart.append(tuple(float(np.abs(one.sd / steps.sd - 1.0).max()) for one in (record, other)))
    by_record, by_rounding = np.percentile(apart, [50, 95], axis=0).T
    assert np.all(by_record <= 10.0 * by_rounding)


@pytest.mark.parametrize("options", [{}, {"kappa": 2.0}])
def test_the_record_without_loops_needs_no_help_on_an_ordinary_record(options, monkeypatch):
    """Its equality with the others would say nothing if these did its work."""
    kept = []
    monkeypatch.setattr(ukf_run, "unscented_record", lambda *taken: kept.append(taken[-3:-1]))
    found = filter_record(Unscented(**options), response(), Schedule(), turnover.prior(), ragged(), tier="straight")
    assert kept == [] and found.last.cycle == 12


def test_many_observations_come_as_two_arrays():
    observed = ragged()
    both = Observations(np.array([o.time for o in observed]), np.array([o.values for o in observed]))
    assert len(both) == 12 and both[3].time == observed[3].time and len(both[2:5]) == 3
    found, same_ = (
        filter_record(Unscented(), response(), Schedule(), turnover.prior(), given) for given in (observed, both)
    )
    np.testing.assert_array_equal(found.mean, same_.mean)
    with pytest.raises(InputError, match="values"):
        Observations(np.zeros(3), np.zeros((2, 2)))


def test_a_linear_operator_observes_in_the_place_of_the_model():
    of, prior = turnover.system(), turnover.prior()
    operator = csr_array(np.array([[0.0, 1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]))
    system = System(of.model, of.theta, (), (Additive(1.0),) * 3, of.drift, of.step, operator=operator)
    observed = [
        Observation(one.time, np.array([one.values[0], np.nan if k == 2 else 60.0, 0.1]))
        for k, one in enumerate(turnover.measured(5))
    ]
    both(Unscented(), system, Schedule(), prior, observed)


def test_a_cycle_that_fails_leaves_the_belief_and_the_next_begins_where_it_was():
    """A ~ 1 / (1 / A0 - t): the points blow up before t = 3, and not before t = 0.5."""
    system = System(EXPLOSIVE, np.array([1.0]), (), (Additive(0.1),), np.zeros(1), 0.01)
    prior = gaussian(system, 0.0, np.array([0.5]), np.array([[1e-4]]))
    observed = [Observation(t, np.array([0.6])) for t in (0.3, 3.0, 3.1)]
    steps, found = both(Unscented(), system, Schedule(), prior, observed)
    assert found.codes.tolist() == [0, Code.NOT_FINITE, Code.NOT_FINITE]
    assert found.last.time == 0.3 and found.last.cycle == 1
    np.testing.assert_array_equal(found.mean[2], found.mean[0])
    assert np.isnan(found.step(1).innovation).all() and found.step(1).code == steps.step(1).code


def test_a_skipped_sample_does_not_cut_the_steps_of_the_next_interval():
    """The intervals of the integrator are those between events and from belief to sample, as in the steps."""
    system = response(error=(0.0, 0.0))
    observed = [Observation(one.time * 1.037, one.values) for one in turnover.measured(3)]
    observed[2] = Observation(observed[2].time, np.full(2, np.nan))
    _, found = both(Unscented(), system, Schedule(), turnover.prior(), observed)
    assert found.codes.tolist() == [Code.SINGULAR, Code.SINGULAR, 0]


def test_noise_that_has_points_of_its_own_goes_by_steps():
    method, observed = Unscented(augmented=True), turnover.measured(3)
    both(method, response(), Schedule(), turnover.prior(), observed)


def test_a_step_of_a_record_reads_as_the_steps_own_diagnostics():
    method, prior = Unscented(), turnover.prior()
    (one,) = turnover.measured(1)
    _, own = method.step(response(), Schedule(), prior, one, NONE)
    found = filter_record(method, response(), Schedule(), prior, [one])
    assert found.roots is None
    said = found.step(0)
    np.testing.assert_allclose(said.innovation, own.innovation, rtol=1e-11)
    assert (said.time, said.n, said.code) == (own.time, own.n, own.code)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ([Observation(2.0, np.ones(2)), Observation(1.0, np.ones(2))], "time"),
        ([Observation(np.nan, np.ones(2))], "time"),
        ([Observation(np.inf, np.ones(2))], "time"),
        ([Observation(1.0, np.ones(3))], "values"),
        ([Observation(1.0, np.ones(2)), Observation(2.0, np.array([1.0, np.inf]))], "values"),
    ],
)
def test_what_a_step_refuses_a_record_refuses(observed, message):
    for run in (filter_record, lambda *all_of_it: filter_steps(*all_of_it, NONE)):
        with pytest.raises(InputError, match=message):
            run(Unscented(), response(), Schedule(), turnover.prior(), observed)
