"""One criterion: met only by a finite number of the right unit, statistic and size; else the reason is said."""

import dataclasses
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import JUDGEMENT, NUMERIC, evidence, record

from vvuq.credibility.criteria import Current, Judgement, current, judge_judgement, judge_numeric, months_later
from vvuq.credibility.plan import Judgemental, Numeric
from vvuq.record import Quantity


def numeric(**changes):
    return Numeric(**(NUMERIC | changes))


def judged(quantity, criterion=None, **changes):
    found = record(evidence(values={"deviation": quantity}, **changes))
    return judge_numeric(criterion or numeric(), Current({"order": found}, {}))


@pytest.mark.parametrize(
    ("op", "value", "met"),
    [
        ("<", 0.5, True), ("<", 1.0, False), ("<=", 1.0, True), ("<=", 0.9, False), (">", 1.0, False), (">", 0.5, True),
        (">=", 1.0, True), (">=", 1.1, False), ("==", 1.0, True), ("==", 0.9, False),
    ],
)  # fmt: skip
def test_every_operator(op, value, met):
    observed, threshold = (value, 1.0) if op in ("<", "<=") and value != 1.0 else (1.0, value)
    state, result = judged(Quantity(observed, "1"), numeric(op=op, value=threshold))
    expected = {"<": observed < threshold, "<=": observed <= threshold, ">": observed > threshold}
    expected |= {">=": observed >= threshold, "==": observed == threshold}
    assert (state == "met", result.met) == (expected[op], expected[op])


def test_boundaries():
    assert judged(Quantity(0.1, "1"))[0] == "met"
    assert judged(Quantity(math.nextafter(0.1, 1), "1"))[0] == "not_met"
    assert judged(Quantity(0.1, "1"), numeric(op="<"))[0] == "not_met"


def test_the_statistic_asked_for_is_the_one_compared():
    quantity = Quantity(0.05, "1", lower95=0.01, upper95=0.2)
    assert judged(quantity)[0] == "met"
    state, result = judged(quantity, numeric(statistic="upper95"))
    assert (state, result.observed) == ("not_met", 0.2)
    state, result = judged(quantity, numeric(statistic="lower95", op=">", value=0.0))
    assert (state, result.observed) == ("met", 0.01)


@pytest.mark.parametrize(
    ("quantity", "changes", "words"),
    [
        (Quantity(0.01, "%"), {}, "nothing is converted"),
        (Quantity(0.01, "1"), {"statistic": "upper95"}, "without its upper 95 % bound"),
        (Quantity(math.nan, "1"), {}, "not a finite number"),
        (Quantity(-math.inf, "1"), {}, "not a finite number"),
        (Quantity(0.01, "1", upper95=math.nan), {"statistic": "upper95"}, "not a finite number"),
        (Quantity(0.01, "1"), {"min_n": 5}, "an unknown number"),
        (Quantity(0.01, "1", n=4), {"min_n": 5}, "rests on 4"),
        (Quantity(0.01, "1", n=0), {}, "rests on nobody"),
        (Quantity(0.01, "1"), {"metric": "deviatio"}, "did you mean deviation"),
    ],
)
def test_not_evaluable_and_why(quantity, changes, words):
    state, result = judged(quantity, numeric(**changes))
    assert (state, result.met) == ("not_evaluable", None)
    assert words in result.reason
    assert result.observed is None or math.isfinite(result.observed)


def test_enough_patients_are_enough():
    assert judged(Quantity(0.01, "1", n=5), numeric(min_n=5))[0] == "met"


@pytest.mark.parametrize("status", ["failed", "not_evaluable"])
def test_evidence_that_is_not_done_decides_nothing(status):
    state, result = judged(Quantity(0.01, "1"), status=status, message="it broke")
    assert (state, result.met) == ("not_evaluable", None)
    assert "it broke" in result.reason


def test_missing_and_stale():
    state, result = judge_numeric(numeric(), Current({}, {}))
    assert (state, result.met, result.evidence_id) == ("missing", None, None)
    old = record()
    state, result = judge_numeric(numeric(), Current({}, {"order": old}))
    assert (state, result.met, result.evidence_id) == ("stale", None, old.id)


@given(
    value=st.floats(allow_nan=True),
    bound=st.none() | st.floats(allow_nan=True),
    unit=st.sampled_from(["1", "%"]),
    n=st.none() | st.integers(0, 20),
    min_n=st.none() | st.integers(1, 20),
    statistic=st.sampled_from(["point", "upper95"]),
    status=st.sampled_from(["done", "failed", "not_evaluable"]),
)
def test_met_is_exactly_this(value, bound, unit, n, min_n, statistic, status):
    quantity = Quantity(value, unit, upper95=bound, n=n)
    state, result = judged(quantity, numeric(statistic=statistic, min_n=min_n), status=status)
    observed = value if statistic == "point" else bound
    sound = status == "done" and unit == "1" and observed is not None and math.isfinite(observed)
    sound = sound and (min_n is None or (n is not None and n >= min_n))
    assert (state == "met") == (sound and observed <= 0.1)
    assert (state == "not_met") == (sound and observed > 0.1)
    assert result.met == {"met": True, "not_met": False}.get(state)
    assert result.reason


def test_current_prefers_the_fuller_budget_then_the_later():
    full, quick, later = (record(key="full", seq=1), record(key="quick", seq=2), record(key="quick", seq=3))
    keys = {"order": ("full", "quick")}
    assert current([full, quick], keys).fresh["order"] == full
    assert current([quick, later], keys).fresh["order"] == later
    old = record(key="old")
    assert current([old], keys) == Current({}, {"order": old})
    failed = record(evidence(status="failed"), key="old")
    assert current([failed], keys) == Current({}, {})
    assert current([old], {"other": ("full",)}) == Current({}, {})


ASKED = Judgemental(**(JUDGEMENT | {"roles": ("clinician",)}))
ANSWER = Judgement("leaf", ASKED.question, True, "b", "N. N.", "clinician", date(2026, 1, 31))


@pytest.mark.parametrize(
    ("answers", "today", "state"),
    [
        ([], date(2026, 2, 1), "pending"),
        ([ANSWER], date(2026, 2, 1), "met"),
        ([ANSWER], date(2027, 1, 31), "met"),
        ([ANSWER], date(2027, 2, 1), "expired"),
        ([dataclasses.replace(ANSWER, accepted=False)], date(2026, 2, 1), "not_met"),
        ([dataclasses.replace(ANSWER, role="modeller")], date(2026, 2, 1), "pending"),
        ([dataclasses.replace(ANSWER, question="Another?")], date(2026, 2, 1), "pending"),
        ([dataclasses.replace(ANSWER, leaf="other")], date(2026, 2, 1), "pending"),
        (
            [ANSWER, dataclasses.replace(ANSWER, accepted=False, signed_on=date(2026, 2, 1))],
            date(2026, 3, 1),
            "not_met",
        ),
    ],
)
def test_judgements(answers, today, state):
    found, reason = judge_judgement("leaf", ASKED, answers, today)
    assert found == state
    assert ASKED.question in reason


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 11, 30), 2, date(2027, 1, 30)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 5, 31), 1, date(2026, 6, 30)),
    ],
)
def test_months_later(day, months, later):
    assert months_later(day, months) == later
