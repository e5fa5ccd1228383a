"""Texts of insulin -> kinds of doses: brand names to kinds, mixtures to their parts by the label."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vvuq.errors import InputError

Parts = tuple[tuple[str, float], ...]  # (kind of dose, share of the units)

SHORT, RAPID, INTERMEDIATE, LONG = "short_insulin", "rapid_insulin", "intermediate_insulin", "long_insulin"
BRANDS = {
    "novolin r": SHORT, "humulin r": SHORT, "gansulin r": SHORT, "scilin r": SHORT, "regular insulin": SHORT,
    "insulin aspart": RAPID, "insulin lispro": RAPID, "insulin glulisine": RAPID,
    "novolin n": INTERMEDIATE, "humulin n": INTERMEDIATE, "gansulin n": INTERMEDIATE, "scilin n": INTERMEDIATE,
    "nph insulin": INTERMEDIATE,
    "insulin glargine": LONG, "insulin glarigine": LONG, "insulin detemir": LONG, "insulin degludec": LONG,
}  # fmt: skip
_HUMAN = re.compile(r"(?:novolin|humulin|gansulin|scilin) (?:m ?)?(\d\d)r?")  # Novolin 30R, SciLin M30: 30 % regular
_PERCENT = re.compile(r"(novolin|humulin|gansulin|scilin|insulin aspart|insulin lispro) (\d\d)/(\d\d)")
_DOSE = re.compile(r"(?P<brand>[^\d,;]*(?:\d+r|m\d+|\d\d/\d\d)?)[\s,]+(?P<amount>[+-]?\d+(?:\.\d+)?)\s*iu")
_INSULIN = re.compile(r"(?P<amount>[+-]?\d+(?:\.\d+)?)\s*iu\s+(?P<brand>[^,;]+)")
_GLUCOSE = re.compile(r"(\d+(?:\.\d+)?)\s*ml\s+(\d+(?:\.\d+)?)\s*%\s*glucose")
_BAG = re.compile(r"(\d+(?:\.\d+)?)\s*ml\s+\d+(?:\.\d+)?\s*%\s*(?:glucose|sodium chloride)")


def kinds(brand: str) -> Parts | None:
    """What a brand is, with the share of each part; None where it is not known.

    A name with 70/30 has its protamine part first, as labels write it: 30 % act fast."""
    name = " ".join(brand.lower().split())
    if name in BRANDS:
        return ((BRANDS[name], 1.0),)
    human = _HUMAN.fullmatch(name)
    if human:
        return _mixed(SHORT, int(human[1]))
    percent = _PERCENT.fullmatch(name)
    if percent and int(percent[2]) + int(percent[3]) == 100:
        return _mixed(RAPID if percent[1].startswith("insulin") else SHORT, int(percent[3]))
    return None


def subcutaneous(text: str, where: str) -> list[tuple[str, float]]:
    """[(kind, units)] of a text such as "Humulin R, 2 IU, insulin degludec, 12 IU". Raises InputError."""
    plain, at, found = " ".join(text.lower().split()), 0, []
    for dose in _DOSE.finditer(plain):
        if plain[at : dose.start()].strip(" ,;"):
            break
        found += list(_parts(dose["brand"].strip(" ,;"), dose["amount"], where))
        at = dose.end()
    if plain[at:].strip(" ,;") or not found:
        raise InputError(where, "insulin", text, "brand, units and IU of each dose, as Novolin R, 5 IU")
    return found


def intravenous(text: str, where: str) -> tuple[float, float, float]:
    """(units of insulin, grams of glucose, mL) of a bag such as "500ml 5% glucose, 3 IU Novolin R, ...".

    All 0 for a text without an amount of insulin or a bag. Raises InputError for an insulin that is not known."""
    plain = " ".join(text.lower().split())
    units = sum(units for one in _INSULIN.finditer(plain) for _, units in _parts(one["brand"], one["amount"], where))
    glucose = sum(float(volume) * float(percent) / 100.0 for volume, percent in _GLUCOSE.findall(plain))
    return units, glucose, sum(map(float, _BAG.findall(plain)))


def _parts(brand: str, amount: str, where: str) -> Iterator[tuple[str, float]]:
    units, parts = float(amount), kinds(brand)
    if parts is None:
        raise InputError(where, "insulin", brand.strip(), f"a known insulin, as {', '.join(sorted(BRANDS)[:4])}")
    if units < 0.0:
        raise InputError(where, "insulin", amount, "units of 0 or above")
    yield from ((kind, units * share) for kind, share in parts if units > 0.0)


def _mixed(fast: str, percent: int) -> Parts:
    return ((fast, percent / 100.0), (INTERMEDIATE, 1.0 - percent / 100.0))
