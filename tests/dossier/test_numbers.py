"""Numbers as text: three significant digits, true signs, nothing that is not a number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.dossier.numbers import (
    MISSING,
    column_decimals,
    exact,
    interval_decimals,
    plain,
    power_of_ten,
    show,
    unit_text,
)

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text: str) -> float:
    """The number that a printed text states."""
    digits, _, power = text.replace("\u2212", "-").partition("\u00a0×\u00a010")
    return float(digits.replace("\u00a0", "")) * 10.0 ** int(power.translate(POWERS) or 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-2.0, "−2"), (0.0051, "0.00510"), (17.34, "17.3"), (1234, "1\u00a0234"),
     (3.2e-13, "3.20\u00a0×\u00a010⁻¹³"),
     (-0.5, "−0.500"), (True, "1"),
     (2.5e7, "2.50\u00a0×\u00a010⁷"), (None, MISSING), (math.nan, MISSING), (math.inf, MISSING)],
)  # fmt: skip
def test_shown(value: float | None, text: str) -> None:
    assert show(value) == text


@given(finite)
def test_what_is_shown_is_within_half_a_percent(value: float) -> None:
    if value == 0 or abs(value) > 1e-290:
        assert math.isclose(read(show(value)), value, rel_tol=5.1e-3)


@given(finite)
def test_what_people_wrote_is_printed_without_rounding(value: float) -> None:
    assert math.isclose(read(exact(value)), value, rel_tol=1e-12, abs_tol=5e-300)


@given(finite, finite, finite)
def test_both_ends_of_an_interval_stay_apart(value: float, low: float, width: float) -> None:
    value, low = math.fmod(value, 1e6), math.fmod(low, 1e6)
    high = low + abs(math.fmod(width, 1e6))
    if high - low > 1e-3 * max(abs(value), abs(low), abs(high), 1e-3):
        decimals = interval_decimals(value, low, high)
        assert show(low, decimals) != show(high, decimals)


def test_intervals_keep_two_digits_of_their_half_width() -> None:
    assert interval_decimals(-2.1, -8.1, 3.9) == 1
    assert interval_decimals(0.0051, 0.0045, 0.0057) == 5
    assert interval_decimals(4.0, 4.0, 4.0) == 2


def test_the_sign_of_an_end_near_zero_shows() -> None:
    decimals = interval_decimals(0.175, -0.0036, 0.353)
    assert show(-0.0036, decimals) == "−0.004"


def test_columns_share_their_places_unless_sizes_differ_much() -> None:
    assert column_decimals([1.23, 4.5, 9.0]) == 2
    assert column_decimals([0.005, 300.0]) is None
    assert column_decimals([1e-9, 2e-9]) is None
    assert column_decimals([28.0, 14.0]) is None
    assert column_decimals([]) is None


def test_units() -> None:
    assert [unit_text(unit) for unit in ("1", "", "mg/L", "m^2")] == ["", "", "mg/L", "m²"]


def test_powers() -> None:
    assert [power_of_ten(10.0**power) for power in (-12, 0, 3)] == ["10⁻¹²", "10⁰", "10³"]


def test_plain() -> None:
    assert plain(True) == 1 and plain(math.inf) is None and plain(2) == 2
