"""The suite as a user meets it: one line in a pytest file, a plain call, a report in words, clear refusals."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import count

import pytest
from testing.broken import BROKEN, GOOD, good, scaled, twin

from vvuq.errors import InputError, NotEvaluable
from vvuq.models import Claims, Monotone, Range
from vvuq.testing import check_conformance, conformance
from vvuq.testing.suite import properties


def documented(root):
    """The blocks of the page: the line, the twin, and what the suite says of it."""
    text = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    line, source = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    (said,) = re.findall(r"^```text\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return line, source, said


def plain(said):
    """Without the numbers that depend on which cases hypothesis happens to draw."""
    return re.sub(r"\(\d+ cases\)", "(cases)", re.sub(r"estimate \S+", "estimate", said))


def test_the_page_shows_what_the_suite_says_of_its_twin(root, tmp_path):
    _, source, said = documented(root)
    (tmp_path / "mine.py").write_text(source)
    found = str(check_conformance(tmp_path / "mine.py", examples=10))
    assert plain(found) == plain(said.rstrip("\n")) and "estimate" in said


def test_the_page_names_every_property(root):
    text = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert [name for name in properties() if f"`{name}`" not in text.split("## How to read")[0]] == []


def test_every_property_is_an_item_of_its_own():
    items = [name for name in vars(conformance(GOOD)) if name.startswith("test_")]
    assert items == [f"test_{name}" for name in properties()]


def test_one_line_in_a_pytest_file_is_enough(root, tmp_path):
    line, source, _ = documented(root)
    (tmp_path / "mine.py").write_text(source)
    (tmp_path / "test_mine.py").write_text(line.replace('"mine.py"', '"mine.py", examples=10'))
    chosen = "conservation or monotone or positivity"
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", chosen, "test_mine.py"]
    outside = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True, check=False)
    states = dict(re.findall(r"::TestMine::test_(\w+) (\w+)", done.stdout))
    assert states == {"conservation": "FAILED", "monotone": "SKIPPED", "positivity": "PASSED"}, done.stdout
    assert "given       bolus of 1 mg into C at 0 h" in done.stdout and "suite.py:" not in done.stdout
    assert done.returncode == 1 and f"{len(properties()) - 3} deselected" in done.stdout


def test_a_plain_call_gives_a_report():
    report = check_conformance(good(), examples=5, only=("positivity", "closed_form"))
    assert [(r.name, r.state) for r in report.results] == [("closed_form", "not declared"), ("positivity", "passed")]
    assert report.ok and report.failed == ()
    assert str(report).splitlines()[0] == "conformance of twin good: 1 passed, 0 failed, 1 not declared"
    assert "closed_form   not declared: the twin has no closed form" in str(report)
    assert "positivity    passed (5 cases)" in str(report)


@pytest.mark.slow
def test_a_report_with_a_failure_is_not_ok_and_the_same_twice():
    made = BROKEN["a leak"][1]()
    one, two = (check_conformance(made, examples=20, only=("conservation", "finiteness")) for _ in range(2))
    assert not one.ok and str(one) == str(two)
    assert [result.name for result in one.failed] == ["conservation"]


def test_the_estimate_of_the_slope_is_reported():
    (result,) = check_conformance(good(), examples=20, only=("lipschitz",)).results
    estimate = float(re.search(r"largest estimate (\S+) per h", result.text).group(1))
    k = good().model.parameters[0].prior
    assert k.quantile(0.5) <= estimate <= k.quantile(0.999) * 1.01


def test_what_a_twin_raises_is_a_counter_example():
    def forgets(cohort, patient):
        return dict(patient.covariates)["height"]

    (result,) = check_conformance(twin(schedule=forgets), examples=5, only=("determinism",)).results
    assert result.state == "failed" and "KeyError: 'height'" in result.account
    assert "patient 1: weight 1 kg, sample of concentration" in result.account


def test_a_failure_that_comes_and_goes_is_one():
    calls = count()

    def moody(cohort, patient):
        return scaled(good().schedule(cohort, patient), 2.0 if next(calls) % 7 == 6 else 1.0)

    (result,) = check_conformance(twin(schedule=moody), examples=40, only=("units",)).results
    assert result.state == "failed" and "once the record states" in result.account


def test_a_twin_without_personal_parameters_or_doses_is_tried_too():
    bare = replace(good().claims.envelope, doses={}, dose_per="", boluses={}, rates={}, infused=None)
    made = twin(personal=(), monotone=(), envelope=bare)
    report = check_conformance(made, examples=5, only=("streams", "order", "units", "conservation"))
    assert report.ok and len(report.results) == 4, str(report)


def test_a_right_hand_side_that_is_said_to_jump_is_not_held_to_a_slope():
    _, make = BROKEN["a jump"]
    claims = replace(make().claims, continuous=False, lipschitz=None)
    (result,) = check_conformance(replace(make(), claims=claims), only=("lipschitz",)).results
    assert result.state == "not declared" and "claims.continuous is false" in result.note


def test_what_is_not_declared_is_not_tried():
    report = check_conformance(replace(good(), claims=Claims(envelope=good().claims.envelope)), examples=2)
    undeclared = {result.name: result.note for result in report.results if result.state == "not declared"}
    assert set(undeclared) == {"closed_form", "conservation", "monotone", "positivity", "processes"}
    assert undeclared["conservation"] == "claims.balances names nothing"


def test_a_clock_in_the_equations_may_be_declared():
    made = BROKEN["a clock in the equations"][1]()
    timed = replace(made, claims=replace(made.claims, autonomous=False))
    (result,) = check_conformance(timed, only=("time_shift",)).results
    assert result.state == "not declared" and "read the time" in result.note


def test_a_response_outside_the_envelope_cannot_be_tried():
    inside = replace(good().claims.envelope, rates={})
    (result,) = check_conformance(twin(envelope=inside), only=("monotone",)).results
    assert result.state == "not declared" and result.note == "the envelope gives no range of R"


def test_a_falling_response_is_one_too():
    made = twin(monotone=(Monotone("A", "concentration", rises=False),))
    (result,) = check_conformance(made, only=("monotone",), examples=10).results
    assert result.state == "failed" and "more A never raises concentration" in result.account


def test_another_envelope_takes_the_place_of_the_claimed_one():
    heavy = replace(good().claims.envelope, levels={"weight": Range(4.0, 4.0, "kg")})
    made = BROKEN["a root of a negative number"][1]()
    (light,) = check_conformance(
        made, envelope=replace(heavy, levels={"weight": Range(1.0, 2.0, "kg")}), only=("finiteness",), examples=10
    ).results
    (result,) = check_conformance(made, envelope=heavy, only=("finiteness",), examples=10).results
    assert light.state == "passed" and result.state == "failed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"twin": "nowhere.py"}, "nowhere.py: twin: 'nowhere.py' is not valid: a Python file"),
        ({"twin": GOOD, "only": ("beauty",)}, "conformance: only: 'beauty' is not valid: one of closed_form"),
    ],
)
def test_what_cannot_be_tried_is_said(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        check_conformance(**arguments)


def test_a_twin_without_an_envelope_cannot_be_tried():
    naked = replace(good(), claims=Claims())
    with pytest.raises(InputError, match=r"twin good: claims.envelope: None is not valid: claims=Claims\(envelope="):
        check_conformance(naked)
    with pytest.raises(pytest.fail.Exception, match=r"claims.envelope: None is not valid"):
        conformance(naked)().test_finiteness()


def test_a_path_is_looked_for_beside_the_calling_file():
    items = conformance("good.py", examples=1)()
    items.test_finiteness()
    with pytest.raises(pytest.skip.Exception, match="not declared: the twin has no closed form"):
        items.test_closed_form()


def test_without_hypothesis_the_message_says_what_to_install(root):
    code = "import sys; sys.modules['hypothesis'] = None; import vvuq.testing"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = (
        "vvuq.errors.NotEvaluable: vvuq.testing needs hypothesis, which is not installed: pip install 'vvuq[testing]'"
    )
    assert done.stderr.strip().splitlines()[-1] == last


def test_without_pytest_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(NotEvaluable, match=r"needs pytest, .* pip install 'vvuq\[testing\]'"):
        conformance(GOOD)
