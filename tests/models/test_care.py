"""A care process that cannot be is refused where it is declared."""

from dataclasses import replace

import caring
import numpy as np
import pytest

from vvuq.errors import InputError
from vvuq.models import Driver, Known


def declared(**changes):
    return replace(caring.TWIN, care=replace(caring.CARE, **changes))


def driver(function, name="mine", uses="clock"):
    return (Driver(name, "a test", uses, function),)


def test_what_is_right_is_taken_and_names_its_coefficients():
    assert declared().care.names == ("constant", "swing", "lately", "fed", "high")
    assert replace(caring.TWIN, care=None).care is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"orders": "stick"}, "stick"),
        ({"shows": "fingerstick"}, "care.shows: 'fingerstick' .*beside the one"),
        ({"slot": 0.0}, "care.slot: 0.0 .*above 0"),
        ({"slot": float("nan")}, "care.slot"),
        ({"prior": float("inf")}, "care.prior"),
        ({"step": -1.0}, "care.step"),
        ({"gap": 5.0}, "care.gap: 5.0 .*a slot, 15"),
        ({"drivers": ()}, "care.drivers.*or more"),
        ({"drivers": 2 * driver(lambda known: 0.0)}, "mine.*differ"),
        ({"drivers": driver(lambda known: 0.0, "two words")}, "two words"),
        ({"drivers": driver(lambda known: 0.0, "now")}, "none of constant, now"),
        ({"drivers": driver(lambda known: 0.0, uses="future")}, "uses: 'future' .*one of clock, orders, shown, given"),
        ({"given": ()}, "care.given.*fed speaks of"),
        ({"drivers": driver(lambda known: known.orders[-1], uses="orders")}, "mine: 'IndexError.*an empty record"),
        ({"drivers": driver(lambda known: "much")}, "mine: \"ValueError"),
        ({"drivers": driver(lambda known: np.inf)}, "finite values, or not-a-number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_remedy(changes, told):
    with pytest.raises(InputError, match=told):
        declared(**changes)


def test_a_driver_may_not_know():
    none = np.zeros(0)
    (one,) = declared(drivers=driver(lambda known: np.nan)).care.drivers
    assert np.isnan(one.function(Known(0.0, 0.0, none, none, none, none)))
