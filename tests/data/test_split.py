"""Held-out patients are fixed by a rule, disjoint from the rest; folds keep patients whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import UNITS, cohorts, synthetic_neonates

from vvuq.data.cards import HeldOutRule, find_card
from vvuq.data.cohort import make_cohort
from vvuq.data.split import held_out_ids, joined, overlap, patient_folds, same_folds, split, subset
from vvuq.errors import InputError

PHENOBARBITAL = "3 4 11 12 16 17 22 23 24 26 27 33 36 37 44 47 49 52 54 58"


def test_the_rule_of_the_phenobarbital_study_names_these_patients():
    rule = HeldOutRule(salt="vvuq/phenobarbital/v1/", count=20)
    chosen = held_out_ids([str(number) for number in range(1, 60)], rule)
    assert " ".join(sorted(chosen, key=int)) == PHENOBARBITAL
    assert find_card("phenobarbital").held_out == rule


@given(cohorts(min_size=2), st.data())
def test_parts_are_disjoint_complete_and_independent_of_order(cohort, data):
    count = data.draw(st.integers(1, len(cohort.patients) - 1))
    rule = HeldOutRule(salt="any/", count=count)
    build, held = split(cohort, rule)
    ids = [patient.id for patient in cohort.patients]
    mine, theirs = [p.id for p in build.patients], [p.id for p in held.patients]
    assert not set(mine) & set(theirs)
    assert len(theirs) == count
    assert mine == [one for one in ids if one in set(mine)]
    assert sorted(mine + theirs) == sorted(ids)
    assert held_out_ids(data.draw(st.permutations(ids)), rule) == set(theirs)
    assert all(patient.sealed for patient in held.patients) and not any(patient.sealed for patient in build.patients)
    assert set(build.patients) | {replace(p, sealed=False) for p in held.patients} == set(cohort.patients)
    assert joined(build, held, "whole").digest == make_cohort("whole", (*build.patients, *held.patients), UNITS).digest
    for part in (build, held):
        assert part.digest == make_cohort(part.name, part.patients, dict(part.units)).digest


def test_parts_are_named():
    build, held = split(synthetic_neonates(5, 1), HeldOutRule(salt="x", count=2))
    assert build.name.endswith("(build)")
    assert held.name.endswith("(held out)")


def test_another_salt_holds_out_others():
    ids = [str(number) for number in range(40)]
    assert held_out_ids(ids, HeldOutRule(salt="a", count=10)) != held_out_ids(ids, HeldOutRule(salt="b", count=10))


@pytest.mark.parametrize("count", [3, 4])
def test_someone_is_left_to_build_with(count):
    with pytest.raises(InputError, match="1 to 2 of 3"):
        held_out_ids(["1", "2", "3"], HeldOutRule(salt="x", count=count))


def test_repeated_ids_are_refused():
    with pytest.raises(InputError, match="twice"):
        held_out_ids(["1", "1", "2"], HeldOutRule(salt="x", count=1))
    with pytest.raises(InputError, match="twice"):
        patient_folds(["1", "1", "2"], 2, 1, np.random.default_rng(0))


def test_overlap_sees_the_same_id_and_the_same_record_under_another_id():
    cohort = synthetic_neonates(6, 1)
    one, two = subset(cohort, ["1", "2", "3"], "a"), subset(cohort, ["4", "5"], "b")
    assert overlap(one, two) == ()
    assert overlap(one, subset(cohort, ["3", "4"], "b")) == ("3",)
    renamed = replace(cohort.patients[1], id="99")
    assert overlap(one, replace(two, patients=(*two.patients, renamed))) == ("2",)


def test_subset_knows_its_patients():
    cohort = synthetic_neonates(4, 1)
    assert [p.id for p in subset(cohort, ["4", "2"], "x").patients] == ["2", "4"]
    for ids in (["7"], ["1", "7"], []):
        with pytest.raises(InputError, match="at least one"):
            subset(cohort, ids, "x")


@given(st.integers(2, 30), st.integers(1, 4), st.data())
def test_folds_partition_the_patients(n, repeats, data):
    k = data.draw(st.integers(2, n))
    ids = [f"p{number}" for number in range(n)]
    partitions = patient_folds(ids, k, repeats, np.random.default_rng(3))
    assert len(partitions) == repeats
    for folds in partitions:
        sizes = [len(fold) for fold in folds]
        assert len(folds) == k
        assert max(sizes) - min(sizes) <= 1
        assert sorted(one for fold in folds for one in fold) == sorted(ids)
        assert all(list(fold) == [one for one in ids if one in fold] for fold in folds)


def test_folds_repeat_with_the_stream_and_differ_between_repeats():
    ids = [str(number) for number in range(20)]
    first = patient_folds(ids, 5, 3, np.random.default_rng(1))
    assert first == patient_folds(ids, 5, 3, np.random.default_rng(1))
    assert first != patient_folds(ids, 5, 3, np.random.default_rng(2))
    assert len(set(first)) == 3


@pytest.mark.parametrize(("k", "repeats"), [(1, 1), (0, 1), (4, 1), (2, 0)])
def test_impossible_folds(k, repeats):
    with pytest.raises(InputError, match="patient folds"):
        patient_folds(["1", "2", "3"], k, repeats, np.random.default_rng(0))


@given(count=st.integers(2, 30), k=st.integers(2, 30) | st.none())
def test_the_same_folds_hold_everybody_once_and_are_even(count, k):
    ids = [str(i) for i in range(count)]
    if k is not None and k > count:
        with pytest.raises(InputError, match="folds"):
            same_folds(ids, k)
        return
    folds = same_folds(ids, k)
    assert sorted(i for fold in folds for i in fold) == sorted(ids)
    assert len(folds) == (k or count) and max(map(len, folds)) - min(map(len, folds)) <= 1


@given(cohorts(min_size=2), st.data())
def test_no_group_has_records_on_both_sides(cohort, data):
    names = [data.draw(st.sampled_from(["", "a", "b", "c"])) for _ in cohort.patients]
    patients = [replace(p, group=name) for p, name in zip(cohort.patients, names, strict=True)]
    whole = make_cohort("groups", patients, UNITS)
    groups = {p.group or p.id for p in patients}
    if len(groups) < 2:
        return
    build, held = split(whole, HeldOutRule(salt="any/", count=data.draw(st.integers(1, len(groups) - 1))))
    mine, theirs = ({p.group or p.id for p in part.patients} for part in (build, held))
    assert not mine & theirs and mine | theirs == groups
    assert len(build.patients) + len(held.patients) == len(patients)


def test_the_digest_knows_groups_and_that_of_records_alone_stays(tmp_path):
    alone = synthetic_neonates(3, 1)
    grouped = make_cohort("groups", [replace(p, group="one") for p in alone.patients], UNITS)
    assert grouped.digest != alone.digest
    assert make_cohort("again", [replace(p, group="") for p in grouped.patients], UNITS).digest == alone.digest
