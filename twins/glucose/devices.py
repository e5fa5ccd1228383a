"""Sensors and insulin pumps of a simulated patient: when and what a sensor shows, what a pump gives of what is asked.

Limits, increments and intervals are those of simglucose 0.2.11 (sensor_params.csv, pump_params.csv), an increment or
limit of a basal rate in IU/h. The error of a sensor is that of Breton & Kovatchev, J Diabetes Sci Technol 2008;2:853:
every 15 min e = 0.7 (e' + v), v standard normal, and the error is xi + lambda sinh((e - gamma) / delta); in between, a
cubic through the four nearest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Dose, Floats

STEADY, GAMMA, LAMBDA, DELTA, XI = 0.7, -0.5444, 15.9574, 1.6898, -5.47  # LAMBDA and XI in mg/dL
KNOT = 15.0  # min
BOLUS, BASAL = "rapid_insulin", "basal_insulin"
PER_HOUR = 60.0  # min


class Normal(Protocol):
    """Standard normal draws that are keyed by what they are for (vvuq.numerics.streams.Draws)."""

    def normal(self, cycle: int, purpose: str, shape: tuple[int, ...]) -> Floats:
        """Draws of one purpose in one cycle."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A reading every `every` min, between `low` and `high` mg/dL."""

    name: str
    every: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What can be given: whole multiples of `step`, from `low` to `high`."""

    step: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pump:
    """The limits of a bolus [IU] and of a basal rate [IU/h]."""

    name: str
    bolus: Limits
    basal: Limits


SENSORS = {
    one.name: one
    for one in (
        Sensor("Dexcom", 3.0, 39.0, 600.0),
        Sensor("GuardianRT", 5.0, 39.0, 600.0),
        Sensor("Navigator", 1.0, 32.0, 600.0),
    )
}
PUMPS = {
    one.name: one
    for one in (
        Pump("Cozmo", Limits(0.05, 0.0, 75.0), Limits(0.05, 0.0, 35.0)),
        Pump("Insulet", Limits(0.05, 0.0, 30.0), Limits(0.05, 0.0, 30.0)),
    )
}


def sample_times(sensor: Sensor, start: float, stop: float) -> Floats:
    """The sensor's readings from `start` to `stop` [min], both included, counted from `start`."""
    return np.asarray(start + sensor.every * np.arange(int((stop - start) / sensor.every + 1e-9) + 1))


def sensor_error(times: Floats, draws: Normal) -> Floats:
    """The error [mg/dL] of a sensor's readings at `times` >= 0 [min].

    The error at a time is the same whatever other times are read."""
    times = np.asarray(times, dtype=float)
    if times.size == 0 or not (np.all(np.isfinite(times)) and times.min() >= 0.0):
        raise InputError("sensor", "times", times.tolist(), "one or more finite times from 0 on")
    place = times / KNOT
    first = np.floor(place).astype(int)  # the knot before; knot k stands at index k + 1
    white = draws.normal(0, "sensor error", (int(first.max()) + 4,))
    e, knots = 0.0, np.empty(white.size)
    for k, v in enumerate(white):
        e = v if k == 0 else STEADY * (e + v)
        knots[k] = XI + LAMBDA * np.sinh((e - GAMMA) / DELTA)
    s = place - first
    before, here, after, later = (knots[first + k] for k in range(4))
    return np.asarray(
        -s * (s - 1) * (s - 2) / 6 * before
        + (s + 1) * (s - 1) * (s - 2) / 2 * here
        - (s + 1) * s * (s - 2) / 2 * after
        + (s + 1) * s * (s - 1) / 6 * later
    )


def shown(sensor: Sensor, glucose: Floats, error: Floats) -> Floats:
    """What the sensor shows [mg/dL] of the glucose in its tissue."""
    return np.clip(np.asarray(glucose) + error, sensor.low, sensor.high)


def delivered(limits: Limits, asked: float) -> float:
    """The nearest amount, or rate, that can be given."""
    return min(max(round(asked / limits.step) * limits.step, limits.low), limits.high)


def pumped(pump: Pump, doses: Iterable[Dose]) -> tuple[Dose, ...]:
    """Doses, times in min and insulin in IU, as the pump gives them: boluses and basal rates; others as they are."""
    return tuple(_given(pump, dose) for dose in doses)


def _given(pump: Pump, dose: Dose) -> Dose:
    if dose.what == BOLUS:
        return replace(dose, amount=delivered(pump.bolus, dose.amount))
    if dose.what == BASAL and dose.duration > 0.0:
        hours = dose.duration / PER_HOUR
        return replace(dose, amount=delivered(pump.basal, dose.amount / hours) * hours)
    return dose


def given_between(doses: Iterable[Dose], what: str, times: Floats) -> Floats:
    """What was given of one kind before each of the ascending `times` and from the one before on (times - 1,).

    Amounts, not rates: they add up to the same whatever the times. A dose over time counts as far as it has run."""
    total = np.zeros(len(times))
    for dose in doses:
        if dose.what == what:
            share = (
                (times > dose.time) if dose.duration == 0.0 else np.clip((times - dose.time) / dose.duration, 0.0, 1.0)
            )
            total += dose.amount * share
    return np.diff(total)
