"""The grade: nothing that is missing, stale, failed or not a number is ever met; every leaf gets a verdict."""

import copy
import dataclasses
import math
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import JUDGEMENT, LEAVES, NUMERIC, ORDER, evidence, plan_data, record

from vvuq.credibility.criteria import Judgement
from vvuq.credibility.gate import gate
from vvuq.credibility.grade import grade
from vvuq.credibility.plan import Plan
from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Check, Finding, Quantity

TODAY = date(2026, 6, 1)
KEYS = {"order": ("now",), "sealed": ("now",)}


def plan(criteria=(NUMERIC,), goal="d", waiver=None):
    data = copy.deepcopy(plan_data())
    data["factors"][ORDER] |= {"goal": goal, "criteria": list(criteria)} | ({"waiver": waiver} if waiver else {})
    return Plan.model_validate_json(__import__("json").dumps(data))


def check(rung="d", leaf=ORDER, analysis="order", name="check"):
    return Check(name, analysis, lambda found: (Finding(leaf, rung, f"rung {rung} is shown"),))


EXACT = (check(),)


def verdict(records=(), criteria=(NUMERIC,), goal="d", checks=EXACT, waiver=None, judgements=(), today=TODAY):
    found = grade(
        plan(criteria, goal, waiver),
        records,
        today,
        checks={one.name: one for one in checks},
        keys=KEYS,
        judgements=judgements,
    )
    assert tuple(one.leaf for one in found) == LEAVES
    assert all(one.status == "gap" for one in found if one.leaf != ORDER)
    return next(one for one in found if one.leaf == ORDER)


def test_met():
    found = verdict([record()])
    assert (found.status, found.achieved, found.goal) == ("met", "d", "d")
    assert found.evidence_ids == (record().id,)
    assert found.criteria[0].met is True


BAD = evidence(values={"deviation": Quantity(0.5, "1")})
NAN = evidence(values={"deviation": Quantity(math.nan, "1")})


@pytest.mark.parametrize(
    ("records", "options", "status"),
    [
        ([], {}, "gap"),
        ([], {"criteria": ()}, "gap"),
        ([], {"checks": ()}, "gap"),
        ([record()], {"goal": "c"}, "met"),
        ([record()], {"checks": [check("c")]}, "not_met"),
        ([record()], {"checks": [check("c"), check("d", name="other")]}, "met"),
        ([record()], {"checks": ()}, "not_met"),
        ([record(BAD)], {}, "not_met"),
        ([record(BAD)], {"criteria": ()}, "met"),
        ([record(NAN)], {}, "not_evaluable"),
        ([record(evidence(values={}))], {}, "not_evaluable"),
        ([record(evidence(values={}))], {"checks": ()}, "not_evaluable"),
        ([record(evidence(status="failed"))], {}, "not_evaluable"),
        ([record(evidence(status="failed"))], {"criteria": ()}, "gap"),
        ([record(evidence(status="not_evaluable"))], {}, "not_evaluable"),
        ([record(key="old")], {}, "stale"),
        ([record(key="old")], {"criteria": ()}, "stale"),
        ([record(key="old")], {"checks": ()}, "stale"),
        ([record(key="old")], {"criteria": (), "checks": [check("c")]}, "gap"),
        ([record(key="old"), record()], {}, "met"),
        ([record()], {"criteria": (NUMERIC, NUMERIC | {"metric": "other"})}, "not_evaluable"),
        ([record()], {"criteria": (NUMERIC, NUMERIC | {"analysis": "sealed"})}, "not_evaluable"),
        ([record()], {"criteria": (NUMERIC, JUDGEMENT)}, "pending"),
        ([record(BAD)], {"criteria": (NUMERIC, JUDGEMENT)}, "not_met"),
        ([], {"criteria": (JUDGEMENT,)}, "gap"),
        ([record()], {"criteria": (JUDGEMENT,)}, "pending"),
    ],
)
def test_truth_table(records, options, status):
    found = verdict(records, **options)
    assert found.status == status
    assert found.reasons or status == "met"


def test_stale_findings_for_the_goal_ask_for_a_new_run():
    sealed = record(evidence("sealed"), key="old")
    found = verdict([record(), sealed], checks=[check("b"), check("d", analysis="sealed", name="other")])
    assert (found.status, found.achieved) == ("stale", "b")
    assert "sealed" in " ".join(found.reasons)


YES = Judgement(ORDER, JUDGEMENT["question"], True, "d", "N. N.", "clinician", date(2026, 1, 1))


