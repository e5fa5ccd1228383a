"""Many patients at once, each under a schedule of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.schedule import Schedule, compile_grid, own_amounts
from vvuq.models.simulate import (
    RK4,
    Adaptive,
    Paths,
    Tier,
    abreast,
    initial_states,
    lanes_for,
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
    members = len(schedules)
    every = _columns(model, "parameters", parameter_matrix(model, theta), members)
    initial = _columns(model, "initial states", initial_states(model, x0, members), members)
    common = times, method, tier, states
    groups: dict[Hashable, list[int]] = {}
    for m, schedule in enumerate(schedules):
        groups.setdefault(_course(schedule), []).append(m)
    found = [
        _group(model, [schedules[m] for m in of], *(np.take(a, of, axis=1) for a in (every, initial)), *common)
        for of in groups.values()
    ]
    if len(found) == 1:
        return found[0]
    order = np.argsort(np.concatenate(list(groups.values())), kind="stable")
    kept, observed, codes = (
        np.concatenate([getattr(of, name) for of in found], axis=-1)[..., order]
        for name in ("states", "observed", "codes")
    )
    return Paths(found[0].times, kept, observed, codes)


def _group(
    model: Model,
    schedules: list[Schedule],
    theta: Floats,
    x0: Floats,
    times: Sequence[float] | Floats,
    method: RK4 | Adaptive,
    tier: Tier,
    states: bool,
) -> Paths:
    """Members whose schedules differ in amounts alone."""
    if isinstance(method, RK4):
        grid = compile_grid(model, schedules[0], times)
        if (lanes := lanes_for(model, grid, method, len(schedules), tier, own_inputs=len(schedules) > 1)) is not None:
            return abreast(model, lanes, grid, own_amounts(model, schedules, grid), theta, x0, method, states=states)
    alone = [
        simulate(model, schedule, theta[:, m], times, method=method, x0=x0[:, m], tier="pointer", states=states)
        for m, schedule in enumerate(schedules)
    ]
    kept, observed, codes = (
        np.concatenate([getattr(of, name) for of in alone], axis=-1) for name in ("states", "observed", "codes")
    )
    return Paths(alone[0].times, kept, observed, codes)


def _course(schedule: Schedule) -> Hashable:
    """A schedule without its amounts."""
    return (
        schedule.start,
        tuple((b.time, b.state) for b in schedule.boluses),
        tuple((i.start, i.stop, i.input) for i in schedule.infusions),
        tuple((level.time, level.input) for level in schedule.levels),
        schedule.resets,
    )


def _columns(model: Model, what: str, matrix: Floats, members: int) -> Floats:
    if matrix.shape[1] not in (1, members):
        raise InputError(model.name, what, matrix.shape, f"one column, or one for each of {members} schedules")
    return np.broadcast_to(matrix, (matrix.shape[0], members))
