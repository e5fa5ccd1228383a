"""YAML that is read strictly: each refusal names file, line, field, value and remedy."""

from datetime import date
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from vvuq.errors import InputError
from vvuq.strict_yaml import parse_yaml, read_yaml, validate


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
        ("a: 1\nb: \x00\n", 2, "without control characters"),
        ("a: 1\nb:\n\t- 1\n", 3, "no tabs"),
        ("a: 1\n---\nb: 2\n", 2, "can be read"),
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
    assert "a field that is known here" in text


def test_a_missing_field_points_at_what_should_hold_it():
    with pytest.raises(InputError, match="add this field") as error:
        validate(parse_yaml("name: x\nitems:\n  - {}\n", "plan.yaml"), Outer)
    assert "plan.yaml:3: items.0.value" in str(error.value)


def test_at_most_ten_problems_are_listed():
    text = "".join(f"extra{i}: 1\n" for i in range(20))
    with pytest.raises(InputError, match=r"and 12 more$") as error:
        validate(parse_yaml(text, "plan.yaml"), Outer)
    assert str(error.value).count("also") == 9


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "x.yaml").data == {"a": 1}


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]
    name: Annotated[str, Field(pattern="^[a-z]+$")] = "x"


class Dog(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["dog"]
    born: date
    good: bool = True
    toys: Annotated[list[str], Field(min_length=1, max_length=2)] = ["ball"]
    weight: Annotated[float, Field(gt=0, lt=90)] = 1.0


class Home(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="kind")], ...]
    owner: dict[str, str] = {}


@pytest.mark.parametrize(
    ("pet", "field", "remedy"),
    [
        ("{kind: cat, lives: 0}", "pets.0.lives: 0", "1 or more"),
        ("{kind: cat, lives: 10}", "pets.0.lives: 10", "9 or less"),
        ("{kind: cat, lives: 1_0}", "pets.0.lives: '1_0'", "a whole number in plain digits"),
        ("{kind: cat, lives: 9.5}", "pets.0.lives: 9.5", "a whole number"),
        ("{kind: cat, lives: 9, nam: x}", "pets.0.nam: 'nam'", "did you mean name"),
        ("{kind: cat, lives: 9, name: X1}", "pets.0.name: 'X1'", "text that matches ^[a-z]+$"),
        ("{kind: cat}", "pets.0.lives: None", "add this field"),
        ("{kind: cow}", "pets.0.kind: 'cow'", "one of 'cat', 'dog'"),
        ("{lives: 9}", "pets.0.kind: None", "add this field"),
        ("cat", "pets.0: 'cat'", "fields below it"),
        ("{kind: dog, born: 2027-02-30}", "pets.0.born: '2027-02-30'", "a day that exists, as YYYY-MM-DD"),
        ("{kind: dog, born: 20270201}", "pets.0.born: 20270201", "a day"),
        ("{kind: dog, born: 2027-01-01T10:00:00}", "pets.0.born", "a day that exists"),
        ("{kind: dog, born: 2027-01-01, good: yes}", "pets.0.good: 'yes'", "true or false"),
        ("{kind: dog, born: 2027-01-01, toys: []}", "pets.0.toys", "1 or more entries"),
        ("{kind: dog, born: 2027-01-01, toys: [a, b, c]}", "pets.0.toys", "2 entries or fewer"),
        ("{kind: dog, born: 2027-01-01, toys: a}", "pets.0.toys: 'a'", "a list"),
        ("{kind: dog, born: 2027-01-01, toys: [1]}", "pets.0.toys.0: 1", "text; put a number in quotes"),
        ("{kind: dog, born: 2027-01-01, weight: 0}", "pets.0.weight: 0", "more than 0"),
        ("{kind: dog, born: 2027-01-01, weight: 90}", "pets.0.weight: 90", "less than 90"),
        ("{kind: dog, born: 2027-01-01, weight: '3 kg'}", "pets.0.weight: '3 kg'", "no unit"),
    ],
)
def test_no_word_of_the_validator_reaches_the_user(pet, field, remedy):
    with pytest.raises(InputError) as error:
        validate(parse_yaml(f"owner: {{}}\npets:\n  - {pet}\n", "plan.yaml"), Home)
    assert str(error.value).startswith(f"plan.yaml:3: {field}")
    assert remedy in str(error.value)
    assert "Input should" not in str(error.value)


def test_an_empty_file_is_no_plan():
    with pytest.raises(InputError):
        validate(parse_yaml("", "plan.yaml"), Outer)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse_yaml(text, "x")
    except InputError:
        pass
