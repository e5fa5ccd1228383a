"""What a fitted forecaster consists of: numbers that mean something, weights that mean nothing by themselves; and what
weights that correct a model add to its slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vvuq.calibration.numbers import Number
from vvuq.calibration.stretches import Stretch, stretches
from vvuq.models.schedule import compile_grid
from vvuq.record import Cohort, Floats, Patient

if TYPE_CHECKING:
    from vvuq.assimilation.filtered import Filtered
    from vvuq.interaction.personal import FittedPersonal


@dataclass(frozen=True, slots=True)
class Inside:
    """`numbers` with unit and meaning; `weights` (w,) without."""

    numbers: tuple[Number, ...]
    weights: Floats


def inside(fit: Any) -> Inside | None:
    """What a fitted forecaster tells of itself by a method `inside`; None where it has none."""
    method = getattr(fit, "inside", None)
    return None if method is None else method()


@dataclass(frozen=True, slots=True)
class Correction:
    """Along a record, at the belief after each reading: times (k,) and readings `seen` (k,) in the model's units, and
    of every state, in `units`, its `slope` (n, k) by the core and what is `added` to it."""

    times: Floats
    seen: Floats
    time_unit: str
    units: tuple[tuple[str, str], ...]
    slope: Floats
    added: Floats


def correction(fit: Any, cohort: Cohort, patient: Patient) -> Correction | None:
    """What the learned parameters of a fitted twin add to its slopes; None for what has none.

    That with all of them 0 it is its core, a corrected twin promises (Learn)."""
    if not getattr(fit, "learned", ()):
        return None
    from vvuq.interaction.patient import assimilate

    follow = assimilate(fit.twin, fit.known, cohort, patient)
    parts = stretches(fit.twin, cohort, patient)
    slopes = [_slopes(fit, part, course) for part, course in zip(parts, follow.courses, strict=True)]
    core, whole = np.concatenate(slopes, axis=-1)
    model = fit.twin.model
    times, seen = (np.concatenate([getattr(part, of) for part in parts]) for of in ("times", "values"))
    units = tuple((name, f"{unit}/{model.time_unit}") for name, unit in model.states.items())
    return Correction(times, seen, model.time_unit, units, core, whole - core)


def _slopes(fit: FittedPersonal, stretch: Stretch, course: Filtered) -> Floats:
    """The slopes (2, n, k) of core and whole at the mean of each belief of one stretch."""
    model, n = fit.twin.model, len(fit.twin.model.states)
    learned = [model.parameter_index(name) for name in fit.learned]
    personal = [model.parameter_index(name) for name in fit.twin.personal]
    grid = compile_grid(model, stretch.schedule, stretch.times)
    before = np.maximum(np.flatnonzero(grid.record >= 0) - 1, 0)  # a reading sees what held until then
    out = np.empty((2, n, course.times.size))
    for k, (mean, u) in enumerate(zip(course.mean, grid.u[before], strict=True)):
        whole = fit.known.theta.copy()
        whole[personal] = np.exp(mean[n:])
        core = whole.copy()
        core[learned] = 0.0
        for row, theta in enumerate((core, whole)):
            slope = [0.0] * n
            model.rhs(float(course.times[k]), tuple(mean[:n].tolist()), tuple(u.tolist()), tuple(theta.tolist()), slope)
            out[row, :, k] = slope
    return out
