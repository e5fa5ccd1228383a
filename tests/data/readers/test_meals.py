"""Meals as text: what is known in closed form, and what any text must obey."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vvuq.data.readers.meals import foods, fraction, named, read_meal, words
from vvuq.paths import PACKAGE
from vvuq.strict_yaml import read_yaml

NAMES = sorted(" ".join(name) for name in foods())
grams = st.integers(1, 900)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rice 100 g", 26.0),
        ("Rice 100g\nBeef 80 g", 26.0),
        ("\nCoarse grain 126 g\nBoiled vegetable100 g\n", 0.26 * 126 + 4.0),
        ("Egg \t69 g\nCoarse grain steamed bread 145 g", 0.69 + 0.44 * 145),
        ("2 sugar pills (equal to 30 g glucose)", 30.0),
        ("Glucose 20 g ", 20.0),
        ("Minced pork with yam and corn 90 g", 0.9 * (0.0 + 12.0 + 21.0) / 3.0),
        ("Shepherd's-purse and pork stuffed dumpling 200 g", 50.0),  # the dumpling decides
        ("Milk 250 ml", 12.5),
        ("6 Red dates", 6 * 8 * 0.74),
        ("5 pieces of salted biscuits", 5 * 7 * 0.72),
        ("Seasame and walnut powder 1 bowl", 30 * 0.60),
        ("Beaf and tomatoes 100 g", 2.0),  # known misspelling, and a plural
        ("Rice 50 g Beef 20 g Milk 100 ml", 13.0 + 5.0),
    ],
)
def test_grams_of_carbohydrate(text, expected):
    meal = read_meal(text)
    assert meal.status == "read" and meal.grams == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "status", "grams", "unknown", "unweighed"),
    [
        ("", "no meal", 0.0, (), ()),
        ("fasting for examination", "no meal", 0.0, (), ()),
        ("data not available", "amount not recorded", 0.0, (), ()),
        ("Data not available", "amount not recorded", 0.0, (), ()),
        ("1 piece of pie", "not read", 0.0, (), ("1 piece of pie",)),
        ("Beef jerky 10 g\nCashew nuts", "partly read", 1.1, (), ("Cashew nuts",)),
        ("Rice 100 g\nGlorp 20 g", "partly read", 26.0, ("Glorp",), ()),
        ("Glorp", "not read", 0.0, ("Glorp",), ()),
        ("12 g", "not read", 0.0, ("",), ()),
        ("Rice 100 g and something", "not read", 0.0, (), ("Rice 100 g and something",)),
    ],
)
def test_what_cannot_be_read_is_named(text, status, grams, unknown, unweighed):
    meal = read_meal(text)
    assert (meal.status, meal.unknown, meal.unweighed) == (status, unknown, unweighed)
    assert meal.grams == pytest.approx(grams)


def test_more_than_anybody_eats_is_a_misprint():
    meal = read_meal("Cereal 400 g\nApple 60 g", largest=200.0)
    assert meal.status == "partly read" and meal.misprints == ("Cereal 400 g",)
    assert meal.grams == pytest.approx(8.4)


@given(st.sampled_from(NAMES), grams, st.sampled_from((" ", "", "  ", "\t", ", ")), st.sampled_from(("g", "ml", " g")))
def test_a_weighed_food_of_the_table_gives_its_share_however_it_is_written(name, weight, between, unit):
    meal = read_meal(f"{name.capitalize()}{between}{weight}{unit}")
    assert meal.status == "read"
    assert meal.grams == pytest.approx(weight * foods()[words(name)].carbohydrate / 100.0)


@given(st.lists(st.tuples(st.sampled_from(NAMES), grams), min_size=1, max_size=5))
def test_a_meal_is_the_sum_of_its_items_in_any_order(items):
    lines = [f"{name} {weight} g" for name, weight in items]
    total = sum(read_meal(line).grams for line in lines)
    assert read_meal("\n".join(lines)).grams == pytest.approx(total)
    assert read_meal("\n".join(reversed(lines))).grams == pytest.approx(total)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_a_dish_lies_between_its_foods(names):
    found = named(" and ".join(names))
    assume(found)
    shares = [food.carbohydrate / 100.0 for food in found]
    assert min(shares) - 1e-12 <= fraction(" and ".join(names)) <= max(shares) + 1e-12


@given(st.text(max_size=80) | st.text(st.sampled_from("abg ml\n0123456789.,()'"), max_size=60))
def test_any_text_is_read_or_named_and_never_an_error(text):
    meal = read_meal(text, largest=500.0)
    assert math.isfinite(meal.grams) and meal.grams >= 0.0
    left = bool(meal.unknown or meal.unweighed or meal.misprints)
    assert left == (meal.status in ("partly read", "not read"))
    assert meal.grams == 0.0 or meal.status in ("read", "partly read")


def test_the_table_of_foods_holds_possible_values_with_a_source():
    held = read_yaml(PACKAGE / "data" / "readers" / "foods.yaml").data
    assert len(foods()) == len(held) > 300, "two names are one once they are in the singular"
    for name, one in held.items():
        assert set(one) <= {"carbohydrate", "whole", "piece", "source"} and one["source"], name
        assert 0.0 <= one["carbohydrate"] <= 100.0 and one.get("piece", 1.0) > 0.0, name
