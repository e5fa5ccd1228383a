"""Many patients at once, each under a schedule of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule, amounts_on, compile_course
from vvuq.models.simulate import (
    RK4,
    Adaptive,
    Paths,
    Tier,
    abreast,
    initial_states,
    kernel_for,
    parameter_matrix,
    simulate,
)
from vvuq.record import Floats


def simulate_cohort(
    model: Model,
    schedules: Sequence[Schedule],
    theta: Floats,
    times: Sequence[float] | Floats,
    *,
    method: RK4 | Adaptive,
    x0: Floats | None = None,
    tier: Tier = "auto",
    states: bool = True,
) -> Paths:
    """simulate(), to the same bits, for members of whom each has its own schedule, from that schedule's start on.

    theta (p,) or (p, members), x0 (n,) or (n, members); tier and states as simulate() has them. Members whose
    schedules differ in amounts, rates and values alone run side by side; others in groups, or one by one.
    Raises InputError for what does not fit the model."""
    if not schedules:
        raise InputError(model.name, "schedules", 0, "one for each member")
    members, how = len(schedules), _How(model, times, method, tier, states)
    every = _columns(model, "parameters", parameter_matrix(model, theta), members)
    initial = _columns(model, "initial states", initial_states(model, x0, members), members)
    groups: dict[Hashable, list[int]] = {}
    for m, schedule in enumerate(schedules):
        groups.setdefault(_course(schedule), []).append(m)
    found = [
        _group(how, [schedules[m] for m in of], np.take(every, of, axis=1), np.take(initial, of, axis=1))
        for of in groups.values()
    ]
    return _joined(found, [m for of in groups.values() for m in of])


@dataclass(frozen=True, slots=True)
class _How:
    """What all members have in common."""

    model: Model
    times: Sequence[float] | Floats
    method: RK4 | Adaptive
    tier: Tier
    states: bool


def _group(how: _How, schedules: list[Schedule], theta: Floats, x0: Floats) -> Paths:
    """Members whose schedules differ in amounts alone."""
    model, method = how.model, how.method
    if isinstance(method, RK4):
        course, own = compile_course(model, schedules[0], how.times), len(schedules) > 1
        if (kernel := kernel_for(model, course, method, len(schedules), how.tier, own_inputs=own)) is not None:
            amounts = amounts_on(model, schedules, course)
            return abreast(model, kernel, course, amounts, theta, x0, method, how.states)
    alone = [
        simulate(model, of, theta[:, m], how.times, method=method, x0=x0[:, m], tier="pointer", states=how.states)
        for m, of in enumerate(schedules)
    ]
    return _joined(alone, list(range(len(alone))))


def _joined(parts: list[Paths], members: list[int]) -> Paths:
    """Parts as one; members: who stands where in them, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(members)
    states, observed, codes = (
        np.concatenate([getattr(of, name) for of in parts], axis=-1)[..., order]
        for name in ("states", "observed", "codes")
    )
    return Paths(parts[0].times, states, observed, codes)


def _course(schedule: Schedule) -> Hashable:
    """A schedule without its amounts."""
    return (
        schedule.start,
        tuple([b.time for b in schedule.boluses]),
        tuple([b.state for b in schedule.boluses]),
        tuple([(i.start, i.stop, i.input) for i in schedule.infusions]),
        tuple([(level.time, level.input) for level in schedule.levels]),
        tuple([(r.time, r.state, r.of) for r in schedule.resets]),
    )


def _columns(model: Model, what: str, matrix: Floats, members: int) -> Floats:
    if matrix.shape[1] not in (1, members):
        raise InputError(model.name, what, matrix.shape, f"one column, or one for each of {members} schedules")
    return np.broadcast_to(matrix, (matrix.shape[0], members))