def test_judgements_reach_rungs_and_expire():
    both = (NUMERIC, JUDGEMENT)
    assert verdict([record()], both, judgements=[YES]).status == "met"
    assert verdict([record()], both, judgements=[YES], checks=()).achieved == "d"
    assert verdict([record()], both, judgements=[YES], today=date(2027, 6, 1)).status == "expired"
    assert verdict([record()], both, judgements=[dataclasses.replace(YES, accepted=False)]).status == "not_met"
    assert verdict([], (JUDGEMENT,), judgements=[YES], checks=()).status == "met"
    assert verdict([], (JUDGEMENT,), judgements=[YES], checks=(), today=date(2027, 6, 1)).status != "met"


WAIVER = {"reason": "r", "approver": "N. N.", "expires": "2026-06-01"}


def test_a_waiver_counts_until_its_day_and_is_always_told():
    assert verdict([], waiver=WAIVER).status == "waived"
    assert verdict([record(BAD)], waiver=WAIVER).status == "waived"
    late = verdict([], waiver=WAIVER, today=date(2026, 6, 2))
    assert late.status == "gap"
    assert any("expired" in reason for reason in late.reasons)
    unneeded = verdict([record()], waiver=WAIVER)
    assert unneeded.status == "met"
    assert any("not needed" in reason for reason in unneeded.reasons)


@pytest.mark.parametrize("error", [KeyError("deviation"), NotEvaluable("too few")])
def test_a_check_that_cannot_read_its_evidence_substantiates_nothing(error):
    def fail(found):
        raise error

    found = verdict([record()], checks=[Check("check", "order", fail)])
    assert (found.status, found.achieved) == ("not_met", None)
    assert any("could not read" in reason for reason in found.reasons)


@pytest.mark.parametrize("finding", [Finding(ORDER, "z", "r"), Finding("nonsense", "a", "r")])
def test_a_check_that_names_no_rung_or_leaf_is_an_error(finding):
    with pytest.raises(InputError):
        verdict([record()], checks=[Check("check", "order", lambda found: (finding,))])


def test_a_finding_of_failed_evidence_does_not_count():
    assert verdict([record(evidence(status="failed"))]).achieved is None


quantities = st.builds(
    Quantity,
    value=st.sampled_from([0.01, 0.1, 0.5, math.nan, math.inf, -math.inf]),
    unit=st.sampled_from(["1", "%"]),
    upper95=st.sampled_from([None, 0.05, 0.2, math.nan]),
    n=st.sampled_from([None, 3, 30]),
)
criteria = st.builds(
    lambda **changes: NUMERIC | changes,
    metric=st.sampled_from(["deviation", "other"]),
    analysis=st.sampled_from(["order", "sealed"]),
    statistic=st.sampled_from(["point", "upper95"]),
    min_n=st.sampled_from([None, 10]),
)
records = st.lists(
    st.builds(
        lambda analysis, values, status, key: record(evidence(analysis, values, status=status), key),
        st.sampled_from(["order", "sealed"]),
        st.dictionaries(st.sampled_from(["deviation", "other"]), quantities),
        st.sampled_from(["done", "done", "failed", "not_evaluable"]),
        st.sampled_from(["now", "now", "old"]),
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    records,
    st.lists(criteria, max_size=2, unique_by=lambda c: tuple(sorted((k, str(v)) for k, v in c.items()))),
    st.booleans(),
    st.lists(st.sampled_from("abcd"), max_size=2),
)
def test_met_means_all_of_it(stored, wanted, asks, rungs):
    checks = [check(rung, name=f"check{i}") for i, rung in enumerate(rungs)]
    found = verdict(stored, [*wanted, *([JUDGEMENT] if asks else [])], "c", checks)
    fresh = {one.evidence.analysis: one for one in stored if one.key == "now"}

    def holds(criterion):
        one = fresh.get(criterion["analysis"])
        if one is None or one.evidence.status != "done" or criterion["metric"] not in one.evidence.values:
            return False
        quantity = one.evidence.values[criterion["metric"]]
        observed = quantity.value if criterion["statistic"] == "point" else quantity.upper95
        enough = criterion["min_n"] is None or (quantity.n is not None and quantity.n >= criterion["min_n"])
        return quantity.unit == "1" and enough and observed is not None and math.isfinite(observed) and observed <= 0.1

    order = fresh.get("order")
    shown = max(rungs, default="") if order is not None and order.evidence.status == "done" else ""
    assert (found.status == "met") == (shown >= "c" and all(map(holds, wanted)) and not asks)
    assert (gate([found])[0] == 0) == (found.status == "met")
