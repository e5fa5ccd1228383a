"""What tests of the lane `external` need of the machine."""

from __future__ import annotations

from functools import cache

import pytest

from vvuq.data.cards import DataCard, load_card
from vvuq.data.fetch import fetch
from vvuq.data.load import find_file
from vvuq.errors import VvuqError
from vvuq.paths import shipped


@cache
def _obtained() -> DataCard | str:
    path = shipped("studies") / "phenobarbital" / "data" / "phenobarbital.yaml"
    card = load_card(path)
    try:
        if any(find_file(card, file) is None for file in card.obtain.files):
            fetch(str(path), progress=lambda line: None)
    except VvuqError as error:
        return str(error).splitlines()[0]
    return card


def phenobarbital() -> DataCard:
    """The card of the real cohort, its files at hand: obtained once for all tests, skipped where that cannot be."""
    found = _obtained()
    if isinstance(found, str):
        pytest.skip(f"the phenobarbital cohort cannot be obtained: {found}")
    return found


def local_cohort(study: str, name: str) -> DataCard:
    """The card of a cohort whose files are not obtained but lie in VVUQ_DATA; skipped where they do not."""
    card = load_card(shipped("studies") / study / "data" / f"{name}.yaml")
    absent = [file.name for file in card.obtain.files if find_file(card, file) is None]
    if absent:
        pytest.skip(f"not in VVUQ_DATA: {', '.join(absent)}")
    return card
