"""The Shanghai tables read as their cards say. Counts alone: nothing of a patient is looked at."""

from __future__ import annotations

import pytest
from external import local_cohort

from vvuq.data.load import load_cohort
from vvuq.data.split import split
from vvuq.data.units import check_card
from vvuq.models.units import factor


@pytest.mark.external
@pytest.mark.parametrize(("name", "patients", "least_meals"), [("shanghai_t1dm", 9, 350), ("shanghai_t2dm", 60, 1500)])
def test_the_tables_are_those_of_the_card_and_nearly_every_meal_is_read(name, patients, least_meals):
    card = local_cohort("t1d_hypoglycaemia", name)
    check_card(card)
    cohort = load_cohort(card)  # raises where the counts are not those of the card
    notes = dict(cohort.notes)
    assert len(cohort.patients) == patients
    assert notes["meals read"] >= least_meals
    assert notes["meals partly read"] + notes["meals not read"] <= 0.03 * notes["meals read"]
    kept = notes["sensor readings kept"] + notes["fingersticks kept"]
    assert kept == sum(len(p.measurements) for p in cohort.patients) == card.measurements
    assert {d.what for p in cohort.patients for d in p.doses} <= set(dict(cohort.units))
    assert all(factor(dict(cohort.units)[what], "IU") == 1.0 for what in ("short_insulin", "basal_insulin"))


@pytest.mark.external
def test_the_held_out_patients_are_those_of_the_rule():
    card = local_cohort("t1d_hypoglycaemia", "shanghai_t1dm")
    build, sealed = split(load_cohort(card), card.held_out)
    assert {p.id for p in sealed.patients} == {"1001", "1010", "1011"} and len(build.patients) == 6
