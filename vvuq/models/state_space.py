"""What makes of a model a state-space twin: a patient followed in slots, around levels of the patient's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.units import factor


@dataclass(frozen=True, slots=True)
class Channel:
    """What an observable of the model is in a record: `record`, the name there, in `unit`; `log`: the observable is the
    natural logarithm of the value in that unit."""

    observable: str
    record: str
    unit: str
    log: bool = False


@dataclass(frozen=True, slots=True)
class StateSpace:
    """Beliefs, drift and data of a twin that is followed in slots of equal length by its states alone.

    slot: its length, in the model's time unit. channels: one for each observable, in their order. levels: {moving
    state: the constant state that is the patient's own level of it}. level: {constant state: mean and SD between
    patients}. start: {moving state: mean and SD of its distance from the level when the record begins}. drift: {moving
    state: SD of its random walk per square root of time}. All are where a fit (calibration/state_space.py) begins."""

    slot: float
    channels: tuple[Channel, ...]
    levels: Mapping[str, str]
    level: Mapping[str, tuple[float, float]]
    start: Mapping[str, tuple[float, float]]
    drift: Mapping[str, float]


def check_state_space(where: str, model: Model, space: StateSpace) -> None:
    """Raises InputError where the declaration speaks of what the model does not have, or cannot be."""
    if not 0.0 < space.slot < float("inf"):
        raise InputError(where, "state_space.slot", space.slot, "a finite time above 0")
    named = [observable.name for observable in model.observables]
    if [channel.observable for channel in space.channels] != named:
        told = [channel.observable for channel in space.channels]
        raise InputError(where, "state_space.channels", told, f"one for each observable, in order: {', '.join(named)}")
    for channel, observable in zip(space.channels, model.observables, strict=True):
        if channel.log and observable.unit != "1":
            raise InputError(
                where, f"state_space.channels, {channel.observable}", observable.unit, "a logarithm has unit 1"
            )
        factor(channel.unit, channel.unit if channel.log else observable.unit, f"{where}, {channel.observable}")
    if set(space.levels) | set(space.levels.values()) != set(model.states):
        remedy = f"each state once, as moving or as its level: {', '.join(model.states)}"
        raise InputError(where, "state_space.levels", dict(space.levels), remedy)
    for field, names in (("level", space.levels.values()), ("start", space.levels), ("drift", space.levels)):
        given = getattr(space, field)
        if set(given) != set(names):
            raise InputError(where, f"state_space.{field}", sorted(given), f"a value for each of {', '.join(names)}")
    spreads = {**{k: v[1] for k, v in (*space.level.items(), *space.start.items())}}
    for name, value in [*spreads.items(), *space.drift.items()]:
        if not 0.0 < value < float("inf"):
            raise InputError(where, f"state_space, SD of {name}", value, "a finite value above 0")
