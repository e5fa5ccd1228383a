"""The quantity of interest of a scenario as a function of the uncertain parameters, that other processes can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from vvuq.analyses.settings import scenario
from vvuq.models.portable import portable
from vvuq.models.simulate import simulate
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Floats

Take = Literal["last", "lowest", "highest"]
LOOKS = 37  # instants at which a lowest or highest value is looked for


def quantity(
    twin: Twin, use: Mapping[str, Any], take: Take, over: float, rows: tuple[int, ...], middle: Floats
) -> Callable[[Floats], Floats]:
    """values (n,) at points (d, n): the parameters `rows` take the points' values, all others `middle`.

    take: the scenario's observable at its time, or its lowest or highest value in the time `over` before it. A run that
    fails is not-a-number."""
    settings = {"use": dict(use), "take": take, "over": over, "rows": list(rows), "middle": middle.tolist()}
    return portable(twin, _quantity, **settings)


def course(
    twin: Twin, use: Mapping[str, Any], times: Floats, rows: tuple[int, ...], middle: Floats
) -> Callable[[Floats], Floats]:
    """As `quantity`, for the observable at several times: values (times, n)."""
    settings = {"use": dict(use), "times": times.tolist(), "rows": list(rows), "middle": middle.tolist()}
    return portable(twin, _course, **settings)


def look_times(problem: Scenario, over: float, looks: int = LOOKS) -> Floats:
    """Evenly spaced instants of the last `over`, the scenario's time the last; of all of it with over 0."""
    begin = max(problem.schedule.start, problem.time - over) if over > 0.0 else problem.schedule.start
    return np.linspace(begin, problem.time, looks)


def _quantity(
    twin: Twin, *, use: dict[str, Any], take: Take, over: float, rows: list[int], middle: list[float]
) -> Callable[[Floats], Floats]:
    problem = scenario(twin, use, "use")
    times = look_times(problem, over) if take != "last" and over > 0.0 else np.array([problem.time])
    seen = _course(twin, use=use, times=times.tolist(), rows=rows, middle=middle)

    def run(points: Floats) -> Floats:
        values = seen(points)
        if take == "last":
            return np.asarray(values[-1])
        return np.asarray(values.max(axis=0) if take == "highest" else values.min(axis=0))

    return run


def _course(
    twin: Twin, *, use: dict[str, Any], times: list[float], rows: list[int], middle: list[float]
) -> Callable[[Floats], Floats]:
    problem = scenario(twin, use, "use")
    channel = twin.model.observable_index(problem.observable)

    def run(points: Floats) -> Floats:
        theta = np.repeat(np.array(middle)[:, None], points.shape[1], axis=1)
        theta[rows] = points
        paths = simulate(twin.model, problem.schedule, theta, times, method=twin.method, states=False)
        return np.where(paths.codes == 0, paths.observed[:, channel], np.nan)

    return run
