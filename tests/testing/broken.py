"""Twins that break one property each, made from the good one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

from vvuq.models import RK4, LogNormal, Observable, Parameter, Twin
from vvuq.models.math import exp, sqrt, where
from vvuq.models.twin import load_twin
from vvuq.models.units import factor

GOOD = Path(__file__).with_name("good.py")
CALLS = count()
LAST_WEIGHT = 1.0


@cache
def good() -> Twin:
    return load_twin(GOOD)


def twin(**changes: object) -> Twin:
    """The good twin with other fields; those of its model, claims and envelope by their own names."""
    base = good()
    claims, model = {}, {}
    for name in list(changes):
        if name in base.claims.__dataclass_fields__:
            claims[name] = changes.pop(name)
        elif name in base.model.__dataclass_fields__ and name != "name":
            model[name] = changes.pop(name)
    changed = replace(base.model, **model) if model else base.model
    return replace(base, model=changed, claims=replace(base.claims, **claims), **changes)


def with_parameter(name: str, unit: str, median: float, sd_log: float = 0.1) -> tuple[Parameter, ...]:
    return (*good().model.parameters, Parameter(name, unit, LogNormal(median, sd_log), source="made up"))


# --- equations ---------------------------------------------------------------------------------------------------


def plain(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _, _ = theta
    dx[0] = R - k * A


def less_a_blank(t, x, u, theta, y):
    (A,) = x
    _, weight = u
    _, V, blank = theta
    y[0] = A / (V * weight) - blank


def leaking(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _, leak = theta
    dx[0] = R - (k + leak) * A


def spread(t, x, u, theta, y):
    (A,) = x
    _, weight = u
    _, V, _ = theta
    y[0] = A / (V * weight)


def jumping(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _, limit = theta
    dx[0] = R - where(A - limit, 1.2 * k * A, k * A)


def rooted(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _, limit = theta
    dx[0] = R - k * sqrt(limit * where(A, A, 0 * A))


def clocked(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _, ageing = theta
    dx[0] = R - k * A / (1 + t * ageing)


def in_the_open(t, x, u, theta, dx):
    (A,) = x
    R, _ = u
    k, _ = theta
    dx[0] = R - k * A / LAST_WEIGHT


def bell(t, x, u, theta, y):
    (A,) = x
    _, weight = u
    _, V, peak = theta
    y[0] = A / (V * weight) * exp(-A / peak)


def undefined(t, x, u, theta, y):
    (A,) = x
    _, weight = u
    _, V, largest = theta
    y[0] = A / (V * weight) * sqrt(1 - weight / largest)


def seen(function: Callable[..., None]) -> tuple[Observable, ...]:
    return (replace(good().model.observables[0], function=function),)


def three(name: str, unit: str, median: float, **changes: object) -> Twin:
    """A twin with a third parameter, which the good equations then take too."""
    fields = {"rhs": plain, "observables": seen(spread), "parameters": with_parameter(name, unit, median), **changes}
    return twin(**fields)


# --- schedule functions ------------------------------------------------------------------------------------------


def scaled(schedule, by: float):
    """A schedule with all amounts times a number."""
    return replace(
        schedule,
        boluses=tuple(replace(b, amount=b.amount * by) for b in schedule.boluses),
        infusions=tuple(replace(i, rate=i.rate * by) for i in schedule.infusions),
    )


def blind_to_units(cohort, patient):
    return good().schedule(replace(cohort, units=tuple({**dict(cohort.units), "dose": "mg"}.items())), patient)


def by_the_calendar(cohort, patient):
    hours = factor(dict(cohort.units)["time"], "h")
    late = any(dose.time * hours >= 24.0 for dose in patient.doses)
    return scaled(good().schedule(cohort, patient), 0.5 if late else 1.0)


def last_of_an_instant(cohort, patient):
    doses = {dose.time: dose for dose in patient.doses}
    return good().schedule(cohort, replace(patient, doses=tuple(doses.values())))


def blood_loss(cohort, patient):
    return scaled(good().schedule(cohort, patient), 0.9 ** len(patient.measurements))


def counting(cohort, patient):
    return scaled(good().schedule(cohort, patient), 1.0 + 1e-12 * next(CALLS))


def reseeding(cohort, patient):
    random.seed(1)
    return good().schedule(cohort, patient)


def remembering(cohort, patient):
    global LAST_WEIGHT
    plan = good().schedule(cohort, patient)
    LAST_WEIGHT = plan.levels[0].value
    return plan


def without_weight(schedule, theta, times):
    """The exact amount over the volume of one kilogram: a closed form that forgets the weight."""
    from math import exp as e

    k, V = theta
    out = []
    for time in times:
        amount = sum(b.amount * e(-k * (time - b.time)) for b in schedule.boluses if b.time < time)
        for i in schedule.infusions:
            if i.start < time:
                amount += i.rate / k * (e(-k * (time - min(i.stop, time))) - e(-k * (time - i.start)))
        out.append(amount / V)
    return out


def sharp(median: float) -> tuple[Parameter, ...]:
    """An elimination that is known almost exactly."""
    k, V = good().model.parameters
    return (replace(k, prior=LogNormal(median, 1e-3)), V)


def rough(median: float, rhs: Callable[..., None]) -> Twin:
    """A right-hand side that is not Lipschitz, and of which no more is claimed."""
    return three("limit", "mg", median, rhs=rhs, lipschitz=None, balances=(), solver_error=0.1)


def forgetful() -> Twin:
    return twin(rhs=in_the_open, schedule=remembering, balances=(), lipschitz=None)


def coarse() -> Twin:
    return twin(parameters=sharp(0.3), method=RK4(step=4.0), lipschitz=None)


BROKEN: dict[str, tuple[str, Callable[[], Twin]]] = {
    "a blank is subtracted": ("positivity", lambda: three("blank", "mg/L", 0.1, observables=seen(less_a_blank))),
    "a leak": ("conservation", lambda: three("leak", "1/h", 0.01, rhs=leaking)),
    "a jump": ("lipschitz", lambda: rough(10.0, jumping)),
    "a root at zero": ("lipschitz", lambda: rough(1.0, rooted)),
    "too low a bound": ("lipschitz", lambda: twin(lipschitz=0.15)),
    "a root of a negative number": ("finiteness", lambda: three("largest", "kg", 3.0, observables=seen(undefined))),
    "a bell-shaped response": ("monotone", lambda: three("peak", "mg", 10.0, observables=seen(bell))),
    "a global name that changes": ("one_text", forgetful),
    "doses in any unit are mg": ("units", lambda: twin(schedule=blind_to_units)),
    "doses by the calendar": ("time_shift", lambda: twin(schedule=by_the_calendar)),
    "a clock in the equations": ("time_shift", lambda: three("ageing", "1/h", 0.001, rhs=clocked, balances=())),
    "too coarse a step": ("splitting", coarse),
    "one dose an instant": ("order", lambda: twin(schedule=last_of_an_instant)),
    "samples that take blood": ("sampling", lambda: twin(schedule=blood_loss)),
    "a counter of calls": ("determinism", lambda: twin(schedule=counting)),
    "a seed of its own": ("streams", lambda: twin(schedule=reseeding)),
    "a closed form without the weight": ("closed_form", lambda: twin(closed_form=without_weight)),
}
