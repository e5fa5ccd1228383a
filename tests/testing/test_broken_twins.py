"""Every property has a twin that breaks it, and tells of it with the smallest case there is."""

import re

import pytest
import tables
from testing.broken import BROKEN, GOOD, good

from vvuq.testing import check_conformance
from vvuq.testing.suite import properties

MEDIANS = "parameters  all at the medians of their priors"
GIVEN, RECORD = "given       ", "record      patient 1: weight 1 kg, "
HASHED = """
    scale = 1.0 + 1e-8 * (hash(patient.id) % 10**6) / 10**6
    boluses = tuple(Bolus(d.time * hours, "A", d.amount * mg * scale)"""
# What the smallest case holds in the words of its account: one line of a course or of a record, and what was found.
SMALLEST = {
    "a blank is subtracted": (GIVEN + "weight 1 kg", "concentration = -0.1 mg/L"),
    "a leak": (GIVEN + "bolus of 1 mg into A at 0 h; weight 1 kg", "drug inside goes from 1 mg to 0.98"),
    "a jump": (GIVEN + r"(bolus of 1\d mg|infusion of) [^;]*; weight 1 kg", "grows without bound"),
    "a root at zero": (GIVEN + "(bolus of 1 mg|infusion of) [^;]*; weight 1 kg", "grows without bound"),
    "too low a bound": (GIVEN + "weight 1 kg", "a slope of 0.2"),
    "a root of a negative number": (GIVEN + "weight (3.01|4) kg", "infinite or not a number"),
    "a bell-shaped response": (GIVEN + "(bolus|infusion) of [^;]*; weight 1 kg", "with one more (bolus|infusion) of"),
    "a global name that changes": (GIVEN + "bolus of 1 mg into A at 0 h; weight", "compiled, dA/dt = .* plain Python"),
    "doses in any unit are mg": (RECORD + "dose of 1 mg at 0 h, sample", "states its dose in (g|ug|kg)"),
    "doses by the calendar": (RECORD + "dose of 1 mg at [^,]*, sample", "every record .* h (later|earlier)"),
    "a clock in the equations": (RECORD + "sample", "clocked reads t"),
    "too coarse a step": (GIVEN + "bolus of 1 mg into A at 0 h; weight 1 kg", "with the twin's step of 4 h"),
    "one dose an instant": (RECORD + "dose of 1 mg at 0 h, dose of 2 mg at 0 h, sample", "in reverse order"),
    "samples that take blood": (RECORD + "dose of 1 mg at 0 h, sample", r"with sample also at 0.(125|25) h"),
    "a counter of calls": (RECORD + "dose of 1 mg at 0 h, sample", "schedules, observables differ between two calls"),
    "a seed of its own": (RECORD + "sample", "draws from, or reseeds, a random generator"),
    "a closed form without the weight": (GIVEN + "bolus of 1 mg into A at 0 h; weight .* kg", "by the solver"),
}


def told(result):
    """The account as one line a label, however it was wrapped."""
    return re.sub(r"\n {12}", " ", result.account)


SLOW = {
    "a bell-shaped response",
    "one dose an instant",
    "a global name that changes",
    "doses by the calendar",
    "a jump",
}
KINDS = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in BROKEN]


@pytest.mark.parametrize("name", KINDS)
def test_a_broken_twin_is_found_with_a_minimal_counter_example(name):
    property_, make = BROKEN[name]
    (result,) = check_conformance(make(), only=(property_,)).results
    lines = dict(re.findall(r"^(\w+) +(.*)$", told(result), flags=re.MULTILINE))
    case = lines.get("record") or lines["given"]
    tables.report(
        "Broken twins", ("twin", "property", "minimal case", "found"), (name, property_, case, lines["found"])
    )
    given, found = SMALLEST[name]
    assert result.state == "failed" and result.name == property_
    assert re.search(given, told(result)) and re.search(found, told(result)), result.text
    assert "promised" in result.account
    assert (MEDIANS in result.account) == (name != "too low a bound")


def test_an_order_that_another_process_does_not_have_is_found(tmp_path):
    text = GOOD.read_text().replace('\n    boluses = tuple(Bolus(d.time * hours, "A", d.amount * mg)', HASHED)
    assert HASHED in text
    (tmp_path / "hashed.py").write_text(text)
    report = check_conformance(tmp_path / "hashed.py", only=("determinism", "processes"))
    assert [result.name for result in report.failed] == ["processes"]
    (result,) = report.failed
    assert "differ in another process" in told(result)
    assert re.search(r"record +patient 1: weight \S+ kg, dose of", told(result))


@pytest.mark.slow
def test_a_rival_is_tried_like_the_twin_in_another_process_too(tmp_path):
    text = GOOD.read_text().replace("\nTWIN = Twin(", "\nOTHER = Twin(").replace('name="good"', 'name="other"')
    (tmp_path / "mine.py").write_text(GOOD.read_text() + text + "\nRIVALS = (OTHER,)\n")
    for name in ("good", "other"):
        report = check_conformance(tmp_path / "mine.py", rival=name, examples=2, only=("determinism", "processes"))
        assert report.ok and report.twin == name, str(report)


def test_every_property_has_a_twin_that_breaks_it():
    assert {expected for expected, _ in BROKEN.values()} | {"processes"} == set(properties())
    assert set(SMALLEST) == set(BROKEN)


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_twin_breaks_nothing_else(name):
    expected, make = BROKEN[name]
    report = check_conformance(make(), examples=60)
    assert [result.name for result in report.failed] == [expected], str(report)


@pytest.mark.slow
def test_the_good_twin_breaks_nothing():
    report = check_conformance(GOOD, examples=200)
    assert report.ok and good().name == report.twin, str(report)
