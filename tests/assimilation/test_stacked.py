"""Records filtered together are what each is alone, by the filters of single records."""

from dataclasses import replace

import numpy as np
import orders
import ou
import pytest
import turnover

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.stacked import WORTH, filter_beliefs, log_likelihoods, stack
from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.calibration.slots import all_slots
from vvuq.calibration.state_space import declared, first_belief, system_of
from vvuq.data.missingness.intensity import Intensity
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError
from vvuq.models import Model, Proportional, Schedule
from vvuq.numerics.streams import Draws

DRAWS = Draws(0, "unused")
MECHANISMS = (
    SharedParameter("log_lactate", -1.0, (("log_lactate", 0.8), ("pressure", -0.02))),
    SharedParameter("log_lactate", -0.5, (("map", 0.01),), "logit"),
    Selection("heart_rate", 2.0, -0.01),
    Selection("log_lactate", -1.0, 0.5, "logit"),
)


def one_by_one(system, prior, records, mechanisms, added):
    """The same by the Kalman filter, aware or not, step by step."""
    method, out, place = Kalman() if not mechanisms else Aware(Kalman(), mechanisms), [], 0
    for one in records:
        told = added[place : place + one.times.size]
        place += one.times.size
        seen = [Observation(float(k), y, row) for k, (y, row) in enumerate(zip(one.values, told, strict=True))]
        start = replace(prior, time=0.0)
        out.append(filter_steps(method, system, Schedule(), start, seen, DRAWS, roots=True))
    return out


@pytest.mark.parametrize("mechanisms", [(), MECHANISMS[:1], MECHANISMS[2:3], MECHANISMS], ids=len)
def test_records_together_are_each_what_it_is_alone(mechanisms):
    twin, records = orders.twin(), all_slots(orders.twin(), orders.cohort())[:4]
    system, prior = system_of(twin, declared(twin)), first_belief(twin, declared(twin))
    data = stack([one.values for one in records])
    rng = np.random.default_rng(1)
    added = np.where(rng.random((data.values.shape[0], len(mechanisms))) < 0.2, np.nan, 0.3)
    found = filter_beliefs(system, prior, 1.0, data, mechanisms, added)
    alone = one_by_one(system, prior, records, mechanisms, added)
    assert found.log_likelihood == pytest.approx([one.log_likelihood.sum() for one in alone], rel=1e-10)
    assert np.allclose(found.mean, np.concatenate([one.mean for one in alone]), rtol=1e-9, atol=1e-9)
    covariance = np.concatenate([np.einsum("tij,tkj->tik", one.roots, one.roots) for one in alone])
    assert np.allclose(found.covariance, covariance, rtol=1e-8, atol=1e-9)
    assert np.allclose(found.ahead_mean[0], prior.mean) and np.isnan(found.ahead_mean).sum() == 0


def test_a_constant_of_the_patients_own_is_a_state_that_nobody_sees():
    """The same as a system with one more state that stands still."""
    own, sd = 0.7, 0.6

    def decay_beside(t, x, u, theta, dx):
        dx[0] = -theta[0] * x[0]
        dx[1] = 0.0

    rate = ou.system().model.parameters
    model = Model("beside", {"x": "mg", "own": "1"}, {}, rate, ou.system().model.observables, decay_beside)
    wide = System(model, ou.system().theta, (), ou.system().noise, np.array([np.sqrt(ou.Q), 0.0]), 0.5)
    prior = gaussian(wide, 0.0, np.zeros(2), np.diag([ou.STATIONARY, sd**2]))
    data = stack([v[:, None] for v in ou.simulated("state", 3, 40).shown])
    named = SharedParameter("seen", ou.INTERCEPT, (("x", own), ("own", 1.0)))
    plain = SharedParameter("seen", ou.INTERCEPT, (("x", own),))
    long = filter_beliefs(wide, prior, 1.0, data, (named,))
    short = filter_beliefs(ou.system(), ou.prior(), 1.0, data, (plain,), frailty=(sd,))
    assert np.allclose(short.mean, long.mean, atol=1e-12) and np.allclose(short.covariance, long.covariance, atol=1e-12)
    assert short.log_likelihood == pytest.approx(long.log_likelihood, rel=1e-13)
    with pytest.raises(InputError, match="frailty"):
        filter_beliefs(ou.system(), ou.prior(), 1.0, data, (plain,), frailty=(-1.0,))


def test_threads_and_company_change_nothing():
    twin, records = orders.twin(), all_slots(orders.twin(), orders.cohort())
    system, prior = system_of(twin, declared(twin)), first_belief(twin, declared(twin))
    times = WORTH // (24 * len(records)) + 2
    data = stack([one.values for one in records] * times)
    one, two = (log_likelihoods(system, prior, 1.0, data, threads=threads) for threads in (1, 3))
    few = log_likelihoods(system, prior, 1.0, stack([records[3].values]))
    assert np.array_equal(one, two) and data.values.shape[0] > WORTH
    assert one[3] == few[0] and one[3 + len(records)] == few[0]


def test_a_record_that_fails_is_not_a_number_and_the_others_stand():
    twin = orders.twin()
    system, prior = system_of(twin, declared(twin)), first_belief(twin, declared(twin))
    values = np.full((3, 3), np.nan)
    values[1, 1] = 80.0
    wrong = values.copy()
    wrong[0, 0] = 1e300
    found = log_likelihoods(system, prior, 1.0, stack([values, wrong, values]))
    assert np.isnan(found[1]) and found[0] == found[2] and np.isfinite(found[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, p: filter_beliefs(s, p, 1.0, stack([np.zeros((2, 3))]), MECHANISMS[:1], np.zeros((3, 1))),
         "a row for"),
        (lambda s, p: filter_beliefs(s, p, 1.0, stack([np.zeros((2, 3))]), (Intensity("map", 0.0, (("rate", 1.0),)),)),
         "decide in each slot"),
        (lambda s, p: filter_beliefs(replace(s, noise=(Proportional(0.1),) * 3), p, 1.0, stack([np.zeros((2, 3))])),
         "independent errors"),
        (lambda s, p: filter_beliefs(turnover.system(), turnover.prior(), 1.0, stack([np.zeros((2, 2))])), "linear"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_refused(change, said):
    twin = orders.twin()
    with pytest.raises(InputError, match=said):
        change(system_of(twin, declared(twin)), first_belief(twin, declared(twin)))


def test_a_chain_of_selected_values_is_filtered_as_by_the_unscented_filter():
    chains = ou.simulated("value", 3, 30)
    found = filter_beliefs(
        ou.system(), ou.prior(), 1.0, stack([v[:, None] for v in chains.shown]), (ou.MECHANISMS["value"],)
    )
    method = Aware(Unscented(), (ou.MECHANISMS["value"],))
    seen = [Observation(float(k), chains.shown[1][k : k + 1]) for k in range(30)]
    alone = filter_steps(method, ou.system(), Schedule(), ou.prior(), seen, DRAWS)
    assert np.allclose(found.mean[30:60, 0], alone.mean[:, 0], atol=1e-9)
