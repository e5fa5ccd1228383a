"""A state-space declaration that does not fit its model is refused at the twin's declaration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vvuq.errors import InputError
from vvuq.models.twin import load_twin
from vvuq.paths import shipped

TWIN = load_twin(shipped("twins") / "icu_vitals")
SPACE = TWIN.state_space
LACTATE, MAP, RATE = SPACE.channels


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slot": 0.0}, "state_space.slot"),
        ({"channels": (MAP, LACTATE, RATE)}, "state_space.channels"),
        ({"channels": (LACTATE, replace(MAP, log=True), RATE)}, "state_space.channels, map"),
        ({"levels": {"log_lactate": "log_lactate_level"}}, "state_space.levels"),
        ({"level": {}}, "state_space.level"),
        ({"start": {**SPACE.start, "nothing": (0.0, 1.0)}}, "state_space.start"),
        ({"start": {**SPACE.start, "rate": (0.0, 0.0)}}, "SD of rate"),
        ({"drift": {**SPACE.drift, "rate": -1.0}}, "SD of rate"),
        ({"drift": {"rate": 1.0}}, "state_space.drift"),
    ],
)
def test_what_does_not_fit_is_named(changes, field):
    with pytest.raises(InputError) as caught:
        replace(TWIN, state_space=replace(SPACE, **changes))
    assert field in str(caught.value)


def test_a_channel_in_a_unit_of_another_kind_is_refused():
    with pytest.raises(InputError):
        replace(TWIN, state_space=replace(SPACE, channels=(LACTATE, replace(MAP, unit="1/min"), RATE)))
