"""Any text is a unit with a dimension or a InputError, never another error."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vvuq.data.units import CONCENTRATION, MASS, OTHER, TIME, dimension
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
