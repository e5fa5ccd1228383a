"""Texts of insulin: each brand is one kind, or a mixture whose parts add up to what was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.data.readers.insulin import BRANDS, intravenous, kinds, subcutaneous
from vvuq.errors import InputError

MIXED = ("Novolin 30R", "Novolin 50R", "Gansulin 40R", "Humulin 70/30", "SciLin M30", "insulin aspart 70/30")
units = st.integers(1, 60)
separators = st.sampled_from((", ", "  ", ","))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Novolin R, 5 IU", {"short_insulin": 5.0}),
        ("insulin glarigine, 12 IU", {"long_insulin": 12.0}),
        ("Novolin 30R, 10 IU", {"short_insulin": 3.0, "intermediate_insulin": 7.0}),
        ("Gansulin 40R, 10 IU", {"short_insulin": 4.0, "intermediate_insulin": 6.0}),
        ("Humulin 70/30  8 IU", {"short_insulin": 2.4, "intermediate_insulin": 5.6}),
        ("SciLin M30, 25 IU", {"short_insulin": 7.5, "intermediate_insulin": 17.5}),
        ("insulin aspart 70/30, 14 IU", {"rapid_insulin": 4.2, "intermediate_insulin": 9.8}),
        ("insulin lispro, 4.5 IU", {"rapid_insulin": 4.5}),
        ("Humulin R, 2 IU, insulin degludec, 12 IU", {"short_insulin": 2.0, "long_insulin": 12.0}),
    ],
)
def test_a_text_gives_its_kinds(text, expected):
    assert dict(subcutaneous(text, "here")) == pytest.approx(expected)


@given(st.lists(st.tuples(st.sampled_from((*sorted(BRANDS), *MIXED)), units, separators), min_size=1, max_size=3))
def test_the_parts_of_any_doses_add_up_to_the_units_given(doses):
    text = ", ".join(f"{brand}{between}{amount} IU" for brand, amount, between in doses)
    assert sum(amount for _, amount in subcutaneous(text, "here")) == pytest.approx(sum(one[1] for one in doses))


@given(st.text(max_size=40) | st.text(st.sampled_from("NovolinRIU 0123456789,./"), max_size=40))
def test_any_text_gives_amounts_or_an_input_error(text):
    for read in (lambda: [one for _, one in subcutaneous(text, "here")], lambda: list(intravenous(text, "here"))):
        try:
            found = read()
        except InputError:
            continue
        assert all(amount >= 0.0 for amount in found)


@pytest.mark.parametrize("brand", ["insulin aspart 60/30", "insulin", "", "novolin r 5", "liraglutide", "novolin 130r"])
def test_what_is_no_known_insulin(brand):
    assert kinds(brand) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ml 0.9% sodium chloride,  12 IU Novolin R,  10 ml 10% potassium chloride", (12.0, 0.0, 500.0)),
        ("500ml 5% glucose,  3 IU Novolin R,  10 ml 10% potassium chloride", (3.0, 25.0, 500.0)),
        ("250 ml 5% glucose and sodium chloride, 6 IU Novolin R", (6.0, 12.5, 250.0)),
        ("CSII - basal insulin (Novolin R, IU / H)", (0.0, 0.0, 0.0)),
    ],
)
def test_a_bag_has_insulin_glucose_and_a_volume(text, expected):
    assert intravenous(text, "here") == expected
