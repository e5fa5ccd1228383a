"""Analyses of twins that follow patients: what is declared is reported, intervals and estimates are what they say."""

import math
from dataclasses import replace

import freeliving
import numpy as np
import pytest
from home import structures

from vvuq.analyses.calibration.learned import Learned, learned_of
from vvuq.analyses.calibration.tracking_fit import tracking_fit
from vvuq.analyses.tracked import tracked
from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import track
from vvuq.data.split import subset
from vvuq.errors import NotEvaluable

TWIN = structures()["glucose"]
BUILD = freeliving.cohort(3, days=1.2)
FEW = {"every": 480.0, "evaluations": 3}


@pytest.fixture(scope="module")
def fitted(stand_in):
    return tracking_fit.run(TWIN, stand_in("tracking_fit", build_cohort=BUILD), **FEW)


def test_the_fit_reports_what_it_declares(fitted):
    assert {key: q.unit for key, q in fitted.values.items()} == tracking_fit.metrics(TWIN, FEW)
    for q in fitted.values.values():
        assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95))
    assert {name: t.individual for name, t in fitted.tables.items()} == {
        "estimates": False, "patients": False, "days": True
    }  # fmt: skip
    with pytest.raises(NotEvaluable, match="follows nobody"):
        tracking_fit.metrics(freeliving.TWIN, FEW)


def test_its_values_are_the_fit_and_its_intervals_those_of_patients_left_out(fitted):
    found = tracked(TWIN, BUILD, **FEW)
    at = TWIN.model.parameter_index("SI")
    ids = [p.id for p in BUILD.patients]
    others = [tracked(TWIN, subset(BUILD, [i for i in ids if i != one], "x"), **FEW) for one in ids]
    logs = np.log([one.theta[at] for one in others])
    error = math.sqrt(2.0 / 3.0 * ((logs - logs.mean()) ** 2).sum())
    q = fitted.values["SI"]
    assert q.value == pytest.approx(found.theta[at])
    assert math.log(q.high / q.value) == pytest.approx(4.302653 * error)
    assert fitted.values["error_cgm"].value == pytest.approx(found.noise[0].sd)
    assert fitted.values["score"].value <= fitted.values["score_before"].value


def test_without_leaving_out_there_are_no_intervals(stand_in, fitted):
    context = stand_in("tracking_fit", build_cohort=BUILD)
    found = tracking_fit.run(TWIN, context, **FEW, leave_out=False)
    assert found.values["SI"].low is None and found.values["SI"].value == pytest.approx(fitted.values["SI"].value)
    assert found.tables["days"] == fitted.tables["days"]


def test_what_is_learned_is_the_filters_last_word(fitted):
    found = tracked(TWIN, BUILD, **FEW)
    (stretch,) = stretches(TWIN, BUILD, BUILD.patients[1])
    course, n = track(TWIN, found, stretch), len(TWIN.model.states)
    one = learned_of(TWIN, found, BUILD)[0]
    assert one.logs[1] == course.mean[-1, n] and one.sds[1] == course.sd[-1, n]
    row = [row for row in fitted.tables["days"].rows if row[0] == BUILD.patients[1].id][-1]
    assert row[2] == pytest.approx(math.exp(course.mean[-1, n]))
    assert math.log(row[4] / row[3]) == pytest.approx(2.0 * 1.644854 * course.sd[-1, n], rel=1e-6)


def test_a_typical_value_at_the_edge_of_its_prior_is_named(stand_in):
    """The same data, a prior that puts SI elsewhere and hardly lets it move."""
    at = TWIN.model.parameter_index("SI")
    parameters = list(TWIN.model.parameters)
    parameters[at] = replace(parameters[at], prior=replace(parameters[at].prior, sd_log=1e-4))
    narrow = replace(TWIN, model=replace(TWIN.model, parameters=tuple(parameters)))
    context = stand_in("tracking_fit", build_cohort=subset(BUILD, [BUILD.patients[0].id], "one"))
    found = tracking_fit.run(narrow, context, every=480.0, evaluations=40)
    place = found.values["percentile_SI"].value
    assert (0.5 < place < 99.5) != any("outside of the central 99 %" in s for s in found.negative if "typical SI" in s)
    assert "between_SI" not in found.values


def test_estimates_that_do_not_tell_patients_apart_are_named():
    alike = Learned("k", "1/h", np.array([0.0, 0.01]), np.array([0.4, 0.4]), 0.4, 1)
    told = " ".join(alike.negative())
    assert "hardly tell a patient's k" in told and "do not tell patients apart" in told and "1 of 2 patients" in told
    assert Learned("k", "1/h", np.array([0.0, 1.0]), np.array([0.1, 0.1]), 0.4, 0).negative() == ()
