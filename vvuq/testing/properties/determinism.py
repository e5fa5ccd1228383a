"""The same again is the same, bit for bit."""

from __future__ import annotations

from functools import partial

from vvuq.models.twin import Twin
from vvuq.testing.account import account
from vvuq.testing.cases import Stay, stays
from vvuq.testing.elsewhere import digest
from vvuq.testing.property import Property


def run(twin: Twin, stay: Stay) -> str | None:
    """Schedules, the course by the twin's own step and its closed form, twice."""
    one, two = digest(twin, stay), digest(twin, stay)
    wrong = [name for name in one if one[name] != two[name]]
    if not wrong:
        return None
    found = f"{', '.join(wrong)} differ between two calls with the same arguments"
    return account(twin, stay, found=found, promised="the same again is the same, bit for bit")


DETERMINISM = Property("determinism", "Does the same again give the same bits?", partial(stays, most=2), run)
