"""The fit of how a channel comes to be measured: it finds what a cohort was drawn with, and nothing where none is."""

from dataclasses import replace

import numpy as np
import orders
import pytest

from vvuq.calibration import orders as calibration
from vvuq.calibration.orders import decided, fit_orders, processes_of, weights_of
from vvuq.calibration.slots import all_slots
from vvuq.calibration.state_space import declared
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import none_yet
from vvuq.data.missingness.mar import AtRandom
from vvuq.errors import InputError, IntegrityError, NotEvaluable

PROCESS = CareProcess(AtRandom("log_lactate", -1.5, ((none_yet(), 0.0),), "probit"), (("log_lactate", 0.0),))


def data(cohort, process=PROCESS):
    return decided(orders.twin(), all_slots(orders.twin(), cohort), process)


@pytest.fixture(scope="module")
def fit():
    return fit_orders(orders.twin(), declared(orders.twin()), data(orders.cohort(150, 30)), PROCESS)


def test_it_finds_the_care_that_the_cohort_was_drawn_with(fit):
    found = dict(zip(fit.names, zip(fit.values, fit.errors, strict=True), strict=True))
    truth = {"intercept": orders.INTERCEPT, "weight_none_yet": orders.NONE_YET, "slope_log_lactate": orders.SLOPE,
             "mean_log_lactate_level": 0.2, "sd_log_lactate_level": 0.5}  # fmt: skip
    for name, value in truth.items():
        assert abs(found[name][0] - value) < 3.5 * found[name][1], name
    assert fit.converged and fit.groups == 150
    assert fit.process.slopes[0][1] == found["slope_log_lactate"][0] and weights_of(fit.process)[0] < 0.0
    assert fit.candidate.level["log_lactate_level"][0] == found["mean_log_lactate_level"][0]


def test_a_slope_that_is_held_stays_and_costs_likelihood(fit):
    begun = fit.candidate, data(orders.cohort(150, 30)), fit.process
    held = fit_orders(orders.twin(), *begun, hold={"log_lactate": 0.0})
    assert held.process.slopes == (("log_lactate", 0.0),) and "slope_log_lactate" not in held.names
    assert fit.log_likelihood - held.log_likelihood > 10.0
    assert held.candidate.level["log_lactate_level"][0] > fit.candidate.level["log_lactate_level"][0] + 0.1


def test_where_orders_do_not_depend_on_the_state_no_slope_is_found():
    free = orders.cohort(150, 30, slope=0.0)
    fit = fit_orders(orders.twin(), declared(orders.twin()), data(free), PROCESS)
    at = fit.names.index("slope_log_lactate")
    assert abs(fit.values[at]) < 3.5 * fit.errors[at] and abs(fit.values[at]) < 0.35


def test_patients_who_are_measured_often_for_other_reasons_are_not_taken_for_sick_ones():
    """Orders by frailty and no state: a fit that knows of frailty finds it and no slope."""
    cohort = orders.cohort(150, 30, slope=0.0, frailty=0.8)
    known = fit_orders(orders.twin(), declared(orders.twin()), data(cohort), replace(PROCESS, frailty=0.5))
    deaf = fit_orders(orders.twin(), declared(orders.twin()), data(cohort), PROCESS)
    of = dict(zip(known.names, zip(known.values, known.errors, strict=True), strict=True))
    assert abs(of["frailty"][0] - 0.8) < 3.5 * of["frailty"][1] and known.process.frailty == of["frailty"][0]
    assert abs(of["slope_log_lactate"][0]) < 0.6 and known.log_likelihood > deaf.log_likelihood + 20.0
    with pytest.raises(InputError, match="frailty"):
        replace(PROCESS, frailty=-1.0)


def test_many_records_are_no_reason_to_refuse_and_one_without_likelihood_is(monkeypatch):
    """What is refused is a record, not the sum over all of them."""
    twin, records = orders.twin(), data(orders.cohort(150, 30))
    monkeypatch.setattr(calibration, "BAD", 2000.0)  # each record costs some hundreds, all of them more than that
    assert fit_orders(twin, declared(twin), records, PROCESS, iterations=1).log_likelihood < -2000.0
    monkeypatch.setattr(calibration, "BAD", 100.0)
    with pytest.raises(NotEvaluable, match="no likelihood"):
        fit_orders(twin, declared(twin), records, PROCESS, iterations=1)


def test_drivers_are_what_was_measured_before_each_slot():
    (one, *_) = data(orders.cohort())
    there = one.slots.measured[:, 0]
    first = int(np.argmax(there)) if there.any() else there.size
    assert one.history[:, 0].tolist() == [float(k <= first) for k in range(there.size)]


def test_held_out_patients_too_few_and_wrong_names_are_refused():
    twin, records = orders.twin(), data(orders.cohort())
    sealed = replace(records[0], slots=replace(records[0].slots, sealed=True))
    with pytest.raises(IntegrityError, match="1 held-out"):
        fit_orders(twin, declared(twin), [sealed, *records[1:]], PROCESS)
    with pytest.raises(NotEvaluable, match="too few"):
        fit_orders(twin, declared(twin), records[:5], PROCESS)
    with pytest.raises(NotEvaluable, match="does not say"):
        processes_of(replace(twin, orders=()))
    other = replace(PROCESS, routine=replace(PROCESS.routine, observable="map"), slopes=(("presure", 0.0),))
    with pytest.raises(InputError, match="did you mean pressure"):
        processes_of(replace(twin, orders=(other,)))
    wrong = replace(PROCESS, routine=replace(PROCESS.routine, observable="lactat"))
    with pytest.raises(InputError, match="one of its channels"):
        processes_of(replace(twin, orders=(wrong,)))
