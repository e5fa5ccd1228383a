"""Recovery and misuse: they report what they declare, see a bias that is there, and none that is not."""

import json
import math
from dataclasses import replace

import ordering
import pytest

from vvuq.analyses.missingness.misuse import misuse
from vvuq.analyses.missingness.recovery import recovers_what_is_known, recovery
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import Twin
from vvuq.record import Quantity

USE = {"situation": "bed", "decisions": 80}
SETTINGS = {"use": USE, "patients": 80}


@pytest.fixture(scope="module")
def recovered(stand_in):
    return recovery.run(ordering.TWIN, stand_in("recovery"), **SETTINGS)


@pytest.fixture(scope="module")
def misused(stand_in):
    return misuse.run(ordering.TWIN, stand_in("misuse"), **SETTINGS)


def test_they_report_what_they_declare(recovered, misused):
    for of, one in ((recovery, recovered), (misuse, misused)):
        assert {key: q.unit for key, q in one.values.items()} == of.metrics(ordering.TWIN, SETTINGS)
        for key, q in one.values.items():
            assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95)), key
        for table in one.tables.values():
            assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
            assert not table.individual
        assert json.loads(json.dumps(one.inputs, allow_nan=False)) == one.inputs
        assert all(sentence.endswith(".") for sentence in (*one.findings, *one.negative))


def test_they_are_repeatable(stand_in, recovered):
    again = recovery.run(ordering.TWIN, stand_in("recovery"), **SETTINGS)
    assert (again.values, again.tables, again.findings) == (recovered.values, recovered.tables, recovered.findings)


@pytest.mark.parametrize("why", ["state", "value", "care"])
def test_who_knows_the_reason_is_right_and_who_does_not_is_biased(recovered, why):
    v = recovered.values
    assert v[f"bias_{why}_naive"].low > 0.2 and v[f"silent_{why}_naive"].value > v[f"bias_{why}_naive"].value
    assert v[f"bias_{why}_aware"].low < 0.0 < v[f"bias_{why}_aware"].high
    assert v[f"rmse_{why}_aware"].value < v[f"rmse_{why}_naive"].value
    assert 93.0 < v[f"coverage_{why}_aware"].value < 97.0 and v[f"nees_{why}_aware"].value == pytest.approx(
        1.0, abs=0.2
    )
    for name in ("half", "double"):
        assert v[f"rmse_{why}_{name}"].value > v[f"rmse_{why}_aware"].value


def test_silence_makes_the_naive_filter_err_ever_more(recovered):
    rows = [row for row in recovered.tables["silence"].rows if row[2] > 100]
    assert rows[0][:2] == (0, 0) and rows[-1][3] > 0.5 > abs(rows[-1][4])
    course = recovered.tables["course"].rows
    assert len(course) == 80 and any(row[2] is None for row in course)


def test_the_patient_that_is_shown_is_a_typical_one(recovered):
    """Not the first, whom chance may have made an exception: its error by values alone is in the middle of all."""
    errors = [row[3] - row[1] for row in recovered.tables["course"].rows]
    typical = recovered.values["bias_state_naive"]
    assert abs(sum(errors) / len(errors) - typical.value) < (typical.high - typical.low)


def test_the_check_reaches_b_and_can_fail(recovered):
    (good,) = recovers_what_is_known.run(recovered)
    assert good.gradation == "b" and "state" in good.reason
    for key, value in (("coverage_value_aware", 80.0), ("rmse_care_aware", 9.0), ("n_failed", 1.0)):
        worse = dict(recovered.values)
        worse[key] = Quantity(value, worse[key].unit)
        (bad,) = recovers_what_is_known.run(replace(recovered, values=worse))
        assert bad.gradation == "a"


def test_believing_what_is_not_there_costs_and_a_fit_finds_that_it_is_not(misused):
    v = misused.values
    assert v["bias_completely_at_random_believed"].high < 0.0
    assert v["rmse_completely_at_random_believed"].value > 1.05 * v["rmse_completely_at_random_naive"].value
    assert abs(v["slope_share_completely_at_random"].value) < 0.15
    assert v["rmse_completely_at_random_fitted"].value < 1.02 * v["rmse_completely_at_random_naive"].value
    assert any("is not there errs" in sentence for sentence in misused.negative)


def test_a_fit_that_leaves_out_the_record_takes_its_effect_for_one_of_the_state(misused):
    """Orders by the last value, and a filter that is not told of it: what a cohort's own fit has to guard against."""
    assert misused.values["slope_share_at_random"].value > 0.3


def test_what_cannot_be_asked_is_said(stand_in):
    context = stand_in("recovery")
    bare = replace(ordering.TWIN, ordered={})
    with pytest.raises(NotEvaluable, match="declares no situation"):
        recovery.run(bare, context, **SETTINGS)
    with pytest.raises(InputError, match="did you mean bed"):
        recovery.run(ordering.TWIN, context, use={"situation": "beds"}, patients=9)
    with pytest.raises(InputError, match="decisions"):
        recovery.run(ordering.TWIN, context, use={"situation": "bed", "decisions": "many"}, patients=9)

    def one_kind(keep: str) -> Twin:
        def few():
            of = ordering.bed()
            return replace(of, mechanisms={keep: of.mechanisms[keep]})

        return replace(ordering.TWIN, ordered={"bed": few})

    with pytest.raises(NotEvaluable, match="depends on the state"):
        recovery.run(one_kind("at_random"), context, use={"situation": "bed"}, patients=9)
    with pytest.raises(NotEvaluable, match="depends on the state"):
        misuse.run(one_kind("state"), context, use={"situation": "bed"}, patients=9)
