"""YAML that is read strictly: each refusal names file, line, field, value and remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from vvuq.credibility.strict_yaml import parse_yaml, read_yaml, validate
from vvuq.errors import InputError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    value: float


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    items: tuple[Inner, ...]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a key that occurs once"),
        ("a: &x [1]\nb: 1\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "aliases"),
        ("a: 1\n<<: {b: 2}\n", 2, "a plain name as a key"),
        ("a: 1\n? [1, 2]\n: 3\n", 2, "a plain name as a key"),
        ("a: .nan\n", 1, "a finite number"),
        ("a: 1\nb: -.inf\n", 2, "a finite number"),
        ("a: 1\nb: 1e999\n", 2, "a finite number"),
        ("a: !!python/object:os.system x\n", 1, "without a tag"),
        ("a: !local x\n", 1, "without a tag"),
        ("a: [1, 2\nb: 3\n", 2, "can be read"),
        ("a: 1\n b: 2\n", 2, "can be read"),
        ("a: " + "[" * 40 + "]" * 40, 1, "at most 24 levels"),
        ('a: "\\ud800"\n', 1, "UTF-8"),
    ],
)
def test_refused_with_its_line(text, line, words):
    with pytest.raises(InputError, match=words) as error:
        parse_yaml(text, "plan.yaml")
    assert str(error.value).startswith(f"plan.yaml:{line}:")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2027-01-01", "2027-01-01"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e-3", 0.001),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("7", 7),
        ("-0", 0),
        ("true", True),
        ("null", None),
        ("~", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("1.0", 1.0),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    found = parse_yaml(f"a: {text}\n", "x").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_not_utf8_and_not_there_and_too_large(tmp_path):
    path = tmp_path / "plan.yaml"
    with pytest.raises(InputError, match="can be read"):
        read_yaml(path)
    path.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8") as error:
        read_yaml(path)
    assert f"{path}:2:" in str(error.value)
    path.write_bytes(b"a: " + b"x" * 1_000_001)
    with pytest.raises(InputError, match="at most"):
        read_yaml(path)


def test_a_bomb_of_aliases_is_refused_before_it_grows():
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(InputError, match="anchors"):
        parse_yaml(bomb, "plan.yaml")


def test_validation_names_every_wrong_field_with_its_line():
    document = parse_yaml("name: x\nitems:\n  - value: 1\n  - value: high\n    colour: red\nextra: 1\n", "plan.yaml")
    with pytest.raises(InputError) as error:
        validate(document, Outer)
    text = str(error.value)
    assert "plan.yaml:4: items.1.value: 'high'" in text
    assert "plan.yaml:5: items.1.colour" in text
    assert "plan.yaml:6: extra" in text
    assert "misspelling" in text


def test_a_missing_field_points_at_what_should_hold_it():
    with pytest.raises(InputError, match="add this field") as error:
        validate(parse_yaml("name: x\nitems:\n  - {}\n", "plan.yaml"), Outer)
    assert "plan.yaml:3: items.0.value" in str(error.value)


def test_an_empty_file_is_no_plan():
    with pytest.raises(InputError):
        validate(parse_yaml("", "plan.yaml"), Outer)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse_yaml(text, "x")
    except InputError:
        pass
