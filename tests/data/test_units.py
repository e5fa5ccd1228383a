"""Any text is a unit with a dimension or a InputError, never another error."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vvuq.data.units import CONCENTRATION, MASS, OTHER, TIME, dimension, glucose_factor
from vvuq.errors import InputError


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("h", TIME),
        ("min", TIME),
        ("kg", MASS),
        ("ug", MASS),
        ("mmol", "dose"),
        ("IU", "dose"),
        ("mg/L", CONCENTRATION),
        ("mmol/L", CONCENTRATION),
        ("mg/dL", CONCENTRATION),
        ("mIU/mL", CONCENTRATION),
        ("1", OTHER),
        ("%", OTHER),
        ("L/h/kg", OTHER),
        ("mmHg", OTHER),
    ],
)
def test_dimensions(unit, expected):
    assert dimension(unit) == expected


@example("mg**")
@example("((((")
@example("1/0")
@example("2**99")
@example("kg^x")
@example("h;")
@example("¼")
@example("°C")
@example("9**9**9**9")
@example("kg**9**9**9")
@given(st.text(st.sampled_from("mgkLh/*^() .%123x"), max_size=12) | st.text(max_size=8))
def test_any_text_gives_a_dimension_or_an_input_error(text):
    try:
        assert dimension(text) in (TIME, MASS, "dose", CONCENTRATION, OTHER)
    except InputError:
        pass


@pytest.mark.parametrize("text", ["", " ", "mg/", "h;", "9**9**9**9", "kg/", "/kg", "foo", "__import__('os')"])
def test_what_is_no_unit(text):
    with pytest.raises(InputError):
        dimension(text)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("mmol/L", "mg/dL", 18.0156),
        ("mg/dL", "mmol/L", 1.0 / 18.0156),
        ("g/L", "mg/dL", 100.0),
        ("umol/mL", "mmol/L", 1.0),
    ],
)
def test_glucose_goes_between_mass_and_substance_through_its_molar_mass(source, target, expected):
    assert glucose_factor(source, target) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("source", "target"), [("mg/dL", "mmHg"), ("IU/L", "mg/dL"), ("mmol/L", "mg"), ("what", "g/L")]
)
def test_glucose_in_no_concentration_is_refused(source, target):
    with pytest.raises(InputError):
        glucose_factor(source, target)
