"""The shipped standards are complete and consistent; wrong files are refused."""

import json

import pytest
import yaml

from vvuq.credibility import standards
from vvuq.credibility.standards import categories, ladders, risk_matrix
from vvuq.errors import InputError

LENGTHS = {
    "verification.code.software_quality_assurance": 3,
    "verification.code.numerical_code_verification": 4,
    "verification.calculation.discretization_error": 3,
    "verification.calculation.numerical_solver_error": 3,
    "verification.calculation.use_error": 4,
    "validation.model.form": 3,
    "validation.model.input_sensitivities": 3,
    "validation.model.input_uncertainties": 3,
    "validation.comparator.samples.quantity": 3,
    "validation.comparator.samples.range": 4,
    "validation.comparator.samples.measurements": 3,
    "validation.comparator.samples.uncertainty": 4,
    "validation.comparator.conditions.quantity": 3,
    "validation.comparator.conditions.range": 4,
    "validation.comparator.conditions.measurements": 3,
    "validation.comparator.conditions.uncertainty": 4,
    "validation.assessment.input_equivalency": 3,
    "validation.assessment.output_comparison.quantity": 2,
    "validation.assessment.output_comparison.equivalency": 3,
    "validation.assessment.output_comparison.rigor": 4,
    "validation.assessment.output_comparison.agreement": 3,
    "applicability.quantities_of_interest": 3,
    "applicability.validation_activities": 4,
}


def test_all_leaves_with_their_ladders_and_sources():
    found = ladders("vv40_2018")
    assert {leaf.id: len(leaf.rungs) for leaf in found.leaves} == LENGTHS
    assert {leaf.source for leaf in found.leaves} == {"[V]", "[K]"}
    assert "examples" in found.tailoring


def test_the_eight_categories():
    assert [category.number for category in categories("fda_cms_2023").categories] == list(range(1, 9))


def test_the_matrix_is_symmetric_in_its_extremes():
    matrix = risk_matrix("risk_matrix")
    assert matrix.risk("low", "low") == "low"
    assert matrix.risk("medium", "high") == "high"
    assert matrix.risk("high", "high") == "high"
    assert matrix.risk("low", "high") == "medium"


def test_an_unknown_edition_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="vv40_2018"):
        ladders("vv40_2030")
    with pytest.raises(InputError, match="a leaf of this edition"):
        ladders("vv40_2018").leaf("nonsense")


@pytest.fixture
def edition(tmp_path, monkeypatch):
    monkeypatch.setattr(standards, "FOLDER", tmp_path)
    for path in ("vv40_2018", "risk_matrix"):
        text = (standards.Path(standards.__file__).parent / f"{path}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{path}.yaml").write_text(text, encoding="utf-8")

    def change(name, edit):
        body = yaml.safe_load((tmp_path / f"{name}.yaml").read_text(encoding="utf-8"))
        edit(body)
        (tmp_path / "mine.yaml").write_text(
            yaml.safe_dump(json.loads(json.dumps(body)), sort_keys=False), encoding="utf-8"
        )

    return change


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda body: body["leaves"].append(body["leaves"][0]), "id of its own"),
        (lambda body: body["leaves"][0]["ladder"].pop("b"), "without a hole"),
        (lambda body: body["leaves"][0].update(ladder={"a": "one"}), "two at least"),
        (lambda body: body.pop("source"), "add this field"),
    ],
)
def test_wrong_ladders_are_refused(edition, edit, words):
    edition("vv40_2018", edit)
    with pytest.raises(InputError, match=words):
        standards._load("mine", standards.Ladders)


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body["influence"].pop("low"),
        lambda body: body["influence"]["low"].pop("high"),
        lambda body: body["influence"]["high"].update(high="low"),
        lambda body: body["influence"]["high"].update(low="low") or body["influence"]["medium"].update(low="high"),
    ],
)
def test_a_matrix_with_holes_or_falls_is_refused(edition, edit):
    edition("risk_matrix", edit)
    with pytest.raises(InputError, match="every pair"):
        standards._load("mine", standards.RiskMatrix)
