"""Forecast of an observable from a belief, with noise (aleatory) apart from ignorance of this patient (epistemic).

Members drawn from the belief are simulated ahead; each gives a noise-free value h and the SD of its measurement error.
The forecast is the mixture of their normal distributions: its quantiles and scores need no further sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.assimilation.system import System, parameters
from vvuq.calibration.personal import draws
from vvuq.errors import NotEvaluable
from vvuq.methods.scores import mixture_quantiles
from vvuq.models.schedule import Schedule
from vvuq.models.simulate import RK4, simulate
from vvuq.record import Belief, Floats

_LARGEST = 1e150  # a value whose square is not finite has no variance


@dataclass(frozen=True, slots=True)
class Forecast:
    """At each of `times`: members' noise-free values h (times, members) and the SD of their error (times, members)."""

    times: Floats
    values: Floats
    error_sd: Floats
    failed: int  # members that could not be simulated, or left the range of the observable; they are left out

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


def forecast(
    system: System, belief: Belief, schedule: Schedule, observable: str, times: Floats, normals: Floats
) -> Forecast:
    """Forecasts `observable` at `times` (from the belief's on); normals (d, members) are the members' standard draws.

    Sharing `normals` between two forecasts pairs them: their difference is not blurred by sampling.
    Raises NotEvaluable where no member can be simulated within the range of the observable."""
    model = system.model
    channel = model.observable_index(observable)
    members = draws(belief, normals)
    theta = parameters(system, members)
    can = np.all(np.isfinite(theta), axis=0) & np.all(np.isfinite(members), axis=0)
    noise, nothing = system.noise[channel], f"no member of the forecast of {observable} could be simulated"
    if not np.any(can):
        raise NotEvaluable(f"{model.name}: {nothing}: no parameters are finite")
    x0 = np.ascontiguousarray(members[: system.states, can])
    start, method = belief.time, RK4(system.step)
    paths = simulate(model, schedule, theta[:, can], times, method=method, x0=x0, start=start)
    values = paths.observed[:, channel, :]
    good = (paths.codes == 0) & np.all(np.abs(values) < _LARGEST, axis=0)
    if noise.sd == 0.0:  # a proportional error has no meaning below zero
        good &= np.all(values > 0.0, axis=0)
    if not np.any(good):
        raise NotEvaluable(f"{model.name}: {nothing} within its range")
    kept = values[:, good]
    failed = members.shape[1] - kept.shape[1]
    return Forecast(paths.times, kept, np.sqrt(noise.sd**2 + (noise.cv * kept) ** 2), failed)
