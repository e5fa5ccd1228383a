"""A plan is read strictly; what a reviewer may get wrong is refused where it stands; its digest is over values."""

import copy

import pytest
import yaml
from plans import AGREEMENT, JUDGEMENT, LEAVES, NUMERIC, ORDER, plan_data, write_plan

from vvuq.credibility.plan import Plan, load_plan
from vvuq.errors import InputError
from vvuq.paths import shipped


def load(tmp_path, edit=lambda data: None):
    data = plan_data()
    edit(data)
    return load_plan(write_plan(tmp_path, data))


def test_a_valid_plan(tmp_path):
    plan = load(tmp_path)
    assert tuple(plan.factors) == LEAVES
    assert plan.risk_level == "high"
    assert plan.analyses["order"].at("quick") == {"n": 1}
    assert plan.analyses["order"].at("full") == {"n": 9}
    assert plan.factors[ORDER].numeric[0].text == "deviation of order <= 0.1"
    assert len(plan.digest) == 64


def test_the_shipped_plan_is_valid():
    plan = load_plan(shipped("studies") / "phenobarbital" / "plan.yaml")
    assert len(plan.factors) == 23
    assert (plan.splits.held_out_patients, plan.splits.salt) == (20, "vvuq/phenobarbital/v1/")


def each(path, value):
    def edit(data):
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return edit


def criterion(**changes):
    return each(["factors", ORDER, "criteria"], [NUMERIC | changes])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.pop("question_of_interest"), "question_of_interest"),
        (each(["colour"], "red"), "colour"),
        (each(["schema_version"], "9.9"), "schema_version"),
        (each(["seed"], -1), "seed"),
        (each(["seed"], "1"), "seed"),
        (each(["title"], "   "), "title"),
        (each(["study"], "../up"), "study"),
        (each(["context_of_use", "population"], ""), "population"),
        (each(["context_of_use", "outputs"], []), "outputs"),
        (each(["context_of_use", "envelope"], []), "envelope"),
        (each(["context_of_use", "envelope", 0, "low"], 4), "envelope.0.low: 4.0 is not valid: a number below high"),
        (each(["context_of_use", "envelope", 0, "low"], "low"), "envelope.0.low"),
        (each(["risk", "model_influence", "level"], "huge"), "model_influence.level"),
        (each(["risk", "hazards"], []), "hazards"),
        (each(["profile", "ladders"], "vv40_2030"), "did you mean vv40_2018"),
        (each(["profile", "ladders"], "risk_matrix"), "an edition that there is: vv40_2018"),
        (each(["profile", "categories"], "fda"), "profile.categories"),
        (each(["profile", "risk_matrix"], "none"), "an edition that there is: risk_matrix"),
        (each(["analyses"], {}), "analyses"),
        (lambda data: data["factors"].pop(AGREEMENT), f"add {AGREEMENT}"),
        (lambda data: data["factors"].update(nonsense=data["factors"][ORDER]), "nonsense"),
        (each(["factors", ORDER, "goal"], "e"), "a rung: a ="),
        (each(["factors", "validation.model.form", "goal"], "d"), "a rung: a ="),
        (each(["factors", ORDER, "goal"], "B"), "goal"),
        (each(["factors", ORDER, "goal_rationale"], ""), "goal_rationale"),
        (each(["factors", ORDER, "fda_categories"], [9]), "numbers out of"),
        (each(["factors", ORDER, "fda_categories"], [1, 1]), "numbers out of"),
        (each(["factors", ORDER, "fda_categories"], []), "fda_categories"),
        (each(["factors", ORDER, "criteria"], [NUMERIC, NUMERIC]), "occurs once"),
        (each(["factors", ORDER, "waiver"], {"reason": "r", "approver": "a", "expires": "soon"}), "expires"),
        (criterion(op="!="), "op"),
        (criterion(kind="vague"), "kind"),
        (criterion(value="small"), "value"),
        (criterion(value=True), "value"),
        (criterion(min_n=0), "min_n"),
        (criterion(rationale=""), "rationale"),
        (criterion(analysis="ordr"), "did you mean order"),
        (criterion(statistic="lower95"), "gets easier with fewer patients"),
        (criterion(statistic="upper95", op=">"), "gets easier with fewer patients"),
        (criterion(statistic="upper95", op="=="), "statistic: 'upper95'"),
        (each(["factors", ORDER, "criteria"], [JUDGEMENT | {"roles": []}]), "roles"),
        (each(["factors", ORDER, "criteria"], [JUDGEMENT | {"value": 1}]), "value"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(tmp_path, edit, words):
    with pytest.raises(InputError) as error:
        load(tmp_path, edit)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'plan.yaml'}:")
    assert "Input should" not in str(error.value)


def test_a_leaf_written_twice_is_refused(tmp_path):
    path = write_plan(tmp_path)
    again = yaml.safe_dump({ORDER: plan_data()["factors"][ORDER]})
    path.write_text(path.read_text() + "".join(f"  {line}\n" for line in again.splitlines()))
    with pytest.raises(InputError, match="occurs once"):
        load_plan(path)


def test_the_line_of_the_fault_is_named(tmp_path):
    path = write_plan(tmp_path)
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if "low: 0.5" in line)
    path.write_text(path.read_text().replace("low: 0.5", "low: far"))
    with pytest.raises(InputError, match=rf"plan\.yaml:{number}: context_of_use\.envelope\.0\.low: 'far'"):
        load_plan(path)


def test_deviation_overrides_the_matrix_and_both_can_be_read(tmp_path):
    plan = load(tmp_path, each(["risk", "deviation"], {"level": "medium", "rationale": "watched"}))
    assert (plan.matrix_risk, plan.risk_level) == ("high", "medium")


def test_format_does_not_change_the_digest(tmp_path):
    path = write_plan(tmp_path)
    before = load_plan(path).digest
    data = plan_data()
    data["factors"] = dict(reversed(data["factors"].items()))
    path.write_text("# a comment\n" + yaml.safe_dump(data, sort_keys=True, default_flow_style=True, width=40))
    assert load_plan(path).digest == before
    path.write_text(path.read_text().replace("0.5", "0.50"))
    assert load_plan(path).digest == before


def leaves_of(data, place=()):
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves_of(value, (*place, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from leaves_of(value, (*place, i))
    else:
        yield place, data


def test_every_number_and_free_text_changes_the_digest(tmp_path):
    data = plan_data()
    before = load_plan(write_plan(tmp_path, data)).digest
    changed = 0
    for place, value in list(leaves_of(data)):
        other = copy.deepcopy(data)
        new = value + 1 if isinstance(value, int | float) else f"{value}x"
        each(list(place), new)(other)
        try:
            digest = Plan.model_validate_json(__import__("json").dumps(other)).digest
        except ValueError:
            continue
        assert digest != before, place
        changed += 1
    assert changed > 60


def test_the_schema_can_be_exported():
    schema = Plan.model_json_schema()
    assert schema["additionalProperties"] is False
    assert "factors" in schema["required"]
