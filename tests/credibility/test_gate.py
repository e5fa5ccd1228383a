"""The gate: the most severe wins, all is listed, nothing undecided is green in any of its outputs."""

import itertools
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.credibility.gate import MEANING, gate, junit, summary, worst
from vvuq.record import Verdict

CODES = {"met": 0, "waived": 0, "not_met": 1, "gap": 3, "stale": 3, "not_evaluable": 3, "pending": 5, "expired": 5}


def verdict(status, leaf="a.leaf", reasons=("because",)):
    return Verdict(leaf, "c", "b", status, reasons, (), ("E-0123456789ab",))


@pytest.mark.parametrize(("status", "code"), list(CODES.items()))
def test_each_status_has_its_code(status, code):
    assert gate([verdict(status)])[0] == code


@pytest.mark.parametrize("pair", list(itertools.permutations([70, 4, 2, 3, 1, 5, 0], 2)))
def test_the_most_severe_wins(pair):
    order = [70, 4, 2, 3, 1, 5, 0]
    assert worst(pair) == min(pair, key=order.index)


@given(st.lists(st.sampled_from(sorted(CODES)), min_size=1), st.lists(st.just("row 1 was changed"), max_size=2))
def test_all_is_listed_and_the_worst_is_returned(statuses, broken):
    verdicts = [verdict(status, f"leaf{i}") for i, status in enumerate(statuses)]
    code, lines = gate(verdicts, broken)
    codes = {CODES[status] for status in statuses} | ({4} if broken else set())
    assert code == next((c for c in (4, 3, 1, 5) if c in codes), 0)
    assert len(lines) == len(broken) + sum(CODES[status] > 0 for status in statuses)


def test_no_verdict_is_no_success():
    code, lines = gate([])
    assert code == 3
    assert lines == ("missing: no factor was graded",)


def test_every_code_has_a_meaning():
    assert {0, 70, 4, 2, 3, 1, 5, 130} == set(MEANING)


def test_what_is_invalid_is_2_and_all_else_is_listed():
    verdicts = [verdict("gap", "one"), verdict("not_met", "two")]
    code, lines = gate(verdicts, [], ["the plan is not locked"])
    assert code == 2
    assert lines[0] == "invalid: the plan is not locked"
    assert len(lines) == 3
    assert gate(verdicts, ["row 1"], ["the plan is not locked"])[0] == 4
    text = summary("toy", verdicts, [], ["the plan is not locked"], ["rules changed"])
    assert "(exit 2)" in text and "- invalid: the plan is not locked" in text and "- note: rules changed" in text
    suite = ET.fromstring(junit("toy", verdicts, [], ["the plan is not locked"]).split("\n", 1)[1])
    errors = suite.findall("testcase")[-1].findall("error")
    assert [(error.get("type"), error.get("message")) for error in errors] == [("invalid", "the plan is not locked")]
    assert suite.get("errors") == "2"


KINDS = {"met": None, "waived": "skipped", "not_met": "failure"}


@given(st.lists(st.sampled_from(sorted(CODES)), max_size=6), st.booleans())
def test_junit_hides_nothing(statuses, broken):
    verdicts = [verdict(status, f"leaf{i}") for i, status in enumerate(statuses)]
    suite = ET.fromstring(junit("toy", verdicts, ["row 1"] if broken else []).split("\n", 1)[1])
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [f"leaf{i}" for i in range(len(statuses))] + ["integrity"]
    for case, status in zip(cases, statuses, strict=False):
        kind = KINDS.get(status, "error")
        assert [child.tag for child in case] == ([kind] if kind else [])
    bad = sum(int(suite.get(kind)) for kind in ("failures", "errors"))
    assert (bad == 0) == (gate(verdicts, ["row 1"] if broken else [])[0] == 0)
    assert int(suite.get("tests")) == len(cases)


def test_junit_is_well_formed_whatever_the_reason():
    text = junit("a&b", [verdict("gap", reasons=('<b> "x" & \x00\x0b\ud800 \u00e9',))])
    assert ET.fromstring(text.split("\n", 1)[1]).find("testcase/error").get("type") == "gap"
    text.encode("utf-8")


def test_summary_has_a_row_for_each_leaf_and_the_code():
    text = summary("toy", [verdict("gap", "one", ("a|b\nc",)), verdict("met", "two")], ["row 1 was changed"])
    assert "(exit 4)" in text
    assert "1 gap, 1 met" in text
    assert "| one | c | b | gap | a\\|b c |" in text
    assert "| two | c | b | met | because |" in text
    assert "- integrity: row 1 was changed" in text
