"""Forecast of an observable from a belief, with noise (aleatory) apart from ignorance of this patient (epistemic).

Members drawn from the belief are simulated ahead; each gives a noise-free value h and the SD of its measurement error.
The forecast is the mixture of their normal distributions: its quantiles and scores need no further sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.assimilation.system import Codes, System, observe, parameters, process_sd, propagate
from vvuq.assimilation.ukf_run import how_learned, lanes_for, walk_of
from vvuq.calibration.personal import draws
from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.scores import mixture_quantiles
from vvuq.models.lanes import lane_kernels
from vvuq.models.schedule import Schedule
from vvuq.models.simulate import RK4, simulate
from vvuq.numerics.codes import Code
from vvuq.numerics.members import members_ahead
from vvuq.record import Belief, Floats

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
_LARGEST = 1e150  # a value whose square is not finite has no variance


@dataclass(frozen=True, slots=True)
class Forecast:
    """At each of `times`: members' noise-free values h (times, members) and the SD of their error (times, members)."""

    times: Floats
    values: Floats
    error_sd: Floats
    failed: int  # members that could not be simulated, or left the range of the observable; they are left out
    kept: Mask | None = None  # which of the members drawn these are

    def epistemic_sd(self) -> Floats:
        """SD of what is not known of this patient (times,)."""
        return self.values.std(axis=1)

    def aleatory_sd(self) -> Floats:
        """Root mean variance of the measurement error (times,)."""
        return np.sqrt((self.error_sd**2).mean(axis=1))

    def total_quantiles(self, p: Floats) -> Floats:
        """Quantiles (times, p) of a measured value: ignorance and noise."""
        return np.array([mixture_quantiles(h, s, p) for h, s in zip(self.values, self.error_sd, strict=True)])

    def epistemic_quantiles(self, p: Floats) -> Floats:
        """Quantiles (times, p) of the true value: ignorance alone."""
        return np.quantile(self.values, p, axis=1).T


def forecast_from(
    system: System,
    belief: Belief,
    schedule: Schedule,
    observable: str,
    times: Floats,
    normals: Floats,
    walk: Floats | None = None,
) -> Forecast:
    """Forecasts `observable` at `times` (from the belief's on); normals (d, members) are the members' standard draws.

    walk (times, d, members): those of the random walk of a system that drifts, which moves at each of `times`.
    Sharing normals and walk between two forecasts pairs them: their difference is not blurred by sampling.
    Raises NotEvaluable where no member can be simulated within the range of the observable, InputError for a system
    that drifts without a walk."""
    return forecast_members(system, belief.time, schedule, observable, times, draws(belief, normals), walk)


def forecast_members(
    system: System,
    start: float,
    schedule: Schedule,
    observable: str,
    times: Floats,
    members: Floats,
    walk: Floats | None = None,
) -> Forecast:
    """As forecast_from, for members (d, N) that stand at `start`, as those of an ensemble. Raises as it does."""
    model = system.model
    channel = model.observable_index(observable)
    theta = parameters(system, members)
    can = np.all(np.isfinite(theta), axis=0) & np.all(np.isfinite(members), axis=0)
    noise, nothing = system.noise[channel], f"no member of the forecast of {observable} could be simulated"
    if not np.any(can):
        raise NotEvaluable(f"{model.name}: {nothing}: no parameters are finite")
    members = np.ascontiguousarray(members[:, can])
    if np.any(system.drift):
        if walk is None or walk.shape != (len(times), system.size, can.size):
            raise InputError("forecast", "walk", walk if walk is None else walk.shape, "(times, d, members) draws")
        values, codes = _walked(system, start, schedule, channel, times, members, walk[:, :, can])
    else:
        x0, method = members[: system.states], RK4(system.step)
        paths = simulate(model, schedule, theta[:, can], times, method=method, x0=x0, start=start)
        values, codes = paths.observed[:, channel, :], paths.codes
    good = (codes == 0) & np.all(np.abs(values) < _LARGEST, axis=0)
    if noise.sd == 0.0:  # a proportional error has no meaning below zero
        good &= np.all(values > 0.0, axis=0)
    if not np.any(good):
        raise NotEvaluable(f"{model.name}: {nothing} within its range")
    kept, which = values[:, good], can.copy()
    which[can] = good
    failed, error_sd = can.size - kept.shape[1], np.sqrt(noise.sd**2 + (noise.cv * kept) ** 2)
    return Forecast(np.asarray(times, dtype=float), kept, error_sd, failed, which)


def _walked(
    system: System, start: float, schedule: Schedule, channel: int, times: Floats, members: Floats, walk: Floats
) -> tuple[Floats, Codes]:
    """What members (d, N) show at `times`, (times, N), with the random walk of each interval added at its end."""
    count, of = members.shape[1], lane_kernels(system.model, members.shape[1])
    if of is None or system.operator is not None:
        return _walked_singly(system, start, schedule, channel, times, members, walk)
    way = walk_of(system, schedule, np.append(start, times))
    _, lanes, flat = lanes_for(system, count, of)
    seen = np.empty((len(times), len(system.noise) * lanes.shape[1]))
    drift, points = np.asarray(system.drift, dtype=float), members.copy(order="C")
    members_ahead(
        of.carry, of.observe, system.states, way.grid, way.rows, system.step, how_learned(system), drift, points,
        np.ascontiguousarray(walk), (lanes, flat), seen,
    )  # fmt: skip
    values = seen.reshape(len(times), len(system.noise), -1)[:, channel, :count]
    bad = ~np.isfinite(points).all(axis=0)
    return values, np.where(bad, int(Code.NOT_FINITE), 0)


def _walked_singly(
    system: System, start: float, schedule: Schedule, channel: int, times: Floats, members: Floats, walk: Floats
) -> tuple[Floats, Codes]:
    """_walked for a model without a wide form, or whose observation is an operator."""
    codes = np.zeros(members.shape[1], dtype=np.int64)
    values = np.full((len(times), members.shape[1]), np.nan)
    for row, end in enumerate(times):
        members, failed = propagate(system, schedule, members, start, float(end))
        members += process_sd(system, start, float(end))[:, None] * walk[row]
        values[row] = observe(system, schedule, members, float(end))[channel]
        codes, start = np.where(codes == 0, failed, codes), float(end)
    return values, codes
