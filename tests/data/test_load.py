"""A cohort is read from where it lies, if it is the pinned file, or the message says how to get it."""

from __future__ import annotations

import copy

import pytest
from strategies import synthetic_neonates

from vvuq.data.load import check_digest, find_file, load_cohort
from vvuq.errors import InputError, IntegrityError, NotEvaluable


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "babies.dta").write_bytes(content)
    return folder / "babies.dta"


def test_the_cohort_comes_back_from_the_file(babies):
    put(babies.target, babies.content)
    cohort = load_cohort(babies.card)
    assert cohort.name == "babies"
    assert cohort.patients == babies.cohort.patients
    assert cohort.digest == babies.cohort.digest


@pytest.mark.parametrize("place", ["given data/babies", "given data", "a cache/data/babies", "a cache/data"])
def test_every_place_is_searched(babies, place):
    put(babies.cache.parent / place, babies.content)
    assert load_cohort(babies.card).digest == babies.cohort.digest


def test_the_given_folder_comes_before_the_cache(babies):
    put(babies.target, babies.content)
    put(babies.data, babies.content + b" ")
    with pytest.raises(IntegrityError, match="given data"):
        load_cohort(babies.card)


def test_the_folder_of_the_cohort_comes_before_the_folder_above(babies):
    right = put(babies.data / "babies", babies.content)
    put(babies.data, b"another cohort's file of the same name")
    assert find_file(babies.card, babies.card.table) == right
    assert load_cohort(babies.card).digest == babies.cohort.digest


def test_an_absent_file_says_what_to_do(babies):
    with pytest.raises(NotEvaluable) as caught:
        load_cohort(babies.card)
    for word in ("vvuq data fetch babies", "VVUQ_DATA", babies.card.table.sha256):
        assert word in str(caught.value)
    assert str(babies.data) not in str(caught.value), "the message is kept as evidence: no path of this machine"


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_flipped_byte_is_found(babies, position):
    content = bytearray(babies.content)
    content[position] ^= 1
    put(babies.target, bytes(content))
    with pytest.raises(IntegrityError, match=r"babies\.dta is not the file the data card pins"):
        load_cohort(babies.card)


def test_a_file_that_cannot_be_read(babies):
    with pytest.raises(NotEvaluable, match="cannot read"):
        check_digest(babies.card.folder, "0" * 64)


@pytest.mark.parametrize(("field", "value"), [("patients", 11), ("measurements", 1)])
def test_the_counts_of_the_card_are_those_of_the_file(babies, field, value):
    put(babies.target, babies.content)
    fields = copy.deepcopy(babies.fields)
    fields[field] = value
    with pytest.raises(InputError, match=rf"babies\.yaml:\d+: {field}: {value}"):
        load_cohort(babies.rewrite(fields))


def test_synthetic_neonates_survive_the_table(babies):
    assert babies.cohort == synthetic_neonates(10, 5)
