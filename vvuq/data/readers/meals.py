"""Meals written as free text -> grams of carbohydrate, by a table of foods with their sources (foods.yaml).

A food that is `whole` decides the dish that it names (a dumpling, whatever is in it). Of other dishes the named foods
make equal shares: "minced pork with yam and corn" is a third of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from vvuq.paths import PACKAGE
from vvuq.strict_yaml import read_yaml

Status = Literal["read", "partly read", "not read", "amount not recorded", "no meal"]

NOT_RECORDED = ("data not available",)
FASTING = ("fasting",)
BOWL, CUP = 30.0, 250.0  # g of dry powder in a bowl, g of drink in a cup
SPELLED = {
    "beaf": "beef", "brasied": "braised", "califlower": "cauliflower", "coarase": "coarse", "corase": "coarse",
    "croker": "croaker", "goud": "gourd", "grai": "grain", "milllet": "millet", "mungbean": "mung bean",
    "muttion": "mutton", "prok": "pork", "raddish": "radish", "scrabled": "scrambled", "scamble": "scrambled",
    "seasame": "sesame", "spinage": "spinach", "dishe": "dish", "wontonwonton": "wonton",
}  # fmt: skip
_WORD = re.compile(r"[a-z']+")
_NUMBER = r"(?P<number>\d+(?:\.\d+)?)"
_EQUAL = re.compile(rf"equal to {_NUMBER} ?g (?:of )?(?:glucose|sugar|carbohydrate)", re.I)
_WEIGHED = re.compile(rf"(?P<food>[^\d]*?)[\s,]*{_NUMBER}\s*(?:g|ml)\b", re.I)
_SERVED = re.compile(rf"(?P<food>[^\d]+?)\s+{_NUMBER}\s+(?P<unit>bowl|cup)s?", re.I)
_COUNTED = re.compile(rf"{_NUMBER}\s+(?:(?P<unit>piece|bowl|cup)s?\s+(?:of\s+)?)?(?P<food>[^\d]+)", re.I)


@dataclass(frozen=True, slots=True)
class Food:
    """Grams of carbohydrate in 100 g; whether it decides a dish; grams of one piece where pieces are counted."""

    carbohydrate: float
    whole: bool
    piece: float | None


@dataclass(frozen=True, slots=True)
class Meal:
    """Grams of carbohydrate in what could be read, and the items that could not: of unknown food, without an amount,
    or with more carbohydrate than anybody eats."""

    status: Status
    grams: float = 0.0
    unknown: tuple[str, ...] = ()
    unweighed: tuple[str, ...] = ()
    misprints: tuple[str, ...] = ()


@cache
def foods() -> Mapping[tuple[str, ...], Food]:
    """{words of a food, as `words` gives them: food}."""
    held = read_yaml(PACKAGE / "data" / "readers" / "foods.yaml").data
    return {
        words(name): Food(one["carbohydrate"], one.get("whole", False), one.get("piece")) for name, one in held.items()
    }


def words(text: str) -> tuple[str, ...]:
    """Lower-case words in the singular, as the table has them, known misspellings put right."""
    found = _WORD.findall(text.lower().replace("’", "'"))
    return tuple(one for word in found for one in SPELLED.get(_singular(word), _singular(word)).split())


def named(text: str) -> tuple[Food, ...]:
    """The foods of the table that a dish names, longest names first; only those that are whole, where there are any."""
    table, left = foods(), list(words(text))
    longest = max(map(len, table))
    found: list[Food] = []
    for length in range(min(longest, len(left)), 0, -1):
        for at in range(len(left) - length + 1):
            food = table.get(tuple(left[at : at + length]))
            if food is not None:
                found.append(food)
                left[at : at + length] = [""] * length
    return tuple(food for food in found if food.whole) or tuple(found)


def fraction(text: str) -> float | None:
    """Grams of carbohydrate in a gram of a dish; None where the table has none of its words."""
    found = named(text)
    return sum(food.carbohydrate for food in found) / (100.0 * len(found)) if found else None


def read_meal(text: str, largest: float = math.inf) -> Meal:
    """What a text says was eaten, an item a line; one of more than `largest` [g] of carbohydrate is a misprint."""
    plain = " ".join(text.split()).lower()
    if not plain or plain.startswith(FASTING):
        return Meal("no meal")
    if plain.startswith(NOT_RECORDED):
        return Meal("amount not recorded")
    items = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    read: list[float] = []
    unknown: list[str] = []
    unweighed: list[str] = []
    misprints: list[str] = []
    for item in items:
        grams, food = _item(item)
        if grams is not None and grams > largest:
            misprints.append(item)
        elif grams is not None:
            read.append(grams)
        elif fraction(food) is None:
            unknown.append(food)
        else:
            unweighed.append(item)
    missing = bool(unknown or unweighed or misprints)
    status: Status = "partly read" if read and missing else "not read" if missing else "read"
    return Meal(status, sum(read), tuple(unknown), tuple(unweighed), tuple(misprints))


def _item(text: str) -> tuple[float | None, str]:
    """(grams of carbohydrate or None, the text of the food)."""
    equal = _EQUAL.search(text)
    if equal:
        return float(equal["number"]), text
    weighed = list(_WEIGHED.finditer(text))
    if weighed:
        parts = [(fraction(one["food"]), float(one["number"])) for one in weighed]
        lost = [one["food"] for one, (share, _) in zip(weighed, parts, strict=True) if share is None]
        whole = not lost and not _WORD.search(text[weighed[-1].end() :].lower())
        return (sum(share * amount for share, amount in parts if share) if whole else None), (lost or [text])[0].strip()
    for pattern in (_SERVED, _COUNTED):
        counted = pattern.fullmatch(text)
        if counted:
            return _of_pieces(counted["food"], counted["unit"], float(counted["number"])), counted["food"]
    return None, text


def _of_pieces(food: str, unit: str | None, count: float) -> float | None:
    share, found = fraction(food), named(food)
    sizes = {"bowl": BOWL, "cup": CUP}
    size = sizes.get((unit or "").lower()) or (found[0].piece if len(found) == 1 else None)
    return None if share is None or size is None else share * size * count


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("oes"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
