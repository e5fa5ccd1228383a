"""A cohort holds only what was validated, and says where it is not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from strategies import UNITS, cohorts, synthetic_neonates

from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.record import Dose, Measurement, Patient

COVARIATES = (("weight", 1.4), ("apgar", 7.0))
GOOD = Patient("1", COVARIATES, (Dose(0.0, 25.0), Dose(12.0, 3.5)), (Measurement(2.0, "concentration", 17.3),))


def sample(time: object, value: object) -> Measurement:
    return Measurement(time, "concentration", value)  # type: ignore[arg-type]


def refused(patient: Patient, *words: str, units: dict[str, str] = UNITS, first: tuple[Patient, ...] = ()) -> None:
    with pytest.raises(InputError) as caught:
        make_cohort("neonates", (*first, patient), units)
    for word in ("neonates", *words):
        assert word in str(caught.value)


@given(cohorts())
def test_valid_cohorts_are_kept_and_remade_alike(cohort):
    again = make_cohort(cohort.name, cohort.patients, dict(cohort.units))
    assert again == cohort
    assert len(cohort.digest) == 64


def test_numbers_become_floats_and_equal_records_equal_digests():
    whole = Patient("1", (("weight", 1), ("apgar", 7)), (Dose(-0.0, 25, 0),), (sample(2, 17),))
    real = Patient("1", (("apgar", 7.0), ("weight", 1.0)), (Dose(0.0, 25.0),), (sample(2.0, 17.0),))
    one, two = make_cohort("a", [whole], UNITS), make_cohort("b", [real], UNITS)
    assert isinstance(one.patients[0].doses[0].amount, float)
    assert one.digest != two.digest  # the order of the covariates is the first patient's
    reordered = replace(real, covariates=real.covariates[::-1])
    assert one.digest == make_cohort("b", [reordered], UNITS).digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(GOOD, id="2"),
        replace(GOOD, covariates=(("weight", 1.5), ("apgar", 7.0))),
        replace(GOOD, doses=(Dose(0.0, 25.0), Dose(12.0, 3.5, 0.5))),
        replace(GOOD, doses=GOOD.doses[:1]),
        replace(GOOD, doses=(Dose(0.0, 25.0), Dose(12.0, 3.5, what="caffeine"))),
        replace(GOOD, measurements=(sample(2.0, 17.4),)),
        replace(GOOD, measurements=(sample(2.1, 17.3),)),
    ],
)
def test_any_change_changes_the_digest(changed):
    units = UNITS | {"caffeine": "mg"}
    assert make_cohort("n", [changed], units).digest != make_cohort("n", [GOOD], units).digest


def test_each_kind_of_dose_has_a_unit_of_its_own():
    meal = replace(GOOD, doses=(Dose(0.0, 25.0), Dose(1.0, 4.0, what="insulin"), Dose(1.0, 50.0, what="carbohydrate")))
    units = UNITS | {"insulin": "IU", "carbohydrate": "g"}
    assert [d.what for d in make_cohort("n", [meal], units).patients[0].doses] == ["dose", "insulin", "carbohydrate"]
    refused(meal, "units: insulin", units=UNITS | {"carbohydrate": "g"})
    refused(meal, "units: insulin", "an amount", units=units | {"insulin": "h"})
    refused(replace(GOOD, doses=(Dose(0.0, 25.0, what=" "),)), "dose 1", "dose name", units=UNITS | {" ": "mg"})
    refused(replace(GOOD, doses=(Dose(0.0, 25.0, what="apgar"),)), "apgar", "a name of its own")


def test_units_are_part_of_the_digest_and_the_name_is_not():
    base = make_cohort("n", [GOOD], UNITS)
    assert make_cohort("other", [GOOD], UNITS).digest == base.digest
    assert make_cohort("n", [GOOD], UNITS | {"dose": "ug"}).digest != base.digest


def test_second_patient_takes_the_covariate_order_of_the_first():
    other = replace(GOOD, id="2", covariates=COVARIATES[::-1])
    assert make_cohort("n", [GOOD, other], UNITS).patients[1].covariates == COVARIATES


@pytest.mark.parametrize("name", ["", " 1", "1\n", 7])
def test_ids(name):
    refused(replace(GOOD, id=name), "patient number 1", "id", repr(name))


def test_ids_are_unique():
    refused(GOOD, "patient number 2", "no other patient", first=(GOOD,))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 10**400, "2", None, True])
def test_numbers_are_finite_numbers(bad):
    refused(replace(GOOD, doses=(Dose(bad, 25.0),)), "dose 1", "dose time")
    refused(replace(GOOD, doses=(Dose(0.0, bad),)), "dose 1", "dose amount")
    refused(replace(GOOD, doses=(Dose(0.0, 25.0, bad),)), "dose 1", "dose duration")
    refused(replace(GOOD, measurements=(sample(bad, 1.0),)), "measurement 1", "measurement time")
    refused(replace(GOOD, measurements=(sample(1.0, bad),)), "measurement 1", "concentration")
    refused(replace(GOOD, covariates=(("weight", bad), ("apgar", 7.0))), "patient 1", "weight")


@pytest.mark.parametrize("amount", [0.0, -1.0])
def test_dose_amounts_are_above_zero(amount):
    refused(replace(GOOD, doses=(Dose(0.0, 25.0), Dose(1.0, amount))), "patient 1, dose 2", "dose amount", repr(amount))


def test_durations_are_not_negative():
    refused(replace(GOOD, doses=(Dose(0.0, 25.0, -0.1),)), "dose duration", "-0.1")


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_a_concentration_of_zero_is_refused_with_what_to_do(value):
    refused(replace(GOOD, measurements=(sample(1.0, value),)), "measurement 1", "limit of quantification")


def test_other_observables_may_be_zero_or_negative():
    patient = replace(GOOD, measurements=(Measurement(1.0, "base_excess", -4.0),))
    made = make_cohort("n", [patient], UNITS | {"base_excess": "1"})
    assert made.patients[0].measurements[0].value == -4.0
    refused(patient, "base_excess", "limit of quantification", units=UNITS | {"base_excess": "mmol/L"})


def test_times_ascend_and_are_not_sorted_silently():
    refused(replace(GOOD, doses=GOOD.doses[::-1]), "dose 2", "dose time", "12")
    refused(replace(GOOD, measurements=(sample(5.0, 1.0), sample(4.0, 1.0))), "measurement 2", "measurement time", "5")


def test_one_value_of_an_observable_a_time():
    refused(replace(GOOD, measurements=(sample(2.0, 1.0), sample(2.0, 1.1))), "measurement 2", "2.0")
    both = (sample(2.0, 1.0), Measurement(2.0, "heart_rate", 120.0))
    made = make_cohort("n", [replace(GOOD, measurements=both)], UNITS | {"heart_rate": "1/min"})
    assert made.patients[0].measurements == both


def test_a_sample_at_the_time_of_a_dose_and_two_doses_at_once_are_kept():
    patient = replace(GOOD, doses=(Dose(2.0, 25.0), Dose(2.0, 1.0)))
    assert make_cohort("n", [patient], UNITS).patients[0] == patient


@pytest.mark.parametrize(
    "covariates", [(("weight", 1.4),), (*COVARIATES, ("age", 1.0)), (("weight", 1.4), ("weight", 1.4)), ()]
)
def test_all_patients_have_the_same_covariates(covariates):
    refused(
        replace(GOOD, id="2", covariates=covariates),
        "patient 2",
        "covariates",
        first=(GOOD,),
        units=UNITS | {"age": "d"},
    )


def test_a_covariate_named_twice_is_refused_in_the_first_patient_too():
    refused(replace(GOOD, covariates=(("weight", 1.4), ("weight", 1.4))), "covariates")


@pytest.mark.parametrize("weight", [0.0, -1.4])
def test_weight_is_above_zero(weight):
    refused(replace(GOOD, covariates=(("weight", weight), ("apgar", 7.0))), "weight", "above 0")


@pytest.mark.parametrize("field", ["time", "dose", "concentration", "weight", "apgar"])
def test_each_field_needs_a_unit(field):
    refused(GOOD, f"units: {field}", units={key: unit for key, unit in UNITS.items() if key != field})


@pytest.mark.parametrize(
    ("field", "unit", "remedy"),
    [
        ("time", "mg", "a time"),
        ("dose", "h", "an amount"),
        ("dose", "mg/kg", "an amount"),
        ("concentration", "mg", "a concentration"),
        ("weight", "L", "a mass"),
        ("apgar", "points-of-apgar", "pint knows"),
        ("concentration", "mg/", "pint knows"),
        ("concentration", "", "pint knows"),
    ],
)
def test_units_have_the_right_dimension(field, unit, remedy):
    refused(GOOD, f"units: {field}", repr(unit), remedy, units=UNITS | {field: unit})


@pytest.mark.parametrize(("dose", "level"), [("mmol", "mmol/L"), ("IU", "mIU/mL"), ("ug", "ng/mL")])
def test_other_units_of_amount_and_concentration(dose, level):
    assert make_cohort("n", [GOOD], UNITS | {"dose": dose, "concentration": level}).patients == (GOOD,)


def test_a_name_means_one_thing():
    refused(replace(GOOD, covariates=(("concentration", 1.0),)), "concentration", "a name of its own")
    refused(replace(GOOD, covariates=(("time", 1.0),)), "time", "a name of its own")


def test_a_cohort_has_patients():
    with pytest.raises(InputError, match="at least one patient"):
        make_cohort("neonates", [], UNITS)


def test_synthetic_neonates_repeat_and_do_not_depend_on_their_number():
    few, many = synthetic_neonates(5, 1), synthetic_neonates(12, 1)
    assert few.patients == many.patients[:5]
    assert few.digest != synthetic_neonates(5, 2).digest
    assert {len(patient.measurements) for patient in synthetic_neonates(60, 3).patients} >= {1, 2, 3, 4}
