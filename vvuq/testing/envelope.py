"""The envelope of a study's plan, as the strategies take it: mapped by name onto what the twin's own envelope names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vvuq.credibility.plan import Plan
from vvuq.credibility.plan import Range as Axis
from vvuq.models.claims import Envelope, Range
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.testing.strategies import envelope_for

NAMED = ("covariates", "doses", "measured", "levels", "boluses", "rates", "initial")


@dataclass(frozen=True, slots=True)
class PlanEnvelope:
    """A plan's envelope for a twin. unmapped: axes of the plan that name nothing of the twin, which nothing keeps to;
    wider: axes on which the plan goes beyond what the twin claims."""

    envelope: Envelope
    unmapped: tuple[str, ...]
    wider: tuple[str, ...]


def envelope_of(plan: Plan, twin: Twin) -> PlanEnvelope:
    """The twin's envelope with the ranges of `plan.context_of_use.envelope` in place of those of the same name.

    "samples" is the number of samples, "duration" the longest stay; a covariate that the model takes under the same
    name is narrowed there too. Raises InputError where a unit does not fit."""
    found, unmapped, wider = envelope_for(twin), [], []
    for axis in plan.context_of_use.envelope:
        before, found = found, _with(found, axis, twin)
        if found is before:
            unmapped.append(axis.name)
        elif _wider(before, found):
            wider.append(axis.name)
    return PlanEnvelope(envelope_for(twin, found), tuple(unmapped), tuple(wider))


def _with(envelope: Envelope, axis: Axis, twin: Twin) -> Envelope:
    """The envelope with one axis of a plan in it; the same object where it has no place for it."""
    if axis.name == "samples":
        samples = _scaled(axis, envelope.samples)
        return replace(envelope, samples=replace(samples, low=max(1.0, samples.low)))  # without one nothing is seen
    if axis.name == "duration":
        scale = factor(axis.unit, twin.model.time_unit, f"envelope: {axis.name}")
        return replace(envelope, duration=axis.high * scale)
    for name in NAMED:
        ranges = getattr(envelope, name)
        if axis.name in ranges:
            changed: dict[str, Any] = {name: {**ranges, axis.name: _scaled(axis, ranges[axis.name])}}
            envelope = replace(envelope, **changed)
    return envelope


def _scaled(axis: Axis, own: Range) -> Range:
    scale = factor(axis.unit, own.unit, f"envelope: {axis.name}")
    return replace(own, low=axis.low * scale, high=axis.high * scale)


def _wider(before: Envelope, after: Envelope) -> bool:
    """True where a range of `after` reaches beyond that of `before`."""
    if after.duration > before.duration or _beyond(before.samples, after.samples):
        return True
    return any(_beyond(getattr(before, name)[key], one) for name in NAMED for key, one in getattr(after, name).items())


def _beyond(before: Range, after: Range) -> bool:
    return after.low < before.low or after.high > before.high
